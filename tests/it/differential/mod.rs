//! Random services, compiled and asked: every reply decodes with hickory-proto, re-encodes to the same records, and equals what
//! the slow reference resolver says (`reference.rs`).

mod reference;

use crate::wire;
use clusterset_dns::compile::{self, Columns, Zones, compile_namespace, compile_service, zone_names};
use clusterset_dns::dns::Name;
use clusterset_dns::model::fact::{Port, Protocol, ServiceType};
use clusterset_dns::model::{Answer, AnswerMode, ClusterId, Host, ServiceKey, Target};
use clusterset_dns::table::frame::{ClusterColumn, ZoneKind};
use clusterset_dns::table::{Block, Draft, Frame, FrameSettings, Table, TableChange, ZoneSettings};
use hickory_proto::op::Message;
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};
use proptest::prelude::*;
use reference::World;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const CLUSTERS: [&str; 3] = ["east", "west", "a.b"];
const NAMES: [&str; 3] = ["web", "db", "svc"];
const NAMESPACES: [&str; 3] = ["shop", "west", "b"];

fn ports() -> impl Strategy<Value = Vec<Port>> {
    let name = prop_oneof![Just(""), Just("http"), Just("dns")];
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)];
    let port = (name, protocol, 80u16..83).prop_map(|(name, protocol, number)| Port {
        name: name.into(),
        protocol,
        number,
        app_protocol: None,
    });
    proptest::collection::vec(port, 0..4)
}

fn addresses() -> impl Strategy<Value = Vec<IpAddr>> {
    let v4 = (1u8..9).prop_map(|last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
    let v6 = (1u16..9).prop_map(|last| IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last)));
    prop_oneof![
        v4.clone().prop_map(|a| vec![a]),
        v6.clone().prop_map(|a| vec![a]),
        (v4, v6).prop_map(|(a, b)| vec![a, b])
    ]
}

/// Cluster, tier, addresses, label of the host.
type Endpoint = (usize, u8, Vec<IpAddr>, usize);

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (0..CLUSTERS.len(), 0u8..3, addresses(), 0usize..3)
}

fn target((cluster, tier, addresses, _): &Endpoint) -> Target {
    Target {
        cluster: Some(ClusterId::new(CLUSTERS[*cluster])),
        addresses: addresses.clone(),
        tier: *tier,
        weight: 1,
        stale: false,
        restored: false,
        zone: None,
    }
}

/// One name of one cluster is one host (DNS.md section 1).
fn hosts(endpoints: &[Endpoint], ports: &[Port], headless: bool) -> Vec<Host> {
    let host = |(cluster, tier, addresses, label): &Endpoint| Host {
        cluster: ClusterId::new(CLUSTERS[*cluster]),
        label: ["a", "db-0", "10-0-0-9"][*label].into(),
        addresses: addresses.clone(),
        ports: ports.to_vec(),
        tier: *tier,
        weight: 1,
        stale: false,
        ill: false,
        restored: false,
        in_service: headless,
    };
    let mut hosts: Vec<Host> = Vec::new();
    for new in endpoints.iter().map(host) {
        match hosts.iter_mut().find(|held| held.cluster == new.cluster && held.label == new.label) {
            Some(held) => held.addresses.extend(new.addresses),
            None => hosts.push(new),
        }
    }
    hosts
}

/// What the service name answers, and what the names of one cluster have beside it: farther tiers under `nearest`, and
/// what another target has too (an address that several have is one record of the first).
fn targets_and_further(endpoints: &[Endpoint], nearest: bool) -> (Vec<Target>, Vec<Target>) {
    let (mut targets, mut further): (Vec<Target>, _) = (endpoints.iter().map(target).collect(), Vec::new());
    if nearest {
        let best = targets.first().map(|target| target.tier);
        further = targets.split_off(targets.iter().filter(|target| Some(target.tier) == best).count());
    }
    let mut seen = BTreeSet::new();
    for target in &mut targets {
        let (kept, shared): (Vec<IpAddr>, _) = target.addresses.iter().partition(|address| seen.insert(**address));
        further.push(Target { addresses: shared, ..target.clone() });
        target.addresses = kept;
    }
    for list in [&mut targets, &mut further] {
        list.retain(|target| !target.addresses.is_empty());
        list.sort_by_key(|target| target.tier);
    }
    (targets, further)
}

