//! ServiceEntries (SOURCES.md 3.4).

use super::*;

const WEB: &str = "web.shop.global";

fn vip(address: &str) -> impl Fn(&mut ServiceEntryFact) {
    let address = ip(address);
    move |entry| entry.addresses.push(address)
}

#[test]
fn the_first_rule_that_gives_an_address_applies() {
    type Edit = Box<dyn Fn(&mut ServiceEntryFact)>;
    let allocated = |host: Option<&str>, address| -> Edit {
        let (host, address): (Option<Arc<str>>, _) = (host.map(Into::into), ip(address));
        Box::new(move |entry| entry.allocated.push((host.clone(), address)))
    };
    let endpoint = |text: &'static str| -> Edit { Box::new(move |entry| entry.endpoints.push(workload(text))) };
    let none = || -> Edit { Box::new(|entry| entry.resolution = Resolution::None) };
    let table: Vec<(&str, Vec<Edit>, &str)> = vec![
        ("(1) addresses", vec![Box::new(vip("240.0.0.5")), endpoint("10.0.0.1")], "0 east 240.0.0.5"),
        ("(2) allocated", vec![allocated(Some(WEB), "240.240.0.1"), endpoint("10.0.0.1")], "0 east 240.240.0.1"),
        ("(2) of no host is of every host", vec![allocated(None, "240.240.0.1")], "0 east 240.240.0.1"),
        (
            "(2) of another host",
            vec![allocated(Some("x.global"), "240.240.0.2"), endpoint("10.0.0.1")],
            "0 east 10.0.0.1",
        ),
        ("(3) endpoints", vec![endpoint("10.0.0.1"), endpoint("fd00::1")], "0 east 10.0.0.1; 0 east fd00::1"),
        ("(3) host names are looked up", vec![endpoint("lb.example")], "0 east 203.0.113.7"),
        ("(3) unknown host names", vec![endpoint("other.example")], "NODATA"),
        ("(3) not ready", vec![endpoint("10.0.0.1 down"), endpoint("10.0.0.2")], "0 east 10.0.0.2"),
        ("(3) draining", vec![endpoint("10.0.0.1 draining"), endpoint("10.0.0.2")], "0 east 10.0.0.2"),
        ("(3) all draining", vec![endpoint("10.0.0.1 draining")], "0 east 10.0.0.1"),
        ("NONE stops after (2)", vec![none(), endpoint("10.0.0.1")], "NODATA"),
        ("NONE with addresses", vec![none(), Box::new(vip("240.0.0.5"))], "0 east 240.0.0.5"),
        ("(4) nothing", vec![], "NODATA"),
    ];
    for (case, edits, seen) in table {
        let mut world = World::new(&["east"]);
        world.settings(|settings| drop(settings.resolved.insert("lb.example".into(), vec![ip("203.0.113.7")])));
        world.has("east", [with(entry("web", WEB), |entry| edits.iter().for_each(|edit| edit(entry))).into()]);
        assert_eq!(world.resolved(WEB, &view("east")), seen, "{case}");
    }
}

#[test]
fn sources_of_one_host_are_united_nearest_first() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", [with_endpoints("a", WEB, &["10.0.0.1"]), with_endpoints("b", WEB, &["10.0.0.2"])]);
    world.has("west", [with_endpoints("a", WEB, &["10.0.1.1", "10.0.0.1"])]);
    assert_eq!(world.resolved(WEB, &view("west")), "0 west 10.0.0.1; 0 west 10.0.1.1; 1 east 10.0.0.2");
    assert_eq!(world.resolved(WEB, &view("east")), "0 east 10.0.0.1; 0 east 10.0.0.2; 1 west 10.0.1.1");
    assert!(world.host_codes(WEB, &view("east")).is_empty(), "one address in two objects is no fault");
}

#[test]
fn an_endpoint_lies_where_it_says() {
    let mut world = World::new(&["east", "west"]);
    world.cluster("west", |cluster| cluster.aliases = vec![ClusterId::new("cluster2")]);
    let endpoints = ["10.0.0.1 cluster=cluster2", "10.0.0.2", "10.0.0.3 region=eu", "10.0.0.4 cluster=strange"];
    world.has("east", [with_endpoints("a", WEB, &endpoints)]);
    let eu =
        View { locality: crate::model::cluster::Locality { region: text("eu"), ..Default::default() }, ..view("west") };
    assert_eq!(
        world.resolved(WEB, &eu),
        "0 west 10.0.0.1; 1 east 10.0.0.3; 2 east 10.0.0.2; 2 strange 10.0.0.4",
        "its cluster by label or alias, then its region"
    );
    world.state("west", State::Stale);
    assert_eq!(
        world.resolved(WEB, &view("east")),
        "0 east 10.0.0.2; 0 east 10.0.0.3; 1 strange 10.0.0.4; 2 west 10.0.0.1 stale",
        "its cluster's freshness"
    );
}

