//! One cluster's facts: what its objects say, by service key.
//!
//! In: [`Change`](super::observation::Change)s. Out: which services each of them [`Touched`], and the facts for the merge.
//! An object read again with the same content (its resourceVersion aside) touches nothing.

mod findings;
mod hosts;
mod interner;
mod leftover;
mod listing;
mod nodes;
mod observe;
mod omission;
mod presence;
mod restore;
mod service;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod touched;

pub use findings::FindingStore;
pub use hosts::HostFacts;
pub use interner::Interner;
pub use leftover::Leftover;
pub use listing::Listing;
pub use nodes::Nodes;
pub use omission::{Judge, Loss, Omission};
pub use presence::Presence;
pub use service::ServiceFacts;
pub use status::{KindStatus, Outcome, is_read, is_required};
pub use touched::Touched;

use super::cluster::Mode;
use super::fact::{ConnectionFact, Kind, ObjectKey};
use super::hashed::Map;
use super::id::ServiceKey;
use std::collections::BTreeSet;
use std::ops::Bound;

/// The facts of one cluster.
#[derive(Debug, Default)]
pub struct ClusterFacts {
    services: Map<ServiceKey, ServiceFacts>,
    /// Which service each slice object belongs to.
    slices: Map<ObjectKey, ServiceKey>,
    /// Imports that name a Service as the carrier of their VIP, by that Service.
    derived: Map<ServiceKey, Vec<ServiceKey>>,
    hosts: HostFacts,
    presence: Presence,
    nodes: Nodes,
    /// Submariner's gateways: what the cluster says of the others.
    gateways: Map<ObjectKey, Vec<ConnectionFact>>,
    findings: FindingStore,
    status: [KindStatus; Kind::ALL.len()],
    counts: [usize; Kind::ALL.len()],
    /// Addresses in all slices.
    endpoints: usize,
    interner: Interner,
    /// Services that make a name.
    naming: BTreeSet<ServiceKey>,
    /// Services with a load balancer that has a host name.
    named: BTreeSet<ServiceKey>,
    /// Services with copies of endpoints of another cluster.
    copied: BTreeSet<ServiceKey>,
    /// Moves whenever a Service object comes or goes.
    services_revision: u64,
}

impl ClusterFacts {
    /// What the cluster says about one service.
    pub fn service(&self, key: &ServiceKey) -> Option<&ServiceFacts> {
        self.services.get(key)
    }

    /// Every service key with its facts, in no order.
    pub fn services(&self) -> impl Iterator<Item = (&ServiceKey, &ServiceFacts)> {
        self.services.iter()
    }

    /// Services that make a name, sorted, from behind `after` on.
    pub fn names_after(&self, after: Option<&ServiceKey>) -> impl Iterator<Item = &ServiceKey> {
        behind(&self.naming, after)
    }

    /// Services that make a name and whose load balancer has a host name, sorted.
    pub fn named_services(&self) -> impl Iterator<Item = (&ServiceKey, &ServiceFacts)> {
        self.named.iter().filter_map(|key| self.services.get_key_value(key)).filter(|(_, facts)| facts.makes_name())
    }

    /// Services that have copies of endpoints of another cluster, sorted, from behind `after` on.
    pub fn copied_after(&self, after: Option<&ServiceKey>) -> impl Iterator<Item = (&ServiceKey, &ServiceFacts)> {
        behind(&self.copied, after).filter_map(|key| self.services.get_key_value(key))
    }

    /// What the cluster says about names in global zones.
    pub fn hosts(&self) -> &HostFacts {
        &self.hosts
    }

    /// The namespaces that the cluster knows.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// The nodes of the cluster.
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// What the cluster says of its connections to others.
    pub fn connections(&self) -> impl Iterator<Item = &ConnectionFact> {
        self.gateways.values().flatten()
    }

    /// The current findings of the cluster's objects.
    pub fn findings(&self) -> &FindingStore {
        &self.findings
    }

    /// True when a good version of the object is held.
    pub fn holds(&self, kind: Kind, key: &ObjectKey) -> bool {
        let service = |has: fn(&ServiceFacts) -> bool| self.services.get(key).is_some_and(has);
        match kind {
            Kind::Namespace => self.presence.documents().any(|name| **name == *key.name()),
            Kind::Node => self.nodes.get(key.name()).is_some(),
            Kind::EndpointSlice => self.slices.contains_key(key),
            Kind::Service => service(|facts| facts.service.is_some()),
            Kind::ServiceExport => service(|facts| facts.export.is_some()),
            Kind::ServiceImport => service(|facts| facts.import.is_some()),
            Kind::ServiceEntry | Kind::WorkloadEntry | Kind::DnsEndpoint => self.hosts.holds(kind, key),
            Kind::Gateway => self.gateways.contains_key(key),
        }
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Node => self.nodes.len(),
            _ => self.counts[kind as usize],
        }
    }

    /// Addresses in all slices, native and copied.
    pub fn endpoint_count(&self) -> usize {
        self.endpoints
    }

    /// Changes whenever the set of Services or the number of endpoints does: what the limits are measured by.
    pub fn shape(&self) -> (u64, usize) {
        (self.services_revision, self.endpoints)
    }

    /// What is known of a kind.
    pub fn status(&self, kind: Kind) -> &KindStatus {
        &self.status[kind as usize]
    }

    /// True once every kind that is read has had a first outcome and the required ones are complete: only then is
    /// presence not judged on half the data (RESILIENCE.md section 3).
    pub fn is_synced(&self, mode: Mode) -> bool {
        Kind::ALL.into_iter().filter(|kind| is_read(*kind, mode)).all(|kind| {
            let status = self.status(kind);
            if is_required(kind, mode) { status.is_synced() } else { status.is_decided() }
        })
    }
}

/// The keys behind `after`, or all.
fn behind<'a>(keys: &'a BTreeSet<ServiceKey>, after: Option<&ServiceKey>) -> impl Iterator<Item = &'a ServiceKey> {
    keys.range::<ServiceKey, _>((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
}
