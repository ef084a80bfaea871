//! What an observation changed: which services and namespaces must be computed anew.

use crate::model::id::{ClusterId, ServiceKey};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The effect of one observation. Anything not named here answers as before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    /// Services (and imports of that name) to merge and select again.
    pub services: HashSet<ServiceKey>,
    /// Names in global zones to merge and select again.
    pub hosts: HashSet<Arc<str>>,
    /// Namespaces whose presence in the cluster changed: every service in them, and `<ns>.svc.Z` itself.
    pub namespaces: HashSet<Arc<str>>,
    /// Clusters of which every service that holds rows is touched, and every host: too many to name one by one.
    pub rows_of: BTreeSet<ClusterId>,
    /// All of the cluster that was observed; the set of clusters says which in `rows_of`.
    pub(in crate::model) all_of_it: bool,
    /// Nodes with endpoints that lie in another zone or region now, of the cluster that was observed; the set of clusters
    /// says which in `on_nodes`.
    pub(in crate::model) moved_nodes: HashSet<Arc<str>>,
    /// By cluster, nodes on which services are touched, and every host: to look for them takes a while.
    pub on_nodes: BTreeMap<ClusterId, HashSet<Arc<str>>>,
    /// Everything: a cluster came or went, its settings or its state changed.
    pub everything: bool,
    /// Pod ranges of the cluster's nodes changed: overlaps are to be looked for again. Where answers depend on it,
    /// `ClusterSet::observe` sets `everything` too.
    pub ranges: bool,
}

impl Touched {
    /// Everything is to be computed anew.
    pub fn everything() -> Self {
        Touched { everything: true, ..Touched::default() }
    }

    /// True when nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
            && self.hosts.is_empty()
            && self.namespaces.is_empty()
            && self.rows_of.is_empty()
            && !self.all_of_it
            && self.moved_nodes.is_empty()
            && self.on_nodes.is_empty()
            && !self.everything
            && !self.ranges
    }

    /// Adds what `other` touched.
    pub fn extend(&mut self, other: Touched) {
        self.services.extend(other.services);
        self.hosts.extend(other.hosts);
        self.namespaces.extend(other.namespaces);
        self.rows_of.extend(other.rows_of);
        self.all_of_it |= other.all_of_it;
        self.moved_nodes.extend(other.moved_nodes);
        for (cluster, nodes) in other.on_nodes {
            self.on_nodes.entry(cluster).or_default().extend(nodes);
        }
        self.everything |= other.everything;
        self.ranges |= other.ranges;
    }
}
