//! One service, compiled: each test reads as a small zone file.

use super::*;
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::model::fact::{Port, Protocol, ServiceType};
use crate::model::{Answer, AnswerMode, Host, ServiceKey, Target};
use crate::table::{Draft, RrSet};
use std::net::IpAddr;

fn settings() -> Settings {
    let zone = Name::parse("clusterset.local").unwrap();
    let zones = Zones::new(&[zone], &[Name::parse("global").unwrap()], 5, Vec::new()).unwrap();
    let columns = Columns::new(&[ClusterId::new("east"), ClusterId::new("west")]);
    Settings { zones, columns, ..Settings::default() }
}

fn port(name: &str, protocol: Protocol, number: u16) -> Port {
    Port { name: name.into(), protocol, number, app_protocol: None }
}

fn target(cluster: &str, tier: u8, addresses: &[&str]) -> Target {
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Target {
        cluster: Some(ClusterId::new(cluster)),
        addresses,
        tier,
        weight: 1,
        stale: false,
        restored: false,
        zone: None,
    }
}

fn host(cluster: &str, label: &str, address: &str) -> Host {
    Host {
        cluster: ClusterId::new(cluster),
        label: label.into(),
        addresses: vec![address.parse().unwrap()],
        ports: vec![port("pg", Protocol::Tcp, 5432)],
        tier: 0,
        weight: 1,
        stale: false,
        ill: false,
        restored: false,
        in_service: true,
    }
}

fn cluster_set_ip(targets: Vec<Target>, ports: Vec<Port>) -> Answer {
    let service_type = ServiceType::ClusterSetIp;
    Answer { service_type, mode: AnswerMode::Ordered, ttl: 5, targets, further: Vec::new(), ports, hosts: Vec::new() }
}

fn compiled(answer: Answer, settings: &Settings) -> Vec<Draft> {
    compile_service(&ServiceKey::new("shop", "web"), &[(1, answer)], settings)
}

/// `name type rdata...` of every record in view 0; a name without records is listed alone.
fn zone_file(drafts: &[Draft]) -> Vec<String> {
    let mut lines = Vec::new();
    for draft in drafts {
        let name = draft.name.to_string().replace(".svc.clusterset.local.", "");
        if draft.orders[0].sets.is_empty() {
            lines.push(name.clone());
        }
        lines.extend(draft.orders[0].sets.iter().flat_map(|set| set_lines(&name, set)));
    }
    lines
}

fn set_lines(name: &str, set: &RrSet) -> Vec<String> {
    let text = |rdata: &[u8]| match set.rtype {
        rtype::A => format!("A {}", IpAddr::from(<[u8; 4]>::try_from(rdata).unwrap())),
        rtype::AAAA => format!("AAAA {}", IpAddr::from(<[u8; 16]>::try_from(rdata).unwrap())),
        _ => {
            let number = |at: usize| u16::from_be_bytes([rdata[at], rdata[at + 1]]);
            let target = Name::from_wire(&rdata[6..]).unwrap().to_string().replace(".svc.clusterset.local.", "");
            format!("SRV {} {} {} {target}", number(0), number(2), number(4))
        }
    };
    set.records.iter().map(|record| format!("{name} {}", text(&record.rdata))).collect()
}

#[test]
fn a_service_with_a_virtual_address() {
    let ports = vec![port("http", Protocol::Tcp, 80), port("", Protocol::Udp, 80), port("dns", Protocol::Udp, 53)];
    let targets = vec![target("east", 0, &["10.1.0.1", "fd00::1"]), target("west", 1, &["10.2.0.1"])];
    let drafts = compiled(cluster_set_ip(targets, ports), &settings());
    assert_eq!(
        zone_file(&drafts),
        [
            "_dns._udp.web.shop SRV 0 100 53 web.shop",
            "_http._tcp.web.shop SRV 0 100 80 web.shop",
            "_tcp.web.shop",
            "_udp.web.shop",
            "web.shop A 10.1.0.1",
            "web.shop A 10.2.0.1",
            "web.shop AAAA fd00::1",
            "web.shop SRV 0 50 80 web.shop",
            "web.shop SRV 0 50 53 web.shop",
        ]
        .map(String::from)
        .into_iter()
        .collect::<Vec<_>>()
        .tap_sorted(&drafts)
    );
}

/// Orders the expectation as the drafts stand, which is by wire name.
trait TapSorted {
    fn tap_sorted(self, drafts: &[Draft]) -> Vec<String>;
}

