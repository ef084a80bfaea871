//! Writes the bench clusterset: manifests of each cluster, the server's configuration, the questions.
//!
//! ```text
//! OUT/clusters/cluster-1/ns-0.yaml ...   one file per namespace
//! OUT/config.yaml                        with the ports that `bench/run` uses
//! OUT/config-plain.yaml                  the same with one system call per datagram
//! OUT/questions.txt                      see expect.rs
//! ```

use crate::clusterset::{Clusterset, Export, PORT, Service, cluster_name, namespace};
use crate::expect::stir;
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

/// How manifests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Several documents per file.
    Yaml,
    /// One `List` per file.
    Json,
}

/// Ports of the server under test, all on loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    pub dns: u16,
    pub ready: u16,
    pub metrics: u16,
}

impl Ports {
    /// `dns` and the two above it.
    pub fn from(dns: u16) -> Self {
        Ports { dns, ready: dns + 1, metrics: dns + 2 }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub objects: u64,
    pub octets: u64,
    /// Owner names that the server will hold in `svc.Z`, without the zone's own.
    pub names: u64,
}

/// Writes everything below `out`, which is emptied first.
pub fn write(out: &Path, set: &Clusterset, format: Format, questions: u32, ports: Ports) -> anyhow::Result<Written> {
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| out.display().to_string())?;
    }
    let mut written = Written::default();
    for cluster in 1..=set.clusters {
        let folder = out.join("clusters").join(cluster_name(cluster));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for number in 0..set.namespaces() {
            let objects = objects(set, cluster, number);
            let (name, text) = file(&objects, format, number);
            fs::write(folder.join(&name), &text).with_context(|| name)?;
            written.objects += objects.len() as u64;
            written.octets += text.len() as u64;
        }
    }
    written.names = names(set);
    let source = |cluster: &str| format!("manifests: {{ path: clusters/{cluster} }}");
    fs::write(out.join("config.yaml"), config(set, ports, "", source))?;
    fs::write(out.join("config-plain.yaml"), config(set, ports, ", batch: 1", source))?;
    let mut file = BufWriter::new(fs::File::create(out.join("questions.txt"))?);
    for number in 0..questions {
        writeln!(file, "{}", question(set, number))?;
    }
    file.flush()?;
    Ok(written)
}

/// File name and text of one namespace in one cluster.
pub fn file(objects: &[Value], format: Format, number: u32) -> (String, String) {
    match format {
        Format::Json => {
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
            (format!("{}.json", namespace(number)), list.to_string())
        }
        Format::Yaml => {
            let documents: Vec<String> = objects.iter().map(|object| yaml(object, 0)).collect();
            (format!("{}.yaml", namespace(number)), documents.join("---\n"))
        }
    }
}

/// The objects of one namespace in one cluster.
pub fn objects(set: &Clusterset, cluster: u32, number: u32) -> Vec<Value> {
    let mut objects =
        vec![json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace(number) } })];
    for service in set.services_of(number) {
        for export in service.exports.iter().filter(|export| export.cluster == cluster) {
            objects.extend(exported(&service, export));
        }
    }
    objects
}

fn exported(service: &Service, export: &Export) -> [Value; 3] {
    let (name, space) = (service.name(), service.namespace());
    let endpoint = |endpoint: &crate::clusterset::Endpoint| {
        let mut value = json!({ "addresses": [endpoint.address.to_string()], "conditions": { "ready": true } });
        if let Some(hostname) = &endpoint.hostname {
            value["hostname"] = json!(hostname);
        }
        value
    };
    let cluster_ip = export.cluster_ip.map_or("None".to_owned(), |address| address.to_string());
    let ports = json!([{ "name": "http", "protocol": "TCP", "port": PORT }]);
    [
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": space },
            "spec": { "clusterIP": cluster_ip, "clusterIPs": [cluster_ip], "ipFamilies": ["IPv4"], "ports": ports },
        }),
        json!({
            "apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceExport",
            "metadata": { "name": name, "namespace": space, "creationTimestamp": "2026-01-01T00:00:00Z" },
        }),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {
                "name": format!("{name}-1"), "namespace": space, "labels": { "kubernetes.io/service-name": name },
            },
            "addressType": "IPv4", "ports": ports,
            "endpoints": export.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        }),
    ]
}

/// Block-style YAML of a value of maps, lists and plain scalars.
fn yaml(value: &Value, depth: usize) -> String {
    let mut text = String::new();
    let Value::Object(map) = value else { return text };
    for (key, value) in map {
        let indent = " ".repeat(depth);
        match value {
            Value::Object(_) => {
                let _ = write!(text, "{indent}{key}:\n{}", yaml(value, depth + 2));
            }
            Value::Array(items) => {
                let _ = writeln!(text, "{indent}{key}:");
                for item in items {
                    match item {
                        Value::Object(_) => {
                            let inner = yaml(item, depth + 2);
                            let _ = write!(text, "{indent}- {}", inner.trim_start());
                        }
                        scalar => {
                            let _ = writeln!(text, "{indent}- {scalar}");
                        }
                    }
                }
            }
            scalar => {
                let _ = writeln!(text, "{indent}{key}: {scalar}");
            }
        }
    }
    text
}

