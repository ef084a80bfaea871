//! One cluster of the set: its registry entry, its state and its facts.

use super::settings::ClusterLimits;
use crate::model::address::Prefix;
use crate::model::cluster::{Cluster, State};
use crate::model::facts::{ClusterFacts, NamespaceNames, ServiceFacts};
use crate::model::hashed::Set;
use crate::model::id::ServiceKey;
use crate::model::view::glob_matches;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A cluster and all that is known of it.
#[derive(Debug)]
pub struct Member {
    pub(super) cluster: Cluster,
    pub(super) generation: u64,
    pub(super) state: State,
    pub(super) grace_over: bool,
    /// While its facts are those of a snapshot: the age of its last contact when they were read.
    pub(super) restored: Option<Duration>,
    pub(super) facts: ClusterFacts,
    /// First service key over the limits of the cluster; it and all behind it contribute nothing.
    pub(super) cutoff: Option<ServiceKey>,
    /// The limits and the shape of the facts that the cut was found for.
    measured: (ClusterLimits, (u64, usize)),
    /// First host over the limit of the cluster; it and all behind it contribute nothing.
    pub(super) host_cutoff: Option<Arc<str>>,
}

impl Member {
    pub(super) fn new(cluster: Cluster, generation: u64, names: NamespaceNames) -> Self {
        let (state, facts) = (State::default(), ClusterFacts::sharing(names));
        let measured = (ClusterLimits::default(), facts.shape());
        Member {
            cluster,
            generation,
            state,
            grace_over: false,
            restored: None,
            facts,
            cutoff: None,
            measured,
            host_cutoff: None,
        }
    }

    /// The registry entry.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Generation of the watcher set that is listened to.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How much is known at this moment.
    pub fn state(&self) -> State {
        self.state
    }

    /// True when the time to wait for a first sync has run out.
    pub fn grace_over(&self) -> bool {
        self.grace_over
    }

    /// `Some` from the loading of a snapshot to the first sync: how old its last contact was at the loading.
    pub fn restored(&self) -> Option<Duration> {
        self.restored
    }

    /// True while its rows come from a snapshot and carry EDE 3.
    pub fn is_restored(&self) -> bool {
        self.restored.is_some()
    }

    /// What its objects say.
    pub fn facts(&self) -> &ClusterFacts {
        &self.facts
    }

    /// The facts about one service that may be used: none while the cluster is unknown.
    pub fn usable(&self, key: &ServiceKey) -> Option<&ServiceFacts> {
        if !self.state.is_known() {
            return None;
        }
        self.facts.service(key)
    }

    /// True when the service lies behind the limits of the cluster (RESILIENCE.md rule 9).
    pub fn is_cut(&self, key: &ServiceKey) -> bool {
        self.cutoff.as_ref().is_some_and(|cutoff| key >= cutoff)
    }

    /// True when the host lies behind the limit of the cluster (RESILIENCE.md rule 9).
    pub fn is_host_cut(&self, host: &Arc<str>) -> bool {
        self.host_cutoff.as_ref().is_some_and(|cutoff| host >= cutoff)
    }

    /// True when `allow.namespaces` of the cluster admits the namespace (RESILIENCE.md rule 10).
    pub fn admits_namespace(&self, namespace: &str) -> bool {
        self.cluster.allow.namespaces.iter().any(|glob| glob_matches(glob, namespace))
    }

    /// True when `allow.cidrs` of the cluster admits the address.
    pub fn admits_address(&self, address: IpAddr) -> bool {
        self.cluster.allow.cidrs.iter().any(|prefix| prefix.length() == 0 && same_family(prefix, address))
            || self.cluster.allow.cidrs.iter().any(|prefix| prefix.contains(address))
    }

    /// Pod and service ranges: declared ones and those of the nodes.
    pub fn ranges(&self) -> impl Iterator<Item = &Prefix> {
        self.cluster.cidrs.iter().chain(self.facts.nodes().pod_ranges())
    }

    /// Finds the cut anew; services that came in or out are added to `touched`.
    pub(super) fn measure(&mut self, limits: &ClusterLimits, touched: &mut Set<ServiceKey>) {
        let now = (*limits, self.facts.shape());
        if std::mem::replace(&mut self.measured, now) == now {
            return;
        }
        let cutoff = cutoff(&self.facts, limits);
        if cutoff == self.cutoff {
            return;
        }
        let moved = |key: &ServiceKey| {
            let cut = |cutoff: &Option<ServiceKey>| cutoff.as_ref().is_some_and(|cutoff| key >= cutoff);
            cut(&cutoff) != cut(&self.cutoff)
        };
        touched.extend(self.facts.services().map(|(key, _)| key).filter(|key| moved(key)).cloned());
        self.cutoff = cutoff;
    }
}

fn same_family(prefix: &Prefix, address: IpAddr) -> bool {
    prefix.address().is_ipv4() == address.is_ipv4()
}

/// The first service in sorted order that is over the limits.
fn cutoff(facts: &ClusterFacts, limits: &ClusterLimits) -> Option<ServiceKey> {
    use crate::model::fact::Kind;
    if facts.count(Kind::Service) <= limits.services && facts.endpoint_count() <= limits.endpoints {
        return None;
    }
    let mut sorted: Vec<_> = facts.services().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    let (mut services, mut endpoints) = (0, 0);
    let over = sorted.into_iter().find(|(_, held)| {
        services += usize::from(held.service.is_some());
        endpoints += held.endpoint_count();
        services > limits.services || endpoints > limits.endpoints
    });
    over.map(|(key, _)| key.clone())
}
