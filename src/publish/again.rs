//! When a list is asked for again: after a pause that doubles with each relapse, so that whatever made the list necessary
//! cannot turn into lists without end.

use std::time::Duration;

/// The first pause.
pub(super) const FIRST: Duration = Duration::from_secs(1);
/// The longest one.
pub(super) const LONGEST: Duration = Duration::from_secs(5 * 60);
/// So long after its last turn, a cause begins anew.
pub(super) const RELAPSE: Duration = Duration::from_secs(10 * 60);

/// The pauses of one cause.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    length: Duration,
    last: Option<Duration>,
}

impl Pauses {
    /// When to ask, if the cause appeared at `now`.
    pub(super) fn after(&mut self, now: Duration) -> Duration {
        let is_relapse = self.last.is_some_and(|last| now.saturating_sub(last) < RELAPSE);
        self.length = if is_relapse { (self.length * 2).min(LONGEST) } else { FIRST };
        let due = now + self.length;
        self.last = Some(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_each_relapse_up_to_a_limit_and_begin_anew_after_a_quiet_time() {
        let seconds = Duration::from_secs;
        let mut pauses = Pauses::default();
        let mut now = seconds(100);
        let mut waits = Vec::new();
        for _ in 0..11 {
            let due = pauses.after(now);
            waits.push((due - now).as_secs());
            now = due;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(pauses.after(now + RELAPSE), now + RELAPSE + FIRST);
    }
}
