//! Which cluster a Service address belongs to: targets of DNSEndpoints take the cluster of the Service that they name by
//! address (SOURCES.md 3.9). Kept only once some cluster holds a DNSEndpoint.

use super::{ClusterSet, Member, Slot};
use crate::model::fact::{Ingress, Kind};
use crate::model::facts::ClusterFacts;
use crate::model::hashed::Set;
use crate::model::id::ServiceKey;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Service addresses by cluster.
#[derive(Debug, Default)]
pub(super) struct AddressOwners {
    on: bool,
    of_service: HashMap<(Slot, ServiceKey), Box<[IpAddr]>>,
    /// How many Services of the cluster have the address.
    counts: HashMap<(Slot, IpAddr), u32>,
}

/// clusterIPs and load-balancer addresses.
fn addresses(facts: &ClusterFacts, key: &ServiceKey) -> Box<[IpAddr]> {
    let Some(service) = facts.service(key).and_then(|held| held.service.as_deref()) else { return Box::default() };
    let ingress = service.ingress.iter().filter_map(|ingress| match ingress {
        Ingress::Ip(address) => Some(*address),
        Ingress::Host(_) => None,
    });
    service.cluster_ips.iter().copied().chain(ingress).collect()
}

impl AddressOwners {
    /// Looks at Services anew; addresses that came to the cluster or left it are added to `moved`.
    fn update(&mut self, slot: Slot, facts: &ClusterFacts, key: &ServiceKey, moved: &mut HashSet<IpAddr>) {
        let now = addresses(facts, key);
        let id = (slot, key.clone());
        let before = self.of_service.remove(&id).unwrap_or_default();
        if now != before {
            moved.extend(now.iter().chain(&before));
        }
        for address in &now {
            *self.counts.entry((slot, *address)).or_default() += 1;
        }
        for address in &before {
            self.release(slot, *address);
        }
        if !now.is_empty() {
            self.of_service.insert(id, now);
        }
    }

    fn release(&mut self, slot: Slot, address: IpAddr) {
        if let Some(count) = self.counts.get_mut(&(slot, address)) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&(slot, address));
            }
        }
    }

    pub(super) fn remove_slot(&mut self, slot: Slot) {
        self.of_service.retain(|(held, _), _| *held != slot);
        self.counts.retain(|(held, _), _| *held != slot);
    }
}

impl ClusterSet {
    /// True when a Service of the cluster has this clusterIP or load-balancer address.
    pub fn is_service_address(&self, member: &Member, address: IpAddr) -> bool {
        self.slot(&member.cluster.id).is_some_and(|slot| self.owners.counts.contains_key(&(slot, address)))
    }

    /// Follows the Services that an observation touched; returns the hosts with a target that changed its cluster.
    pub(super) fn follow_addresses(&mut self, slot: Slot, touched: &Set<ServiceKey>) -> Vec<Arc<str>> {
        let mut moved = HashSet::new();
        if self.owners.on {
            let Some(member) = self.members.get(usize::from(slot)).and_then(Option::as_ref) else { return Vec::new() };
            touched.iter().for_each(|key| self.owners.update(slot, &member.facts, key, &mut moved));
        } else if self.members().any(|(_, member)| member.facts.count(Kind::DnsEndpoint) > 0) {
            self.owners.on = true;
            for (slot, member) in (0..).zip(&self.members) {
                let Some(member) = member else { continue };
                let keys = member.facts.services().map(|(key, _)| key);
                keys.for_each(|key| self.owners.update(slot, &member.facts, key, &mut moved));
            }
        }
        if moved.is_empty() {
            return Vec::new();
        }
        let targets = |host: &&Arc<str>| self.host_holders(host).any(|(_, m)| m.facts.hosts().targets(host, &moved));
        self.hosts_with_records().filter(targets).cloned().collect()
    }
}