impl TapSorted for Vec<String> {
    fn tap_sorted(mut self, drafts: &[Draft]) -> Vec<String> {
        let position = |line: &String| {
            let name = line.split(' ').next().unwrap_or_default();
            drafts.iter().position(|draft| draft.name.to_string().starts_with(&format!("{name}.svc.")))
        };
        self.sort_by_key(position);
        self
    }
}

#[test]
fn the_glue_of_a_named_port_points_at_the_service_in_the_question() {
    let answer = cluster_set_ip(vec![target("east", 0, &["10.1.0.1"])], vec![port("http", Protocol::Tcp, 80)]);
    let drafts = compiled(answer, &settings());
    let srv = drafts.iter().find(|draft| draft.name.to_string().starts_with("_http._tcp.web")).unwrap();
    let glue = &srv.orders[0].sets[0].records[0].glue;
    // 12 octets of header, then `_http` and `_tcp`.
    assert_eq!(glue.wire[..2], [0xc0, 12 + 6 + 5]);
    assert_eq!(glue.count, 1);
}

#[test]
fn a_headless_service_has_a_name_for_each_host() {
    let hosts = vec![host("east", "db-0", "10.1.1.1"), host("west.prod", "db-0", "10.2.1.1")];
    let targets = vec![target("east", 0, &["10.1.1.1"]), target("west.prod", 1, &["10.2.1.1"])];
    let service_type = ServiceType::Headless;
    let answer = Answer {
        service_type,
        mode: AnswerMode::Ordered,
        ttl: 5,
        targets,
        further: Vec::new(),
        ports: Vec::new(),
        hosts,
    };
    let drafts = compiled(answer, &settings());
    let lines = zone_file(&drafts);
    for line in [
        "web.shop SRV 0 50 5432 db-0.east.web.shop",
        "web.shop SRV 0 50 5432 db-0.west.prod.web.shop",
        "db-0.east.web.shop A 10.1.1.1",
        "db-0.east.web.shop SRV 0 100 5432 db-0.east.web.shop",
        "east.web.shop",
        "prod.web.shop",
        "west.prod.web.shop",
        "_pg._tcp.web.shop SRV 0 50 5432 db-0.east.web.shop",
    ] {
        assert!(lines.contains(&line.to_string()), "{line} in {lines:#?}");
    }
}

#[test]
fn a_service_without_address_prints_no_srv_target_that_would_not_resolve() {
    let drafts = compiled(cluster_set_ip(Vec::new(), vec![port("http", Protocol::Tcp, 80)]), &settings());
    let mut lines = zone_file(&drafts);
    lines.sort();
    assert_eq!(lines, ["_http._tcp.web.shop", "_tcp.web.shop", "web.shop"]);
}

#[test]
fn tiers_and_stale_rows() {
    let stale = Target { stale: true, ..target("west", 1, &["10.2.0.1"]) };
    let targets = vec![target("east", 0, &["10.1.0.1"]), target("east", 0, &["10.1.0.2"]), stale];
    let drafts = compiled(cluster_set_ip(targets, Vec::new()), &settings());
    let set = &drafts[0].orders[0].sets[0];
    assert_eq!(set.tiers, [2, 1]);
    assert!(set.stale);
    assert_eq!(set.records.iter().map(|record| record.cluster).collect::<Vec<_>>(), [0, 0, 1]);
}

#[test]
fn srv_priorities_rise_in_the_order_of_the_answer() {
    // (tier, stale, fails its health check), and the priority under `none` and `tier`.
    let rows = [
        ((0, false, false), 0, 0),
        ((1, false, false), 0, 1),
        ((2, true, false), 1, 2),
        ((3, true, false), 1, 2),
        ((4, false, true), 2, 3),
        ((5, false, true), 2, 4),
        ((6, true, true), 2, 5),
    ];
    let hosts = rows.iter().map(|((tier, stale, ill), ..)| Host {
        tier: *tier,
        stale: *stale,
        ill: *ill,
        ..host("east", &format!("h{tier}"), &format!("10.1.0.{}", tier + 1))
    });
    let answer =
        Answer { service_type: ServiceType::Headless, hosts: hosts.collect(), ..cluster_set_ip(vec![], vec![]) };
    let priorities = |srv_priority| -> Vec<u16> {
        let drafts = compiled(answer.clone(), &Settings { srv_priority, ..settings() });
        let service = drafts.iter().find(|draft| draft.name.to_string() == "web.shop.svc.clusterset.local.").unwrap();
        let set = service.orders[0].sets.iter().find(|set| set.rtype == rtype::SRV).unwrap();
        set.records.iter().map(|record| u16::from_be_bytes([record.rdata[0], record.rdata[1]])).collect()
    };
    assert_eq!(priorities(SrvPriority::None), rows.map(|(_, none, _)| none));
    assert_eq!(priorities(SrvPriority::Tier), rows.map(|(_, _, tier)| tier));
}