fn answer() -> impl Strategy<Value = Answer> {
    let endpoints = proptest::collection::vec(endpoint(), 0..5);
    let parts = (any::<bool>(), any::<bool>(), 1u32..100, ports(), endpoints);
    parts.prop_map(|(headless, nearest, ttl, ports, mut endpoints)| {
        endpoints.sort_by_key(|(cluster, tier, ..)| (*tier, *cluster));
        let service_type = if headless { ServiceType::Headless } else { ServiceType::ClusterSetIp };
        let mode = if nearest { AnswerMode::Nearest } else { AnswerMode::Ordered };
        let (targets, further) = targets_and_further(&endpoints, nearest);
        let hosts = hosts(&endpoints, &ports, headless);
        let ports = if headless { Vec::new() } else { ports };
        Answer { service_type, mode, ttl, targets, further, ports, hosts }
    })
}

fn world() -> impl Strategy<Value = World> {
    let service = (0..NAMES.len(), 0..NAMESPACES.len(), answer());
    (any::<bool>(), proptest::collection::vec(service, 0..5)).prop_map(|(cluster_names, found)| {
        let mut services: Vec<(ServiceKey, Answer)> = Vec::new();
        for (name, namespace, answer) in found {
            let key = ServiceKey::new(NAMESPACES[namespace], NAMES[name]);
            if services.iter().all(|(known, _)| *known != key) {
                services.push((key, answer));
            }
        }
        let namespaces: BTreeSet<String> =
            services.iter().map(|(key, _)| key.namespace().to_owned()).chain(["empty".to_owned()]).collect();
        World {
            services,
            namespaces: namespaces.into_iter().collect(),
            clusters: CLUSTERS.iter().map(ToString::to_string).collect(),
            nameserver: vec!["192.0.2.53".parse().unwrap()],
            ttl: 5,
            cluster_names,
        }
    })
}

fn table(world: &World) -> Table {
    let zone = |text: &str| Name::parse(text).unwrap();
    let zones = [zone("clusterset.local"), zone("global")];
    let zones = Zones::new(&zones[..1], &zones[1..], world.ttl, world.nameserver.clone()).unwrap();
    let ids: Vec<ClusterId> = world.clusters.iter().map(|name| ClusterId::new(name)).collect();
    let settings = compile::Settings {
        zones,
        columns: Columns::new(&ids),
        cluster_names: world.cluster_names,
        ..compile::Settings::default()
    };
    let frame_zone = |name: &str, kind| ZoneSettings { name: zone(name), kind, ttl: world.ttl, unknown: 0 };
    let columns = settings.columns.iter();
    let clusters =
        columns.map(|(id, column)| ClusterColumn { id: zone(id.as_str()), column, views: u64::MAX }).collect();
    let frame = Frame::new(FrameSettings {
        zones: vec![frame_zone("clusterset.local", ZoneKind::Clusterset), frame_zone("global", ZoneKind::Global)],
        clusters,
        ..FrameSettings::default()
    });
    let table = Table::new(frame);
    let mut drafts: Vec<Draft> = Vec::new();
    for zone in &settings.zones.list {
        drafts.extend(zone_names(zone, &settings.zones).unwrap());
    }
    for namespace in &world.namespaces {
        drafts.extend(compile_namespace(namespace, 1, &settings));
    }
    for (key, answer) in &world.services {
        drafts.extend(compile_service(key, &[(1, answer.clone())], &settings));
    }
    table.apply(drafts.iter().map(|draft| TableChange::Put(Block::pack(draft))));
    table
}

/// Labels that make up questions: those that exist, and some that do not.
fn questions() -> impl Strategy<Value = (Vec<&'static str>, &'static str, &'static str)> {
    let label = proptest::sample::select(vec![
        "web",
        "db",
        "svc",
        "shop",
        "west",
        "east",
        "b",
        "a",
        "empty",
        "_tcp",
        "_udp",
        "_http",
        "_dns",
        "db-0",
        "10-0-0-9",
        "dns",
        "ns",
        "pod",
        "dns-version",
        "x",
    ]);
    let zone = prop_oneof![Just("clusterset.local."), Just("global."), Just("example.org.")];
    let rtype = proptest::sample::select(vec!["A", "AAAA", "SRV", "TXT", "MX", "NS"]);
    (proptest::collection::vec(label, 0..6), zone, rtype)
}

