//! Times that leave a watch no room (RESILIENCE.md 4.1).

use super::super::convert::watch_timeout;
use super::super::{Freshness, value::Period};
use super::Checker;
use std::time::Duration;

/// A watch is given up for silent so long after its time-out.
const WATCH_SILENCE: Duration = Duration::from_secs(3);

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    check_room(checker, "freshness", &config.freshness);
    for (index, entry) in config.clusters.iter().enumerate() {
        if entry.freshness.suspect_after.is_some() || entry.freshness.demote_after.is_some() {
            let effective = config.freshness_of(&entry.name);
            check_room(checker, &format!("clusters[{index}].freshness"), &effective);
        }
    }
}

fn check_room(checker: &mut Checker<'_>, section: &str, freshness: &Freshness) {
    let earliest = watch_timeout(freshness) + WATCH_SILENCE;
    for (key, period) in [("suspectAfter", freshness.suspect_after), ("demoteAfter", freshness.demote_after)] {
        if period.limit().is_some_and(|limit| limit < earliest) {
            checker.warning(&format!("{section}.{key}"), &period.to_string(), no_room(period, earliest));
        }
    }
}

fn no_room(period: Period, earliest: Duration) -> String {
    let seconds = earliest.as_secs();
    format!(
        "{period} is shorter than the {seconds}s after which a silent watch is noticed: \
         a quiet cluster would be taken for a lost one; write 6s or more, or 0 for never"
    )
}
