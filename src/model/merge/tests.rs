//! Tests of the merge: one per rule of SOURCES.md section 2.

use crate::model::cluster::{Mode, State};
use crate::model::fact::*;
use crate::model::fixture::*;
use crate::model::id::ClusterId;
use crate::model::observation::Change;
use crate::model::policy::OwnPolicy;
use crate::model::service::{ExportState, Service};

const WEB: &str = "shop/web";

/// East exported at 1, west at 2; each Service edited.
fn two(east: impl FnOnce(&mut ServiceFact), west: impl FnOnce(&mut ServiceFact)) -> Service {
    let mut world = World::new(&["west", "east"]);
    world.has("east", [with(service(WEB, &["10.0.0.1"]), east).into(), export(WEB, 1).into()]);
    world.has("west", [with(service(WEB, &["10.1.0.1"]), west).into(), export(WEB, 2).into()]);
    world.merge(WEB)
}

fn exporters(service: &Service) -> Vec<&str> {
    service.exports.iter().map(|export| export.cluster.as_str()).collect()
}

fn states(service: &Service) -> Vec<ExportState> {
    service.exports.iter().map(|export| export.state).collect()
}

#[test]
fn exports_are_sorted_by_priority_age_and_name() {
    let mut world = World::new(&["d", "c", "b", "a"]);
    for (cluster, created) in [("a", None), ("b", Some(5)), ("c", Some(5)), ("d", Some(9))] {
        let export = ExportFact { created, ..export(WEB, 0) };
        world.has(cluster, [service(WEB, &["10.0.0.1"]).into(), export.into()]);
    }
    assert_eq!(exporters(&world.merge(WEB)), ["b", "c", "d", "a"], "oldest, then by name; no timestamp is last");
    world.settings(|settings| settings.priority = vec![ClusterId::new("d"), ClusterId::new("a")]);
    assert_eq!(exporters(&world.merge(WEB)), ["d", "a", "b", "c"], "clusterPriority ranks before age");
}

#[test]
fn each_difference_has_its_reason() {
    type Edit = fn(&mut ServiceFact);
    let table: [(&str, Edit); 8] = [
        ("NoConflicts", |_| {}),
        ("TypeConflict", |s| s.kind = ServiceKind::Headless),
        ("PortConflict", |s| s.ports[0].app_protocol = text("h2c")),
        ("PortConflict", |s| s.ports.push(port("metrics", 9090))),
        ("SessionAffinityConflict", |s| s.traffic.session_affinity = text("ClientIP")),
        ("SessionAffinityConfigConflict", |s| s.traffic.session_affinity_config = text("{}")),
        ("InternalTrafficPolicyConflict", |s| s.traffic.internal_traffic_policy = text("Local")),
        ("TrafficDistributionConflict", |s| s.traffic.traffic_distribution = text("PreferClose")),
    ];
    for (reasons, edit) in table {
        assert_eq!(two(|_| {}, edit).conflict_reasons(), reasons);
    }
}

#[test]
fn reasons_are_joined_in_the_tables_order() {
    let merged = two(
        |s| s.traffic.ip_families = vec![Family::V4],
        |s| {
            s.traffic.ip_families = vec![Family::V6];
            s.traffic.session_affinity = text("ClientIP");
            s.ports[0].number = 81;
            s.kind = ServiceKind::Headless;
        },
    );
    assert_eq!(merged.conflict_reasons(), "TypeConflict,PortConflict,SessionAffinityConflict,IPFamilyConflict");
}

