//! Which services hold rows of a cluster: what its freshness can change.

use super::{ClusterSet, Slot};
use crate::model::fact::{SliceFact, SliceRole};
use crate::model::facts::Touched;
use crate::model::id::{ClusterId, ServiceKey};
use crate::model::view::View;
use std::collections::HashSet;
use std::sync::Arc;

/// With as many moved nodes, most services of a cluster have an endpoint on one of them.
const MANY_NODES: usize = 8;

impl Touched {
    /// Says of which cluster it is what an observation touched without naming the cluster.
    pub(super) fn name(&mut self, cluster: &ClusterId) {
        let nodes = std::mem::take(&mut self.moved_nodes);
        if std::mem::take(&mut self.all_of_it) || nodes.len() >= MANY_NODES {
            self.rows_of.insert(cluster.clone());
        } else if !nodes.is_empty() {
            self.on_nodes.insert(cluster.clone(), nodes);
        }
    }
}

/// Some of the services that hold rows of a cluster: a part of a walk through all of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RowsPage {
    pub services: Vec<ServiceKey>,
    /// Where the next page begins; `None` when there is none.
    pub last: Option<ServiceKey>,
}

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
            rows_of: [member.cluster.id.clone()].into(),
            namespaces: member.facts.presence().iter().filter(is_new).cloned().collect(),
            ranges: true,
            ..Touched::default()
        }
    }

    /// As `entry` of the selection finds the cluster of a view.
    fn stands_in(&self, view: &View, slot: Slot) -> bool {
        match &view.cluster {
            Some(id) => self.slot(id) == Some(slot),
            None => self.len() == 1,
        }
    }

    /// Of the next `count` services that `among` has, those that hold rows of `of`: where both are one, what it exports or
    /// imports; else what `among` holds copies of its endpoints of. A cluster that is gone has none.
    pub fn rows_of(&self, of: &ClusterId, among: &ClusterId, after: Option<&ServiceKey>, count: usize) -> RowsPage {
        let (Some(owner), Some(holder)) = (self.get(of), self.get(among)) else { return RowsPage::default() };
        if of == among {
            let services: Vec<_> = holder.facts.names_after(after).take(count).cloned().collect();
            return RowsPage { last: services.last().cloned(), services };
        }
        let names_it = |slice: &SliceFact| match &slice.role {
            SliceRole::Copy { source } => source == of || owner.cluster.aliases.contains(source),
            SliceRole::Native => false,
        };
        let mut page = RowsPage::default();
        for (key, facts) in holder.facts.copied_after(after).take(count) {
            page.last = Some(key.clone());
            if facts.makes_name() && facts.copies.iter().any(names_it) {
                page.services.push(key.clone());
            }
        }
        page
    }

    /// Of the next `count` services that a cluster exports or imports, those with an endpoint on one of its `nodes`.
    pub fn on_nodes(
        &self,
        of: &ClusterId,
        nodes: &HashSet<Arc<str>>,
        after: Option<&ServiceKey>,
        count: usize,
    ) -> RowsPage {
        let Some(member) = self.get(of) else { return RowsPage::default() };
        let keys: Vec<_> = member.facts.names_after(after).take(count).collect();
        let stands = |key: &ServiceKey| member.facts.service(key).is_some_and(|facts| facts.stands_on(nodes));
        let last = keys.last().map(|key| ServiceKey::clone(key));
        RowsPage { services: keys.into_iter().filter(|key| stands(key)).cloned().collect(), last }
    }
}
