//! What is written reads back as the same fact, whatever it holds.

use super::encode_json;
use crate::model::fact::*;
use crate::model::id::{ClusterId, ServiceKey};
use crate::model::policy::{OwnPolicy, Preference};
use crate::model::rare::Rare;
use crate::model::{AnswerMode, Prefix};
use crate::source::object::{Context, Outcome, decode_json};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use std::net::IpAddr;
use std::sync::Arc;

fn label() -> impl Strategy<Value = Arc<str>> {
    "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?".prop_map(Arc::from)
}

fn text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![label(), "[ -~äß\n\"\\\\]{1,12}".prop_map(Arc::from)]
}

fn key() -> impl Strategy<Value = ServiceKey> {
    (label(), label()).prop_map(|(namespace, name)| ServiceKey::new(&namespace, &name))
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![Just(0), any::<u64>()].prop_map(|resource_version| Origin::Api { resource_version })
}

fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c]));
    let v6 = any::<[u16; 7]>().prop_map(|rest| {
        let mut groups = [0xfd01; 8];
        groups[1..].copy_from_slice(&rest);
        IpAddr::from(groups)
    });
    prop_oneof![v4, v6]
}

fn port() -> impl Strategy<Value = Port> {
    let name = prop_oneof![Just(Arc::from("")), label(), Just(Arc::from("no_label"))];
    let protocol = select(&[Protocol::Tcp, Protocol::Udp, Protocol::Sctp][..]);
    (name, protocol, 1..=u16::MAX, of(text())).prop_map(|(name, protocol, number, app_protocol)| Port {
        name,
        protocol,
        number,
        app_protocol,
    })
}

