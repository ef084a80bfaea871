//! Which services hold rows of a cluster: what its freshness can change.

use super::{ClusterSet, Slot};
use crate::model::fact::{SliceFact, SliceRole};
use crate::model::facts::Touched;
use crate::model::id::ServiceKey;
use crate::model::view::View;
use std::collections::HashSet;
use std::sync::Arc;

impl ClusterSet {
    /// What may change when the facts of a cluster begin to count: what they are about, namespaces that no other known
    /// cluster has, and everything where a view stands in the cluster.
    pub(super) fn with_all_of(&self, slot: Slot) -> Touched {
        let Some(member) = self.at(slot) else { return Touched::default() };
        if self.settings.views.iter().any(|view| self.stands_in(view, slot)) {
            return Touched::everything();
        }
        let others = || self.members().filter(|(other, other_member)| *other != slot && other_member.state.is_known());
        let is_new = |namespace: &&Arc<str>| !others().any(|(_, other)| other.facts.presence().contains(namespace));
        Touched {
            services: self.with_rows_of(slot),
            // A host's endpoints may stand in any cluster that its objects name.
            hosts: self.hosts().cloned().collect(),
            namespaces: member.facts.presence().iter().filter(is_new).cloned().collect(),
            everything: false,
            ranges: true,
        }
    }

    /// As `entry` of the selection finds the cluster of a view.
    fn stands_in(&self, view: &View, slot: Slot) -> bool {
        match &view.cluster {
            Some(id) => self.slot(id) == Some(slot),
            None => self.len() == 1,
        }
    }

    /// Services that the cluster exports or imports, and those of which another cluster holds a copy of its endpoints.
    pub(super) fn with_rows_of(&self, slot: Slot) -> HashSet<ServiceKey> {
        let Some(of) = self.at(slot) else { return HashSet::new() };
        let own = of.facts.services().filter(|(_, facts)| facts.makes_name()).map(|(key, _)| key);
        let names_it = |slice: &SliceFact| match &slice.role {
            SliceRole::Copy { source } => *source == of.cluster.id || of.cluster.aliases.contains(source),
            SliceRole::Native => false,
        };
        let others = self.members().filter(|(other, _)| *other != slot);
        let copied = others
            .flat_map(|(_, member)| member.facts.copied_services())
            .filter(|(_, facts)| facts.copies.iter().any(names_it))
            .map(|(key, _)| key);
        own.chain(copied).cloned().collect()
    }
}