/// Owner names below `svc.Z`: namespaces, services, `_tcp`, `_http._tcp`, clusters and hosts of headless services.
fn names(set: &Clusterset) -> u64 {
    let of_service = |service: Service| {
        let clusters: BTreeSet<u32> = service.exports.iter().map(|export| export.cluster).collect();
        3 + if service.headless { clusters.len() + service.hosts().count() } else { 0 }
    };
    let services: usize = (0..set.services).map(|number| of_service(set.service(number))).sum();
    u64::from(set.namespaces()) + services as u64
}

/// The server's configuration: one UDP worker with `udp` as further settings, and the `source` of each cluster.
pub fn config(set: &Clusterset, ports: Ports, udp: &str, source: impl Fn(&str) -> String) -> String {
    let Ports { dns, ready, metrics } = ports;
    let mut text = format!(
        "# Written by `generate`; see bench/README.md.\nlocal: {{ cluster: {} }}\nlisten:\n  dns: [\"127.0.0.1:{dns}\"]\n  \
         grpc: []\n  health: \"\"\n  ready: \"127.0.0.1:{ready}\"\n  metrics: \"127.0.0.1:{metrics}\"\n  admin: \"\"\n\
         udp: {{ workers: 1, receiveBuffer: 1Mi{udp} }}\nclusters:\n",
        cluster_name(1),
    );
    for cluster in (1..=set.clusters).map(cluster_name) {
        let _ = writeln!(text, "- name: {cluster}\n  source: {{ {} }}", source(&cluster));
    }
    text
}

/// One line: 10 % NXDOMAIN; of the rest 80 % A (a tenth of them hosts of headless services), 15 % AAAA, 5 % SRV.
pub fn question(set: &Clusterset, number: u32) -> String {
    let random = stir(u64::from(number) ^ 0xa5a5_0000_0000_0000);
    let service = set.service((random % u64::from(set.services)) as u32);
    let (kind, part) = (random >> 32, stir(random));
    if kind % 100 < 10 {
        return format!(
            "missing-{}.{}.svc.{} A NXDOMAIN",
            part % 10_000_000,
            service.namespace(),
            crate::clusterset::ZONE
        );
    }
    match (kind >> 16) % 100 {
        0..80 if part % 10 == 0 => host(set, service.number),
        80..95 => format!("{} AAAA NOERROR", service.dns_name()),
        95..100 => srv(set, service.number),
        _ => address(&service),
    }
}

/// The same mix, of a cluster that imports every service: one address for a ClusterSetIP service, all pods of a headless
/// one, in no order.
pub fn import_question(set: &Clusterset, number: u32) -> String {
    let line = question(set, number);
    let mut words: Vec<&str> = line.split(' ').filter(|word| *word != "/").collect();
    let service = words[0].split('.').next().and_then(|label| label.strip_prefix("web-")?.parse().ok());
    let [.., "A", "NOERROR"] = words[..3] else { return words.join(" ") };
    let Some(service) = service.map(|number| set.service(number)) else { return words.join(" ") };
    let Some(address) = service.exports[0].cluster_ip.map(|address| address.to_string()) else {
        return words.join(" ");
    };
    words.truncate(3);
    words.push(&address);
    words.join(" ")
}

fn address(service: &Service) -> String {
    let list =
        |addresses: &[std::net::Ipv4Addr]| addresses.iter().map(|address| format!(" {address}")).collect::<String>();
    let name = service.dns_name();
    match service.answer() {
        (local, others) if local.is_empty() || others.is_empty() => {
            format!("{name} A NOERROR{}{}", list(&local), list(&others))
        }
        (local, others) => format!("{name} A NOERROR{} /{}", list(&local), list(&others)),
    }
}

/// The first headless service from `number` on; the service itself in a set too small to have one.
fn host(set: &Clusterset, number: u32) -> String {
    let near = (number..number + 5).map(|number| set.service(number % set.services));
    let host = near.filter(|service| service.headless).find_map(|service| service.hosts().last());
    match host {
        Some((name, address)) => format!("{name} A NOERROR {address}"),
        None => address(&set.service(number)),
    }
}

/// Headless ones with up to three endpoints only, so that the reply fits into 512 octets.
fn srv(set: &Clusterset, number: u32) -> String {
    let mut near = (number..number + 5).map(|number| set.service(number % set.services));
    let Some(service) = near.rfind(|service| !service.headless || service.hosts().count() <= 3) else {
        return address(&set.service(number));
    };
    let name = service.dns_name();
    let targets: Vec<String> =
        if service.headless { service.hosts().map(|(host, _)| host).collect() } else { vec![name.clone()] };
    let data: String = targets.iter().map(|target| format!(" {PORT}:{target}")).collect();
    format!("_http._tcp.{name} SRV NOERROR{data}")
}
