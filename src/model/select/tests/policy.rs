//! Tiers, weights and modes (SOURCES.md section 5, DNS.md section 3).

use super::{DB, WEB};
use crate::model::cluster::Reach;
use crate::model::fact::*;
use crate::model::fixture::*;
use crate::model::policy::{AnswerMode, OwnPolicy, PolicyRule, Preference};
use crate::model::{Answer, Selection, View};

/// Four headless clusters around a view in `own`: same cluster, same zone, same region, elsewhere.
fn around() -> (World, View) {
    let mut world = World::new(&["far", "near", "own", "zone"]);
    let places =
        [("far", "us", "us-1", 4), ("near", "eu", "eu-2", 3), ("own", "eu", "eu-1", 1), ("zone", "eu", "eu-1", 2)];
    for (cluster, region, zone, number) in places {
        world.cluster(cluster, |c| (c.locality.region, c.locality.zone) = (text(region), text(zone)));
        world.has(cluster, exported_headless(DB, &[&format!("10.{number}.0.1")]));
    }
    (world, view("own"))
}

fn own(edit: impl FnOnce(&mut OwnPolicy)) -> OwnPolicy {
    with(OwnPolicy::default(), edit)
}

fn annotate(world: &mut World, cluster: &str, edit: impl FnOnce(&mut OwnPolicy)) {
    world.has(cluster, [ExportFact { own: own(edit).into(), ..export(DB, 1) }.into()]);
}