#[test]
fn both_families_keep_the_same_endpoints_under_a_cap() {
    let targets = (0..4).map(|i| target("east", 0, &[&format!("10.1.0.{}", i + 1), &format!("fd00::{}", i + 1)]));
    let settings = Settings { max_answer_records: 3, ..settings() };
    let drafts = compiled(cluster_set_ip(targets.collect(), Vec::new()), &settings);
    let lengths: Vec<usize> = drafts[0].orders[0].sets.iter().map(|set| set.records.len()).collect();
    assert_eq!(lengths, [3, 3]);
}

#[test]
fn views_that_agree_share_an_order() {
    let near = |first: &str, second: &str| {
        cluster_set_ip(vec![target(first, 0, &["10.1.0.1"]), target(second, 1, &["10.2.0.1"])], Vec::new())
    };
    let answers = [(0b101, near("east", "west")), (0b010, near("west", "east"))];
    let drafts = compile_service(&ServiceKey::new("shop", "web"), &answers, &settings());
    assert_eq!(drafts[0].presence, 0b111);
    assert_eq!(drafts[0].orders.len(), 2);
    assert_eq!(drafts[0].order_of[..3], [0, 1, 0]);
}

#[test]
fn a_cluster_name_answers_only_where_it_is_wanted() {
    let answer =
        || cluster_set_ip(vec![target("east", 0, &["10.1.0.1"]), target("west", 1, &["10.2.0.1"])], Vec::new());
    assert_eq!(compiled(answer(), &settings()).len(), 1);
    let lines = zone_file(&compiled(answer(), &Settings { cluster_names: true, ..settings() }));
    assert!(lines.contains(&"west.web.shop A 10.2.0.1".to_string()), "{lines:?}");
}

#[test]
fn names_of_one_cluster_read_its_own_sets_where_another_is_stale_or_nearer() {
    let by_cluster = |answer: Answer, settings: &Settings| -> Vec<(bool, usize)> {
        let drafts = compiled(answer, settings);
        drafts[0].orders[0].by_cluster.iter().map(|set| (set.stale, set.records.len())).collect()
    };
    let east = || target("east", 0, &["10.1.0.1"]);
    let west = || target("west", 1, &["10.2.0.1"]);
    let of = |targets| cluster_set_ip(targets, Vec::new());
    let stale = || Target { stale: true, ..west() };
    assert_eq!(by_cluster(of(vec![east(), west()]), &settings()), [], "the service's own will do");
    assert_eq!(by_cluster(of(vec![east(), stale()]), &settings()), [(false, 1), (true, 1)]);
    assert_eq!(by_cluster(of(vec![stale()]), &settings()), []);
    let nearest = Answer { further: vec![west()], ..of(vec![east()]) };
    assert_eq!(by_cluster(nearest.clone(), &settings()), [(false, 2)]);
    let mut without_global = settings();
    without_global.zones.list.retain(|zone| zone.kind == ZoneKind::Clusterset);
    assert_eq!(by_cluster(nearest, &without_global), [], "nothing is formed");
}

#[test]
fn the_names_of_a_zone() {
    let mut zones = settings().zones;
    zones.nameserver = vec!["127.0.0.1".parse().unwrap()];
    let names = |zone: usize| {
        let drafts = zone_names(&zones.list[zone], &zones).unwrap();
        drafts.iter().map(|draft| draft.name.to_string()).collect::<Vec<_>>()
    };
    let z = "clusterset.local.";
    assert_eq!(
        names(0),
        [
            z.into(),
            format!("ns.dns.{z}"),
            format!("dns.{z}"),
            format!("svc.{z}"),
            format!("pod.{z}"),
            format!("dns-version.{z}")
        ]
    );
    assert_eq!(names(1), ["global.", "ns.dns.global.", "dns.global."]);
}