#[test]
fn exported_labels_and_annotations_are_compared_whole() {
    let mut world = World::new(&["east", "west"]);
    let labels = |json| with(export(WEB, 1), |export| export.exported.labels = text(json));
    let west = with(labels(r#"{"a":"2"}"#), |export| {
        export.exported.annotations = text(r#"{"b":"2"}"#);
        export.created = Some(2);
    });
    world.has("east", [service(WEB, &["10.0.0.1"]).into(), labels(r#"{"a":"1"}"#).into()]);
    world.has("west", [service(WEB, &["10.0.0.2"]).into(), west.into()]);
    let merged = world.merge(WEB);
    assert_eq!(merged.conflict_reasons(), "LabelsConflict,AnnotationsConflict");
    assert_eq!(merged.merged.unwrap().exported_labels, text(r#"{"a":"1"}"#), "the oldest, whole");
}

#[test]
fn what_an_api_server_fills_in_is_no_difference() {
    let merged =
        two(|s| s.traffic.session_affinity = text("None"), |s| s.traffic.internal_traffic_policy = text("Cluster"));
    assert_eq!(merged.conflict_reasons(), "NoConflicts");
}

#[test]
fn the_oldest_decides_the_type() {
    let merged = two(|s| s.kind = ServiceKind::Headless, |_| {});
    assert_eq!(merged.merged.unwrap().service_type, ServiceType::Headless);
    assert_eq!(
        merged.conflicts[0].to_string(),
        "type: Headless of cluster east is used; 1 of 2 clusters differs (west)"
    );
}

#[test]
fn ports_are_a_union_by_name_and_by_number() {
    let merged = two(
        |s| s.ports = vec![port("http", 80), port("", 443)].into(),
        |s| s.ports = vec![port("http", 8080), port("web", 80), port("", 9000), port("grpc", 9001)].into(),
    );
    let ports = &merged.merged.as_ref().unwrap().ports;
    assert_eq!(*ports, [port("http", 80), port("", 443), port("grpc", 9001)], "name and number each count as taken");
    let text = merged.conflicts[0].to_string();
    assert!(text.starts_with("ports: http 80/TCP, 443/TCP, grpc 9001/TCP of cluster east is used"), "{text}");
    assert!(text.contains("cluster east has no port grpc 9001/TCP"), "{text}");
    assert!(text.contains("cluster west has no port http 80/TCP"), "{text}");
}

#[test]
fn families_are_intersected_in_the_oldest_order() {
    let families = |east: &[Family], west: &[Family]| {
        let merged =
            two(|s| s.traffic.ip_families = east.to_vec(), |s| s.traffic.ip_families = west.to_vec()).merged.unwrap();
        merged.traffic.ip_families
    };
    use Family::{V4, V6};
    assert_eq!(families(&[V6, V4], &[V4, V6]), [V6, V4]);
    assert_eq!(families(&[V6, V4], &[V4]), [V4]);
    assert_eq!(families(&[V6], &[V4]), [V6], "an empty intersection leaves the oldest's");
    assert_eq!(families(&[], &[V4]), [V4], "exports without the field are left out");
}

#[test]
fn own_annotations_are_those_of_the_oldest_that_sets_them() {
    let mut world = World::new(&["a", "b", "c"]);
    for (cluster, ttl) in [("a", None), ("b", Some(10)), ("c", Some(20))] {
        let own = OwnPolicy { ttl, weight: Some(7), ..OwnPolicy::default() };
        world.has(
            cluster,
            [service(WEB, &["10.0.0.1"]).into(), ExportFact { own: own.into(), ..export(WEB, 1) }.into()],
        );
    }
    let merged = world.merge(WEB);
    assert_eq!(merged.merged.as_ref().unwrap().own.ttl, Some(10));
    assert_eq!(codes(&merged.findings), ["policy-differs"], "c says 20; weights may differ");
    assert!(merged.exports.iter().all(|export| export.weight == Some(7)));
}

#[test]
fn states_of_an_export() {
    type Edit = fn(&mut ServiceFact, &mut ExportFact);
    let table: [(ExportState, Edit); 6] = [
        (ExportState::Ready, |_, _| {}),
        (ExportState::InvalidServiceType, |s, _| s.kind = ServiceKind::ExternalName),
        (ExportState::NotAllowed, |s, _| s.mirror = true),
        (ExportState::Withdrawn, |_, e| e.deleting = true),
        (ExportState::Pending, |s, _| s.cluster_ips = Default::default()),
        (ExportState::Ready, |s, _| s.kind = ServiceKind::Headless),
    ];
    for (state, edit) in table {
        let mut world = World::new(&["east"]);
        let (mut fact, mut exported) = (service(WEB, &["10.0.0.1"]), export(WEB, 1));
        edit(&mut fact, &mut exported);
        world.has("east", [fact.into(), exported.into()]);
        let merged = world.merge(WEB);
        assert_eq!(states(&merged), [state]);
        assert_eq!(merged.merged.is_some(), state.is_merged(), "{state}");
    }
}

#[test]
fn an_export_without_a_service_is_invalid_once_services_are_listed() {
    let mut world = World::new(&["east"]);
    world.has("east", [export(WEB, 1).into()]);
    assert_eq!(states(&world.merge(WEB)), [ExportState::NoService]);
    assert!(!world.merge(WEB).unknown);

    world.add_unknown("west");
    world.state("west", State::Fresh).has("west", [export(WEB, 1).into()]);
    let waiting = world.merge(WEB);
    assert_eq!(states(&waiting), [ExportState::NoService, ExportState::ServiceUnknown]);
    assert!(waiting.unknown, "the list of Services may still bring it");
    world.observe("west", Change::Replace { kind: Kind::Service, facts: Vec::new(), findings: Vec::new() });
    assert!(!world.merge(WEB).unknown);
}

#[test]
fn refused_exports_and_mirrors_contribute_nothing() {
    let mut world = World::new(&["east"]);
    for key in ["default/kubernetes", "kube-system/dns"] {
        world.has("east", [service(key, &["10.0.0.1"]).into(), export(key, 1).into()]);
        assert_eq!(states(&world.merge(key)), [ExportState::NotAllowed], "{key}");
    }
    world.settings(|settings| settings.refuse_exports = Vec::new());
    assert_eq!(states(&world.merge("kube-system/dns")), [ExportState::Ready]);
    world.has("east", [with(service(WEB, &["10.0.0.1"]), |s| s.mirror = true).into(), export(WEB, 1).into()]);
    assert_eq!(codes(&world.merge(WEB).findings), ["mirror-exported"]);
}

#[test]
fn allow_bounds_what_a_cluster_contributes() {
    let mut world = World::new(&["east"]);
    world.has("east", exported(WEB, "10.0.0.1", "10.1.0.1"));
    world.cluster("east", |c| c.allow.namespaces = vec!["lab-*".into()]);
    assert_eq!(states(&world.merge(WEB)), [ExportState::NotAllowed]);
    assert_eq!(codes(&world.merge(WEB).findings), ["not-allowed"]);
    world.cluster("east", |c| {
        c.allow.namespaces = vec!["*".into()];
        c.allow.cidrs = crate::model::Prefix::parse("10.0.0.0/16").into_iter().collect();
    });
    assert_eq!(codes(&world.merge(WEB).findings), ["not-allowed"], "the pod address lies outside");
}

#[test]
fn the_excess_over_a_limit_goes_in_sorted_order() {
    let mut world = World::new(&["east"]);
    for name in ["c", "a", "b"] {
        world.has("east", exported(&format!("shop/{name}"), "10.0.0.1", "10.1.0.1"));
    }
    world.settings(|settings| settings.limits.services = 2);
    assert_eq!(states(&world.merge("shop/b")), [ExportState::Ready]);
    assert_eq!(states(&world.merge("shop/c")), [ExportState::OverLimit]);
    assert_eq!(codes(&world.merge("shop/c").findings), ["over-limit"]);
    let touched = world.observe("east", Change::Delete { kind: Kind::Service, key: at("shop/a") });
    assert!(touched.services.contains(&at("shop/c")), "c came back: {touched:?}");
    assert_eq!(states(&world.merge("shop/c")), [ExportState::Ready]);

    world.settings(|settings| settings.limits.ports = 1);
    world.has(
        "east",
        [with(service(WEB, &["10.0.0.1"]), |s| s.ports.push(port("admin", 8080))).into(), export(WEB, 1).into()],
    );
    world.settings(|settings| settings.limits.services = 9);
    assert_eq!(world.merge(WEB).merged.unwrap().ports, [port("admin", 8080)]);
}

#[test]
fn clusters_that_do_not_count_are_not_merged() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported(WEB, "10.0.0.1", "10.1.0.1"));
    world.has("west", exported(WEB, "10.0.0.2", "10.1.0.2"));
    world.cluster("west", |c| c.mode = Mode::Import);
    assert_eq!(exporters(&world.merge(WEB)), ["east"], "mode import: its exports are not read");
    world.cluster("west", |c| c.mode = Mode::Both).state("west", State::Unknown);
    assert_eq!(exporters(&world.merge(WEB)), ["east"], "nothing is served of an unknown cluster");
    world.state("west", State::Expired);
    assert_eq!(exporters(&world.merge(WEB)), ["east", "west"], "a silent cluster keeps its place");
}
