//! What the exports of one service disagree on, property by property in the order of SOURCES.md section 2.

use super::{Participant, ports};
use crate::model::conflict::{Conflict, ConflictReason as Reason};
use crate::model::fact::{Family, Port, ServiceType};
use crate::model::id::ClusterId;
use crate::model::service::Merged;
use std::sync::Arc;

/// All conflicts, in the table's order.
pub(super) fn conflicts(list: &[Participant<'_>], merged: &Merged) -> Vec<Conflict> {
    if list.len() < 2 {
        return Vec::new();
    }
    let text = |reason, value: fn(&Participant<'_>) -> Option<Arc<str>>, default: &'static str| {
        let shown = |value: &Option<Arc<str>>| value.as_deref().unwrap_or(default).to_owned();
        check(list, reason, |p| shown(&value(p)), Clone::clone)
    };
    let found = [
        check(list, Reason::Type, |p| p.service_type(), |held| type_name(*held).to_owned()),
        port_conflict(list, merged),
        // Absent means the default that an API server fills in.
        text(Reason::SessionAffinity, |p| p.service.traffic.session_affinity.clone(), "None"),
        text(Reason::SessionAffinityConfig, |p| p.service.traffic.session_affinity_config.clone(), "none"),
        text(Reason::Labels, |p| p.export.exported.labels.clone(), "{}"),
        text(Reason::Annotations, |p| p.export.exported.annotations.clone(), "{}"),
        text(Reason::InternalTrafficPolicy, |p| p.service.traffic.internal_traffic_policy.clone(), "Cluster"),
        text(Reason::TrafficDistribution, |p| p.service.traffic.traffic_distribution.clone(), "none"),
        family_conflict(list, merged),
    ];
    found.into_iter().flatten().collect()
}

/// Compares each value with the first one.
fn check<T: PartialEq>(
    list: &[Participant<'_>],
    reason: Reason,
    value: impl Fn(&Participant<'_>) -> T,
    show: impl Fn(&T) -> String,
) -> Option<Conflict> {
    let (first, rest) = list.split_first()?;
    let used = value(first);
    let differing: Vec<ClusterId> = rest.iter().filter(|p| value(p) != used).map(|p| p.cluster.clone()).collect();
    (!differing.is_empty()).then(|| Conflict {
        reason,
        value: show(&used),
        winner: first.cluster.clone(),
        differing,
        of: list.len(),
        lacking: Vec::new(),
    })
}

fn type_name(service_type: ServiceType) -> &'static str {
    match service_type {
        ServiceType::ClusterSetIp => "ClusterSetIP",
        ServiceType::Headless => "Headless",
    }
}

/// Any difference in name, protocol, number or appProtocol, order aside. The value in use is the union.
fn port_conflict(list: &[Participant<'_>], merged: &Merged) -> Option<Conflict> {
    let sorted = |p: &Participant<'_>| {
        let mut ports = p.ports.to_vec();
        ports.sort();
        ports
    };
    let mut conflict = check(list, Reason::Port, sorted, |_| String::new())?;
    let shown: Vec<String> = merged.ports.iter().map(ports::show).collect();
    conflict.value = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
    if merged.service_type == ServiceType::ClusterSetIp {
        conflict.lacking = list.iter().flat_map(|p| lacking(p, &merged.ports)).collect();
    }
    Some(conflict)
}

fn lacking(of: &Participant<'_>, merged: &[Port]) -> Vec<(ClusterId, String)> {
    let lacks = |port: &&Port| !of.ports.iter().any(|held| ports::same_port(held, port));
    merged.iter().filter(lacks).map(|port| (of.cluster.clone(), ports::show(port))).collect()
}

/// Compares only exports that have the field.
fn family_conflict(list: &[Participant<'_>], merged: &Merged) -> Option<Conflict> {
    let families = |p: &Participant<'_>| {
        let mut families = p.service.traffic.ip_families.clone();
        families.sort();
        families
    };
    let (first, rest) = {
        let mut named = list.iter().filter(|p| !p.service.traffic.ip_families.is_empty());
        (named.next()?, named)
    };
    let used = families(first);
    let differing: Vec<ClusterId> = rest.filter(|p| families(p) != used).map(|p| p.cluster.clone()).collect();
    let shown: Vec<&str> = merged.traffic.ip_families.iter().map(|family| family_name(*family)).collect();
    (!differing.is_empty()).then(|| Conflict {
        reason: Reason::IpFamily,
        value: shown.join(","),
        winner: first.cluster.clone(),
        differing,
        of: list.len(),
        lacking: Vec::new(),
    })
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
