//! Virtual addresses of meshes: the pools from which systems give them out, pools that clash, and addresses that the API does
//! not show (SOURCES.md 3.4 and section 4, "VIP pools").
//!
//! In: the sources of a host, or all clusters. Out: findings, and whether an address lies in a pool.

use super::entry::{Object, Source, finding};
use super::fact::ServiceEntryFact;
use crate::model::address::Prefix;
use crate::model::clusterset::{ClusterSet, Member};
use crate::model::finding::Finding;
use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who gives out addresses by itself. An address of the same system is no clash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum System {
    /// istiod, in `status.addresses`.
    Istio,
    /// Into `spec.addresses` of what it writes to its namespace.
    Admiral,
    /// Clusterset IPs, in `spec.ips` of ServiceImports.
    Submariner,
}

impl System {
    fn name(self) -> &'static str {
        match self {
            System::Istio => "Istio's automatic allocation",
            System::Admiral => "Admiral",
            System::Submariner => "Submariner's clusterset IPs",
        }
    }

    fn pools(self) -> Vec<Prefix> {
        let pools: [Option<Prefix>; 2] = match self {
            System::Istio => [pool_v4(240, 240, 16), pool_v6(0x2001, 2, 48)],
            System::Admiral => [pool_v4(240, 0, 16), None],
            System::Submariner => [pool_v4(243, 0, 8), None],
        };
        pools.into_iter().flatten().collect()
    }

    fn holds(self, address: IpAddr) -> bool {
        self.pools().iter().any(|pool| pool.contains(address))
    }

    fn ranges(self) -> String {
        self.pools().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

fn pool_v4(a: u8, b: u8, length: u8) -> Option<Prefix> {
    Prefix::new(Ipv4Addr::new(a, b, 0, 0).into(), length)
}

fn pool_v6(a: u16, b: u16, length: u8) -> Option<Prefix> {
    Prefix::new(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0).into(), length)
}

/// True inside any pool of the table in SOURCES.md section 4; such an address routes only inside its mesh.
pub(in crate::model) fn is_virtual(address: IpAddr) -> bool {
    let kuma = [pool_v6(0xfd00, 0xfd01, 64), pool_v6(0xfd00, 0xfd02, 64), pool_v6(0xfd00, 0xfd03, 64)];
    let pools = [pool_v4(240, 0, 4), pool_v6(0x2001, 2, 48)].into_iter().chain(kuma);
    pools.flatten().any(|pool| pool.contains(address))
}

/// `vip-not-in-api`: no source of the host has an address or an endpoint, and Istio gives it an address of which the API
/// says nothing. Told only there: elsewhere the endpoints answer.
pub(super) fn unseen(host: &str, sources: &[Source<'_>]) -> Option<Finding> {
    let entries = || {
        sources.iter().filter_map(|source| match source.object {
            Object::Entry(entry) => Some((source, entry)),
            Object::Records(_) => None,
        })
    };
    let is_answered = |source: &Source<'_>, entry: &ServiceEntryFact| {
        let stated = !entry.addresses.is_empty() || entry.allocated_to(host).next().is_some();
        stated || !entry.endpoints.is_empty() || source.member.facts().hosts().selected(entry).next().is_some()
    };
    if entries().any(|(source, entry)| is_answered(source, entry)) {
        return None;
    }
    let (source, _) = entries().find(|(_, entry)| entry.allocates_to(host))?;
    let message = format!(
        "{host} has no address here: what Istio allocates to it stands in no `status.addresses` (istiod before 1.25 keeps it \
         in memory); set `addresses` or `endpoints`, or let istiod write the status"
    );
    Some(finding("vip-not-in-api", source.member, &source.object, message))
}

