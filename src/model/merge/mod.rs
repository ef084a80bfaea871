//! The merge of KEP-1645: all exports of one namespaced name become one service (SOURCES.md section 2).
//!
//! In: a service key and the facts of every known cluster. Out: a [`Service`]. Pure, and independent of the order in
//! which anything was observed. Split by question: which exports count (`exports`), which ports (`ports`), whose
//! annotations (`own`), what differs (`differences`).

mod bounds;
mod differences;
mod exports;
mod own;
mod ports;
#[cfg(test)]
mod tests;

use super::clusterset::ClusterSet;
use super::fact::{ExportFact, Family, Port, ServiceFact, ServiceKind, ServiceType, Traffic};
use super::finding::Finding;
use super::id::{ClusterId, ServiceKey};
use super::service::{Merged, Service};
use exports::Found;
use std::borrow::Cow;

/// One export that takes part, with its Service.
struct Participant<'a> {
    cluster: &'a ClusterId,
    export: &'a ExportFact,
    service: &'a ServiceFact,
    /// Ports within the limits.
    ports: Cow<'a, [Port]>,
}

impl Participant<'_> {
    fn service_type(&self) -> ServiceType {
        match self.service.kind {
            ServiceKind::Headless => ServiceType::Headless,
            ServiceKind::ClusterIp | ServiceKind::ExternalName => ServiceType::ClusterSetIp,
        }
    }
}

/// Merges the exports of `key` in all known clusters.
pub fn merge(key: &ServiceKey, set: &ClusterSet) -> Service {
    let mut findings = Vec::new();
    let found = exports::collect(key, set, &mut findings);
    let limits = &set.settings().limits;
    let participants: Vec<Participant<'_>> = found
        .iter()
        .filter_map(|found| {
            bounds::check(found, limits, &mut findings);
            participant(found, limits.ports)
        })
        .collect();
    let unknown = found.iter().any(|found| found.waits());
    let merged = merged(key, &participants, &mut findings);
    let conflicts = merged.as_ref().map(|m| differences::conflicts(&participants, m)).unwrap_or_default();
    // Not collected: that would shrink the other list in place, which costs more than a new one.
    let mut exports = Vec::with_capacity(found.len());
    exports.extend(found.into_iter().map(|found| found.row));
    Service { key: key.clone(), merged, exports, unknown, conflicts, findings }
}

fn participant<'a>(found: &Found<'a>, most_ports: usize) -> Option<Participant<'a>> {
    let service = found.service.filter(|_| found.row.state.is_merged())?;
    let ports = ports::bounded(&service.ports, most_ports);
    Some(Participant { cluster: &found.member.cluster().id, export: found.export, service, ports })
}

fn merged(key: &ServiceKey, participants: &[Participant<'_>], findings: &mut Vec<Finding>) -> Option<Merged> {
    let oldest = participants.first()?;
    let of = &oldest.service.traffic;
    Some(Merged {
        service_type: oldest.service_type(),
        ports: ports::union(participants),
        traffic: Traffic {
            session_affinity: of.session_affinity.clone(),
            session_affinity_config: of.session_affinity_config.clone(),
            internal_traffic_policy: of.internal_traffic_policy.clone(),
            traffic_distribution: of.traffic_distribution.clone(),
            ip_families: ip_families(participants),
        },
        exported_labels: oldest.export.exported.labels.clone(),
        exported_annotations: oldest.export.exported.annotations.clone(),
        own: own::merge(key, participants, findings),
    })
}

/// The intersection in the oldest's order, exports without the field left out; the oldest's when that is empty.
fn ip_families(participants: &[Participant<'_>]) -> Vec<Family> {
    let mut named = participants.iter().map(|p| &p.service.traffic.ip_families).filter(|list| !list.is_empty());
    let Some(oldest) = named.next() else { return Vec::new() };
    let mut shared = oldest.clone();
    named.for_each(|list| shared.retain(|family| list.contains(family)));
    if shared.is_empty() { oldest.clone() } else { shared }
}
