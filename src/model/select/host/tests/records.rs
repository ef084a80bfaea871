//! DNSEndpoints (SOURCES.md 3.9 and section 5).

use super::*;

const API: &str = "api.global";

fn seen(records: Vec<DnsRecord>, view_of: &str) -> String {
    let mut world = World::new(&["east", "west"]);
    world.cluster("west", |cluster| cluster.cidrs = Prefix::parse("10.2.0.0/16").into_iter().collect());
    world.cluster("west", |cluster| cluster.locality.region = text("eu"));
    world.cluster("east", |cluster| cluster.locality.region = text("us"));
    world.has("east", [endpoint_of("api", records)]);
    world.resolved(API, &view(view_of))
}

#[test]
fn an_address_takes_the_cluster_whose_range_holds_it() {
    let records = || vec![addresses(API, "10.1.0.1 10.2.0.1")];
    assert_eq!(seen(records(), "east"), "0 east 10.1.0.1; 1 west 10.2.0.1");
    assert_eq!(seen(records(), "west"), "0 west 10.2.0.1; 1 east 10.1.0.1");
}

#[test]
fn an_address_takes_the_cluster_whose_service_has_it() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", [endpoint_of("api", vec![addresses(API, "203.0.113.7 203.0.113.8")])]);
    assert_eq!(world.resolved(API, &view("west")), "0 east 203.0.113.7; 0 east 203.0.113.8");
    let balanced =
        |ip_text: &str| with(service("shop/web", &[]), |s| s.ingress = vec![Ingress::Ip(ip(ip_text))].into()).into();
    assert_eq!(world.touches("west", balanced("203.0.113.7")), [API]);
    assert_eq!(world.resolved(API, &view("west")), "0 west 203.0.113.7; 1 east 203.0.113.8");
    assert_eq!(world.touches("west", balanced("203.0.113.8")), [API]);
    assert_eq!(world.resolved(API, &view("west")), "0 west 203.0.113.8; 1 east 203.0.113.7");
    assert!(world.touches("west", balanced("203.0.113.8")).is_empty());
    let gone = world.observe("west", Change::Delete { kind: Kind::Service, key: at("shop/web") });
    assert!(gone.hosts.contains(API));
    assert_eq!(world.resolved(API, &view("west")), "0 east 203.0.113.7; 0 east 203.0.113.8");
}

#[test]
fn routing_sets_are_policies() {
    let table = [
        ("failover: the primary", vec!["10.0.0.1 set=a failover=0", "10.0.0.2 set=b failover=1"], "0 east 10.0.0.1"),
        ("failover: only a secondary", vec!["10.0.0.2 set=b failover=1"], "0 east 10.0.0.2"),
        (
            "multi-value: one tier",
            vec!["10.2.0.1 set=a multi", "10.1.0.1 set=b multi"],
            "0 east 10.1.0.1; 0 west 10.2.0.1",
        ),
        ("weight 0 drains", vec!["10.0.0.1 set=a weight=0", "10.0.0.2 set=b weight=5"], "0 east 10.0.0.2"),
        (
            "unless all are 0",
            vec!["10.0.0.1 set=a weight=0", "10.0.0.2 set=b weight=0"],
            "0 east 10.0.0.1; 0 east 10.0.0.2",
        ),
    ];
    for (case, rows, want) in table {
        assert_eq!(seen(rows.iter().map(|text| addresses(API, text)).collect(), "east"), want, "{case}");
    }
}

#[test]
fn a_region_is_the_locality_of_its_records() {
    let mut world = World::new(&["hub"]);
    world.has(
        "hub",
        [endpoint_of(
            "api",
            vec![addresses(API, "10.0.0.1 set=a region=us"), addresses(API, "10.0.0.2 set=b region=eu")],
        )],
    );
    let eu = View {
        cluster: Some(ClusterId::new("none")),
        locality: crate::model::cluster::Locality { region: text("eu"), ..Default::default() },
        ..View::default()
    };
    assert_eq!(world.resolved(API, &eu), "0 hub 10.0.0.2", "nearest");
}

#[test]
fn a_primary_of_a_stale_cluster_stands_behind_a_fresh_secondary() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", [endpoint_of("a", vec![addresses(API, "10.0.0.1 set=a failover=0")])]);
    world.has("west", [endpoint_of("a", vec![addresses(API, "10.0.0.2 set=b failover=1")])]);
    assert_eq!(world.resolved(API, &view("west")), "0 east 10.0.0.1");
    world.state("east", State::Stale);
    assert_eq!(world.resolved(API, &view("west")), "0 west 10.0.0.2");
}

#[test]
fn weights_are_shared_by_the_addresses_of_a_set() {
    let mut world = World::new(&["east"]);
    let rows = ["10.0.0.1 10.0.0.2 set=a weight=80", "10.0.0.3 set=b weight=20"];
    world.has("east", [endpoint_of("api", rows.iter().map(|text| addresses(API, text)).collect())]);
    let answer = world.host(API, &view("east")).unwrap().addresses;
    assert_eq!(answer.mode, AnswerMode::Weighted);
    assert_eq!(answer.targets.iter().map(|target| target.weight).collect::<Vec<_>>(), [2, 2, 1]);
}

#[test]
fn an_alias_stands_alone_and_only_without_addresses() {
    let alias = |target: &str, text: &str| record(API, RecordValues::Alias(target.into()), text);
    let text = || record(API, RecordValues::Texts(vec![vec!["x".into()]]), "");
    let table = [
        (vec![alias("a.example", ""), text()], r#"5 Alias("a.example")"#),
        (vec![alias("a.example", ""), addresses(API, "10.0.0.1")], "0 east 10.0.0.1"),
        (vec![alias("b.example", ""), alias("a.example", "ttl=30")], r#"30 Alias("a.example")"#),
        (vec![alias("a.example", "weight=1"), alias("b.example", "weight=2")], r#"5 Alias("b.example")"#),
        (vec![alias("a.example", "failover=1"), alias("b.example", "failover=0")], r#"5 Alias("b.example")"#),
        (vec![text(), text()], r#"5 Texts([["x"]])"#),
    ];
    for (records, want) in table {
        assert_eq!(seen(records, "east"), want);
    }
}

#[test]
fn the_smallest_ttl_of_a_set_counts() {
    let mut world = World::new(&["east"]);
    world.has("east", [endpoint_of("a", vec![addresses(API, "10.0.0.1 ttl=300"), addresses(API, "fd00::1 ttl=60")])]);
    assert_eq!(world.host(API, &view("east")).unwrap().addresses.ttl, 60);
}
