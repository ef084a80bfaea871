//! Refuses new objects while memory is short (RESILIENCE.md 2.2, `memoryLimit`); changes and deletions go on.
//!
//! In: observations, and whether there is room. Out: the observations without objects that are not held yet, counts of what
//! was refused, and what must be listed again once there is room.

use crate::model::facts::ClusterFacts;
use crate::model::{Change, ClusterId, Fact, Kind};
use std::collections::BTreeMap;

/// The code of what was refused, beside the codes of findings.
pub(super) const CODE: &str = "over-memory";

/// What is refused, and what was.
#[derive(Debug, Default)]
pub struct Growth {
    stopped: bool,
    /// Per cluster and kind, what was refused since its last whole list.
    refused: BTreeMap<(ClusterId, Kind), u64>,
}

impl Growth {
    /// Refuses new objects from now on.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Takes new objects again; returns what lacks some and must be listed again.
    pub fn resume(&mut self) -> Vec<(ClusterId, Kind)> {
        self.stopped = false;
        std::mem::take(&mut self.refused).into_keys().collect()
    }

    /// Objects of a cluster that were refused and are not held.
    pub fn refused(&self, cluster: &ClusterId) -> u64 {
        self.refused.iter().filter(|((of, _), _)| of == cluster).map(|(_, count)| count).sum()
    }

    /// The change without objects for which there is no room. Namespaces and Nodes, which are few, always have it: without
    /// them, absent and empty names would be told apart wrongly.
    pub(super) fn admit(&mut self, cluster: &ClusterId, held: Option<&ClusterFacts>, change: Change) -> Change {
        if !self.stopped {
            return change;
        }
        let has_room = |fact: &Fact| {
            let kind = fact.kind();
            kind.is_cluster_scoped() || held.is_some_and(|held| held.holds(kind, &fact.key()))
        };
        match change {
            Change::Apply { fact, .. } if !has_room(&fact) => {
                let kind = fact.kind();
                *self.refused.entry((cluster.clone(), kind)).or_default() += 1;
                Change::Contact { kind }
            }
            Change::Replace { kind, mut facts, findings } => {
                let listed = facts.len();
                facts.retain(has_room);
                // Freed at once, not when the list is through.
                facts.shrink_to_fit();
                match (listed - facts.len()) as u64 {
                    0 => drop(self.refused.remove(&(cluster.clone(), kind))),
                    count => drop(self.refused.insert((cluster.clone(), kind), count)),
                }
                Change::Replace { kind, facts, findings }
            }
            change => change,
        }
    }

    /// Forgets clusters that are gone.
    pub(super) fn retain(&mut self, exists: impl Fn(&ClusterId) -> bool) {
        self.refused.retain(|(cluster, _), _| exists(cluster));
    }
}
