//! What a cluster's bounds take away from one export: `allow.cidrs`, ports and endpoints per service.

use super::exports::{Found, finding_of};
use crate::model::clusterset::ClusterLimits;
use crate::model::fact::Ingress;
use crate::model::finding::Finding;
use std::net::IpAddr;

/// Adds a finding for each bound that this export runs into; the cuts themselves are made where values are read.
pub(super) fn check(found: &Found<'_>, limits: &ClusterLimits, findings: &mut Vec<Finding>) {
    let Some(service) = found.service.filter(|_| found.row.state.is_merged()) else { return };
    let mut report = |code, message: String| findings.push(finding_of(found.member, &service.key, code, message));
    if service.ports.len() > limits.ports {
        let (count, most) = (service.ports.len(), limits.ports);
        report("over-limit", format!("{count} ports, `limits.cluster.ports` is {most}: the first {most} are kept"));
    }
    let endpoints = || found.facts.slices.iter().flat_map(|slice| &slice.endpoints).map(|endpoint| endpoint.address);
    let (count, most) = (endpoints().count(), limits.endpoints_per_service);
    if count > most {
        report(
            "over-limit",
            format!("{count} endpoints, `limits.cluster.endpointsPerService` is {most}: the first {most} are kept"),
        );
    }
    let ingress = service.ingress.iter().filter_map(|ingress| match ingress {
        Ingress::Ip(address) => Some(*address),
        Ingress::Host(_) => None,
    });
    let addresses = service.cluster_ips.iter().copied().chain(ingress).chain(endpoints());
    let outside: Vec<IpAddr> = addresses.filter(|address| !found.member.admits_address(*address)).collect();
    if let Some(first) = outside.first() {
        let more = match outside.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        report("not-allowed", format!("`allow.cidrs` of the cluster does not admit {first}{more}: left out"));
    }
}
