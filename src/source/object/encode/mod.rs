//! A fact back as the object it was read from, with nothing but the fields that are read: one line of JSON.
//!
//! In: a [`Fact`]. Out: JSON that [`decode_json`](super::decode_json) turns into the same fact. What several objects
//! can say in different ways (a copied slice, a derived Service) is written in one way, the KEP's where it has one.

mod host;
mod shape;
#[cfg(test)]
mod tests;

use super::time::format_millis;
use crate::model::AnswerMode;
use crate::model::fact::{
    ConnectionFact, EndpointFact, ExportFact, Fact, Family, GatewayFact, ImportFact, Ingress, NodeFact, Origin, Port,
    Protocol, ServiceFact, ServiceKind, ServiceType, SliceFact, SliceRole, Traffic,
};
use crate::model::policy::{OwnPolicy, Preference};
use serde_json::Value;
use shape::{
    Addresses, Cluster, Conditions, Derived, Endpoint, IngressShape, LoadBalancer, Meta, Object, PortShape, Spec,
    Status, TargetRef, Texts,
};
use std::borrow::Cow;
use std::collections::BTreeMap;

const DISCOVERY: &str = "discovery.k8s.io/v1";
const MCS: &str = "multicluster.x-k8s.io/v1alpha1";
const LIGHTHOUSE: &str = "lighthouse-agent.submariner.io";

/// Writes a fact as one line of JSON, without the line feed.
pub fn encode_json(fact: &Fact, into: &mut Vec<u8>) {
    let object = match fact {
        Fact::Namespace(fact) => Object::new("v1", "Namespace", named("", &fact.name, &fact.origin)),
        Fact::Node(fact) => node(fact),
        Fact::Service(fact) => service(fact),
        Fact::Slice(fact) => slice(fact),
        Fact::Export(fact) => export(fact),
        Fact::Import(fact) => import(fact),
        Fact::ServiceEntry(fact) => host::service_entry(fact),
        Fact::WorkloadEntry(fact) => host::workload_entry(fact),
        Fact::DnsEndpoint(fact) => host::dns_endpoint(fact),
        Fact::Gateway(fact) => gateway(fact),
    };
    serde_json::to_writer(into, &object).expect("text keys, and a vector takes every octet");
}

fn named<'f>(namespace: &'f str, name: &'f str, origin: &Origin) -> Meta<'f> {
    let resource_version = match origin {
        Origin::Api { resource_version } if *resource_version > 0 => Some(resource_version.to_string()),
        _ => None,
    };
    let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
    Meta { name, namespace, resource_version, ..Meta::default() }
}

fn gateway(fact: &GatewayFact) -> Object<'_> {
    let meta = named(fact.key.namespace(), fact.key.name(), &Origin::Unknown);
    let connection = |connection: &ConnectionFact| serde_json::json!({"status": connection.status.as_str(), "endpoint": {"cluster_id": &*connection.cluster}});
    let status = Status {
        ha_status: Some("active"),
        connections: fact.connections.iter().map(connection).collect(),
        ..Status::default()
    };
    Object { status: Some(status), ..Object::new("submariner.io/v1", "Gateway", meta) }
}

fn node(fact: &NodeFact) -> Object<'_> {
    let mut meta = named("", &fact.name, &Origin::Unknown);
    meta.labels.extend("topology.kubernetes.io/region", fact.region.as_deref());
    meta.labels.extend("topology.kubernetes.io/zone", fact.zone.as_deref());
    let ranges = fact.pod_cidrs.iter().map(|range| Cow::Owned(range.to_string())).collect();
    Object { spec: Some(Spec { pod_cidrs: Some(ranges), ..Spec::default() }), ..Object::new("v1", "Node", meta) }
}

