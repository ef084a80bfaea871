//! What evidence of health checks may and may not do (CONFIG.md `health`).

use super::{DB, WEB};
use crate::model::clusterset::ClusterSet;
use crate::model::fixture::*;
use crate::model::policy::{AnswerMode, PolicyRule};
use crate::model::probe::{Action, Check, Evidence, Request, Target};
use crate::model::select::select;
use crate::model::trace::{PublishTrace, Recording};
use crate::model::{ClusterId, State};
use std::sync::Arc;

fn check(action: Action) -> Arc<Check> {
    Arc::new(Check { action, ..Check::new(Request::parse("tcp:80").unwrap()) })
}

/// `db` in east and west, with a check of every service.
fn checked(action: Action, east: &[&str], west: &[&str]) -> World {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported_headless(DB, east)).has("west", exported_headless(DB, west));
    world.settings(|settings| {
        settings.policies.rules = vec![PolicyRule { health: Some(check(action)), ..PolicyRule::default() }];
    });
    world
}

fn targets(world: &World, key: &str, cluster: &str) -> Vec<Target> {
    let mut trace = PublishTrace::default();
    select(&world.merge(key), &view(cluster), &world.set, &mut trace);
    trace.targets
}

fn addresses(world: &World, key: &str, cluster: &str) -> String {
    let all: Vec<String> = targets(world, key, cluster).iter().map(|target| target.address.to_string()).collect();
    all.join(" ")
}

/// These addresses fail, no others.
fn fail(world: &mut World, key: &str, ill: &[&str]) {
    let named = targets(world, key, "");
    let ill = named.into_iter().filter(|target| ill.contains(&&*target.address.to_string()));
    let evidence: Evidence = ill.map(|target| (target, "played".into())).collect();
    ClusterSet::set_probed(&mut world.set, evidence);
}

#[test]
fn an_ill_endpoint_goes_behind_all_that_are_well_and_comes_back() {
    let mut world = checked(Action::Demote, &["10.1.0.1", "10.1.0.2"], &["10.2.0.1"]);
    assert_eq!(world.seen(DB, &view("")), "0 east 10.1.0.1; 0 east 10.1.0.2; 0 west 10.2.0.1");
    fail(&mut world, DB, &["10.1.0.1"]);
    assert_eq!(world.seen(DB, &view("")), "0 east 10.1.0.2; 0 west 10.2.0.1; 1 east 10.1.0.1");
    world.settings(|settings| settings.policies.answer = AnswerMode::Weighted);
    assert_eq!(world.seen(DB, &view("")), "0 east 10.1.0.2; 0 west 10.2.0.1; 1 east 10.1.0.1", "weighted too");
    fail(&mut world, DB, &[]);
    assert_eq!(world.seen(DB, &view("")), "0 east 10.1.0.1; 0 east 10.1.0.2; 0 west 10.2.0.1");
}

#[test]
fn what_is_dropped_takes_no_name_family_or_port_away() {
    /// Case, endpoints of east and of west, the ill ones, what is seen.
    type Row = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], &'static str);
    let table: [Row; 6] = [
        ("another is well", &["10.1.0.1"], &["10.2.0.1"], &["10.1.0.1"], "0 west 10.2.0.1"),
        ("all fail", &["10.1.0.1"], &["10.2.0.1"], &["10.1.0.1", "10.2.0.1"], "0 east 10.1.0.1; 0 west 10.2.0.1"),
        ("the only IPv6", &["fd00::1"], &["10.2.0.1"], &["fd00::1"], "0 west 10.2.0.1; 1 east fd00::1"),
        (
            "one family of a pod answers",
            &["10.1.0.1 pod=1", "fd00::1 pod=1"],
            &["10.2.0.1 pod=2", "fd00::2 pod=2"],
            &["fd00::1"],
            "0 east 10.1.0.1+fd00::1; 0 west 10.2.0.1+fd00::2",
        ),
        (
            "both families fail",
            &["10.1.0.1 pod=1", "fd00::1 pod=1"],
            &["10.2.0.1 pod=2", "fd00::2 pod=2"],
            &["10.1.0.1", "fd00::1"],
            "0 west 10.2.0.1+fd00::2",
        ),
        ("what is not ready is no replacement", &["10.1.0.1"], &["10.2.0.1 down"], &["10.1.0.1"], "0 east 10.1.0.1"),
    ];
    for (case, east, west, ill, seen) in table {
        let mut world = checked(Action::Drop, east, west);
        fail(&mut world, DB, ill);
        assert_eq!(world.seen(DB, &view("")), seen, "{case}");
    }
    let mut world = checked(Action::Drop, &[], &["10.2.0.1"]);
    let metrics = with(slice(DB, 1, &["10.1.0.1"]), |s| s.ports.push(port("metrics", 9090)));
    let service = with(headless(DB), |s| s.ports.push(port("metrics", 9090)));
    world.has("east", [service.into(), metrics.into()]);
    fail(&mut world, DB, &["10.1.0.1"]);
    assert_eq!(world.seen(DB, &view("")), "0 west 10.2.0.1; 1 east 10.1.0.1", "the only port `metrics`");
}