#[test]
fn workload_entries_join_by_selector() {
    let labels = |pairs: &[(&str, &str)]| -> Labels { pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect() };
    let workload_entry = |key: &str, pairs: &[(&str, &str)], text: &str| {
        Fact::from(WorkloadEntryFact {
            key: at(key),
            labels: labels(pairs),
            workload: workload(text),
            origin: Origin::default(),
        })
    };
    let mut world = World::new(&["east"]);
    let selecting = with(entry("a", WEB), |entry| entry.selector = Some(labels(&[("app", "web")])));
    world.has("east", [selecting.into()]);
    let both = [("app", "web"), ("v", "1")];
    assert_eq!(world.touches("east", workload_entry("mesh/vm1", &both, "10.0.0.1")), [WEB]);
    assert!(world.touches("east", workload_entry("mesh/vm1", &both, "10.0.0.1")).is_empty(), "nothing new");
    assert!(world.touches("east", workload_entry("mesh/vm2", &[("app", "db")], "10.0.0.2")).is_empty());
    assert!(world.touches("east", workload_entry("other/vm3", &both, "10.0.0.3")).is_empty(), "another namespace");
    assert_eq!(world.resolved(WEB, &view("east")), "0 east 10.0.0.1");
    assert_eq!(
        world.touches("east", workload_entry("mesh/vm1", &[("app", "db")], "10.0.0.1")),
        [WEB],
        "no longer selected"
    );
    assert_eq!(world.resolved(WEB, &view("east")), "NODATA");
}

#[test]
fn weights_of_endpoints_count_inside_the_default_tiers() {
    let mut world = World::new(&["east", "west"]);
    world.has(
        "east",
        [with_endpoints("a", WEB, &["10.0.0.1 weight=80", "10.0.0.2 weight=20", "10.0.1.1 cluster=west"])],
    );
    let answer = world.host(WEB, &view("east")).unwrap().addresses;
    assert_eq!(answer.mode, AnswerMode::Weighted);
    let seen: Vec<_> = answer.targets.iter().map(|target| (target.tier, target.weight)).collect();
    assert_eq!(seen, [(0, 80), (0, 20), (1, 1)]);
    world.has("east", [with_endpoints("a", WEB, &["10.0.0.1 weight=5", "10.0.0.2 weight=5"])]);
    assert_eq!(world.host(WEB, &view("east")).unwrap().addresses.mode, AnswerMode::Ordered, "none differs");
}

#[test]
fn an_entry_without_weights_beside_a_weighted_one_got_a_64th() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", [with_endpoints("a", WEB, &["10.0.0.1 cluster=east weight=1"])]);
    world.has("west", [with_endpoints("a", WEB, &["10.0.0.2 cluster=east"])]);
    let answer = world.host(WEB, &view("east")).unwrap().addresses;
    let seen: Vec<_> = answer.targets.iter().map(|target| (target.tier, target.weight)).collect();
    assert_eq!((answer.mode, &seen[..]), (AnswerMode::Ordered, &[(0, 1), (0, 1)][..]));
}

#[test]
fn endpoints_of_another_network_become_its_gateways() {
    let mut world = World::new(&["east", "west"]);
    let network = |name: &'static str| move |cluster: &mut crate::model::Cluster| cluster.locality.network = text(name);
    world.cluster("east", network("a")).cluster("west", network("b"));
    let endpoints =
        ["10.0.0.1 network=a", "10.0.1.1 cluster=west network=b", "10.0.1.2 cluster=west network=b", "203.0.113.1"];
    world.has("east", [with_endpoints("a", WEB, &endpoints)]);
    assert_eq!(world.host_codes(WEB, &view("east")), ["network-mismatch", "network-mismatch"], "no gateway is known");
    world.cluster("west", |cluster| cluster.gateways = vec![GatewayAddress::Ip(ip("198.51.100.1"))]);
    assert_eq!(world.resolved(WEB, &view("east")), "0 east 10.0.0.1; 0 east 203.0.113.1; 1 west 198.51.100.1");
    let weights = world.host(WEB, &view("east")).unwrap().addresses.targets;
    assert_eq!(weights.iter().map(|target| target.weight).collect::<Vec<_>>(), [1, 1, 2], "two endpoints behind it");
    assert_eq!(
        world.resolved(WEB, &view("west")),
        "0 west 10.0.1.1; 0 west 10.0.1.2; 1 east 10.0.0.1; 1 east 203.0.113.1",
        "network a has no gateway; an endpoint without a network is reached directly"
    );
}

