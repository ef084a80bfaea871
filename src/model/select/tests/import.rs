//! Import mode and its combination with direct mode (SOURCES.md 1.1, 1.3, 1.5, section 4 c to i).

use super::{DB, WEB};
use crate::model::cluster::{Mode, Reach, State, VipScope};
use crate::model::fact::*;
use crate::model::fixture::*;
use crate::model::id::ClusterId;

#[test]
fn the_table_of_modes() {
    let imported = || vec![import(WEB, &["10.50.0.1"]).into()];
    let vipless = || vec![import(WEB, &[]).into()];
    let none = || vec![namespace("shop")];
    type Facts = fn() -> Vec<Fact>;
    let table: [(&str, Facts, Mode, &str); 8] = [
        ("usable ips, both", imported, Mode::Both, "0 - 10.50.0.1"),
        ("usable ips, import", imported, Mode::Import, "0 - 10.50.0.1"),
        ("its imports are ignored", imported, Mode::Direct, "0 east 10.1.0.1"),
        ("no usable ips, both: the direct merge", vipless, Mode::Both, "0 east 10.1.0.1"),
        ("no usable ips, import", vipless, Mode::Import, "NODATA"),
        ("no Import, both", none, Mode::Both, "0 east 10.1.0.1"),
        ("no Import, direct", none, Mode::Direct, "0 east 10.1.0.1"),
        ("no Import, import", none, Mode::Import, "absent"),
    ];
    for (case, facts, mode, seen) in table {
        let mut world = World::new(&["east", "west"]);
        world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1")).has("west", facts());
        world.cluster("west", |c| c.mode = mode);
        assert_eq!(world.seen(WEB, &view("west")), seen, "{case}");
    }
}