fn service(fact: &ServiceFact) -> Object<'_> {
    let mut meta = named(fact.key.namespace(), fact.key.name(), &fact.origin);
    own(&fact.own, None, &mut meta.annotations);
    if fact.mirror {
        // Whichever system marked it: the mark of one says the same.
        meta.labels.add("mirror.linkerd.io/mirrored-service", "true");
    }
    let mut spec = Spec { ports: Some(ports(&fact.ports)), ..traffic(&fact.traffic) };
    match fact.kind {
        ServiceKind::ExternalName => spec.object_type = Some("ExternalName"),
        ServiceKind::Headless => spec.cluster_ip = Some("None"),
        ServiceKind::ClusterIp => spec.cluster_ips = Some(Addresses(&fact.cluster_ips)),
    }
    let status = (!fact.ingress.is_empty()).then(|| Status {
        load_balancer: Some(LoadBalancer { ingress: fact.ingress.iter().map(ingress_shape).collect() }),
        ..Status::default()
    });
    Object { spec: Some(spec), status, ..Object::new("v1", "Service", meta) }
}

fn ingress_shape(fact: &Ingress) -> IngressShape<'_> {
    match fact {
        Ingress::Ip(ip) => IngressShape { ip: Some(*ip), hostname: None },
        Ingress::Host(name) => IngressShape { ip: None, hostname: Some(name) },
    }
}

fn slice(fact: &SliceFact) -> Object<'_> {
    let mut meta = named(fact.key.namespace(), fact.key.name(), &fact.origin);
    match &fact.role {
        SliceRole::Native => meta.labels.add("kubernetes.io/service-name", fact.service.name()),
        SliceRole::Copy { source } => {
            meta.labels.add("multicluster.kubernetes.io/service-name", fact.service.name());
            meta.labels.add("multicluster.kubernetes.io/source-cluster", source.as_str());
        }
    }
    if fact.virtual_address {
        meta.labels.add("endpointslice.kubernetes.io/managed-by", LIGHTHOUSE);
        meta.labels.add("lighthouse.submariner.io/is-headless", "false");
    }
    if let Some(text) = fact.triggered.and_then(format_millis) {
        meta.annotations.add("endpoints.kubernetes.io/last-change-trigger-time", text);
    }
    // The addresses of one endpoint stood together when it was read.
    let endpoints = fact.endpoints.chunk_by(is_same_endpoint).map(endpoint).collect();
    Object {
        endpoints: Some(endpoints),
        ports: Some(ports(&fact.ports)),
        ..Object::new(DISCOVERY, "EndpointSlice", meta)
    }
}

fn is_same_endpoint(a: &EndpointFact, b: &EndpointFact) -> bool {
    (a.ready, a.pod, &a.hostname, &*a.place) == (b.ready, b.pod, &b.hostname, &*b.place)
}

/// One endpoint, of which each of `facts` is an address.
fn endpoint(facts: &[EndpointFact]) -> Endpoint<'_> {
    let fact = &facts[0];
    Endpoint {
        addresses: facts.iter().map(|fact| fact.address).collect(),
        hostname: fact.hostname.as_deref(),
        node_name: fact.place.node.as_deref(),
        zone: fact.place.zone.as_deref(),
        conditions: (!fact.ready).then_some(Conditions { ready: false }),
        target_ref: fact.pod.get().map(|hash| TargetRef { kind: "Pod", hash: hash.to_string() }),
    }
}

fn export(fact: &ExportFact) -> Object<'_> {
    let mut meta = named(fact.key.namespace(), fact.key.name(), &fact.origin);
    let texts = |json: &Option<std::sync::Arc<str>>| json.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let annotations: Option<BTreeMap<String, String>> = texts(&fact.exported.annotations);
    own(&fact.own, annotations.as_ref(), &mut meta.annotations);
    meta.creation_timestamp = fact.created.and_then(|seconds| format_millis(seconds.checked_mul(1_000)?));
    // Only that there is one counts.
    meta.deletion_timestamp = fact.deleting.then_some("deleting");
    let spec =
        Spec { exported_labels: texts(&fact.exported.labels), exported_annotations: annotations, ..Spec::default() };
    Object { spec: Some(spec), ..Object::new(MCS, "ServiceExport", meta) }
}