#[test]
fn a_view_outside_the_mesh_skips_its_vips() {
    let fact = |vip: &str| {
        with(entry("a", WEB), |entry| {
            entry.addresses = vec![ip(vip)];
            entry.endpoints = vec![workload("203.0.113.1")];
        })
    };
    for (address, outside) in [
        ("240.0.0.5", "0 east 203.0.113.1"),
        ("240.240.0.5", "0 east 203.0.113.1"),
        ("242.1.2.3", "0 east 203.0.113.1"),
        ("2001:2::5", "0 east 203.0.113.1"),
        ("fd00:fd01::5", "0 east 203.0.113.1"),
        ("10.96.0.5", "0 east 10.96.0.5"),
    ] {
        let mut world = World::new(&["east", "west"]);
        world.has("east", [fact(address).into()]);
        let inside = format!("0 east {address}");
        assert_eq!(world.resolved(WEB, &view("")), inside, "every view counts as inside by default");
        world.settings(|settings| settings.hosts.mesh_clusters = vec![ClusterId::new("east")]);
        assert_eq!(world.resolved(WEB, &view("east")), inside);
        assert_eq!(world.resolved(WEB, &view("west")), outside);
        assert_eq!(world.resolved(WEB, &view("")), outside);
    }
}

#[test]
fn export_to_hides_only_when_it_is_respected() {
    let mut world = World::new(&["east"]);
    world.has("east", [with(entry("a", WEB), |entry| entry.exported = false).into()]);
    assert_eq!(world.resolved(WEB, &view("east")), "NODATA");
    world.settings(|settings| settings.hosts.respect_export_to = true);
    assert_eq!(world.resolved(WEB, &view("east")), "absent");
}

