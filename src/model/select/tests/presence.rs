//! Which names exist in which view (SOURCES.md 1.3, 1.7), and what is unknown rather than absent.

use super::{DB, WEB};
use crate::model::cluster::State;
use crate::model::fact::*;
use crate::model::fixture::*;
use crate::model::id::ClusterId;
use crate::model::namespace_presence;
use crate::model::observation::Change;

#[test]
fn a_namespace_unknown_in_the_views_cluster_hides_the_name() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    assert_eq!(world.seen(WEB, &view("west")), "absent");
    assert_eq!(world.seen(WEB, &view("")), "0 east 10.1.0.1", "a view without a cluster knows the union");
    assert!(!namespace_presence(&world.set, "shop", &view("west")));
    assert!(namespace_presence(&world.set, "shop", &view("east")) && namespace_presence(&world.set, "shop", &view("")));
    world.has("west", [service("shop/other", &["10.0.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.1.0.1", "any object in it makes it known");
    world.observe("west", Change::Delete { kind: Kind::Service, key: at("shop/other") });
    assert_eq!(world.seen(WEB, &view("west")), "absent");
}

#[test]
fn a_view_may_hide_namespaces() {
    let mut world = World::new(&["east"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    let mut hiding = view("east");
    hiding.namespaces.deny = vec!["sh*".into()];
    assert_eq!(world.seen(WEB, &hiding), "absent");
    assert!(!namespace_presence(&world.set, "shop", &hiding));
}

#[test]
fn a_service_without_its_own_export_contributes_nothing() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    world.has("west", [service(WEB, &["10.97.0.1"]).into(), slice(WEB, 1, &["10.2.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.1.0.1");
}

#[test]
fn the_last_export_gone_removes_the_name() {
    let mut world = World::new(&["east"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    let touched = world.observe("east", Change::Delete { kind: Kind::ServiceExport, key: at(WEB) });
    assert!(touched.services.contains(&at(WEB)));
    assert_eq!(world.seen(WEB, &view("east")), "absent");
    assert_eq!(world.set.services().count(), 0);
}

#[test]
fn until_services_are_listed_an_export_is_unknown_not_absent() {
    let mut world = World::new(&[]);
    world.add_unknown("east");
    world.state("east", State::Fresh).has("east", [export(WEB, 1).into(), namespace("shop")]);
    assert_eq!(world.seen(WEB, &view("east")), "unknown");
    world.set.set_grace_over(&ClusterId::new("east"), true);
    assert_eq!(world.seen(WEB, &view("east")), "absent", "its grace is over");
}

#[test]
fn until_slices_are_listed_a_headless_service_is_unknown() {
    let mut world = World::new(&[]);
    world.add_unknown("east");
    world.state("east", State::Fresh).has("east", [headless(DB).into(), export(DB, 1).into()]);
    assert_eq!(world.seen(DB, &view("east")), "unknown");
    let touched =
        world.observe("east", Change::Replace { kind: Kind::EndpointSlice, facts: Vec::new(), findings: Vec::new() });
    assert!(touched.rows_of.contains(&ClusterId::new("east")), "the list decides it");
    assert_eq!(world.seen(DB, &view("east")), "absent");
}

#[test]
fn a_view_of_an_unknown_cluster_is_answered_as_one_without() {
    let mut world = World::new(&["east", "north"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    assert_eq!(world.seen(WEB, &view("nowhere")), "0 east 10.1.0.1");
    assert_eq!(world.codes(WEB, &view("nowhere")), ["view-cluster-unknown"], "no such cluster");
    world.add_unknown("west");
    world.has("west", [import(WEB, &["10.50.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.1.0.1", "its import does not count yet");
    assert!(world.codes(WEB, &view("west")).is_empty() && world.set.awaits(&view("west")));
    world.set.set_grace_over(&ClusterId::new("west"), true);
    assert_eq!(world.codes(WEB, &view("west")), ["view-cluster-unknown"]);
    assert!(!world.set.awaits(&view("west")));
    world.state("west", State::Fresh);
    assert_eq!(world.seen(WEB, &view("west")), "0 - 10.50.0.1");
}

#[test]
fn a_view_of_mode_import_awaits_its_own_cluster_only() {
    let mut world = World::new(&["west"]);
    world.add_unknown("east");
    assert!(world.set.awaits(&view("west")));
    world.cluster("west", |c| c.mode = crate::model::Mode::Import);
    assert!(!world.set.awaits(&view("west")));
}