fn import(fact: &ImportFact) -> Object<'_> {
    let mut meta = named(fact.key.namespace(), fact.key.name(), &fact.origin);
    own(&fact.own, None, &mut meta.annotations);
    let usual = |names: &[std::sync::Arc<str>]| matches!(names, [name] if name.strip_prefix("derived-") == Some(fact.key.name()));
    if !usual(&fact.derived_services) {
        let list: Vec<Derived<'_>> = fact.derived_services.iter().map(|service| Derived { service }).collect();
        let json = serde_json::to_string(&list).expect("a list of texts");
        meta.annotations.add("multicluster.k8s.aws/derived-service", json);
    }
    let spec = Spec {
        object_type: fact.service_type.map(|kind| match kind {
            ServiceType::ClusterSetIp => "ClusterSetIP",
            ServiceType::Headless => "Headless",
        }),
        ips: Some(Addresses(&fact.ips)),
        ports: Some(ports(&fact.ports)),
        ..traffic(&fact.traffic)
    };
    let status = Status {
        clusters: fact.source_clusters.iter().map(|id| Cluster { cluster: id.as_str() }).collect(),
        endpoint_slice_objects: fact.slices_present.map(|present| if present { "Present" } else { "Absent" }),
        ..Status::default()
    };
    Object { spec: Some(spec), status: Some(status), ..Object::new(MCS, "ServiceImport", meta) }
}

fn ports(list: &[Port]) -> Vec<PortShape<'_>> {
    list.iter().map(port).collect()
}

fn port(fact: &Port) -> PortShape<'_> {
    let protocol = match fact.protocol {
        Protocol::Tcp => None,
        Protocol::Udp => Some("UDP"),
        Protocol::Sctp => Some("SCTP"),
    };
    let name = Some(&*fact.name).filter(|name| !name.is_empty());
    PortShape { name, protocol, port: fact.number, app_protocol: fact.app_protocol.as_deref() }
}

fn traffic(fact: &Traffic) -> Spec<'_> {
    let family = |family: &Family| match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    };
    let families: Vec<&str> = fact.ip_families.iter().map(family).collect();
    let config = fact.session_affinity_config.as_deref();
    Spec {
        session_affinity: fact.session_affinity.as_deref(),
        session_affinity_config: config.and_then(|json| serde_json::from_str::<Value>(json).ok()),
        internal_traffic_policy: fact.internal_traffic_policy.as_deref(),
        traffic_distribution: fact.traffic_distribution.as_deref(),
        ip_families: Some(families).filter(|families| !families.is_empty()),
        ..Spec::default()
    }
}

/// The own annotations. `exported` stands behind those of the object: what the policy lacks but they would give is
/// written empty, which reads as absent.
fn own<'f>(policy: &'f OwnPolicy, exported: Option<&BTreeMap<String, String>>, into: &mut Texts<'f>) {
    let mut write = |key: &'static str, value: Option<Cow<'f, str>>| match value {
        Some(text) => into.add(key, text),
        None if exported.is_some_and(|exported| exported.contains_key(key)) => into.add(key, ""),
        None => {}
    };
    let answer = policy.answer.map(|mode| match mode {
        AnswerMode::Ordered => "ordered".into(),
        AnswerMode::Nearest => "nearest".into(),
        AnswerMode::Weighted => "weighted".into(),
    });
    write("clusterset-dns.io/answer", answer);
    write("clusterset-dns.io/ttl", policy.ttl.map(|ttl| ttl.to_string().into()));
    write("clusterset-dns.io/weight", policy.weight.map(|weight| weight.to_string().into()));
    write("clusterset-dns.io/prefer", policy.prefer.as_deref().map(|list| preferences(list).into()));
    write("clusterset-dns.io/drain", policy.drain.then(|| "true".into()));
    write("clusterset-dns.io/health", policy.health.as_deref().map(Cow::Borrowed));
}

fn preferences(list: &[Preference]) -> String {
    let entry = |preference: &Preference| match preference {
        Preference::Cluster(name) => name.to_string(),
        Preference::Region(name) => format!("region:{name}"),
        Preference::Zone(name) => format!("zone:{name}"),
    };
    list.iter().map(entry).collect::<Vec<_>>().join(",")
}
