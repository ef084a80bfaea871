//! The brake on mass deletions (RESILIENCE.md rule 6).
//!
//! In: what a complete list of one kind of one cluster lacks of the facts held. Out: the objects that stay although a list lacks
//! them, and an [`Event`] for the log. Additions and changes are none of its business, nor are deletions that name their object.

use super::fact::{Kind, ObjectKey};
use super::facts::{Loss, Omission};
use super::id::ClusterId;
use super::observation::Change;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// `brake` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In percent: more than this share of the services must go ...
    pub share: u8,
    /// ... and more than this number of them.
    pub services: usize,
    /// Until the second list; zero switches the brake off.
    pub confirm_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { share: 50, services: 20, confirm_after: Duration::from_secs(30) }
    }
}

impl Limits {
    fn is_over(&self, loss: Loss) -> bool {
        !self.confirm_after.is_zero()
            && loss.lost > self.services
            && loss.lost.saturating_mul(100) > loss.of.saturating_mul(usize::from(self.share))
    }
}

/// What the brake did with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Deletions wait for a second list.
    Held { cluster: ClusterId, kind: Kind, objects: usize, loss: Loss },
    /// The second list agreed, or the loss is no longer large: what a list lacks is deleted.
    Deleted { cluster: ClusterId, kind: Kind, objects: usize },
    /// Every object that waited is back.
    Returned { cluster: ClusterId, kind: Kind },
}

/// Deletions of one kind of one cluster that wait.
#[derive(Debug, Default)]
struct Hold {
    /// When a list first lacked the object.
    since: HashMap<ObjectKey, Duration>,
    /// When a second list was last asked for.
    asked: Option<Duration>,
}

/// Everything that waits.
#[derive(Debug, Default)]
pub struct Brake {
    limits: Limits,
    holds: HashMap<(ClusterId, Kind), Hold>,
    /// How often it took hold, per cluster.
    totals: HashMap<ClusterId, u64>,
    events: Vec<Event>,
}

impl Brake {
    /// Puts other limits in force; what waits goes on waiting.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Hears of a change of a cluster that is no complete list.
    pub fn hear(&mut self, cluster: &ClusterId, change: &Change) {
        match change {
            Change::Apply { fact, .. } => self.release(cluster, fact.kind(), &fact.key()),
            Change::Delete { kind, key } => self.release(cluster, *kind, key),
            _ => {}
        }
    }

    /// The kind is not served any more: two discoveries in agreement are the second opinion already.
    pub fn absent(&mut self, cluster: &ClusterId, kind: Kind) {
        self.holds.remove(&(cluster.clone(), kind));
    }

    /// Judges what a complete list of a cluster lacks, at `now` (when its octets arrived). The objects that must stay.
    pub fn judge(&mut self, cluster: &ClusterId, omission: &Omission<'_>, now: Duration) -> HashSet<ObjectKey> {
        let (kind, omitted) = (omission.kind, omission.keys);
        let before = self.holds.remove(&(cluster.clone(), kind)).unwrap_or_default();
        // What two lists lack that lie so far apart is gone.
        let is_agreed = |since: &Duration| now >= *since + self.limits.confirm_after;
        let waits = |key: &ObjectKey| !before.since.get(key).is_some_and(is_agreed);
        let few = omitted.len() <= self.limits.services;
        let loss = if few { Loss::default() } else { omission.loss() };
        let all = omitted.len();
        let rest: HashSet<ObjectKey> = omitted.iter().filter(|key| waits(key)).cloned().collect();
        let (cluster, waited) = (cluster.clone(), !before.since.is_empty());
        if rest.is_empty() || !self.limits.is_over(loss) {
            if waited {
                self.events.push(match all {
                    0 => Event::Returned { cluster, kind },
                    objects => Event::Deleted { cluster, kind, objects },
                });
            }
            return HashSet::new();
        }
        if !waited {
            *self.totals.entry(cluster.clone()).or_default() += 1;
            self.events.push(Event::Held { cluster: cluster.clone(), kind, objects: rest.len(), loss });
        }
        let since = rest.iter().map(|key| (key.clone(), before.since.get(key).copied().unwrap_or(now))).collect();
        self.holds.insert((cluster, kind), Hold { since, asked: before.asked });
        rest
    }

    /// The object was named by an event: no list has to speak for it any more.
    fn release(&mut self, cluster: &ClusterId, kind: Kind, key: &ObjectKey) {
        if self.holds.is_empty() {
            return;
        }
        let at = (cluster.clone(), kind);
        let Some(hold) = self.holds.get_mut(&at) else { return };
        hold.since.remove(key);
        if hold.since.is_empty() {
            self.holds.remove(&at);
            self.events.push(Event::Returned { cluster: cluster.clone(), kind });
        }
    }

    /// The lists that are to be asked for now: each once per `confirm_after`.
    pub fn due(&mut self, now: Duration) -> Vec<(ClusterId, Kind)> {
        let mut due = Vec::new();
        for ((cluster, kind), hold) in &mut self.holds {
            let Some(first) = hold.since.values().min() else { continue };
            if now >= hold.asked.unwrap_or(*first) + self.limits.confirm_after {
                hold.asked = Some(now);
                due.push((cluster.clone(), *kind));
            }
        }
        due
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Deletions of a cluster that wait: kind and number of objects, in order of kind.
    pub fn waiting(&self, cluster: &ClusterId) -> Vec<(Kind, usize)> {
        let of_cluster = self.holds.iter().filter(|((of, _), _)| of == cluster);
        let mut waiting: Vec<_> = of_cluster.map(|((_, kind), hold)| (*kind, hold.since.len())).collect();
        waiting.sort_unstable();
        waiting
    }

    /// How often it took hold of lists of a cluster.
    pub fn total(&self, cluster: &ClusterId) -> u64 {
        self.totals.get(cluster).copied().unwrap_or_default()
    }

    /// A cluster was removed by configuration: nothing of it waits.
    pub fn forget(&mut self, cluster: &ClusterId) {
        self.holds.retain(|(of, _), _| of != cluster);
        self.totals.remove(cluster);
    }
}

#[cfg(test)]
mod tests;
