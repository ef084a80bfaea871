//! The objects of a bench clusterset as an API server takes them.

use crate::objects::{Endpoint, import, imported_slice};
use clusterset_dns_bench::clusterset::{Clusterset, PORT, cluster_name, namespace};
use clusterset_dns_bench::manifests;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// Every service as a ServiceImport of `version`; headless ones with a slice for each cluster.
pub fn imports(set: &Clusterset, version: &str) -> Vec<Value> {
    let mut objects = Vec::new();
    let port = [("http", "TCP", PORT)];
    for service in (0..set.services).map(|number| set.service(number)) {
        let (space, name) = (service.namespace(), service.name());
        let address = service.exports[0].cluster_ip.map(|address| address.to_string());
        let (kind, ips) = if service.headless { ("Headless", None) } else { ("ClusterSetIP", address.as_deref()) };
        let ips: Vec<&str> = ips.into_iter().collect();
        objects.push(import(version, &space, &name, kind, &ips, &port));
        for export in service.exports.iter().filter(|_| service.headless) {
            let texts: Vec<(String, String)> = export
                .endpoints
                .iter()
                .map(|endpoint| (endpoint.address.to_string(), endpoint.hostname.clone().unwrap_or_default()))
                .collect();
            let endpoints: Vec<Endpoint<'_>> =
                texts.iter().map(|(address, hostname)| Endpoint { address, hostname, unready: false }).collect();
            objects.push(imported_slice(&space, &name, &cluster_name(export.cluster), &endpoints, &port));
        }
    }
    objects
}

/// The Services, ServiceExports and slices of one cluster, without the Namespaces; cluster addresses in `range`, whose
/// first 16 bits stay.
pub fn exports(set: &Clusterset, cluster: u32, range: Ipv4Addr, version: &str) -> Vec<Value> {
    let mut objects: Vec<Value> =
        (0..set.namespaces()).flat_map(|space| manifests::objects(set, cluster, space)).collect();
    objects.retain(|object| object["kind"] != "Namespace");
    let mut next = u32::from(range) + 16;
    for object in &mut objects {
        match object["kind"].as_str() {
            Some("ServiceExport") => {
                object["apiVersion"] = json!(version);
                object["metadata"].as_object_mut().map(|metadata| metadata.remove("creationTimestamp"));
            }
            Some("Service") if object["spec"]["clusterIP"] != "None" => {
                let address = Ipv4Addr::from(next).to_string();
                object["spec"]["clusterIP"] = json!(address);
                object["spec"]["clusterIPs"] = json!([address]);
                next += 1;
            }
            _ => {}
        }
    }
    objects
}

/// Names of the Namespaces.
pub fn namespaces(set: &Clusterset) -> Vec<String> {
    (0..set.namespaces()).map(namespace).collect()
}
