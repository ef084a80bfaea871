//! Facts of few contents, so that histories overwrite, conflict and restore.

use clusterset_dns::model::ClusterId;
use clusterset_dns::model::fact::Fact;
use clusterset_dns::source::object::{Context, Outcome, decode_json};
use serde_json::{Value, json};
use std::sync::OnceLock;

const MCS: &str = "multicluster.x-k8s.io/v1alpha1";
const ISTIO: &str = "networking.istio.io/v1";
const HOSTS: [&str; 6] = ["a.global", "*.a.global", "web.shop.global", "b.a.global", "*.global", "d.c.b.a.global"];

/// One of 256 facts: the lower four bits say the shape, the others which one.
pub fn fact(number: u8) -> &'static Fact {
    static FACTS: OnceLock<Vec<Fact>> = OnceLock::new();
    let facts = FACTS.get_or_init(|| (0..=255).map(|number| decoded(number & 15, number >> 4)).collect());
    &facts[usize::from(number)]
}

fn decoded(shape: u8, which: u8) -> Fact {
    let (namespace, name) = [("shop", "web"), ("shop", "db"), ("pay", "web")][usize::from(which) % 3];
    let variant = which / 3;
    let (api_version, kind, mut object) = match shape {
        0..3 => service(shape == 2, variant),
        3..6 => export(shape == 5, variant),
        6..9 => slice(shape == 8, name, variant),
        9 | 10 => import(shape == 10, variant),
        11 | 12 => service_entry(shape == 12, variant),
        13 => workload_entry(variant),
        14 => dns_endpoint(variant),
        _ => cluster_scoped(namespace, variant),
    };
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    let meta = &mut object["metadata"];
    let name = meta["suffix"].as_str().map_or_else(|| name.to_owned(), |suffix| format!("{name}-{suffix}"));
    if meta["name"].is_null() {
        meta["namespace"] = namespace.into();
        meta["name"] = name.into();
    }
    match decode_json(None, object.to_string().as_bytes(), &Context::api(ClusterId::new("east"))).outcome {
        Outcome::Object { fact, .. } => fact,
        other => unreachable!("{object}: {other:?}"),
    }
}

type Shape = (&'static str, &'static str, Value);

fn service(headless: bool, variant: u8) -> Shape {
    let spec = match headless {
        true => json!({"clusterIP": "None", "ports": [{"port": 53, "protocol": "UDP"}]}),
        false => {
            let address = format!("10.1.0.{variant}");
            let ports = json!([{"name": "http", "port": 80 + variant % 2}]);
            json!({"clusterIP": address, "clusterIPs": [address], "ports": ports, "sessionAffinity": "None"})
        }
    };
    ("v1", "Service", json!({"spec": spec}))
}

fn export(annotated: bool, variant: u8) -> Shape {
    let created = format!("2024-01-0{}T00:00:00Z", 1 + variant);
    let own = json!({"clusterset-dns.io/answer": "weighted", "clusterset-dns.io/weight": variant.to_string()});
    let annotations = if annotated { own } else { Value::Null };
    (MCS, "ServiceExport", json!({"metadata": {"creationTimestamp": created, "annotations": annotations}}))
}

fn slice(copied: bool, of: &str, variant: u8) -> Shape {
    let labels = match copied {
        true => json!({
            "multicluster.kubernetes.io/service-name": of,
            "multicluster.kubernetes.io/source-cluster": (["east", "west"][usize::from(variant) % 2]),
        }),
        false => json!({"kubernetes.io/service-name": of}),
    };
    let host = format!("h{}", variant % 3);
    let slice = json!({
        "metadata": {"suffix": if copied { "copy".to_owned() } else { (variant % 2).to_string() }, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080 + u16::from(variant % 2)}],
        "endpoints": [
            {"addresses": [format!("10.9.0.{variant}")], "hostname": host, "nodeName": "n1"},
            {"addresses": [format!("10.9.1.{variant}")], "zone": "z1", "conditions": {"ready": variant.is_multiple_of(2)}},
        ],
    });
    ("discovery.k8s.io/v1", "EndpointSlice", slice)
}

fn import(headless: bool, variant: u8) -> Shape {
    let import = match headless {
        true => json!({"spec": {"type": "Headless"}, "status": {"clusters": [{"cluster": "east"}]}}),
        false => {
            let ips = [format!("10.240.0.{variant}")];
            json!({"spec": {"type": "ClusterSetIP", "ips": ips, "ports": [{"name": "http", "port": 80}]}})
        }
    };
    (MCS, "ServiceImport", import)
}

fn service_entry(selects: bool, variant: u8) -> Shape {
    let ports = json!([{"number": 80, "name": "http", "protocol": "HTTP"}]);
    let spec = match selects {
        true => json!({
            "hosts": ["s.global"], "ports": ports, "resolution": "STATIC",
            "workloadSelector": {"labels": {"app": "x"}},
        }),
        false => json!({
            "hosts": [HOSTS[usize::from(variant)]], "ports": ports, "resolution": "STATIC",
            "addresses": if variant.is_multiple_of(2) { vec![format!("240.0.0.{}", 1 + variant)] } else { Vec::new() },
            "endpoints": [{"address": format!("10.8.0.{variant}")}],
        }),
    };
    (ISTIO, "ServiceEntry", json!({"spec": spec}))
}

fn workload_entry(variant: u8) -> Shape {
    let labels = json!({"app": (["x", "y"][usize::from(variant) % 2])});
    (ISTIO, "WorkloadEntry", json!({"spec": {"address": format!("10.7.0.{variant}"), "labels": labels}}))
}

fn dns_endpoint(variant: u8) -> Shape {
    let (rtype, target) = match variant {
        0..3 => ("A", "10.6.0.1"),
        3 => ("CNAME", "web.shop.svc.clusterset.local"),
        4 => ("TXT", "text"),
        _ => ("CNAME", "a.global"),
    };
    let record = json!({
        "dnsName": (["a.global", "c.global", "b.a.global"][usize::from(variant) % 3]),
        "recordType": rtype,
        "targets": [target],
        "recordTTL": variant,
    });
    ("externaldns.k8s.io/v1alpha1", "DNSEndpoint", json!({"spec": {"endpoints": [record]}}))
}

fn cluster_scoped(namespace: &str, variant: u8) -> Shape {
    if variant.is_multiple_of(2) {
        return ("v1", "Namespace", json!({"metadata": {"name": namespace}}));
    }
    let labels = json!({"topology.kubernetes.io/zone": format!("z{variant}"), "topology.kubernetes.io/region": "r"});
    ("v1", "Node", json!({"metadata": {"name": "n1", "labels": labels}, "spec": {"podCIDRs": ["10.9.0.0/16"]}}))
}
