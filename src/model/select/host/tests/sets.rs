//! Precedence, zones, limits, and what one change touches.

use super::*;

#[test]
fn a_service_entry_owns_a_name_whole() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", [endpoint_of("a", vec![addresses("web.global", "10.0.0.9")])]);
    assert_eq!(world.resolved("web.global", &view("east")), "0 east 10.0.0.9");
    world.has("west", [Fact::from(entry("a", "web.global"))]);
    assert_eq!(world.resolved("web.global", &view("east")), "NODATA", "though it has no address");
    assert_eq!(world.host_codes("web.global", &view("east")), ["name-taken"]);
}

#[test]
fn what_no_global_zone_covers_is_not_served() {
    let mut world = World::new(&["east"]);
    let hosts = ["web.shop.svc.clusterset.local", "web.example", "ns.dns.global"];
    for (number, host) in hosts.into_iter().enumerate() {
        world.has("east", [with_vips(&format!("e{number}"), host, &["240.0.0.1"])]);
        world.has("east", [endpoint_of(&format!("d{number}"), vec![addresses(host, "10.0.0.1")])]);
        assert_eq!(world.resolved(host, &view("east")), "absent");
    }
    let mut found: Vec<String> = findings(&world.set).iter().map(|f| format!("{} {}", f.code, f.object)).collect();
    found.sort();
    assert_eq!(
        found,
        [
            "foreign-zone-name dns/d0",
            "foreign-zone-name dns/d1",
            "foreign-zone-name mesh/e0",
            "name-taken dns/d2",
            "name-taken mesh/e2",
        ],
        "a ServiceEntry for a foreign host is the rule in a mesh"
    );
    world.settings(|settings| settings.hosts.global_zones.push("example".into()));
    assert_eq!(world.resolved("web.example", &view("east")), "0 east 240.0.0.1", "any suffix may be a global zone");
}

#[test]
fn a_flooding_cluster_stops_at_its_limits() {
    let mut world = World::new(&["east", "west"]);
    world.settings(|settings| (settings.limits.hosts, settings.limits.addresses_per_host) = (2, 3));
    world.has("west", [with_endpoints("own", "d.global", &["10.2.0.1"])]);
    for host in ["a", "b", "c", "d"] {
        world.has("east", [with_endpoints(host, &format!("{host}.global"), &["10.1.0.1"])]);
    }
    let all = |world: &World| ["a", "b", "c", "d"].map(|host| world.resolved(&format!("{host}.global"), &view("west")));
    assert_eq!(all(&world), ["0 east 10.1.0.1", "0 east 10.1.0.1", "absent", "0 west 10.2.0.1"]);
    assert_eq!(world.host_codes("c.global", &view("west")), ["over-limit"]);
    let key = at("mesh/a");
    let touched = world.observe("east", Change::Delete { kind: Kind::ServiceEntry, key });
    assert!(touched.hosts.contains("c.global"), "it comes in when another goes");
    assert_eq!(all(&world), ["absent", "0 east 10.1.0.1", "0 east 10.1.0.1", "0 west 10.2.0.1"]);

    let many = ["10.1.0.4", "10.1.0.3", "10.1.0.2", "10.1.0.1"];
    world.has("east", [with_endpoints("b", "b.global", &many)]);
    assert_eq!(world.resolved("b.global", &view("east")), "0 east 10.1.0.1; 0 east 10.1.0.2; 0 east 10.1.0.3");
    assert_eq!(world.host_codes("b.global", &view("east")), ["over-limit"]);
}

#[test]
fn only_addresses_that_may_answer_count_toward_the_limit() {
    let mut world = World::new(&["east"]);
    world.settings(|settings| settings.limits.addresses_per_host = 1);
    world.cluster("east", |cluster| cluster.allow.cidrs = Prefix::parse("10.0.0.0/8").into_iter().collect());
    let many = ["9.0.0.1", "10.0.0.2", "10.0.0.1", "9.0.0.2"];
    world.has("east", [with_vips("vips", "vips.global", &many)]);
    world.has("east", [endpoint_of("dns", vec![addresses("set.global", &many.join(" "))])]);
    for host in ["vips.global", "set.global"] {
        assert_eq!(world.resolved(host, &view("east")), "0 east 10.0.0.1", "{host}");
        assert_eq!(world.host_codes(host, &view("east")), ["over-limit"]);
    }
}

/// Any step that compares each with each takes minutes here.
#[test]
fn an_object_of_a_hundred_thousand_targets_is_one_finding() {
    let mut world = World::new(&["east", "west"]);
    world.settings(|settings| settings.limits.hosts = 200_000);
    let numbered = |number: u32| std::net::IpAddr::from((0x0a00_0000 + number).to_be_bytes());
    let many: Vec<_> = (1..=100_000).rev().map(numbered).collect();
    world.has("east", [with(entry("vips", "vips.global"), |entry| entry.addresses.clone_from(&many)).into()]);
    let workloads = || many.iter().map(|address| workload(&address.to_string())).collect();
    world.has("east", [with(entry("ends", "ends.global"), |entry| entry.endpoints = workloads()).into()]);
    let flood = RecordValues::Addresses(many.clone());
    world.has(
        "west",
        [endpoint_of("flood", vec![record("flood.global", flood, ""), addresses("flood.global", "fd00::1")])],
    );
    for host in ["vips.global", "ends.global", "flood.global"] {
        let answer = world.host(host, &view("west")).unwrap().addresses;
        // One less where the last pair of families does not fit.
        let count: usize = answer.targets.iter().map(|target| target.addresses.len()).sum();
        assert!((255..=256).contains(&count), "{host}: {count}");
        assert_eq!(answer.targets[0].addresses[0], numbered(1), "{host}: the first in sorted order");
        assert_eq!(world.host_codes(host, &view("west")), ["over-limit"]);
    }
    let texts = |from: u32| RecordValues::Texts((from..from + 50_000).map(|n| vec![n.to_string().into()]).collect());
    let values = vec![record("texts.global", texts(0), ""), record("texts.global", texts(25_000), "")];
    let names = (0..20_000).map(|number| addresses(&format!("h{number}.global"), "10.0.0.1"));
    world.has("west", [endpoint_of("values", values), endpoint_of("names", names.collect())]);
    let RecordValues::Texts(texts) = &world.host("texts.global", &view("west")).unwrap().records[0].values else {
        panic!("texts")
    };
    assert_eq!(texts.len(), 75_000);
    for number in 0..20_000 {
        assert_eq!(world.host(&format!("h{number}.global"), &view("west")).unwrap().addresses.targets.len(), 1);
    }
}

