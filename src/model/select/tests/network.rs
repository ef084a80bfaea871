//! Direct mode between networks: gateways, mismatches, overlaps (SOURCES.md 1.2).

use super::{DB, WEB};
use crate::model::cluster::{GatewayAddress, Reach};
use crate::model::fact::*;
use crate::model::fixture::*;
use crate::model::{Prefix, View};

/// East (network n1, gateway 203.0.113.1) exports web and db; west lies in n2.
fn apart() -> World {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    world.has("east", exported_headless(DB, &["10.1.0.2 db-0"]));
    world.has("west", [namespace("shop")]);
    world.cluster("east", |c| {
        c.locality.network = text("n1");
        c.gateways = vec![GatewayAddress::Ip(ip("203.0.113.1")), GatewayAddress::Host("gw.example".into())];
    });
    world.cluster("west", |c| c.locality.network = text("n2"));
    world
}

#[test]
fn each_reach_from_another_network() {
    let table: [(Reach, &str, &[&str]); 5] = [
        (Reach::Auto, "0 east 203.0.113.1", &[]),
        (Reach::ClusterIp, "0 east 10.96.0.1", &["network-mismatch"]),
        (Reach::LoadBalancer, "NODATA", &[]),
        (Reach::Endpoints, "0 east 10.1.0.1", &["network-mismatch"]),
        (Reach::Gateway, "0 east 203.0.113.1", &[]),
    ];
    for (reach, seen, codes) in table {
        let mut world = apart();
        world.cluster("east", |c| c.reach = reach);
        assert_eq!(world.seen(WEB, &view("west")), seen, "{reach:?}");
        assert_eq!(world.codes(WEB, &view("west")), codes, "{reach:?}");
    }
}

#[test]
fn without_a_gateway_nothing_comes_from_there() {
    let mut world = apart();
    world.cluster("east", |c| {
        c.gateways.clear();
        c.reach = Reach::Gateway;
    });
    assert_eq!(world.seen(WEB, &view("west")), "NODATA");
    assert_eq!(world.codes(WEB, &view("west")), ["no-gateway"]);
    world.cluster("east", |c| c.reach = Reach::Auto);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.96.0.1", "auto (5)");
    assert_eq!(world.codes(WEB, &view("west")), ["reach-unproven"]);
}

#[test]
fn gateways_of_host_names_and_of_network_mates() {
    let mut world = apart();
    world.set.set_resolved([("gw.example".into(), vec![ip("203.0.113.2")])].into());
    assert_eq!(world.seen(WEB, &view("west")), "0 east 203.0.113.1; 0 east 203.0.113.2");
    world.add("mate");
    world.cluster("mate", |c| {
        c.locality.network = text("n1");
        c.gateways = vec![GatewayAddress::Ip(ip("203.0.113.7"))];
    });
    world.cluster("east", |c| c.gateways.clear());
    assert_eq!(world.seen(WEB, &view("west")), "0 east 203.0.113.7");
}

#[test]
fn direct_addresses_come_before_gateways_of_the_same_tier() {
    let mut world = apart();
    world.add("south");
    world.cluster("south", |c| c.locality.network = text("n2")).has("south", exported(WEB, "10.98.0.1", "10.3.0.1"));
    assert_eq!(world.seen(WEB, &view("west")), "0 south 10.3.0.1; 1 east 203.0.113.1");
}

#[test]
fn one_unset_network_counts_as_the_same() {
    let mut world = apart();
    world.cluster("west", |c| c.locality.network = None);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.1.0.1");
    let mut there = View { name: "v".into(), ..view("west") };
    there.locality.network = text("n2");
    assert_eq!(world.seen(WEB, &there), "0 east 203.0.113.1", "the view's own field wins");
}

#[test]
fn headless_behind_gateways_has_no_host_addresses() {
    let mut world = apart();
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.2", "under auto the address is answered");
    assert_eq!(world.codes(DB, &view("west")), ["network-mismatch"]);
    world.cluster("east", |c| c.reach = Reach::Gateway);
    let seen = world.select(DB, &view("west"));
    assert_eq!(show(&seen), "0 east 203.0.113.1");
    assert_eq!(hosts(&seen), "[db-0.east=:]", "the name exists, without data and without SRV rows");
    world.cluster("east", |c| c.gateways.clear());
    assert_eq!(world.seen(DB, &view("west")), "NODATA", "it has a ready row, unreachable from here");
    assert_eq!(world.codes(DB, &view("west")), ["no-gateway"]);
}

#[test]
fn an_address_in_the_views_own_ranges_is_withheld() {
    let mut world = apart();
    world.cluster("west", |c| c.cidrs = Prefix::parse("10.1.0.0/16").into_iter().collect());
    let seen = world.select(DB, &view("west"));
    assert_eq!((show(&seen).as_str(), hosts(&seen).as_str()), ("NODATA", "[db-0.east=:]"));
    world.cluster("west", |c| c.cidrs.clear());
    let ranges = Prefix::parse("10.1.0.0/24").into_iter().collect();
    let node = NodeFact { name: "n".into(), region: None, zone: None, pod_cidrs: ranges };
    let touched = world.observe("west", crate::model::Change::Apply { fact: Fact::Node(node), findings: Vec::new() });
    assert!(touched.everything, "pod ranges matter between networks");
    assert_eq!(world.seen(DB, &view("west")), "NODATA");
    world.cluster("west", |c| c.locality.network = text("n1"));
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.2", "one network: addresses are unique");
}

#[test]
fn equal_addresses_of_different_networks_are_no_finding() {
    let mut world = apart();
    world.has("west", exported_headless(DB, &["10.1.0.2"]));
    assert!(!world.codes(DB, &view("west")).contains(&"shared-address"));
}
