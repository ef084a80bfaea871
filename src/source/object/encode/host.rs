//! The objects of global zones: ServiceEntry, WorkloadEntry, DNSEndpoint.

use super::shape::Object;
use super::{named, own};
use crate::model::fact::{Ingress, Protocol};
use crate::model::host::fact::{
    Allocates, DnsEndpointFact, DnsRecord, EntryPort, RecordValues, Resolution, ServiceEntryFact, Workload,
    WorkloadEntryFact,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const ISTIO: &str = "networking.istio.io/v1";
const EXTERNAL_DNS: &str = "externaldns.k8s.io/v1alpha1";

pub(super) fn service_entry(fact: &ServiceEntryFact) -> Object<'_> {
    let mut meta = named(fact.key.namespace(), fact.key.name(), &fact.origin);
    own(&fact.own, None, &mut meta.annotations);
    let ports: Vec<Value> = fact.ports.iter().map(port).collect();
    let endpoints: Vec<Value> = fact.endpoints.iter().map(inline).collect();
    let hosts: Vec<&str> = fact.hosts.iter().map(|host| &**host).collect();
    let mut spec = json!({ "hosts": hosts, "addresses": fact.addresses, "ports": ports, "endpoints": endpoints });
    if fact.resolution == Resolution::Endpoints {
        spec["resolution"] = if fact.allocates == Allocates::AllHosts { "DYNAMIC_DNS" } else { "STATIC" }.into();
    }
    if fact.allocates == Allocates::Nothing {
        meta.labels.add("networking.istio.io/enable-autoallocate-ip", "false");
    }
    if let Some(selector) = &fact.selector {
        spec["workloadSelector"] = json!({ "labels": texts(selector) });
    }
    if !fact.exported {
        spec["exportTo"] = json!(["."]);
    }
    let allocated = |(host, address): &(Option<Arc<str>>, _)| json!({ "host": host.as_deref(), "value": address });
    let addresses: Vec<Value> = fact.allocated.iter().map(allocated).collect();
    Object {
        other_spec: Some(spec),
        other_status: Some(json!({ "addresses": addresses })),
        ..Object::new(ISTIO, "ServiceEntry", meta)
    }
}

pub(super) fn workload_entry(fact: &WorkloadEntryFact) -> Object<'_> {
    let meta = named(fact.key.namespace(), fact.key.name(), &fact.origin);
    let mut spec = workload(&fact.workload);
    spec["labels"] = texts(&fact.labels);
    let unhealthy = json!({ "conditions": [{ "type": "Healthy", "status": "False" }] });
    Object {
        other_spec: Some(spec),
        other_status: (!fact.workload.ready).then_some(unhealthy),
        ..Object::new(ISTIO, "WorkloadEntry", meta)
    }
}

pub(super) fn dns_endpoint(fact: &DnsEndpointFact) -> Object<'_> {
    let mut meta = named(fact.key.namespace(), fact.key.name(), &fact.origin);
    own(&fact.own, None, &mut meta.annotations);
    let records: Vec<Value> = fact.records.iter().map(record).collect();
    Object { other_spec: Some(json!({ "endpoints": records })), ..Object::new(EXTERNAL_DNS, "DNSEndpoint", meta) }
}

fn texts(labels: &[(Arc<str>, Arc<str>)]) -> Value {
    Value::Object(labels.iter().map(|(key, value)| (key.to_string(), Value::from(&**value))).collect())
}

fn port(port: &EntryPort) -> Value {
    let protocol = if port.protocol == Protocol::Udp { "UDP" } else { "TCP" };
    let mut shape = json!({ "name": &*port.name, "number": port.number, "protocol": protocol });
    if let Some(target) = port.target_port {
        shape["targetPort"] = target.into();
    }
    shape
}

/// The fields that inline endpoints and WorkloadEntries share.
fn workload(fact: &Workload) -> Value {
    let address = match &fact.address {
        Ingress::Ip(ip) => ip.to_string(),
        Ingress::Host(name) => name.to_string(),
    };
    let ports: Map<String, Value> =
        fact.ports.iter().map(|(name, number)| (name.to_string(), Value::from(*number))).collect();
    let mut shape = json!({ "address": address, "ports": ports });
    if let Some(network) = &fact.network {
        shape["network"] = (**network).into();
    }
    if fact.region.is_some() || fact.zone.is_some() {
        let part = |part: &Option<Arc<str>>| part.as_deref().unwrap_or_default().to_owned();
        shape["locality"] = format!("{}/{}", part(&fact.region), part(&fact.zone)).into();
    }
    if let Some(weight) = fact.weight {
        shape["weight"] = weight.into();
    }
    shape
}

/// In an inline endpoint labels say the cluster and whether it drains; a WorkloadEntry keeps all its labels.
fn inline(fact: &Workload) -> Value {
    let mut shape = workload(fact);
    let mut labels = Map::new();
    if let Some(cluster) = &fact.cluster {
        labels.insert("topology.istio.io/cluster".to_owned(), cluster.as_str().into());
    }
    if fact.draining {
        labels.insert("istio.io/draining".to_owned(), "true".into());
    }
    shape["labels"] = Value::Object(labels);
    shape
}

fn record(fact: &DnsRecord) -> Value {
    let (kind, targets): (&str, Vec<String>) = match &fact.values {
        RecordValues::Addresses(list) => {
            let kind = if list.first().is_some_and(|address| address.is_ipv6()) { "AAAA" } else { "A" };
            (kind, list.iter().map(ToString::to_string).collect())
        }
        RecordValues::Alias(target) => ("CNAME", vec![target.to_string()]),
        RecordValues::Texts(list) => ("TXT", list.iter().map(|strings| text(strings)).collect()),
        RecordValues::Services(list) => {
            let service = |srv: &crate::model::host::fact::SrvValue| {
                format!("{} {} {} {}", srv.priority, srv.weight, srv.port, srv.target)
            };
            ("SRV", list.iter().map(service).collect())
        }
        RecordValues::Pointers(list) => ("PTR", list.iter().map(ToString::to_string).collect()),
    };
    let mut shape = json!({ "dnsName": &*fact.name, "recordType": kind, "targets": targets });
    if let Some(ttl) = fact.ttl {
        shape["recordTTL"] = ttl.into();
    }
    if let Some(set) = &fact.routing.set {
        shape["setIdentifier"] = (**set).into();
    }
    let routing = &fact.routing;
    let weight = routing.weight.map(|weight| ("aws/weight", weight.to_string()));
    let failover = routing.failover.map(|rank| if rank == 0 { "PRIMARY" } else { "SECONDARY" });
    let failover = failover.map(|rank| ("aws/failover", rank.to_owned()));
    let multi = routing.multi_value.then(|| ("aws/multi-value-answer", "true".to_owned()));
    let region = routing.region.as_ref().map(|region| ("aws/region", region.to_string()));
    let properties = [weight, failover, multi, region].into_iter().flatten();
    shape["providerSpecific"] = properties.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    shape
}

/// The strings of one TXT value, quoted.
fn text(strings: &[Arc<str>]) -> String {
    // Such a string was read from plain text, where it separates nothing.
    if strings.iter().any(|string| string.contains("\" \"")) {
        return strings.concat();
    }
    format!("\"{}\"", strings.join("\" \""))
}
