//! Direct mode inside one network (SOURCES.md 1.2).

use super::{DB, WEB};
use crate::model::cluster::Reach;
use crate::model::fact::*;
use crate::model::fixture::*;
use crate::model::{Prefix, Selection};

/// East exports web with clusterIP 10.96.0.1, pod 10.1.0.1; west stands by with the namespace.
fn east_exports() -> World {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    world.has("west", [namespace("shop")]);
    world
}

fn ingress(address: &str) -> Ingress {
    Ingress::Ip(ip(address))
}

#[test]
fn each_reach_has_its_addresses() {
    let table = [
        (Reach::Auto, "0 east 10.1.0.1"),
        (Reach::ClusterIp, "0 east 10.96.0.1"),
        (Reach::LoadBalancer, "0 east 203.0.113.1"),
        (Reach::Endpoints, "0 east 10.1.0.1"),
        (Reach::Gateway, "0 east 10.96.0.1"),
    ];
    for (reach, seen) in table {
        let mut world = east_exports();
        if reach == Reach::LoadBalancer {
            world.has(
                "east",
                [with(service(WEB, &["10.96.0.1"]), |s| s.ingress = vec![ingress("203.0.113.1")].into()).into()],
            );
        }
        world.cluster("east", |c| c.reach = reach);
        assert_eq!(world.seen(WEB, &view("west")), seen, "{reach:?}");
        assert!(world.codes(WEB, &view("west")).is_empty(), "{reach:?}");
    }
}

