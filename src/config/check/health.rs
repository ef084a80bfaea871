//! Times of health checks that leave nothing to check.

use super::super::keys::HealthCheck;
use super::Checker;
use std::time::Duration;

/// More than ten probes a second of one address would be an attack on it.
const SHORTEST: Duration = Duration::from_millis(100);

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    let policies = config.policies.iter().enumerate().map(|(index, entry)| ("policies", index, &entry.health));
    let clusters = config.clusters.iter().enumerate().map(|(index, entry)| ("clusters", index, &entry.health));
    for (list, index, health) in policies.chain(clusters) {
        if let Some(health) = health {
            check_times(checker, &format!("{list}[{index}].health"), health);
        }
    }
}

fn check_times(checker: &mut Checker<'_>, section: &str, health: &HealthCheck) {
    let (interval, timeout) = (health.interval, health.timeout);
    if interval.duration() < SHORTEST {
        let message = "is too often; write 100ms or more, or leave `health` out to switch the check off";
        checker.error(&format!("{section}.interval"), &interval.to_string(), message);
    }
    if timeout.duration().is_zero() {
        let message = "leaves no time for an answer; write a time such as 2s";
        checker.error(&format!("{section}.timeout"), &timeout.to_string(), message);
    }
}