/// `vip-pool-clash`: addresses of one system inside the pool of another that is in use, and pools inside a cluster's ranges.
/// Costs a walk over all hosts.
pub(super) fn clashes(set: &ClusterSet) -> Vec<Finding> {
    let stated = served(set);
    let imported = imported(&stated, set);
    let active = active(&stated, &imported);
    let mut found = Vec::new();
    for (member, entry) in &stated {
        let others = active.iter().filter(|system| **system != System::Admiral || !is_of_admiral(entry));
        // An entry may mean a clusterset IP by its number: that is no clash.
        let clash = |system: &System| {
            let mut taken = entry.addresses.iter().filter(|address| !imported.contains(address));
            taken.find(|address| system.holds(**address)).map(|address| (*system, address))
        };
        found.extend(others.copied().filter_map(|system| clash(&system)).map(|(system, address)| {
            let message = format!(
                "{address} lies in the pool of {}, which may give it to another host: take an address outside {}",
                system.name(),
                system.ranges()
            );
            finding("vip-pool-clash", member, &Object::Entry(entry), message)
        }));
    }
    // Submariner's own ranges are those of its clusters.
    for system in active.into_iter().filter(|system| *system != System::Submariner) {
        found.extend(set.members().filter_map(|(_, member)| in_ranges(system, member)));
    }
    found
}

/// Every ServiceEntry of a known cluster that names a served host, once.
fn served(set: &ClusterSet) -> Vec<(&Member, &ServiceEntryFact)> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for host in set.hosts() {
        for (slot, member) in set.host_holders(host).filter(|(_, member)| member.state().is_known()) {
            let admitted = |entry: &&ServiceEntryFact| member.admits_namespace(entry.key.namespace());
            let entries = member.facts().hosts().entries(host).filter(admitted);
            found.extend(entries.filter(|entry| seen.insert((slot, &entry.key))).map(|entry| (member, entry)));
        }
    }
    found
}

fn is_of_admiral(entry: &ServiceEntryFact) -> bool {
    entry.key.namespace() == "admiral-sync"
}

/// The systems of which an address is met.
fn active(stated: &[(&Member, &ServiceEntryFact)], imported: &HashSet<IpAddr>) -> Vec<System> {
    let allocated =
        |(_, entry): &(_, &ServiceEntryFact)| entry.allocated.iter().any(|(_, ip)| System::Istio.holds(*ip));
    let written = |(_, entry): &(_, &ServiceEntryFact)| {
        is_of_admiral(entry) && entry.addresses.iter().any(|address| System::Admiral.holds(*address))
    };
    let met = [
        (System::Istio, stated.iter().any(allocated)),
        (System::Admiral, stated.iter().any(written)),
        (System::Submariner, !imported.is_empty()),
    ];
    met.into_iter().filter_map(|(system, met)| met.then_some(system)).collect()
}

/// Clusterset IPs of Submariner in `spec.ips` of ServiceImports. Costs a walk over all services, so it is only made where some
/// ServiceEntry may clash with one.
fn imported(stated: &[(&Member, &ServiceEntryFact)], set: &ClusterSet) -> HashSet<IpAddr> {
    let is_near = stated.iter().flat_map(|(_, entry)| &entry.addresses).any(|ip| System::Submariner.holds(*ip));
    let members = set.members().filter(|_| is_near);
    let imports = members.flat_map(|(_, member)| member.facts().services()).filter_map(|(_, f)| f.import.as_ref());
    imports.flat_map(|import| &import.ips).copied().filter(|ip| System::Submariner.holds(*ip)).collect()
}

fn in_ranges(system: System, member: &Member) -> Option<Finding> {
    let pools = system.pools();
    let range = member.ranges().find(|range| pools.iter().any(|pool| pool.overlaps(range)))?;
    Some(Finding {
        code: "vip-pool-clash",
        cluster: member.cluster().id.as_str().into(),
        kind: "".into(),
        object: "".into(),
        place: None,
        message: format!(
            "range {range} of the cluster overlaps the pool of {} ({}): a virtual address may reach one of its pods; move \
             one of the two",
            system.name(),
            system.ranges()
        ),
    })
}
