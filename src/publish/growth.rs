//! Refuses new objects while memory is short (RESILIENCE.md 2.2, `memoryLimit`); changes and deletions go on.
//!
//! In: observations, and whether there is room. Out: the observations without objects that are not held yet, counts of what
//! was refused, and what must be listed again once there is room.

use super::again::Pauses;
use crate::model::facts::ClusterFacts;
use crate::model::{Change, ClusterId, Fact, Kind};
use std::collections::BTreeMap;
use std::time::Duration;

/// The code of what was refused, beside the codes of findings.
pub(super) const CODE: &str = "over-memory";

/// What is refused, and what was.
#[derive(Debug, Default)]
pub struct Growth {
    stopped: bool,
    /// Per cluster and kind, what was refused since its last whole list.
    refused: BTreeMap<(ClusterId, Kind), u64>,
    pauses: Pauses,
    /// When what was refused is to be listed again, if there is room until then.
    due: Option<Duration>,
}

impl Growth {
    /// Refuses new objects from now on.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.due = None;
    }

    /// Takes new objects again from `now` on. What was refused is listed again after a pause: a list that leads straight back
    /// to the limit would otherwise be asked for without end.
    pub fn resume(&mut self, now: Duration) {
        self.stopped = false;
        self.due = (!self.refused.is_empty()).then(|| self.pauses.after(now));
    }

    /// What lacks refused objects and is to be listed again at `now`; each once.
    pub fn due(&mut self, now: Duration) -> Vec<(ClusterId, Kind)> {
        if self.due.take_if(|due| *due <= now).is_none() {
            return Vec::new();
        }
        self.refused.keys().cloned().collect()
    }

    /// Objects of a cluster that were refused and are not held.
    pub fn refused(&self, cluster: &ClusterId) -> u64 {
        self.refused.iter().filter(|((of, _), _)| of == cluster).map(|(_, count)| count).sum()
    }

    /// The change without objects for which there is no room. Namespaces and Nodes, which are few, always have it: without
    /// them, absent and empty names would be told apart wrongly.
    pub(super) fn admit(&mut self, cluster: &ClusterId, held: Option<&ClusterFacts>, change: Change) -> Change {
        if !self.stopped {
            if let Change::Replace { kind, .. } = &change
                && !self.refused.is_empty()
            {
                self.refused.remove(&(cluster.clone(), *kind));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServiceKey;
    use crate::model::fact::{NamespaceFact, ObjectKey, Origin, Port, SliceFact, SliceRole};

    fn slice() -> Fact {
        Fact::Slice(Box::new(SliceFact {
            key: ObjectKey::new("shop", "web"),
            service: ServiceKey::new("shop", "web"),
            role: SliceRole::Native,
            endpoints: Vec::new(),
            ports: Vec::<Port>::new().into(),
            virtual_address: false,
            triggered: None,
            origin: Origin::Unknown,
        }))
    }

    fn list() -> Change {
        Change::Replace { kind: Kind::EndpointSlice, facts: vec![slice()], findings: Vec::new() }
    }

    #[test]
    fn memory_about_its_limit_asks_for_few_lists() {
        let (mut growth, west) = (Growth::default(), ClusterId::new("west"));
        let mut lists = 0;
        // An hour of a server that each list brings over its limit, and each refusal below it: measured 20 times a second.
        for now in (0..3600 * 20).map(|number| Duration::from_millis(50) * number) {
            growth.stop();
            growth.admit(&west, None, list());
            growth.resume(now);
            lists += growth.due(now).len();
        }
        assert_eq!(lists, 0, "there is no room for as long as the pause");
        let mut full = true;
        for now in (3600..7200).map(Duration::from_secs) {
            if full {
                growth.stop();
                growth.admit(&west, None, list());
                growth.resume(now);
            }
            full = !growth.due(now).is_empty();
            lists += usize::from(full);
        }
        assert!((10..20).contains(&lists), "{lists} lists in an hour");
    }

    #[test]
    fn what_was_refused_counts_until_a_list_has_brought_it() {
        let (mut growth, west) = (Growth::default(), ClusterId::new("west"));
        growth.stop();
        assert_eq!(
            growth.admit(&west, None, Change::Apply { fact: slice(), findings: Vec::new() }),
            Change::Contact { kind: Kind::EndpointSlice }
        );
        let namespace = Fact::Namespace(NamespaceFact { name: "shop".into(), origin: Origin::Unknown });
        let change = Change::Apply { fact: namespace, findings: Vec::new() };
        assert_eq!(growth.admit(&west, None, change.clone()), change, "namespaces always have room");
        growth.resume(Duration::ZERO);
        assert!(growth.due(Duration::ZERO).is_empty(), "not at once");
        assert_eq!(growth.due(Duration::from_secs(5)), [(west.clone(), Kind::EndpointSlice)]);
        assert!(growth.due(Duration::from_secs(6)).is_empty(), "once");
        assert_eq!(growth.refused(&west), 1);
        assert_eq!(growth.admit(&west, None, list()), list());
        assert_eq!(growth.refused(&west), 0);
    }
}
