//! ServiceEntry, WorkloadEntry and DNSEndpoint (SOURCES.md 3.4, 3.9).

use super::{object, outcome, shown};
use crate::model::fact::{Fact, Ingress, Kind, Protocol};
use crate::model::host::fact::*;
use crate::source::object::Outcome;

fn entry(body: &str) -> (ServiceEntryFact, Vec<String>) {
    let head =
        "apiVersion: networking.istio.io/v1beta1\nkind: ServiceEntry\nmetadata: { name: web.se, namespace: mesh }\n";
    match object(&format!("{head}{body}")) {
        (Fact::ServiceEntry(fact), findings) => (*fact, shown(&findings)),
        other => panic!("{other:?}"),
    }
}

fn workload(body: &str) -> (WorkloadEntryFact, Vec<String>) {
    let head = "apiVersion: networking.istio.io/v1alpha3\nkind: WorkloadEntry\n";
    match object(&format!("{head}{body}")) {
        (Fact::WorkloadEntry(fact), findings) => (*fact, shown(&findings)),
        other => panic!("{other:?}"),
    }
}

fn endpoint(entries: &str) -> (DnsEndpointFact, Vec<String>) {
    let head = "apiVersion: externaldns.k8s.io/v1alpha1\nkind: DNSEndpoint\nmetadata: { name: api, namespace: dns }\nspec:\n  endpoints:\n";
    match object(&format!("{head}{entries}")) {
        (Fact::DnsEndpoint(fact), findings) => (*fact, shown(&findings)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_service_entry() {
    let (fact, findings) = entry(
        "spec:
  hosts: [Web.Shop.Global, \"*.foo.global.\", web.shop.global]
  addresses: [240.0.0.5, 240.0.0.6/32, 10.0.0.0/8, fd00::5/128]
  ports:
  - { number: 80, name: http, protocol: HTTP, targetPort: 8080 }
  - { number: 53, name: dns, protocol: UDP }
  location: MESH_INTERNAL
  resolution: DNS
  endpoints:
  - address: LB.example
    ports: { http: 15443 }
    labels: { cluster: cluster2, topology.istio.io/network: net2, istio.io/draining: \"true\" }
    locality: eu/eu-1a/rack
    weight: 80
  - { address: 10.0.0.1, network: net3, weight: 0, labels: { topology.istio.io/cluster: West, cluster: other } }
  - address: unix:///run/x.sock
  workloadSelector: { labels: { app: web } }
  exportTo: [., other]
status:
  addresses: [{ value: 240.240.0.1, host: web.shop.global }, { value: \"2001:2::1\" }]
",
    );
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(fact.key.as_str(), "mesh/web.se");
    assert_eq!(fact.hosts.iter().map(|host| &**host).collect::<Vec<_>>(), ["web.shop.global", "*.foo.global"]);
    let shown: Vec<String> = fact.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["240.0.0.5", "240.0.0.6", "fd00::5"], "a wider range is no answer");
    let allocated: Vec<String> = fact.allocated.iter().map(|(host, ip)| format!("{host:?} {ip}")).collect();
    assert_eq!(allocated, ["Some(\"web.shop.global\") 240.240.0.1", "None 2001:2::1"]);
    let port =
        |name: &str, protocol, number, target_port| EntryPort { name: name.into(), protocol, number, target_port };
    assert_eq!(fact.ports, [port("http", Protocol::Tcp, 80, Some(8080)), port("dns", Protocol::Udp, 53, None)]);
    assert_eq!((fact.resolution, fact.exported), (Resolution::Endpoints, false));
    assert_eq!(fact.selector, Some(vec![("app".into(), "web".into())]));
    let [first, second] = &fact.endpoints[..] else { panic!("{:?}", fact.endpoints) };
    assert_eq!(first.address, Ingress::Host("lb.example".into()));
    assert_eq!(first.ports, [("http".into(), 15443)]);
    assert_eq!((first.cluster.as_ref().unwrap().as_str(), first.network.as_deref()), ("cluster2", Some("net2")));
    assert_eq!((first.region.as_deref(), first.zone.as_deref()), (Some("eu"), Some("eu-1a")));
    assert_eq!((first.weight, first.draining), (Some(80), true));
    assert_eq!((second.cluster.as_ref().unwrap().as_str(), second.network.as_deref()), ("west", Some("net3")));
    assert_eq!((second.weight, second.draining), (None, false), "Istio reads 0 as unset");
}

#[test]
fn what_is_wrong_in_a_service_entry_is_lost_alone() {
    let (fact, findings) = entry(
        "spec:
  hosts: [\"*\", a.*.global, \"a_b.global\", good.global]
  addresses: [127.255.0.1, 10.0.0.300, 240.0.0.5]
  ports: [{ number: 0, name: http }, { number: 80, name: \"a.b\" }, { number: 443, name: https, protocol: TLS }]
  endpoints: [{ address: 10.0.0.256 }, { address: 169.254.1.1 }, { address: \"bad host\" }, { address: 10.0.0.1 }]
  resolution: STATIC
",
    );
    assert_eq!(fact.hosts.iter().map(|host| &**host).collect::<Vec<_>>(), ["good.global"]);
    assert_eq!((fact.addresses.len(), fact.ports.len(), fact.endpoints.len()), (1, 1, 1));
    let codes: Vec<&str> = findings.iter().map(|finding| finding.split(' ').next().unwrap()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "bad-name").count(), 5, "{findings:#?}");
    assert_eq!(codes.iter().filter(|code| **code == "refused-address").count(), 4, "{findings:#?}");
    assert_eq!(codes.iter().filter(|code| **code == "bad-port").count(), 1, "{findings:#?}");
    assert!(findings.iter().any(|finding| finding.starts_with("bad-name 5 spec.hosts[0]: \"*\" is not a host name")));
}

#[test]
fn one_bad_object_is_one_finding() {
    for (text, kind) in [
        ("apiVersion: networking.istio.io/v2\nkind: ServiceEntry\nmetadata: { name: a }\n", Kind::ServiceEntry),
        (
            "apiVersion: externaldns.k8s.io/v1alpha1\nkind: DNSEndpoint\nmetadata: { name: \"a b\" }\n",
            Kind::DnsEndpoint,
        ),
    ] {
        match outcome(text) {
            Outcome::Rejected { kind: Some(of), .. } => assert_eq!(of, kind),
            other => panic!("{other:?}"),
        }
    }
    let other = "apiVersion: example.com/v1\nkind: ServiceEntry\nmetadata: { name: a }\n";
    assert!(matches!(outcome(other), Outcome::Ignored { object: None }), "another group's kind of that name");
    let (_, findings) = entry("spec: { hosts: 5, resolution: STATIC }\n");
    assert_eq!(findings, ["wrong-type 4 spec.hosts: is a number, a list is expected; the field counts as absent"]);
}

#[test]
fn labels_of_a_workload_entry_are_those_of_metadata_over_spec() {
    let (fact, findings) = workload(
        "metadata:
  name: vm
  labels: { app: web, topology.istio.io/network: net2 }
spec:
  address: 10.0.0.1
  labels: { app: db, cluster: west, v: \"1\" }
  ports: { http: 8080, bad: 0 }
  serviceAccount: x
status:
  conditions: [{ type: Ready, status: \"False\" }, { type: Healthy, status: \"False\" }]
",
    );
    let labels: Vec<String> = fact.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(labels, ["app=web", "cluster=west", "topology.istio.io/network=net2", "v=1"]);
    assert!(!fact.workload.ready);
    assert_eq!(fact.workload.ports, [("http".into(), 8080)]);
    assert_eq!(fact.workload.network.as_deref(), Some("net2"));
    assert_eq!(fact.workload.cluster.as_ref().unwrap().as_str(), "west");
    assert_eq!(findings.len(), 1, "{findings:?}");
    let socket = "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: { name: a }\nspec: { address: \"unix:///x\" }\n";
    assert!(matches!(outcome(socket), Outcome::Ignored { object: Some(_) }));
}

#[test]
fn record_types_of_a_dns_endpoint() {
    let table = [
        ("A, targets: [10.0.0.1, 10.0.0.2]", "Addresses([10.0.0.1, 10.0.0.2])"),
        ("AAAA, targets: [\"fd00::1\"]", "Addresses([fd00::1])"),
        ("CNAME, targets: [Web.Example.]", "Alias(\"web.example\")"),
        ("PTR, targets: [web.example]", "Pointers([\"web.example\"])"),
        ("TXT, targets: ['\"heritage=external-dns\"', plain]", "Texts([[\"heritage=external-dns\"], [\"plain\"]])"),
        ("TXT, targets: ['\"a\" \"b\"', '\"\"']", "Texts([[\"a\", \"b\"], [\"\"]])"),
        (
            "SRV, targets: [\"0 5 8080 _x.example.\"]",
            "Services([SrvValue { priority: 0, weight: 5, port: 8080, target: \"_x.example\" }])",
        ),
    ];
    for (text, want) in table {
        let (fact, findings) = endpoint(&format!("  - {{ dnsName: \"*._x.Api.global.\", recordType: {text} }}\n"));
        assert!(findings.is_empty(), "{text}: {findings:?}");
        assert_eq!((&*fact.records[0].name, format!("{:?}", fact.records[0].values)), ("*._x.api.global", want.into()));
    }
}

#[test]
fn what_a_dns_endpoint_cannot_have() {
    let table = [
        ("{ dnsName: a.global, recordType: MX, targets: [\"10 mail\"] }", "type-not-served"),
        ("{ dnsName: a.global, recordType: NS, targets: [ns] }", "type-not-served"),
        ("{ dnsName: a.global, targets: [10.0.0.1] }", "type-not-served"),
        ("{ dnsName: \"*\", recordType: A, targets: [10.0.0.1] }", "bad-name"),
        ("{ recordType: A, targets: [10.0.0.1] }", "bad-name"),
        ("{ dnsName: a.global, recordType: CNAME, targets: [\"*.x\"] }", "bad-name"),
        ("{ dnsName: a.global, recordType: A, targets: [\"fd00::1\"] }", "refused-address"),
        ("{ dnsName: a.global, recordType: A, targets: [127.0.0.1] }", "refused-address"),
        ("{ dnsName: a.global, recordType: SRV, targets: [\"0 5 0 x\"] }", "bad-record"),
    ];
    for (text, code) in table {
        let (fact, findings) =
            endpoint(&format!("  - {text}\n  - {{ dnsName: b.global, recordType: A, targets: [10.0.0.1] }}\n"));
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        assert!(findings[0].starts_with(code), "{text}: {findings:?}");
        assert_eq!(fact.records.len(), 1, "the rest stays");
    }
}

#[test]
fn routing_of_a_dns_endpoint() {
    let routing = |properties: &str| {
        let text = format!(
            "  - dnsName: a.global\n    recordType: A\n    targets: [10.0.0.1]\n    recordTTL: 100000\n    setIdentifier: one\n    providerSpecific: [{properties}]\n"
        );
        let (fact, findings) = endpoint(&text);
        assert_eq!(fact.records[0].ttl, Some(3600), "clamped");
        (fact.records[0].routing.clone(), findings)
    };
    let one = Routing { set: Some("one".into()), ..Routing::default() };
    let table = [
        ("{ name: aws/weight, value: \"80\" }", Routing { weight: Some(80), ..one.clone() }, 0),
        ("{ name: aws/failover, value: PRIMARY }", Routing { failover: Some(0), ..one.clone() }, 0),
        ("{ name: aws/failover, value: SECONDARY }", Routing { failover: Some(1), ..one.clone() }, 0),
        ("{ name: aws/multi-value-answer, value: \"\" }", Routing { multi_value: true, ..one.clone() }, 0),
        ("{ name: aws/region, value: eu-west-1 }", Routing { region: Some("eu-west-1".into()), ..one.clone() }, 0),
        ("{ name: aws/geolocation-continent-code, value: EU }", one.clone(), 1),
        ("{ name: aws/weight, value: much }", one.clone(), 1),
        ("{ name: aws/evaluate-target-health, value: \"true\" }", one.clone(), 0),
    ];
    for (text, want, count) in table {
        let (routing, findings) = routing(text);
        assert_eq!((routing, findings.len()), (want, count), "{text}: {findings:?}");
        assert!(findings.iter().all(|finding| finding.starts_with("policy-not-mapped")));
    }
}

#[test]
fn long_texts_are_cut_into_strings_at_character_borders() {
    let text = "ä".repeat(200);
    let (fact, _) = endpoint(&format!("  - {{ dnsName: a.global, recordType: TXT, targets: [\"{text}\"] }}\n"));
    let RecordValues::Texts(texts) = &fact.records[0].values else { panic!("{fact:?}") };
    assert_eq!(texts[0].iter().map(|string| string.len()).collect::<Vec<_>>(), [254, 146]);
    assert_eq!(texts[0].concat(), text);
}

#[test]
fn a_services_named_target_port_is_no_fault() {
    let (_, findings) = super::service("spec: { ports: [{ port: 80, targetPort: http }] }\n");
    assert!(findings.is_empty(), "{findings:?}");
}
