//! How long to wait after a fault: exponential with jitter, per kind and shared by the kinds of a cluster.
//!
//! In: faults and healthy moments of each kind. Out: delays. Pure but for the clock and the jitter, which come in as values.
//!
//! A kind that alone fails for ever slows down alone, however healthy the others are; kinds that fail together
//! (a dead API server) count as one fault per round, and a kind that fails after the others starts at their delay.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Doublings after which the delay no longer grows in any case.
const MAX_LEVEL: u32 = 16;

/// The part that the kinds of one cluster share.
#[derive(Debug, Clone, Default)]
pub struct SharedBackoff(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    level: u32,
    /// Faults before this moment belong to the round already counted.
    round_ends: Option<Instant>,
}

/// The delays of one kind.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    level: u32,
    shared: SharedBackoff,
}

impl Backoff {
    /// `bounds`: first and longest delay.
    pub fn new(bounds: (Duration, Duration), shared: SharedBackoff) -> Self {
        Backoff { first: bounds.0, longest: bounds.1, level: 0, shared }
    }

    /// The delay after a fault at `now`, at least `retry_after`. `jitter` in 0.0..1.0 takes up to half of the delay away.
    pub fn fail(&mut self, now: Instant, retry_after: Option<Duration>, jitter: f64) -> Duration {
        let mut shared = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let level = self.level.max(shared.level);
        let full = self.first.saturating_mul(1 << level.min(MAX_LEVEL)).min(self.longest);
        let delay = full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0).max(retry_after.unwrap_or_default());
        if shared.round_ends.is_none_or(|end| now >= end) {
            shared.level = (shared.level + 1).min(MAX_LEVEL);
            shared.round_ends = Some(now + delay);
        }
        self.level = (level + 1).min(MAX_LEVEL);
        delay
    }

    /// A clean end, or a watch that lived long enough.
    pub fn reset(&mut self) {
        self.level = 0;
        let mut shared = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = Shared::default();
    }
}

/// A number in 0.0..1.0 that differs between calls, from the hasher's random keys: good enough to spread retries.
pub fn jitter() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(0u8) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn doubles_to_the_bound_and_starts_over_after_a_healthy_moment() {
        let mut backoff = Backoff::new(BOUNDS, SharedBackoff::default());
        let mut now = Instant::now();
        let mut delays = Vec::new();
        for _ in 0..8 {
            let delay = backoff.fail(now, None, 0.0);
            delays.push(delay.as_secs());
            now += delay;
        }
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.fail(now, None, 0.0), seconds(1));
    }

    #[test]
    fn jitter_takes_away_at_most_half_and_retry_after_is_a_floor() {
        let mut backoff = Backoff::new(BOUNDS, SharedBackoff::default());
        assert_eq!(backoff.fail(Instant::now(), None, 1.0), Duration::from_millis(500));
        assert_eq!(backoff.fail(Instant::now(), Some(seconds(30)), 0.0), seconds(30));
    }

    #[test]
    fn kinds_that_fail_together_count_as_one_round() {
        let shared = SharedBackoff::default();
        let mut kinds: Vec<Backoff> = (0..6).map(|_| Backoff::new(BOUNDS, shared.clone())).collect();
        let now = Instant::now();
        assert_eq!(kinds[0].fail(now, None, 0.0), seconds(1));
        for kind in &mut kinds[1..] {
            assert_eq!(kind.fail(now, None, 0.0), seconds(2), "the second of a round waits for the first's next step");
        }
        let mut late = Backoff::new(BOUNDS, shared);
        assert_eq!(late.fail(now + seconds(1), None, 0.0), seconds(2));
    }

    #[test]
    fn a_kind_that_alone_fails_slows_down_although_others_are_healthy() {
        let shared = SharedBackoff::default();
        let (mut broken, mut healthy) = (Backoff::new(BOUNDS, shared.clone()), Backoff::new(BOUNDS, shared));
        let mut now = Instant::now();
        for expected in [1, 2, 4, 8] {
            let delay = broken.fail(now, None, 0.0);
            assert_eq!(delay, seconds(expected));
            now += delay;
            healthy.reset();
        }
    }

    #[test]
    fn jitter_stays_in_range() {
        assert!((0..1000).map(|_| jitter()).all(|value| (0.0..1.0).contains(&value)));
    }
}
