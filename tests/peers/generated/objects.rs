//! The Kubernetes objects of a generated clusterset.

use serde_json::{Value, json};

use crate::generated::model::{Endpoint, Kind, Port, Service, Slice};

/// The ServiceImport of a service, in the given MCS version, if it has one, and its slices.
pub fn objects(service: &Service, version: &str) -> Vec<Value> {
    let slices = service.slices.iter().enumerate().map(|(number, one)| slice(service, number, one));
    service.imported.then(|| import(service, version)).into_iter().chain(slices).collect()
}

fn import(service: &Service, version: &str) -> Value {
    let kind = if service.kind == Kind::Headless { "Headless" } else { "ClusterSetIP" };
    json!({
        "apiVersion": version, "kind": "ServiceImport",
        "metadata": { "namespace": service.namespace, "name": service.name },
        "spec": { "type": kind, "ips": service.ips, "ports": ports(&service.ports) },
    })
}

fn slice(service: &Service, number: usize, slice: &Slice) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "addressType": if slice.v6 { "IPv6" } else { "IPv4" },
        "metadata": { "namespace": service.namespace, "name": format!("{}-{number}", service.name), "labels": {
            "multicluster.kubernetes.io/service-name": service.name,
            "multicluster.kubernetes.io/source-cluster": slice.cluster,
        } },
        "endpoints": slice.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "ports": ports(&slice.ports),
    })
}

fn endpoint(endpoint: &Endpoint) -> Value {
    let mut value = json!({ "addresses": [endpoint.address], "conditions": {} });
    if let Some(ready) = endpoint.ready {
        value["conditions"]["ready"] = json!(ready);
    }
    if endpoint.published_early {
        value["conditions"]["serving"] = json!(false);
    }
    if !endpoint.hostname.is_empty() {
        value["hostname"] = json!(endpoint.hostname);
    }
    value
}

fn ports(ports: &[Port]) -> Vec<Value> {
    let port = |port: &Port| {
        let mut value = json!({ "port": port.number });
        if !port.name.is_empty() {
            value["name"] = json!(port.name);
        }
        if !port.protocol.is_empty() {
            value["protocol"] = json!(port.protocol);
        }
        value
    };
    ports.iter().map(port).collect()
}
