//! The brake on mass deletions (RESILIENCE.md rule 6).
//!
//! In: what a complete list of one kind of one cluster lacks of the facts held. Out: the objects that stay although a list lacks
//! them, and an [`Event`] for the log. Additions and changes are none of its business, nor are deletions that name their object.

use super::fact::{Kind, ObjectKey};
use super::facts::{Judge, Loss, Omission};
use super::id::ClusterId;
use super::observation::Change;
use std::collections::HashMap;
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

    /// Judges a complete list of one kind of a cluster, at `now` (when its octets arrived).
    pub fn of(&mut self, cluster: &ClusterId, kind: Kind, now: Duration) -> Hearing<'_> {
        Hearing { brake: self, at: (cluster.clone(), kind), now }
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

/// The brake while it judges one list.
#[derive(Debug)]
pub struct Hearing<'a> {
    brake: &'a mut Brake,
    at: (ClusterId, Kind),
    now: Duration,
}

impl Hearing<'_> {
    /// The deletions of this kind that do not wait any more are done, or called off.
    fn end(&mut self, objects: usize) {
        let (cluster, kind) = self.at.clone();
        self.brake.events.push(match objects {
            0 => Event::Returned { cluster, kind },
            objects => Event::Deleted { cluster, kind, objects },
        });
    }
}

impl Judge for Hearing<'_> {
    fn returned(&mut self, key: &ObjectKey) {
        let (cluster, kind) = &self.at;
        self.brake.release(cluster, *kind, key);
    }

    fn agrees(&self, key: &ObjectKey) -> Option<bool> {
        let since = self.brake.holds.get(&self.at)?.since.get(key)?;
        // What two lists lack that lie so far apart is gone.
        Some(self.now >= *since + self.brake.limits.confirm_after)
    }

    fn judge(&mut self, omission: &Omission<'_>) -> bool {
        let objects = omission.keys.len();
        if let Some(hold) = self.brake.holds.get_mut(&self.at)
            && hold.since.len() > omission.before
        {
            // Neither listed nor held any more.
            hold.since.retain(|key, _| omission.keys.contains(key));
        }
        let waited = self.brake.holds.contains_key(&self.at);
        if objects == omission.agreed || !self.brake.limits.is_over(omission.loss) {
            if waited {
                self.end(objects);
            }
            if objects == 0 {
                self.brake.holds.remove(&self.at);
            }
            return false;
        }
        if !waited {
            let (cluster, kind) = self.at.clone();
            *self.brake.totals.entry(cluster.clone()).or_default() += 1;
            self.brake.events.push(Event::Held { cluster, kind, objects, loss: omission.loss });
        }
        let hold = self.brake.holds.entry(self.at.clone()).or_default();
        // At once: to grow a large map takes longer than a part of a list may.
        hold.since.reserve(objects - omission.before);
        true
    }

    fn stays(&mut self, key: &ObjectKey) {
        let hold = self.brake.holds.entry(self.at.clone()).or_default();
        hold.since.entry(key.clone()).or_insert(self.now);
    }

    fn goes(&mut self, key: &ObjectKey) {
        let Some(hold) = self.brake.holds.get_mut(&self.at) else { return };
        hold.since.remove(key);
        if hold.since.is_empty() {
            self.brake.holds.remove(&self.at);
        }
    }
}

#[cfg(test)]
mod tests;
