//! Every time constant of the list-and-watch loop in one place, so that tests scale them down (RESILIENCE.md 4.1).

use std::time::Duration;

/// The times of one cluster's loop. [`Timing::default`] is what RESILIENCE.md 4.1 states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// `timeoutSeconds` of a watch, rounded up to whole seconds on the wire.
    pub watch: Duration,
    /// Added to [`Timing::watch`]: the longest silence of a body.
    pub slack: Duration,
    /// Request sent until response head.
    pub head: Duration,
    /// First page asked until last page read.
    pub list: Duration,
    /// A TCP connect and TLS handshake.
    pub connect: Duration,
    /// One write to the socket.
    pub write: Duration,
    /// Least time between two starts of a watch of one kind, and between two signs of life sent for it.
    pub pace: Duration,
    /// First and longest delay after a fault.
    pub backoff: (Duration, Duration),
    /// Longest `Retry-After` that is honoured.
    pub retry_after: Duration,
    /// A watch that lived this long was healthy: the delay starts over.
    pub healthy: Duration,
    /// Between two probes of a cluster, and the deadline of one.
    pub probe: (Duration, Duration),
    /// Between two looks for a kind that is absent or forbidden.
    pub reprobe: Duration,
    /// Between the two discoveries that must agree that a kind which was served is gone.
    pub confirm: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Timing {
            watch: seconds(20),
            slack: seconds(3),
            head: seconds(10),
            list: seconds(300),
            connect: seconds(5),
            write: seconds(10),
            pace: seconds(1),
            backoff: (seconds(1), seconds(60)),
            retry_after: seconds(60),
            healthy: seconds(10),
            probe: (seconds(60), seconds(10)),
            reprobe: seconds(60),
            confirm: seconds(30),
        }
    }
}

impl Timing {
    /// The default times with the watch fitted to a cluster's freshness:
    /// max(1 s, min(30 s, half of the smaller of the two)); a zero means "never" and does not count.
    pub fn for_freshness(suspect_after: Duration, demote_after: Duration) -> Self {
        let smaller = [suspect_after, demote_after].into_iter().filter(|time| !time.is_zero()).min();
        let watch = smaller.map_or(Duration::from_secs(30), |time| time / 2);
        Timing { watch: watch.clamp(Duration::from_secs(1), Duration::from_secs(30)), ..Timing::default() }
    }

    /// The longest silence of a response body.
    pub fn silence(&self) -> Duration {
        self.watch + self.slack
    }

    /// [`Timing::watch`] as the API takes it.
    pub fn watch_seconds(&self) -> u64 {
        self.watch.as_millis().div_ceil(1000).max(1) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_half_of_the_smaller_freshness_time() {
        let cases = [(40, 60, 20), (40, 0, 20), (0, 0, 30), (200, 300, 30), (1, 1, 1), (90, 10, 5)];
        for (suspect, demote, expected) in cases {
            let timing = Timing::for_freshness(Duration::from_secs(suspect), Duration::from_secs(demote));
            assert_eq!(timing.watch_seconds(), expected, "{suspect} {demote}");
        }
        assert_eq!(Timing::default().silence(), Duration::from_secs(23));
    }

    #[test]
    fn parts_of_a_second_round_up_on_the_wire() {
        let timing = Timing { watch: Duration::from_millis(200), ..Timing::default() };
        assert_eq!(timing.watch_seconds(), 1);
    }
}