#[test]
fn auto_takes_the_first_step_that_applies() {
    let mut world = east_exports();
    assert_eq!(world.seen(WEB, &view("east")), "0 east 10.96.0.1", "the view of the cluster itself: its clusterIP");
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.1.0.1", "(3) pods in the same network");
    world.has("east", [with(slice(WEB, 1, &["10.1.0.1"]), |s| s.ports[0].number = 8080).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.96.0.1", "(5) the pods' port is another one");
    assert_eq!(world.codes(WEB, &view("west")), ["reach-unproven"]);
    world.has("east", [with(service(WEB, &["10.96.0.1"]), |s| s.ingress = vec![ingress("203.0.113.1")].into()).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 203.0.113.1", "(2) load balancer");
    world.cluster("east", |c| c.routable = Prefix::parse("10.96.0.0/16").into_iter().collect());
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.96.0.1", "(1) a routable clusterIP");
}

#[test]
fn load_balancer_host_names_are_looked_up() {
    let mut world = east_exports();
    world.has(
        "east",
        [with(service(WEB, &["10.96.0.1"]), |s| s.ingress = vec![Ingress::Host("lb.example".into())].into()).into()],
    );
    world.cluster("east", |c| c.reach = Reach::LoadBalancer);
    assert_eq!(world.seen(WEB, &view("west")), "NODATA");
    world.set.set_resolved([("lb.example".into(), vec![ip("203.0.113.9"), ip("2001:db8::9")])].into());
    assert_eq!(world.seen(WEB, &view("west")), "0 east 203.0.113.9+2001:db8::9");
}

#[test]
fn a_large_remote_service_is_cut_to_its_own_share_per_view() {
    let mut world = east_exports();
    let pods: Vec<String> = (1..=40).map(|n| format!("10.1.0.{n} pod={n}")).collect();
    let v6: Vec<String> = (1..=40).map(|n| format!("fd00::{n:x} pod={n}")).collect();
    let texts = |list: &[String]| slice(WEB, 1, &list.iter().map(String::as_str).collect::<Vec<_>>());
    let second = SliceFact { key: at("shop/web-2"), ..texts(&v6) };
    world.has("east", [texts(&pods).into(), second.into()]);
    let targets = |cluster: &str| match world.select(WEB, &view(cluster)) {
        Selection::Present(answer) => answer.targets,
        other => panic!("{other:?}"),
    };
    let west = targets("west");
    assert_eq!(west.len(), 16);
    assert!(west.iter().all(|target| target.addresses.len() == 2), "both families of each endpoint");
    assert_ne!(west, targets(""), "another view gets others");
    assert_eq!(targets("east").len(), 1, "its own view has the clusterIP");
}

#[test]
fn health_leaves_a_cluster_out_but_never_empties_a_vip_name() {
    let mut world = World::new(&["east", "west", "north"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1 down"));
    world.has("west", exported(WEB, "10.97.0.1", "10.2.0.1"));
    world.has("north", [namespace("shop")]);
    for cluster in ["east", "west"] {
        world.cluster(cluster, |c| c.reach = Reach::ClusterIp);
    }
    assert_eq!(world.seen(WEB, &view("north")), "0 west 10.97.0.1");
    world.has("west", [slice(WEB, 1, &["10.2.0.1 down"]).into()]);
    assert_eq!(world.seen(WEB, &view("north")), "0 east 10.96.0.1; 0 west 10.97.0.1", "none ready: VIPs all the same");
    world.cluster("east", |c| c.reach = Reach::Endpoints).cluster("west", |c| c.reach = Reach::Endpoints);
    assert_eq!(world.seen(WEB, &view("north")), "NODATA", "pods: none is ready");
}

#[test]
fn no_slices_is_not_ill_health() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", [service(WEB, &["10.96.0.1"]).into(), export(WEB, 1).into()]);
    world.has("west", exported(WEB, "10.97.0.1", "10.2.0.1"));
    assert_eq!(world.seen(WEB, &view("west")), "0 west 10.97.0.1; 1 east 10.96.0.1");
}

#[test]
fn a_type_loser_still_contributes() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    world.has("west", [headless(WEB).into(), export(WEB, 2).into(), slice(WEB, 1, &["10.2.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("east")), "0 east 10.96.0.1; 1 west 10.2.0.1", "headless under auto: its pods");
    world.cluster("west", |c| c.reach = Reach::ClusterIp);
    assert_eq!(world.seen(WEB, &view("east")), "0 east 10.96.0.1", "it has no clusterIP");

    let mut world = World::new(&["east", "west"]);
    world.has("east", exported_headless(DB, &["10.1.0.1"]));
    world.has("west", [service(DB, &["10.97.0.1"]).into(), export(DB, 2).into(), slice(DB, 1, &["10.2.0.1"]).into()]);
    assert_eq!(
        world.seen(DB, &view("east")),
        "0 east 10.1.0.1; 1 west 10.2.0.1",
        "its endpoints in a Headless service"
    );
}

#[test]
fn a_service_without_cluster_ip_exists_without_addresses() {
    let mut world = World::new(&["east"]);
    world.has("east", [service(WEB, &[]).into(), export(WEB, 1).into(), slice(WEB, 1, &["10.1.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("east")), "NODATA");
}

#[test]
fn headless_answers_ready_endpoints_of_every_exporter() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported_headless(DB, &["10.1.0.1 db-0", "10.1.0.2 db-1 down"]));
    world.has("west", exported_headless(DB, &["10.2.0.1 db-0", "10.2.0.2"]));
    let seen = world.select(DB, &view("west"));
    assert_eq!(show(&seen), "0 west 10.2.0.1; 0 west 10.2.0.2; 1 east 10.1.0.1");
    assert_eq!(hosts(&seen), "10-2-0-2.west=10.2.0.2:80 db-0.west=10.2.0.1:80 db-0.east=10.1.0.1:80");
}

#[test]
fn headless_exists_with_a_ready_row_only() {
    let mut world = World::new(&["east"]);
    world.has("east", exported_headless(DB, &["10.1.0.1 down"]));
    assert_eq!(world.seen(DB, &view("east")), "absent");
}

#[test]
fn one_pod_with_two_families_is_one_endpoint() {
    let table = [
        ("by pod", "10.1.0.1 pod=7", "fd00::1 pod=7", "0 east 10.1.0.1+fd00::1"),
        ("by hostname and node", "10.1.0.1 db-0 node=n", "fd00::1 db-0 node=n", "0 east 10.1.0.1+fd00::1"),
        ("nothing in common", "10.1.0.1", "fd00::1", "0 east 10.1.0.1; 0 east fd00::1"),
        ("one family not ready", "10.1.0.1 pod=7", "fd00::1 pod=7 down", "0 east 10.1.0.1"),
        ("the same address twice", "10.1.0.1", "10.1.0.1", "0 east 10.1.0.1"),
    ];
    for (case, v4, v6, seen) in table {
        let mut world = World::new(&["east"]);
        world.has("east", exported_headless(DB, &[v4]));
        world.has("east", [slice(DB, 2, &[v6]).into()]);
        assert_eq!(world.seen(DB, &view("east")), seen, "{case}");
    }
}

#[test]
fn two_endpoints_with_one_hostname_are_one_name() {
    let mut world = World::new(&["east"]);
    world.has("east", exported_headless(DB, &["10.1.0.1 db", "10.1.0.2 db"]));
    assert_eq!(hosts(&world.select(DB, &view("east"))), "db.east=10.1.0.1+10.1.0.2:80");
}

#[test]
fn srv_rows_of_a_port_come_from_clusters_that_have_it() {
    let mut world = World::new(&["east", "west"]);
    let behind = |number| with(slice(DB, 1, &["10.1.0.1"]), |s| s.ports[0].number = number);
    world.has("east", [headless(DB).into(), export(DB, 1).into(), behind(8080).into()]);
    let west = with(headless(DB), |s| s.ports[0].number = 81);
    world.has("west", [west.into(), export(DB, 2).into(), slice(DB, 1, &["10.2.0.1"]).into()]);
    let seen = hosts(&world.select(DB, &view("east")));
    assert_eq!(seen, "10-1-0-1.east=10.1.0.1:8080 10-2-0-1.west=10.2.0.1:", "the slice's number; west has http on 81");
}

#[test]
fn an_id_that_is_no_label_has_addresses_but_no_names() {
    let mut world = World::new(&["East_1"]);
    world.has("East_1", exported_headless(DB, &["10.1.0.1"]));
    let seen = world.select(DB, &view("East_1"));
    assert_eq!((show(&seen).as_str(), hosts(&seen).as_str()), ("0 East_1 10.1.0.1", ""));
}

#[test]
fn reach_endpoints_gives_host_names_to_a_cluster_set_ip() {
    let mut world = east_exports();
    world.cluster("east", |c| c.reach = Reach::Endpoints);
    assert_eq!(hosts(&world.select(WEB, &view("west"))), "10-1-0-1.east=10.1.0.1:80");
    world.cluster("east", |c| c.reach = Reach::Auto);
    assert_eq!(hosts(&world.select(WEB, &view("west"))), "", "not under auto");
}

#[test]
fn addresses_outside_allow_are_left_out() {
    let mut world = World::new(&["east"]);
    world.has("east", exported_headless(DB, &["10.1.0.1", "10.9.0.1"]));
    world.cluster("east", |c| c.allow.cidrs = Prefix::parse("10.1.0.0/16").into_iter().collect());
    assert_eq!(world.seen(DB, &view("east")), "0 east 10.1.0.1");
}

#[test]
fn endpoints_over_the_limit_go_in_address_order() {
    let mut world = World::new(&["east"]);
    world.has("east", exported_headless(DB, &["10.1.0.3", "10.1.0.1", "10.1.0.2"]));
    world.settings(|settings| settings.limits.endpoints_per_service = 2);
    assert_eq!(world.seen(DB, &view("east")), "0 east 10.1.0.1; 0 east 10.1.0.2");
    assert_eq!(codes(&world.merge(DB).findings), ["over-limit"]);
}

#[test]
fn an_address_of_two_clusters_is_one_record_at_the_nearest() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported_headless(DB, &["10.1.0.1"]));
    world.has("west", exported_headless(DB, &["10.1.0.1", "10.1.0.2"]));
    assert_eq!(world.seen(DB, &view("west")), "0 west 10.1.0.1; 0 west 10.1.0.2");
    assert_eq!(world.seen(DB, &view("east")), "0 east 10.1.0.1; 1 west 10.1.0.2");
    assert_eq!(world.codes(DB, &view("east")), ["shared-address"]);
    let named = hosts(&world.select(DB, &view("east")));
    assert!(named.contains("10-1-0-1.west=10.1.0.1:80"), "its own name stays: {named}");
}