#[test]
fn a_single_host_name_is_an_alias_when_names_are_not_looked_up() {
    let table: [(&[&str], &str); 4] = [
        (&["lb.example"], r#"5 Alias("lb.example")"#),
        (&["lb.example", "lb.example"], r#"5 Alias("lb.example")"#),
        (&["lb.example", "other.example"], "NODATA"),
        (&["lb.example", "10.0.0.1"], "0 east 10.0.0.1"),
    ];
    for (endpoints, seen) in table {
        let mut world = World::new(&["east"]);
        world.has("east", [with_endpoints("a", WEB, endpoints)]);
        let looked_up = if endpoints.contains(&"10.0.0.1") { seen } else { "NODATA" };
        assert_eq!(world.resolved(WEB, &view("east")), looked_up, "{endpoints:?}");
        world.settings(|settings| settings.hosts.resolve_hostnames = false);
        assert_eq!(world.resolved(WEB, &view("east")), seen, "{endpoints:?}");
    }
}

#[test]
fn srv_ports_are_those_of_the_vip_or_of_the_endpoints() {
    let numbers = |edit: &dyn Fn(&mut ServiceEntryFact)| {
        let mut world = World::new(&["east"]);
        world.has("east", [with(entry("a", WEB), |entry| edit(entry)).into()]);
        let ports = world.host(WEB, &view("east")).unwrap().addresses.ports;
        ports.iter().map(|port| port.number).collect::<Vec<_>>()
    };
    let target = |entry: &mut ServiceEntryFact| entry.ports[0].target_port = Some(8080);
    let endpoints =
        |entry: &mut ServiceEntryFact| entry.endpoints = vec![workload("10.0.0.1"), workload("10.0.0.2 port=9090")];
    assert_eq!(
        numbers(&|entry| {
            target(entry);
            vip("240.0.0.1")(entry)
        }),
        [80]
    );
    assert_eq!(
        numbers(&|entry| {
            target(entry);
            endpoints(entry)
        }),
        [8080, 9090]
    );
    assert_eq!(numbers(&endpoints), [80, 9090]);
}

#[test]
fn own_annotations_and_rules_shape_the_answer() {
    let mut world = World::new(&["east", "west"]);
    let weighed = |weight, address: &str| {
        with(entry("a", WEB), |entry| {
            entry.endpoints = vec![workload(address)];
            entry.own = OwnPolicy { weight: Some(weight), ttl: Some(weight), ..OwnPolicy::default() };
        })
    };
    world.has("east", [weighed(80, "10.0.0.1").into()]).has("west", [weighed(20, "10.0.1.1").into()]);
    world.settings(|settings| {
        let rule = |hosts: &str| PolicyRule { hosts: vec![hosts.into()], ..PolicyRule::default() };
        let weighted = PolicyRule { answer: Some(AnswerMode::Weighted), ttl: Some(7), ..rule("*.shop.global") };
        settings.policies.rules = vec![PolicyRule { ttl: Some(9), ..rule("*.other.global") }, weighted];
    });
    let answer = world.host(WEB, &view("east")).unwrap().addresses;
    assert_eq!((answer.mode, answer.ttl), (AnswerMode::Weighted, 20), "the rule's mode, the smallest own TTL");
    let seen: Vec<_> = answer.targets.iter().map(|target| (target.tier, target.weight)).collect();
    assert_eq!(seen, [(0, 4), (0, 1)]);
}

#[test]
fn an_endpoint_under_cluster_local_is_the_service_of_the_objects_cluster() {
    let mut world = World::new(&["east", "west"]);
    let host = "stage.greeting.global";
    world.has("east", [with_endpoints("e", host, &["greeting.sample.svc.cluster.local weight=2"])]);
    assert_eq!(world.resolved(host, &view("east")), "NODATA", "no such Service yet");
    assert!(world.set.host_names().is_empty(), "it is never looked up");
    assert_eq!(world.touches("west", service("sample/greeting", &["10.2.0.9"]).into()), [""; 0]);
    assert_eq!(world.touches("east", service("sample/greeting", &["10.1.0.9"]).into()), [host]);
    assert_eq!(world.resolved(host, &view("east")), "0 east 10.1.0.9");
    assert_eq!(world.resolved(host, &view("west")), "0 east 10.1.0.9", "unproven, but all there is");
    assert_eq!(world.touches("east", slice("sample/greeting", 1, &["10.1.1.1"]).into()), [host]);
    world.cluster("east", |cluster| cluster.reach = crate::model::cluster::Reach::Endpoints);
    assert_eq!(world.resolved(host, &view("west")), "0 east 10.1.1.1");
    world.settings(|settings| settings.hosts.resolve_hostnames = false);
    world.observe("east", Change::Delete { kind: Kind::Service, key: at("sample/greeting") });
    assert_eq!(world.resolved(host, &view("east")), "NODATA", "and never an alias into a cluster's own zone");
}

#[test]
fn a_selected_workload_entry_under_cluster_local_follows_its_service() {
    let mut world = World::new(&["east"]);
    let host = "stage.greeting.global";
    let labels: Labels = vec![("app".into(), "greeting".into())];
    let selector = Some(labels.clone());
    world.has("east", [with(entry("e", host), |entry| entry.selector = selector).into()]);
    let entry = |address: &str| {
        Fact::from(WorkloadEntryFact {
            key: at("mesh/w"),
            labels: labels.clone(),
            workload: workload(address),
            origin: Origin::default(),
        })
    };
    assert_eq!(world.touches("east", entry("greeting.sample.svc.cluster.local")), [host]);
    assert_eq!(world.touches("east", service("sample/greeting", &["10.1.0.9"]).into()), [host]);
    assert_eq!(world.resolved(host, &view("east")), "0 east 10.1.0.9");
    assert_eq!(world.touches("east", entry("10.0.0.1")), [host]);
    assert_eq!(world.touches("east", service("sample/greeting", &["10.1.0.8"]).into()), [""; 0], "no longer meant");
    assert_eq!(world.touches("east", entry("greeting.sample.svc.cluster.local")), [host]);
    world.observe("east", Change::Delete { kind: Kind::WorkloadEntry, key: at("mesh/w") });
    assert_eq!(world.touches("east", service("sample/greeting", &["10.1.0.7"]).into()), [""; 0]);
}
