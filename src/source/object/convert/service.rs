//! Services.

use super::identity::Identity;
use super::own::own_policy;
use super::port::{ports, traffic};
use super::report::Report;
use crate::model::fact::{Fact, Ingress, ServiceFact, ServiceKind};
use crate::source::object::raw::{Meta, Raw, Spec, Status, present};
use std::net::IpAddr;

/// A Service; mirrors of other clusters' services are marked, they must be known to refuse their export.
pub fn service(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Fact {
    let none = Spec::default();
    let spec = raw.spec.as_ref().unwrap_or(&none);
    let kind = kind(spec);
    let cluster_ips = if kind == ServiceKind::ClusterIp { cluster_ips(spec, report) } else { Vec::new() };
    Fact::Service(Box::new(ServiceFact {
        key: identity.key.clone(),
        kind,
        cluster_ips: cluster_ips.into(),
        ingress: raw.status.as_ref().map(|status| ingress(status, report)).unwrap_or_default().into(),
        ports: ports(spec.ports.as_ref().and_then(|ports| ports.list.as_ref()), "spec.ports", true, report),
        traffic: traffic(spec, report),
        mirror: raw.metadata.as_ref().is_some_and(|meta| is_mirror(meta, kind)),
        own: own_policy(raw, report).into(),
        origin: report.context.origin(super::resource_version(raw)),
    }))
}

fn kind(spec: &Spec<'_>) -> ServiceKind {
    let first = spec.cluster_ip.as_deref().or_else(|| present(&spec.cluster_ips).next().map(|(_, text)| &**text));
    match (spec.service_type.as_deref(), first) {
        (Some("ExternalName"), _) => ServiceKind::ExternalName,
        (_, Some("None")) => ServiceKind::Headless,
        _ => ServiceKind::ClusterIp,
    }
}

/// `clusterIPs`, or `clusterIP` where the list is absent.
fn cluster_ips(spec: &Spec<'_>, report: &mut Report<'_, '_>) -> Vec<IpAddr> {
    const LOST: &str = "it is left out";
    let mut addresses = Vec::with_capacity(spec.cluster_ips.as_ref().map_or(1, Vec::len));
    for (index, text) in present(&spec.cluster_ips).filter(|(_, text)| !text.is_empty()) {
        addresses.extend(report.address(text, None, || format!("spec.clusterIPs[{index}]"), LOST));
    }
    if spec.cluster_ips.is_none()
        && let Some(text) = spec.cluster_ip.as_deref().filter(|text| !text.is_empty())
    {
        addresses.extend(report.address(text, None, || "spec.clusterIP".into(), LOST));
    }
    addresses
}

fn ingress(status: &Status<'_>, report: &mut Report<'_, '_>) -> Vec<Ingress> {
    let Some(balancer) = &status.load_balancer else { return Vec::new() };
    let mut found = Vec::new();
    for (index, entry) in present(&balancer.ingress) {
        let path = |field| format!("status.loadBalancer.ingress[{index}].{field}");
        let (ip, host) = (entry.ip.as_deref().unwrap_or(""), entry.hostname.as_deref().unwrap_or(""));
        if !ip.is_empty() {
            found.extend(report.address(ip, None, || path("ip"), "it is left out").map(Ingress::Ip));
        } else if !host.is_empty() {
            found.extend(report.host(host, || path("hostname")).map(Ingress::Host));
        }
    }
    found
}

/// SOURCES.md 1.4: Linkerd, Skupper and consul-k8s write Services that stand for another cluster's.
fn is_mirror(meta: &Meta<'_>, kind: ServiceKind) -> bool {
    let by_label = meta.labels.as_ref().is_some_and(|labels| {
        labels.linkerd_mirrored.as_deref() == Some("true")
            || labels.linkerd_gateway.is_some()
            || labels.linkerd_cluster.is_some()
            || labels.linkerd_remote.is_some()
            || labels.skupper_listener.is_some()
            || (kind == ServiceKind::ExternalName && labels.consul.as_deref() == Some("true"))
    });
    let controlled = meta.annotations.as_ref().and_then(|annotations| annotations.skupper_controlled.as_deref());
    by_label || controlled == Some("true")
}
