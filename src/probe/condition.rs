//! When an address counts as ill: a pure state machine with thresholds in both directions.

use crate::model::probe::Check;

/// What its probes have shown of an address so far. It begins well: no evidence is not ill health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// It fails its check.
    pub ill: bool,
    /// Results in a row that speak against [`Condition::ill`] as it is.
    pub against: u32,
}

impl Condition {
    /// Takes one result in. It turns ill after `failures` failures in a row, and well after `successes` successes in a row.
    pub fn step(self, success: bool, check: &Check) -> Self {
        if success != self.ill {
            return Condition { against: 0, ..self };
        }
        let against = self.against.saturating_add(1);
        let wanted = if self.ill { check.successes } else { check.failures };
        match against >= wanted {
            true => Condition { ill: !self.ill, against: 0 },
            false => Condition { against, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::probe::Request;
    use proptest::prelude::*;

    fn check(failures: u32, successes: u32) -> Check {
        Check { failures, successes, ..Check::new(Request::parse("tcp:80").unwrap()) }
    }

    /// The rule read off the whole history, newest last: what the thresholds mean, without a state.
    fn told_by_history(history: &[bool], check: &Check) -> bool {
        let ends_in = |upto: usize, result: bool, count: u32| {
            let count = count as usize;
            upto >= count && history[upto - count..upto].iter().all(|seen| *seen == result)
        };
        (1..=history.len()).fold(false, |ill, upto| match ill {
            false => ends_in(upto, false, check.failures),
            true => !ends_in(upto, true, check.successes),
        })
    }

    proptest! {
        #[test]
        fn a_turn_takes_exactly_its_threshold(history in prop::collection::vec(any::<bool>(), 0..200), failures in 1u32..6, successes in 1u32..6) {
            let check = check(failures, successes);
            let mut condition = Condition::default();
            for (upto, success) in history.iter().enumerate() {
                let before = condition;
                condition = condition.step(*success, &check);
                prop_assert_eq!(condition.ill, told_by_history(&history[..=upto], &check));
                let threshold = if condition.ill { successes } else { failures };
                prop_assert!(condition.against < threshold, "a threshold that is reached turns it");
                prop_assert!(condition.ill == before.ill || *success != condition.ill, "a result never turns against itself");
            }
        }
    }

    #[test]
    fn one_lost_probe_is_forgiven_and_flapping_turns_nothing() {
        let check = check(2, 2);
        let flapping = (0..100).fold(Condition::default(), |at, turn| at.step(turn % 2 == 0, &check));
        assert!(!flapping.ill);
        let ill = Condition::default().step(false, &check).step(false, &check);
        assert!(ill.ill && !ill.step(true, &check).step(true, &check).ill);
    }
}