fn traffic() -> impl Strategy<Value = Rare<Traffic>> {
    let config = prop_oneof![
        Just("{}".to_owned()),
        Just(r#"{"clientIP":{}}"#.to_owned()),
        any::<i64>().prop_map(|seconds| format!(r#"{{"clientIP":{{"timeoutSeconds":{seconds}}}}}"#)),
    ];
    let families = vec(select(&[Family::V4, Family::V6][..]), 0..3);
    (of(text()), of(config), of(text()), of(text()), families)
        .prop_map(|(session_affinity, config, internal_traffic_policy, traffic_distribution, ip_families)| Traffic {
            session_affinity,
            session_affinity_config: config.map(Arc::from),
            internal_traffic_policy,
            traffic_distribution,
            ip_families,
        })
        .prop_map(Rare::from)
}

fn own() -> impl Strategy<Value = Rare<OwnPolicy>> {
    let preference = prop_oneof![
        label().prop_map(Preference::Cluster),
        label().prop_map(Preference::Region),
        label().prop_map(Preference::Zone)
    ];
    let prefer = vec(preference, 1..4).prop_map(Arc::from);
    let answer = select(&[AnswerMode::Ordered, AnswerMode::Nearest, AnswerMode::Weighted][..]);
    let health = select(&["tcp:5432", "http:8080/health", "https:8443/"][..]).prop_map(Arc::from);
    (of(answer), of(0..=3600u32), of(0..=1000u32), of(prefer), any::<bool>(), of(health))
        .prop_map(|(answer, ttl, weight, prefer, drain, health)| OwnPolicy {
            answer,
            ttl,
            weight,
            prefer,
            drain,
            health,
        })
        .prop_map(Rare::from)
}

fn service() -> impl Strategy<Value = Fact> {
    let kind = select(&[ServiceKind::ClusterIp, ServiceKind::Headless, ServiceKind::ExternalName][..]);
    let ingress = prop_oneof![address().prop_map(Ingress::Ip), label().prop_map(Ingress::Host)];
    let parts = (key(), kind, vec(address(), 0..3), vec(ingress, 0..3), vec(port(), 0..3));
    (parts, traffic(), any::<bool>(), own(), origin()).prop_map(
        |((key, kind, ips, ingress, ports), traffic, mirror, own, origin)| {
            let cluster_ips = if kind == ServiceKind::ClusterIp { ips } else { Vec::new() };
            Fact::Service(Box::new(ServiceFact {
                key,
                kind,
                cluster_ips: cluster_ips.into(),
                ingress: ingress.into(),
                ports: ports.into(),
                traffic,
                mirror,
                own,
                origin,
            }))
        },
    )
}

fn slice() -> impl Strategy<Value = Fact> {
    let pod = prop_oneof![Just(0), any::<u64>()];
    let endpoint = (address(), any::<bool>(), of(label()), of(text()), of(text()), pod).prop_map(
        |(address, ready, hostname, node, zone, pod)| {
            let place = Standing { node, zone }.into();
            EndpointFact { address, ready, hostname, place, pod: PodHash::new(pod) }
        },
    );
    let role = prop_oneof![
        (Just(SliceRole::Native), Just(false)),
        (text().prop_map(|id| SliceRole::Copy { source: ClusterId::new(&id) }), any::<bool>()),
    ];
    let parts = (key(), "[a-z0-9]{1,5}(\\.[a-z0-9]{1,5}){0,2}", role, vec(endpoint, 0..4), vec(port(), 0..3));
    (parts, of(0..4_000_000_000_000i64), origin()).prop_map(
        |((service, name, (role, virtual_address), mut endpoints, ports), triggered, origin)| {
            // An endpoint with two addresses.
            endpoints
                .extend(endpoints.last().map(|last| EndpointFact { address: [10, 9, 9, 9].into(), ..last.clone() }));
            let key = ServiceKey::new(service.namespace(), &name);
            Fact::Slice(Box::new(SliceFact {
                key,
                service,
                role,
                endpoints,
                ports: ports.into(),
                virtual_address,
                triggered,
                origin,
            }))
        },
    )
}

fn export() -> impl Strategy<Value = Fact> {
    let keys = prop_oneof![
        text(),
        select(&["clusterset-dns.io/ttl", "clusterset-dns.io/drain", "clusterset-dns.io/health"][..])
            .prop_map(Arc::from)
    ];
    let value = prop_oneof![text(), Just(Arc::from("7")), Just(Arc::from("true")), Just(Arc::from("tcp:1"))];
    let map = |map: std::collections::BTreeMap<Arc<str>, Arc<str>>| {
        let map: std::collections::BTreeMap<&str, &str> = map.iter().map(|(key, value)| (&**key, &**value)).collect();
        Arc::from(serde_json::to_string(&map).unwrap())
    };
    let texts = btree_map(keys, value, 0..4).prop_map(map).boxed();
    (key(), of(-1_000_000_000..4_000_000_000i64), any::<bool>(), of(texts.clone()), of(texts), own(), origin())
        .prop_map(|(key, created, deleting, labels, annotations, own, origin)| {
            let exported = Exported { labels, annotations }.into();
            let fact = ExportFact { key, created, deleting, exported, own, origin };
            Fact::Export(Box::new(fact))
        })
}

fn import() -> impl Strategy<Value = Fact> {
    let ips = proptest::collection::hash_set(address(), 0..3).prop_map(Vec::from_iter);
    let derived = proptest::collection::hash_set(label(), 1..3).prop_map(Vec::from_iter);
    let service_type = of(select(&[ServiceType::ClusterSetIp, ServiceType::Headless][..]));
    let sources = vec(text().prop_map(|id| ClusterId::new(&id)), 0..3);
    let parts = (key(), service_type, ips, vec(port(), 0..3), traffic());
    (parts, sources, of(derived), of(any::<bool>()), own(), origin()).prop_map(
        |((key, service_type, ips, ports, traffic), source_clusters, derived, slices_present, own, origin)| {
            let derived_services = derived.unwrap_or_else(|| vec![format!("derived-{}", key.name()).into()]);
            Fact::Import(Box::new(ImportFact {
                key,
                service_type,
                ips,
                ports: ports.into(),
                traffic,
                source_clusters,
                derived_services,
                slices_present,
                own,
                origin,
            }))
        },
    )
}

fn node() -> impl Strategy<Value = Fact> {
    let range = (address(), 0..=32u8).prop_map(|(address, length)| Prefix::new(address, length).unwrap());
    (label(), of(text()), of(text()), vec(range, 0..3))
        .prop_map(|(name, region, zone, pod_cidrs)| Fact::Node(NodeFact { name, region, zone, pod_cidrs }))
}

fn namespace() -> impl Strategy<Value = Fact> {
    (label(), origin()).prop_map(|(name, origin)| Fact::Namespace(NamespaceFact { name, origin }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_fact_reads_back_as_it_was(fact in prop_oneof![namespace(), node(), service(), slice(), export(), import()]) {
        let mut line = Vec::new();
        encode_json(&fact, &mut line);
        prop_assert!(!line.contains(&b'\n'), "one line");
        let decoded = decode_json(None, &line, &Context::api(ClusterId::new("east")));
        match decoded.outcome {
            Outcome::Object { fact: read, .. } => {
                prop_assert_eq!(read, fact, "{}", String::from_utf8_lossy(&line))
            }
            other => prop_assert!(false, "{:?}: {}", other, String::from_utf8_lossy(&line)),
        }
    }
}

#[test]
fn objects_of_global_zones_read_back_as_they_were() {
    let objects = [
        r#"{"apiVersion":"networking.istio.io/v1","kind":"ServiceEntry","metadata":{"name":"a.b","namespace":"shop","resourceVersion":"3",
            "annotations":{"clusterset-dns.io/weight":"7"}},"spec":{"hosts":["Web.global","*.x.global"],
            "addresses":["10.0.0.1","10.0.0.2/32","fd00::1"],"exportTo":["."],"resolution":"DNS","workloadSelector":{"labels":{"app":"x"}},
            "ports":[{"name":"http","number":80,"protocol":"HTTP","targetPort":8080},{"name":"dns","number":53,"protocol":"UDP"}],
            "endpoints":[{"address":"10.1.0.1","ports":{"http":81},"locality":"eu/eu-1/x","network":"n","weight":3,
            "labels":{"topology.istio.io/cluster":"West","istio.io/draining":"true"}},{"address":"db.example","locality":"/z"}]},
            "status":{"addresses":[{"value":"240.240.0.1","host":"web.global"},{"value":"240.240.0.2"}]}}"#,
        r#"{"apiVersion":"networking.istio.io/v1","kind":"ServiceEntry","metadata":{"name":"plain","namespace":"shop"},
            "spec":{"hosts":["a.global"],"workloadSelector":{}}}"#,
        r#"{"apiVersion":"networking.istio.io/v1","kind":"WorkloadEntry","metadata":{"name":"w","namespace":"shop",
            "labels":{"app":"x","topology.istio.io/network":"of-label"}},"spec":{"address":"10.1.0.7","network":"n","labels":
            {"app":"y","cluster":"east","istio.io/draining":"true"},"ports":{"http":8080},"weight":9},
            "status":{"conditions":[{"type":"Healthy","status":"False"}]}}"#,
        r#"{"apiVersion":"externaldns.k8s.io/v1alpha1","kind":"DNSEndpoint","metadata":{"name":"d","namespace":"shop",
            "annotations":{"clusterset-dns.io/ttl":"9"}},"spec":{"endpoints":[
            {"dnsName":"a.global","recordType":"A","targets":["10.0.0.1","10.0.0.2"],"recordTTL":30,"setIdentifier":"one",
             "providerSpecific":[{"name":"aws/weight","value":"5"},{"name":"aws/failover","value":"SECONDARY"}]},
            {"dnsName":"b.global","recordType":"AAAA","targets":["fd00::1"],"setIdentifier":"m","providerSpecific":
             [{"name":"aws/multi-value-answer","value":"true"},{"name":"aws/region","value":"eu-1"}]},
            {"dnsName":"c.global","recordType":"CNAME","targets":["A.Example."]},
            {"dnsName":"_s._tcp.global","recordType":"SRV","targets":["1 2 443 a.example","0 0 80 b.example"]},
            {"dnsName":"p.global","recordType":"PTR","targets":["a.example","b.example"]},
            {"dnsName":"t.global","recordType":"TXT","targets":["plain text","\"one\" \"two\"",""]}]}}"#,
    ];
    let context = Context::api(ClusterId::new("east"));
    let fact = |json: &[u8]| match decode_json(None, json, &context).outcome {
        Outcome::Object { fact, findings } => {
            assert_eq!(findings, []);
            fact
        }
        other => panic!("{other:?}"),
    };
    for object in objects {
        let (read, mut written) = (fact(object.as_bytes()), Vec::new());
        encode_json(&read, &mut written);
        assert_eq!(fact(&written), read, "{}", String::from_utf8_lossy(&written));
    }
}
