//! A clock that stands still while this process does.
//!
//! In: monotonic times since the start of the process. Out: times less the pauses before them. A process that was stopped, or
//! got no CPU, heard nothing because it did not listen: that is not the clusters' age (RESILIENCE.md section 3).

use std::time::Duration;

/// A tick that is later than this was a pause.
const LATE: Duration = Duration::from_secs(5);
/// Pauses that are remembered one by one; older ones count for every time.
const PAUSES: usize = 64;

/// Knows the pauses of this process.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Time between two ticks.
    period: Duration,
    late: Duration,
    last: Option<Duration>,
    /// Pauses that are no longer remembered one by one.
    before: Duration,
    /// Start and length, in order.
    pauses: Vec<(Duration, Duration)>,
}

impl Clock {
    /// For a ticker of this period.
    pub fn new(period: Duration) -> Self {
        Clock { period, late: LATE, last: None, before: Duration::ZERO, pauses: Vec::new() }
    }

    /// The ticker ticks at `now`.
    pub fn tick(&mut self, now: Duration) {
        let due = self.last.map_or(now, |last| last + self.period);
        let late = now.saturating_sub(due);
        if late > self.late {
            self.pauses.push((due, late));
        }
        if self.pauses.len() > PAUSES {
            self.before += self.pauses.remove(0).1;
        }
        self.last = Some(now);
    }

    /// The time on this clock at the monotonic time `at`.
    pub fn at(&self, at: Duration) -> Duration {
        let paused = |(start, length): &(Duration, Duration)| at.saturating_sub(*start).min(*length);
        at.saturating_sub(self.before + self.pauses.iter().map(paused).sum::<Duration>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_a_tick_that_is_more_than_five_seconds_late_is_a_pause() {
        let mut clock = Clock::new(seconds(1));
        [10, 11, 17, 18].into_iter().for_each(|at| clock.tick(seconds(at)));
        assert_eq!(clock.at(seconds(18)), seconds(18));
        clock.tick(seconds(100));
        clock.tick(seconds(101));
        assert_eq!(clock.at(seconds(18)), seconds(18), "before the pause");
        assert_eq!(clock.at(seconds(60)), seconds(19), "within");
        assert_eq!(clock.at(seconds(101)), seconds(20), "behind");
    }

    #[test]
    fn a_contact_before_a_pause_does_not_age_in_it_and_one_behind_it_is_younger() {
        let mut clock = Clock::new(seconds(1));
        clock.tick(seconds(10));
        clock.tick(seconds(3610));
        let age = |contact| clock.at(seconds(3615)) - clock.at(seconds(contact));
        assert_eq!((age(9), age(3612)), (seconds(7), seconds(3)));
    }

    #[test]
    fn old_pauses_are_forgotten_without_a_jump() {
        let mut clock = Clock::new(seconds(1));
        (0..500).for_each(|n| clock.tick(seconds(n * 11)));
        let (now, earlier) = (clock.at(seconds(499 * 11)), clock.at(seconds(498 * 11)));
        assert_eq!((now, now - earlier), (seconds(499), seconds(1)));
    }
}
