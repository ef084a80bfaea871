//! Nodes of one cluster: the region and zone of the endpoints on them, and their pod ranges.

use crate::model::address::Prefix;
use crate::model::fact::{NodeFact, SliceFact};
use crate::model::hashed::Map;
use std::sync::Arc;

/// Nodes by name, and how many endpoints name each, so that a node without endpoints costs no search.
#[derive(Debug, Default)]
pub struct Nodes {
    facts: Map<Arc<str>, NodeFact>,
    uses: Map<Arc<str>, u32>,
}

/// What a change of a node means.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct NodeChange {
    /// Region or zone differ and some endpoint lies on it.
    pub locality: bool,
    /// Its pod ranges differ.
    pub ranges: bool,
}

impl Nodes {
    /// The node of that name.
    pub fn get(&self, name: &str) -> Option<&NodeFact> {
        self.facts.get(name)
    }

    /// Every node.
    pub fn iter(&self) -> impl Iterator<Item = &NodeFact> {
        self.facts.values()
    }

    /// Pod ranges of all nodes.
    pub fn pod_ranges(&self) -> impl Iterator<Item = &Prefix> {
        self.facts.values().flat_map(|node| &node.pod_cidrs)
    }

    pub(super) fn len(&self) -> usize {
        self.facts.len()
    }

    /// Stores a node, or removes it with `None`.
    pub(super) fn set(&mut self, name: &Arc<str>, fact: Option<NodeFact>) -> NodeChange {
        let old = match fact.clone() {
            Some(fact) => self.facts.insert(Arc::clone(name), fact),
            None => self.facts.remove(name),
        };
        let place = |node: &Option<NodeFact>| node.as_ref().map(|n| (n.region.clone(), n.zone.clone()));
        let ranges = |node: &Option<NodeFact>| node.as_ref().map(|n| n.pod_cidrs.clone()).unwrap_or_default();
        NodeChange {
            locality: place(&old).unwrap_or_default() != place(&fact).unwrap_or_default()
                && self.uses.contains_key(name),
            ranges: ranges(&old) != ranges(&fact),
        }
    }

    pub(super) fn add_uses(&mut self, slice: &SliceFact) {
        for node in slice.endpoints.iter().filter_map(|endpoint| endpoint.place.node.as_ref()) {
            *self.uses.entry(Arc::clone(node)).or_default() += 1;
        }
    }

    pub(super) fn remove_uses(&mut self, slice: &SliceFact) {
        for node in slice.endpoints.iter().filter_map(|endpoint| endpoint.place.node.as_ref()) {
            if let Some(count) = self.uses.get_mut(node) {
                *count -= 1;
                if *count == 0 {
                    self.uses.remove(node);
                }
            }
        }
    }
}