#[test]
fn what_has_expired_replaces_nothing_and_what_fails_does_not_replace_the_expired() {
    let mut world = checked(Action::Drop, &["10.1.0.1"], &["10.2.0.1"]);
    world.state("west", State::Expired);
    assert_eq!(world.seen(DB, &view("")), "0 east 10.1.0.1");
    fail(&mut world, DB, &["10.1.0.1"]);
    assert_eq!(world.seen(DB, &view("")), "0 west 10.2.0.1 stale; 1 east 10.1.0.1");
}

#[test]
fn nearest_reaches_further_where_checks_would_take_a_family_away() {
    for action in [Action::Demote, Action::Drop] {
        let mut world = checked(action, &["10.1.0.1", "fd00::1"], &["10.2.0.1"]);
        world.settings(|settings| {
            settings.policies.answer = AnswerMode::Nearest;
            settings.views = vec![view("east")];
        });
        assert_eq!(world.seen(DB, &view("east")), "0 east 10.1.0.1; 0 east fd00::1");
        let ill = targets(&world, DB, "east").into_iter().filter(|target| target.address.is_ipv6());
        let evidence = ill.map(|target| (target, "played".into())).collect();
        world.set.set_probed(evidence);
        assert_eq!(world.seen(DB, &view("east")), "0 east 10.1.0.1; 1 west 10.2.0.1; 2 east fd00::1", "{action:?}");
        fail(&mut world, DB, &["10.1.0.1"]);
        assert_eq!(world.seen(DB, &view("east")), "0 east fd00::1; 1 west 10.2.0.1", "{action:?}");
    }
}

#[test]
fn annotation_before_policy_before_cluster() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported_headless(DB, &["10.1.0.1"])).has("west", exported_headless(DB, &["10.2.0.1"]));
    let asked = |world: &World| {
        let all: Vec<String> = targets(world, DB, "").iter().map(|t| format!("{} {}", t.cluster, t.check)).collect();
        all.join("; ")
    };
    assert_eq!(asked(&world), "", "off by default");
    let service = with(headless(DB), |s| s.own.health = Some("http:3/x".into()));
    world.has("east", [service.clone().into()]);
    assert_eq!(asked(&world), "", "no annotation makes this server connect anywhere by itself");
    world.has("east", [headless(DB).into()]);
    let of = |text: &str| Some(Arc::new(Check::new(Request::parse(text).unwrap())));
    world.cluster("west", |cluster| cluster.health = of("tcp:1"));
    assert_eq!(asked(&world), "west tcp:1");
    let rule = PolicyRule {
        health: of("tcp:2").map(|c| Arc::new(Check { failures: 9, ..(*c).clone() })),
        ..PolicyRule::default()
    };
    world.settings(|settings| settings.policies.rules = vec![rule]);
    assert_eq!(asked(&world), "east tcp:2; west tcp:2");
    world.has("east", [service.into()]);
    assert_eq!(asked(&world), "east http:3/x; west http:3/x");
    assert_eq!(targets(&world, DB, "")[0].check.failures, 9, "thresholds stay those of the configuration");
}

#[test]
fn only_addresses_that_this_server_and_the_client_reach_alike_are_probed() {
    let mut world = World::new(&["east", "west"]);
    for id in ["east", "west"] {
        world.cluster(id, |cluster| cluster.health = Some(check(Action::Demote)));
    }
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1")).has("west", exported(WEB, "10.97.0.1", "10.2.0.1"));
    world.settings(|settings| settings.views = vec![view("east")]);
    assert_eq!(addresses(&world, WEB, "east"), "10.96.0.1 10.2.0.1");
    assert_eq!(addresses(&world, WEB, "west"), "10.1.0.1", "west's own clusterIP is not for us to judge");
    world.cluster("west", |cluster| cluster.locality.network = text("n2"));
    world.cluster("east", |cluster| cluster.locality.network = text("n1"));
    assert_eq!(addresses(&world, WEB, "east"), "10.96.0.1", "another network");
    world.cluster("west", |cluster| {
        cluster.gateways = vec![crate::model::cluster::GatewayAddress::Ip(ip("192.0.2.1"))];
    });
    assert_eq!(addresses(&world, WEB, "east"), "10.96.0.1 192.0.2.1", "its gateway");
}

#[test]
fn explain_says_what_failed() {
    for (action, ill, word) in [
        (Action::Demote, "10.1.0.1", "answered behind all that are well: played"),
        (Action::Drop, "10.1.0.1", "its health check fails, and others have its families and ports (played)"),
    ] {
        let mut world = checked(action, &["10.1.0.1"], &["10.2.0.1"]);
        fail(&mut world, DB, &[ill]);
        let mut recording = Recording::default();
        select(&world.merge(DB), &view(""), &world.set, &mut recording);
        let of = |note: &&crate::model::trace::Note| note.cluster == Some(ClusterId::new("east"));
        assert!(recording.notes.iter().filter(of).any(|note| note.reason == word), "{:?}", recording.notes);
    }
}
