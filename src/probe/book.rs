//! What is known of each target, without I/O or a clock.
//!
//! In: the wanted targets, results of probes, the time. Out: what is due, the ill ones, lines for the log.

use super::condition::Condition;
use crate::model::ClusterId;
use crate::model::date::rfc3339;
use crate::model::probe::{Action, Evidence, Target};
use crate::model::remark::Remark;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// More targets are not probed: each takes memory and its share of the probes.
pub(super) const MOST_TARGETS: usize = 10_000;

/// All targets.
#[derive(Debug, Default)]
pub(super) struct Book {
    targets: BTreeMap<Target, Entry>,
    /// Spreads the probes over their intervals.
    seed: RandomState,
    /// Others are ill than those handed on last.
    changed: bool,
    /// Targets that did not fit, as last said.
    left_out: usize,
}

#[derive(Debug)]
struct Entry {
    /// A service or host that it is answered for.
    user: Arc<str>,
    condition: Condition,
    /// Why it is ill.
    why: Option<Arc<str>>,
    due: Duration,
    rounds: u64,
    /// A probe is under way.
    open: bool,
}

impl Book {
    /// These targets are wanted from now on, no others; what is known of those that stay is kept.
    pub fn want(&mut self, mut wanted: BTreeMap<Target, Arc<str>>, now: Duration) -> Option<Remark> {
        let left_out = wanted.len().saturating_sub(MOST_TARGETS);
        if let Some(first) = wanted.keys().nth(MOST_TARGETS).cloned() {
            drop(wanted.split_off(&first));
        }
        self.targets.retain(|target, entry| {
            let keep = wanted.contains_key(target);
            self.changed |= !keep && entry.condition.ill;
            keep
        });
        for (target, user) in wanted {
            if let Some(entry) = self.targets.get_mut(&target) {
                entry.user = user;
                continue;
            }
            let due = now + target.check.interval.mul_f64(self.share(&target, 0));
            let (condition, why) = (Condition::default(), None);
            self.targets.insert(target, Entry { user, condition, why, due, rounds: 0, open: false });
        }
        let more = left_out > std::mem::replace(&mut self.left_out, left_out);
        more.then(|| {
            Remark::Warning(format!(
                "health checks: {left_out} addresses beyond {MOST_TARGETS} are not probed and count as well; give fewer \
                 services a `health`"
            ))
        })
    }

    /// A share of 0 to 1 that differs from target to target and from round to round.
    fn share(&self, target: &Target, round: u64) -> f64 {
        (self.seed.hash_one((target, round)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// At most `most` targets whose probe should begin now, those that wait longest first; they count as begun.
    pub fn begin(&mut self, now: Duration, most: usize) -> Vec<Target> {
        let is_due = |entry: &Entry| !entry.open && entry.due <= now;
        let due = self.targets.iter().filter(|(_, entry)| is_due(entry));
        let mut due: Vec<(Duration, Target)> = due.map(|(target, entry)| (entry.due, target.clone())).collect();
        due.sort_by_key(|(due, _)| *due);
        due.truncate(most);
        for (_, target) in &due {
            let Some(rounds) = self.targets.get(target).map(|entry| entry.rounds + 1) else { continue };
            // Nine to eleven tenths, so that probes that met by chance part again.
            let pause = target.check.interval.mul_f64(0.9 + 0.2 * self.share(target, rounds));
            if let Some(entry) = self.targets.get_mut(target) {
                (entry.open, entry.rounds, entry.due) = (true, rounds, now + pause);
            }
        }
        due.into_iter().map(|(_, target)| target).collect()
    }

    /// Takes the result of a probe at `unix` seconds in. The line says when a target becomes ill or well.
    pub fn end(&mut self, target: &Target, result: &Result<(), String>, unix: i64) -> Option<Remark> {
        let entry = self.targets.get_mut(target)?;
        entry.open = false;
        let before = entry.condition;
        entry.condition = before.step(result.is_ok(), &target.check);
        if before.ill == entry.condition.ill {
            return None;
        }
        self.changed = true;
        let Target { cluster, address, check } = target;
        let subject = format!("cluster {cluster}: {}: health check {check} of {address}", entry.user);
        let Err(error) = result else {
            entry.why = None;
            return Some(Remark::Information(format!("{subject} succeeds again: it is answered in its place")));
        };
        let times = check.failures;
        let why = format!("health check {check} failed {times} times in a row ({error}), since {}", rfc3339(unix));
        entry.why = Some(why.into());
        let effect = match check.action {
            Action::Demote => "it is answered behind all that are well",
            Action::Drop => "it is left out while others have its families and ports",
        };
        Some(Remark::Warning(format!(
            "{subject} failed {times} times in a row ({error}): {effect}, until {} succeed; repair it or correct `health`",
            check.successes
        )))
    }

    /// True without any target.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The ill targets, if they are others than those of the last call.
    pub fn take_changed(&mut self) -> Option<Evidence> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let ill = |(target, entry): (&Target, &Entry)| Some((target.clone(), entry.why.clone()?));
        Some(self.targets.iter().filter_map(ill).collect())
    }

    /// Well and ill targets by cluster.
    pub fn counts(&self) -> BTreeMap<ClusterId, (u64, u64)> {
        let mut counts: BTreeMap<ClusterId, (u64, u64)> = BTreeMap::new();
        for (target, entry) in &self.targets {
            let (well, ill) = counts.entry(target.cluster.clone()).or_default();
            *if entry.condition.ill { ill } else { well } += 1;
        }
        counts
    }
}