fn answer(world: &World, view: &View) -> Answer {
    match world.select(DB, view) {
        Selection::Present(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn weights(world: &World, view: &View) -> Vec<(String, u32)> {
    answer(world, view).targets.iter().map(|t| (t.cluster.as_ref().unwrap().to_string(), t.weight)).collect()
}

#[test]
fn default_tiers_are_cluster_zone_region_rest() {
    let (world, view) = around();
    assert_eq!(world.seen(DB, &view), "0 own 10.1.0.1; 1 zone 10.2.0.1; 2 near 10.3.0.1; 3 far 10.4.0.1");
}

#[test]
fn tiers_without_a_target_leave_no_gap() {
    let (mut world, view) = around();
    world.has("zone", [slice(DB, 1, &["10.2.0.1 down"]).into()]);
    assert_eq!(world.seen(DB, &view), "0 own 10.1.0.1; 1 near 10.3.0.1; 2 far 10.4.0.1");
}

#[test]
fn locality_of_an_endpoint_is_its_own_then_its_nodes_then_its_clusters() {
    let mut world = World::new(&["east", "west"]);
    world.cluster("west", |c| (c.locality.region, c.locality.zone) = (text("eu"), text("z1")));
    world.has("west", [namespace("shop")]);
    world.has("east", exported_headless(DB, &["10.1.0.1 @z1", "10.1.0.2 node=n1", "10.1.0.3"]));
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.1; 1 east 10.1.0.2; 1 east 10.1.0.3");
    world.has("east", [node("n1", "eu", "z1")]);
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.1; 0 east 10.1.0.2; 1 east 10.1.0.3");
    world.cluster("east", |c| c.locality.region = text("us"));
    assert_eq!(
        world.seen(DB, &view("west")),
        "0 east 10.1.0.2; 1 east 10.1.0.1; 1 east 10.1.0.3",
        "zones of two regions may share a name"
    );
}

#[test]
fn a_virtual_address_has_a_zone_only_when_its_endpoints_share_one() {
    let mut world = World::new(&["east", "west"]);
    world.cluster("west", |c| c.locality.zone = text("z1")).has("west", exported(WEB, "10.97.0.1", "10.2.0.1"));
    world.cluster("east", |c| c.reach = Reach::ClusterIp).has("east", exported(WEB, "10.96.0.1", "10.1.0.1 @z1"));
    let zone = |world: &World| match world.select(WEB, &view("west")) {
        Selection::Present(answer) => answer.targets[1].zone.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(zone(&world), text("z1"));
    world.has("east", [slice(WEB, 1, &["10.1.0.1 @z1", "10.1.0.2 @z2"]).into()]);
    assert_eq!(zone(&world), None);
}

#[test]
fn nearest_keeps_the_best_tier_only() {
    let (mut world, view) = around();
    world.settings(|settings| settings.policies.answer = AnswerMode::Nearest);
    let seen = world.select(DB, &view);
    assert_eq!(show(&seen), "0 own 10.1.0.1");
    assert!(hosts(&seen).contains("[10-4-0-1.far=10.4.0.1:80]"), "names of the rest stay: {}", hosts(&seen));
    world.has("own", [slice(DB, 1, &["10.1.0.1 down"]).into()]);
    assert_eq!(world.seen(DB, &view), "0 zone 10.2.0.1");
}

#[test]
fn weighted_is_one_tier_with_shares_by_cluster() {
    let (mut world, view) = around();
    annotate(&mut world, "far", |own| (own.answer, own.weight) = (Some(AnswerMode::Weighted), Some(50)));
    world.has("far", [slice(DB, 1, &["10.4.0.1", "10.4.0.2"]).into()]);
    let weights = weights(&world, &view);
    let named: Vec<(&str, u32)> = weights.iter().map(|(cluster, weight)| (cluster.as_str(), *weight)).collect();
    assert_eq!(named, [("far", 1), ("far", 1), ("near", 4), ("own", 4), ("zone", 4)], "50 over two; the rest 100");
    assert!(answer(&world, &view).targets.iter().all(|target| target.tier == 0));
}

#[test]
fn prefer_is_a_failover_order() {
    let (mut world, view) = around();
    let order = [Preference::Cluster("far".into()), Preference::Zone("eu-2".into()), Preference::Region("eu".into())];
    annotate(&mut world, "own", |own| own.prefer = Some(order[..2].into()));
    assert_eq!(world.seen(DB, &view), "0 far 10.4.0.1; 1 near 10.3.0.1; 2 own 10.1.0.1; 3 zone 10.2.0.1");
    annotate(&mut world, "own", |own| own.prefer = Some(order[2..].into()));
    assert_eq!(world.seen(DB, &view), "0 near 10.3.0.1; 0 own 10.1.0.1; 0 zone 10.2.0.1; 1 far 10.4.0.1");
}

#[test]
fn annotations_win_over_the_configuration_and_that_over_the_default() {
    let (mut world, view) = around();
    let shop = |answer| PolicyRule { namespaces: vec!["shop".into()], answer, ttl: Some(10), ..PolicyRule::default() };
    let hosts_only = PolicyRule { hosts: vec!["*".into()], ttl: Some(99), ..PolicyRule::default() };
    world.settings(|settings| settings.policies.rules = vec![hosts_only, shop(Some(AnswerMode::Nearest))]);
    assert_eq!((answer(&world, &view).mode, answer(&world, &view).ttl), (AnswerMode::Nearest, 10));
    annotate(&mut world, "own", |own| (own.answer, own.ttl) = (Some(AnswerMode::Ordered), Some(30)));
    assert_eq!((answer(&world, &view).mode, answer(&world, &view).ttl), (AnswerMode::Ordered, 30));
    world.settings(|settings| settings.policies.rules.clear());
    annotate(&mut world, "own", |_| {});
    assert_eq!((answer(&world, &view).mode, answer(&world, &view).ttl), (AnswerMode::Ordered, 5));
}

#[test]
fn configured_weights_are_by_cluster() {
    let (mut world, view) = around();
    let rule =
        PolicyRule { answer: Some(AnswerMode::Weighted), weights: vec![("own".into(), 300)], ..Default::default() };
    world.settings(|settings| settings.policies.rules = vec![rule]);
    let own_weight = weights(&world, &view).into_iter().find(|(cluster, _)| cluster == "own");
    assert_eq!(own_weight, Some(("own".to_owned(), 3)), "the others take 100");
}

#[test]
fn drained_clusters_are_left_out_while_others_are_ready() {
    type Drain = fn(&mut World);
    let table: [(&str, Drain); 3] = [
        ("annotation", |world| annotate(world, "own", |own| own.drain = true)),
        ("registry", |world| _ = world.cluster("own", |c| c.drain = true)),
        ("weight 0", |world| annotate(world, "own", |own| own.weight = Some(0))),
    ];
    for (case, drain) in table {
        let (mut world, view) = around();
        drain(&mut world);
        assert_eq!(world.seen(DB, &view), "0 zone 10.2.0.1; 1 near 10.3.0.1; 2 far 10.4.0.1", "{case}");
        for cluster in ["zone", "near", "far"] {
            world.has(cluster, [slice(DB, 1, &["10.9.0.1 down"]).into()]);
        }
        assert_eq!(world.seen(DB, &view), "0 own 10.1.0.1", "{case}: nothing else is ready");
        assert_eq!(weights(&world, &view)[0].1, 1, "{case}");
    }
}

#[test]
fn internal_traffic_policy_local_keeps_to_the_own_cluster() {
    let mut world = World::new(&["east", "west"]);
    let local = |ip| with(service(WEB, &[ip]), |s| s.traffic.internal_traffic_policy = text("Local"));
    for (cluster, ip, pod) in [("east", "10.96.0.1", "10.1.0.1"), ("west", "10.97.0.1", "10.2.0.1")] {
        world.has(cluster, [local(ip).into(), export(WEB, 1).into(), slice(WEB, 1, &[pod]).into()]);
    }
    assert_eq!(world.seen(WEB, &view("east")), "0 east 10.96.0.1");
    assert_eq!(world.seen(WEB, &view("")), "0 east 10.1.0.1; 0 west 10.2.0.1", "a view without a cluster: all");
    world.has("east", [slice(WEB, 1, &["10.1.0.1 down"]).into()]);
    assert_eq!(world.seen(WEB, &view("east")), "NODATA", "none ready here");
}

#[test]
fn traffic_distribution_puts_the_zone_before_the_cluster() {
    for value in ["PreferSameZone", "PreferClose", "PreferSameNode"] {
        let (mut world, view) = around();
        world.has("own", [slice(DB, 1, &["10.1.0.1 @eu-3"]).into()]);
        for cluster in ["far", "near", "own", "zone"] {
            world.has(cluster, [with(headless(DB), |s| s.traffic.traffic_distribution = text(value)).into()]);
        }
        assert_eq!(
            world.seen(DB, &view),
            "0 zone 10.2.0.1; 1 own 10.1.0.1; 2 near 10.3.0.1; 3 far 10.4.0.1",
            "{value}"
        );
    }
}