/// Formed global names of one cluster.
fn of_one_cluster() -> impl Strategy<Value = (Vec<&'static str>, &'static str, &'static str)> {
    let cluster = proptest::sample::select(vec![vec!["east"], vec!["west"], vec!["a", "b"]]);
    let names = proptest::sample::select(NAMES.to_vec());
    let rtype = proptest::sample::select(vec!["A", "AAAA", "SRV"]);
    (names, proptest::sample::select(NAMESPACES.to_vec()), cluster, rtype).prop_map(
        |(service, namespace, cluster, rtype)| {
            let labels = [service, namespace, "svc"].into_iter().chain(cluster);
            (labels.collect(), "global.", rtype)
        },
    )
}

/// Names below a service, which free labels seldom hit.
fn below_a_service() -> impl Strategy<Value = (Vec<&'static str>, &'static str, &'static str)> {
    let prefix = proptest::sample::select(vec![
        vec![],
        vec!["_tcp"],
        vec!["_udp"],
        vec!["_http", "_tcp"],
        vec!["_dns", "_udp"],
        vec!["east"],
        vec!["b"],
        vec!["a", "b"],
        vec!["a", "east"],
        vec!["db-0", "west"],
        vec!["a", "a", "b"],
        vec!["10-0-0-9", "a", "b"],
    ]);
    let rtype = proptest::sample::select(vec!["A", "AAAA", "SRV"]);
    (prefix, proptest::sample::select(NAMES.to_vec()), proptest::sample::select(NAMESPACES.to_vec()), rtype).prop_map(
        |(mut labels, service, namespace, rtype)| {
            labels.extend([service, namespace, "svc"]);
            (labels, "clusterset.local.", rtype)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_reply_is_what_the_reference_says(
        world in world(),
        free in proptest::collection::vec(questions(), 60),
        aimed in proptest::collection::vec(prop_oneof![below_a_service(), of_one_cluster()], 60),
    ) {
        let table = table(&world);
        for (labels, zone, rtype) in free.into_iter().chain(aimed) {
            let name: String = labels.iter().map(|label| format!("{label}.")).chain([zone.to_owned()]).collect();
            let expected = world.ask(&name, rtype);
            let reply = wire::ask_tcp(&table, &name, rtype);
            let message = Message::from_bytes(&reply).expect("the reply decodes");
            prop_assert_eq!(wire::status(&message), expected.status, "{} {}", name, rtype);
            let records: BTreeSet<String> = message.answers.iter().map(wire::without_owner).collect();
            prop_assert_eq!(&records, &expected.records, "{} {}", name, rtype);
            prop_assert_eq!(records.len(), message.answers.len(), "no record twice: {} {}", &name, rtype);
            let negative = expected.status != "REFUSED" && expected.records.is_empty();
            prop_assert_eq!(message.authorities.len(), usize::from(negative), "one SOA in a negative: {} {}", name, rtype);
            reencodes(&message);
            every_target_resolves(&table, &message);
        }
    }
}

fn reencodes(message: &Message) {
    let again = Message::from_bytes(&message.to_bytes().expect("it encodes")).expect("it decodes again");
    assert_eq!(again.answers, message.answers);
    assert_eq!(again.authorities, message.authorities);
    assert_eq!(again.additionals, message.additionals);
}

/// Every SRV target printed has addresses, and they stand in the additional section (DNS.md section 1).
fn every_target_resolves(table: &Table, message: &Message) {
    let glue: BTreeSet<String> = message.additionals.iter().map(wire::with_owner).collect();
    for record in &message.answers {
        let Some(target) = wire::srv_target(record) else { continue };
        let mut found = 0;
        for rtype in ["A", "AAAA"] {
            let reply = wire::ask_tcp(table, &target, rtype);
            for address in &Message::from_bytes(&reply).expect("the reply decodes").answers {
                found += 1;
                assert!(glue.contains(&wire::with_owner(address)), "{} is not in {glue:?}", wire::with_owner(address));
            }
        }
        assert!(found > 0, "{target} does not resolve");
    }
}