#[test]
fn one_change_touches_its_own_hosts() {
    let mut world = World::new(&["east", "west"]);
    let two = |a: &str, b: &str| with(entry("a", a), |entry| entry.hosts.push(b.into()));
    assert_eq!(world.touches("east", two("a.global", "x.example").into()), ["a.global"]);
    assert!(world.touches("east", two("a.global", "x.example").into()).is_empty());
    assert_eq!(world.touches("east", two("b.global", "c.global").into()), ["a.global", "b.global", "c.global"]);
    assert_eq!(world.touches("west", with_vips("b", "b.global", &["240.0.0.1"])), ["b.global"]);
    let gone =
        world.observe("east", Change::Replace { kind: Kind::ServiceEntry, facts: Vec::new(), findings: Vec::new() });
    let mut gone: Vec<_> = gone.hosts.iter().map(|host| host.to_string()).collect();
    gone.sort();
    assert_eq!(gone, ["b.global", "c.global"]);
    assert_eq!(world.set.hosts().map(|host| host.to_string()).collect::<Vec<_>>(), ["b.global"]);
}

#[test]
fn namespaces_bound_what_a_cluster_and_a_view_may_have() {
    let mut world = World::new(&["east"]);
    world.has("east", [with_vips("a", "a.global", &["240.0.0.1"])]);
    let mut hidden = view("east");
    hidden.namespaces.deny = vec!["mesh".into()];
    assert_eq!(world.resolved("a.global", &hidden), "absent");
    world.cluster("east", |cluster| cluster.allow.cidrs = Prefix::parse("10.0.0.0/8").into_iter().collect());
    assert_eq!(world.resolved("a.global", &view("east")), "NODATA");
    world.cluster("east", |cluster| cluster.allow.namespaces = vec!["other".into()]);
    assert_eq!(world.resolved("a.global", &view("east")), "absent");
}

#[test]
fn surprising_wildcards_and_shared_vips_are_findings() {
    let mut world = World::new(&["east"]);
    world.has("east", [namespace("shop"), with_vips("w", "*.global", &["240.0.0.1"])]);
    world.has("east", [with_vips("a", "a.b.x.global", &["240.0.0.2"]), with_vips("v", "v.x.global", &["240.0.0.2"])]);
    world.has("east", [with_vips("x", "*.x.global", &["240.0.0.3"])]);
    let mut found: Vec<String> =
        findings(&world.set).iter().map(|f| format!("{} {}: {}", f.code, f.object, f.message)).collect();
    found.sort();
    let start = |text: &str| found.iter().any(|finding| finding.starts_with(text));
    assert!(start("vip-collision mesh/v: 240.0.0.2"), "{found:?}");
    assert!(start("wildcard-shadowed *.global: does not answer below"), "{found:?}");
    assert!(start("wildcard-shadowed *.x.global: does not answer below b.x.global"), "{found:?}");
    assert_eq!(found.len(), 3);
}

#[test]
fn pools_of_systems_in_use_clash_with_addresses_and_ranges_inside_them() {
    let clashes = |world: &World| -> Vec<String> {
        let found = findings(&world.set);
        let clashes = found.iter().filter(|finding| finding.code == "vip-pool-clash");
        clashes.map(|f| format!("{} {} {}", f.cluster, f.object, f.message.split(' ').next().unwrap())).collect()
    };
    let mut world = World::new(&["east", "west"]);
    world.has("east", [with_vips("h", "h.global", &["240.0.9.9"]), with_vips("s", "s.global", &["243.0.0.9"])]);
    world.has("west", [import("shop/web", &["243.0.0.9"]).into()]);
    assert_eq!(clashes(&world), [""; 0], "no pool in use; a clusterset IP by its number is no clash");
    world.has("west", [import("shop/web", &["243.0.0.8"]).into()]);
    assert_eq!(clashes(&world), ["east mesh/s 243.0.0.9"], "Submariner gives out the pool");
    let admiral = with(entry("se", "a.global"), |entry| {
        entry.key = at("admiral-sync/se");
        entry.addresses = vec![ip("240.0.10.1")];
    });
    world.has("west", [admiral.into()]);
    assert_eq!(clashes(&world), ["east mesh/h 240.0.9.9", "east mesh/s 243.0.0.9"]);
    world.cluster("east", |cluster| cluster.cidrs = Prefix::parse("240.0.0.0/12").into_iter().collect());
    assert_eq!(clashes(&world).len(), 3, "a pool inside a range");
    world.has("west", [import("shop/web", &["10.0.0.1"]).into()]);
    assert_eq!(clashes(&world).len(), 2, "Submariner's pool is not in use any more");
}
