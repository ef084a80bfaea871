//! Keeps the log short when much changes at once: so many lines a minute, the rest as one count.

use std::time::Duration;

/// Lines of one window.
const MOST: u32 = 20;
/// How long a window lasts.
const WINDOW: Duration = Duration::from_secs(60);

/// What was said in the present window.
#[derive(Debug, Default)]
pub(super) struct Lines {
    since: Duration,
    said: u32,
    folded: u64,
}

impl Lines {
    /// True when one more line may be written at `now`; else it is counted.
    pub fn admit(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.since) >= WINDOW {
            (self.since, self.said) = (now, 0);
        }
        let admitted = self.said < MOST;
        if admitted {
            self.said += 1;
        } else {
            self.folded += 1;
        }
        admitted
    }

    /// How many lines were left out, once their window is over.
    pub fn take_folded(&mut self, now: Duration) -> Option<u64> {
        let over = self.folded > 0 && now.saturating_sub(self.since) >= WINDOW;
        over.then(|| std::mem::take(&mut self.folded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted_and_said_once() {
        let mut lines = Lines::default();
        let at = Duration::from_secs;
        let admitted = (0..50).filter(|_| lines.admit(at(1))).count();
        assert_eq!(admitted, MOST as usize);
        assert_eq!(lines.take_folded(at(30)), None);
        assert_eq!(lines.take_folded(at(61)), Some(30));
        assert_eq!(lines.take_folded(at(62)), None);
        assert!(lines.admit(at(62)));
    }
}
