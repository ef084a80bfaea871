//! The Kubernetes objects that the tests create, and where the API keeps each kind.

use serde_json::{Value, json};

/// A port: name, protocol, number.
pub type Port<'a> = (&'a str, &'a str, u16);

/// One endpoint of a slice.
#[derive(Clone, Copy, Default)]
pub struct Endpoint<'a> {
    /// Its address.
    pub address: &'a str,
    /// Its host name, empty for none.
    pub hostname: &'a str,
    /// Whether it is left out of answers.
    pub unready: bool,
}

/// Ready endpoints without host names.
pub fn ready<'a>(addresses: &[&'a str]) -> Vec<Endpoint<'a>> {
    addresses.iter().map(|&address| Endpoint { address, ..Endpoint::default() }).collect()
}

/// A Namespace.
pub fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

/// The Secret that makes a cluster known to the registry, as `istioctl create-remote-secret` writes it.
pub fn remote_secret(cluster: &str, annotations: Value, kubeconfig: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": format!("istio-remote-secret-{cluster}"), "namespace": "clusterset-dns",
            "annotations": annotations, "labels": { "istio/multiCluster": "true" },
        },
        "stringData": { cluster: kubeconfig },
    })
}

/// A Service without selector. `kind` is `ClusterIP`, `LoadBalancer` or `Headless`.
pub fn service(namespace: &str, name: &str, kind: &str, ports: &[Port<'_>]) -> Value {
    let ports: Vec<Value> = ports
        .iter()
        .map(|(name, protocol, port)| json!({ "name": name, "protocol": protocol, "port": port }))
        .collect();
    let mut spec = json!({ "type": "ClusterIP", "ports": ports });
    match kind {
        "Headless" => spec["clusterIP"] = json!("None"),
        "LoadBalancer" => {
            spec["type"] = json!("LoadBalancer");
            spec["allocateLoadBalancerNodePorts"] = json!(false);
        }
        _ => {}
    }
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": namespace, "name": name }, "spec": spec })
}

/// A slice with the endpoints of a Service of its own cluster. Its address family is that of the first endpoint.
pub fn slice(namespace: &str, name: &str, service: &str, endpoints: &[Endpoint<'_>], ports: &[Port<'_>]) -> Value {
    labelled_slice(namespace, name, json!({ "kubernetes.io/service-name": service }), endpoints, ports)
}

/// A slice as an MCS controller writes it: a copy of endpoints of `source`, beside the ServiceImport.
pub fn imported_slice(
    namespace: &str,
    service: &str,
    source: &str,
    endpoints: &[Endpoint<'_>],
    ports: &[Port<'_>],
) -> Value {
    let family = if endpoints.first().is_some_and(|first| first.address.contains(':')) { "v6" } else { "v4" };
    let labels = json!({
        "multicluster.kubernetes.io/service-name": service,
        "multicluster.kubernetes.io/source-cluster": source,
    });
    labelled_slice(namespace, &format!("{service}-{source}-{family}"), labels, endpoints, ports)
}

fn labelled_slice(namespace: &str, name: &str, labels: Value, endpoints: &[Endpoint<'_>], ports: &[Port<'_>]) -> Value {
    let family = if endpoints.first().is_some_and(|first| first.address.contains(':')) { "IPv6" } else { "IPv4" };
    let endpoints: Vec<Value> = endpoints
        .iter()
        .map(|endpoint| {
            let mut value = json!({ "addresses": [endpoint.address], "conditions": { "ready": !endpoint.unready } });
            if !endpoint.hostname.is_empty() {
                value["hostname"] = json!(endpoint.hostname);
            }
            value
        })
        .collect();
    let ports: Vec<Value> = ports
        .iter()
        .map(|(name, protocol, port)| json!({ "name": name, "protocol": protocol, "port": port }))
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
        "metadata": { "namespace": namespace, "name": name, "labels": labels },
        "endpoints": endpoints, "ports": ports,
    })
}

/// A ServiceExport in the given MCS version.
pub fn export(version: &str, namespace: &str, name: &str) -> Value {
    json!({ "apiVersion": version, "kind": "ServiceExport", "metadata": { "namespace": namespace, "name": name } })
}

/// A ServiceImport in the given MCS version; `kind` is `ClusterSetIP` or `Headless`.
pub fn import(version: &str, namespace: &str, name: &str, kind: &str, ips: &[&str], ports: &[Port<'_>]) -> Value {
    let ports: Vec<Value> = ports
        .iter()
        .map(|(name, protocol, port)| json!({ "name": name, "protocol": protocol, "port": port }))
        .collect();
    json!({
        "apiVersion": version, "kind": "ServiceImport", "metadata": { "namespace": namespace, "name": name },
        "spec": { "type": kind, "ips": ips, "ports": ports },
    })
}

/// The collection that an object belongs to, such as `/api/v1/namespaces/shop/services`.
pub fn collection(object: &Value) -> String {
    let version = object["apiVersion"].as_str().expect("an object has an apiVersion");
    let kind = object["kind"].as_str().expect("an object has a kind");
    let root = if version == "v1" { "/api/v1".to_owned() } else { format!("/apis/{version}") };
    let plural = format!("{}s", kind.to_lowercase());
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{plural}"),
    }
}

/// The path of one object.
pub fn path(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().expect("an object has a name");
    format!("{}/{name}", collection(object))
}
