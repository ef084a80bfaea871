//! Which services hold rows of a cluster: what its freshness can change.

use super::{ClusterSet, Slot};
use crate::model::fact::{SliceFact, SliceRole};
use crate::model::id::ServiceKey;
use std::collections::HashSet;

impl ClusterSet {
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
            .flat_map(|(_, member)| member.facts.services())
            .filter(|(_, facts)| facts.makes_name() && facts.copies.iter().any(names_it))
            .map(|(key, _)| key);
        own.chain(copied).cloned().collect()
    }
}