#[test]
fn an_import_without_any_export_exists() {
    let mut world = World::new(&["west"]);
    world.has("west", [import(WEB, &[]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "NODATA");
}

#[test]
fn several_vips_keep_their_families_together() {
    let mut world = World::new(&["west"]);
    world.has("west", [import(WEB, &["10.50.0.1", "10.50.0.2", "fd00::1"]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 - 10.50.0.1+fd00::1; 0 - 10.50.0.2");
}

#[test]
fn a_missing_type_is_headless_only_with_slices_and_no_ips() {
    let untyped = |ips: &[&str]| ImportFact { service_type: None, ..import(WEB, ips) };
    let mut world = World::new(&["west"]);
    world.has("west", [untyped(&[]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "NODATA", "no slices: ClusterSetIP");
    world.has("west", [copy(WEB, "east", &["10.1.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.1.0.1");
    world.has("west", [untyped(&["10.50.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 - 10.50.0.1");
}

#[test]
fn derived_services_carry_the_vip() {
    let mut world = World::new(&["west"]);
    world.has("west", [import(WEB, &[]).into(), service("shop/derived-web", &["10.97.0.5"]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 - 10.97.0.5", "by its name");
    let named = ImportFact { derived_services: vec!["imported-1".into(), "imported-2".into()], ..import(WEB, &[]) };
    world.has("west", [named.into(), service("shop/imported-1", &["10.97.0.6", "fd00::6"]).into()]);
    world.has("west", [service("shop/imported-2", &["10.97.0.7"]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 - 10.97.0.6+fd00::6; 0 - 10.97.0.7", "by annotation");
}

#[test]
fn virtual_endpoints_answer_thinned_by_readiness() {
    let virtual_slice = |source, text| SliceFact { virtual_address: true, ..copy(WEB, source, &[text]) };
    let mut world = World::new(&["east", "north", "west"]);
    world.has("west", [import(WEB, &[]).into()]);
    world.has("west", [virtual_slice("east", "10.96.0.1").into(), virtual_slice("north", "10.95.0.1").into()]);
    world.cluster("west", |c| c.locality.region = text("eu")).cluster("north", |c| c.locality.region = text("eu"));
    let seen = world.select(WEB, &view("west"));
    assert_eq!(show(&seen), "0 north 10.95.0.1; 1 east 10.96.0.1");
    assert_eq!(hosts(&seen), "", "a virtual endpoint is no host");
    world.has("west", [virtual_slice("north", "10.95.0.1 down").into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.96.0.1");
    world.has("west", [virtual_slice("east", "10.96.0.1 down").into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 north 10.95.0.1; 1 east 10.96.0.1", "health empties no VIP name");
}

#[test]
fn a_cluster_set_ip_import_has_host_names_from_its_copies() {
    let mut world = World::new(&["west"]);
    world.has("west", [import(WEB, &["10.50.0.1"]).into(), copy(WEB, "east", &["10.1.0.1 a", "10.1.0.2 down"]).into()]);
    let seen = world.select(WEB, &view("west"));
    assert_eq!((show(&seen).as_str(), hosts(&seen).as_str()), ("0 - 10.50.0.1", "[a.east=10.1.0.1:80]"));
}

#[test]
fn headless_takes_the_best_copy_of_each_source() {
    let mut world = World::new(&["east", "west"]);
    world.has("west", [headless_import(DB).into(), copy(DB, "east", &["10.1.0.1"]).into()]);
    world.has("west", [copy(DB, "far", &["10.7.0.1"]).into()]);
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.1; 0 far 10.7.0.1", "copies");
    world.has("east", [headless(DB).into(), slice(DB, 1, &["10.1.0.1", "10.1.0.2"]).into()]);
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.1; 0 east 10.1.0.2; 0 far 10.7.0.1", "native and full");
    world.has("east", [slice(DB, 1, &["10.1.0.1 down"]).into()]);
    assert_eq!(world.seen(DB, &view("west")), "0 far 10.7.0.1", "the source knows best");
    world.state("east", State::Unknown);
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.1; 0 far 10.7.0.1", "not synced: the copy");
}

#[test]
fn sources_are_named_by_copies_by_status_or_are_all_exporters() {
    let mut world = World::new(&["east", "north", "west"]);
    world.has("east", exported_headless(DB, &["10.1.0.1"])).has("north", exported_headless(DB, &["10.3.0.1"]));
    world.has("west", [headless_import(DB).into()]);
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.1; 0 north 10.3.0.1", "none named");
    let status = ImportFact { source_clusters: vec![ClusterId::new("north")], ..headless_import(DB) };
    world.has("west", [status.into()]);
    assert_eq!(world.seen(DB, &view("west")), "0 north 10.3.0.1");
    world.has("west", [copy(DB, "east", &["10.1.0.1"]).into()]);
    assert_eq!(world.seen(DB, &view("west")), "0 east 10.1.0.1; 0 north 10.3.0.1", "both count");
}

#[test]
fn an_alias_means_the_cluster_of_the_registry() {
    let mut world = World::new(&["east", "west"]);
    world.cluster("east", |c| c.aliases = vec![ClusterId::new("kind-east")]);
    world.has("west", [headless_import(DB).into(), copy(DB, "kind-east", &["10.1.0.1"]).into()]);
    assert_eq!(hosts(&world.select(DB, &view("west"))), "10-1-0-1.east=10.1.0.1:80");
}

#[test]
fn headless_ports_are_those_of_the_slices() {
    let mut world = World::new(&["west"]);
    let bare = with(copy(DB, "far", &["10.1.0.9"]), |s| s.ports.clear());
    world.has("west", [headless_import(DB).into(), copy(DB, "east", &["10.1.0.1"]).into(), bare.into()]);
    assert_eq!(hosts(&world.select(DB, &view("west"))), "10-1-0-1.east=10.1.0.1:80 10-1-0-9.far=10.1.0.9:");
}

#[test]
fn slices_without_an_import_and_copies_in_direct_mode_make_nothing() {
    let mut world = World::new(&["west"]);
    world.has("west", [copy(DB, "east", &["10.1.0.1"]).into(), slice("shop/web", 1, &["10.2.0.1"]).into()]);
    assert_eq!(world.seen(DB, &view("west")), "absent");
    world.has("west", exported_headless(DB, &["10.2.0.2"]));
    assert_eq!(world.seen(DB, &view("west")), "0 west 10.2.0.2", "the copy is no endpoint of west");
}

#[test]
fn a_headless_import_exists_with_a_ready_endpoint_only() {
    let mut world = World::new(&["west"]);
    world.has("west", [headless_import(DB).into(), copy(DB, "east", &["10.1.0.1 down"]).into()]);
    assert_eq!(world.seen(DB, &view("west")), "absent");
}

#[test]
fn copies_that_bridge_networks_come_before_native_slices() {
    let mut world = World::new(&["east", "west"]);
    world.cluster("east", |c| c.locality.network = text("n1")).cluster("west", |c| c.locality.network = text("n2"));
    world.has("east", exported_headless(DB, &["10.1.0.1"]));
    world.has("west", [headless_import(DB).into(), copy(DB, "east", &["242.0.0.1"]).into()]);
    assert_eq!(world.seen(DB, &view("west")), "0 east 242.0.0.1", "a global address is known");
    world.cluster("east", |c| c.reach = Reach::Gateway);
    assert_eq!(world.codes(DB, &view("west")), ["no-gateway"]);
}

#[test]
fn a_view_without_a_cluster_uses_what_all_agree_on() {
    let mut world = World::new(&["east", "west", "north"]);
    world.has("east", [import(WEB, &["10.50.0.1"]).into()]).has("west", [import(WEB, &["10.50.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("")), "0 - 10.50.0.1");
    world.has("west", [import(WEB, &["10.60.0.1"]).into()]);
    assert_eq!(world.seen(WEB, &view("")), "NODATA", "they disagree, and nothing is exported");
    world.has("north", exported(WEB, "10.96.0.1", "10.1.0.1"));
    assert_eq!(world.seen(WEB, &view("")), "0 north 10.1.0.1", "the direct merge for the rest");

    world.has("east", [headless_import(DB).into(), copy(DB, "far", &["10.7.0.1"]).into()]);
    world.has("west", [headless_import(DB).into(), copy(DB, "further", &["10.8.0.1"]).into()]);
    assert_eq!(world.seen(DB, &view("")), "0 far 10.7.0.1; 0 further 10.8.0.1", "copies of all clusters");
}

#[test]
fn a_view_without_a_cluster_stands_in_the_only_one() {
    let mut world = World::new(&["east"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1"));
    assert_eq!(world.seen(WEB, &view("")), "0 east 10.96.0.1", "its own clusterIP");
}

#[test]
fn vips_of_scope_clusterset_serve_views_that_have_none() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1")).has("east", [import(WEB, &["243.0.0.1"]).into()]);
    world.has("west", [namespace("shop")]);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.1.0.1");
    world.cluster("east", |c| c.vip_scope = VipScope::Clusterset);
    assert_eq!(world.seen(WEB, &view("west")), "0 - 243.0.0.1");
    world.has("west", [import(WEB, &[]).into()]);
    assert_eq!(world.seen(WEB, &view("west")), "0 - 243.0.0.1", "an Import without a VIP has none either");
    world.cluster("west", |c| c.mode = Mode::Direct);
    assert_eq!(world.seen(WEB, &view("west")), "0 east 10.1.0.1");
}
