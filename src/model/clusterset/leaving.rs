//! Clusters that are removed: they no longer count from that moment on, and their facts are given up part by part.

use super::ClusterSet;
use crate::model::facts::Touched;
use crate::model::id::{ClusterId, ServiceKey};

impl ClusterSet {
    /// Takes a cluster out with all its facts: explicit, so neither grace nor brake. Call [`ClusterSet::let_go`] until
    /// nothing is left.
    pub fn remove_cluster(&mut self, id: &ClusterId) -> Touched {
        let Some(slot) = self.slots.remove(id) else { return Touched::default() };
        let Some(member) = self.members[usize::from(slot)].take() else { return Touched::default() };
        let mut touched = Touched::everything();
        touched.hosts = member.facts.hosts().hosts().filter(|host| self.settings.hosts.serves(host)).cloned().collect();
        touched.namespaces = member.facts.presence().iter().cloned().collect();
        self.hosts.remove_slot(slot);
        self.owners.remove_slot(slot);
        self.leaving.push((slot, member.facts.into_leftover()));
        touched
    }

    /// Gives up the next `count` services of a cluster that was removed; those that no other cluster has must be published
    /// once more. `None` when all is given up.
    pub fn let_go(&mut self, count: usize) -> Option<Vec<ServiceKey>> {
        let (slot, leftover) = self.leaving.first_mut()?;
        let Some(mut named) = leftover.drop_some(count) else {
            self.leaving.remove(0);
            return Some(Vec::new());
        };
        named.iter().for_each(|key| self.index.set(key, *slot, false));
        named.retain(|key| !self.index.contains(key));
        Some(named)
    }

    /// True while something is to be given up.
    pub fn is_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }
}
