//! Tests of the facts: what touches what, and what is kept per object.

use super::{ClusterFacts, Judge, Omission, ServiceFacts, Touched};
use crate::model::cluster::Mode;
use crate::model::fact::*;
use crate::model::finding::Finding;
use crate::model::fixture::*;
use crate::model::id::ServiceKey;
use crate::model::observation::Change;
use crate::model::policy::OwnPolicy;

const WEB: &str = "shop/web";

fn apply(fact: impl Into<Fact>) -> Change {
    Change::Apply { fact: fact.into(), findings: Vec::new() }
}

fn replace(kind: Kind, facts: Vec<Fact>) -> Change {
    Change::Replace { kind, facts, findings: Vec::new() }
}

fn services(touched: &Touched) -> Vec<String> {
    let mut keys: Vec<String> = touched.services.iter().map(ToString::to_string).collect();
    keys.sort();
    keys
}

fn finding(code: &'static str, object: &str) -> Finding {
    let (cluster, kind) = ("east".into(), "Service".into());
    Finding { code, cluster, kind, object: object.into(), place: None, message: String::new() }
}

#[test]
fn an_object_touches_its_service() {
    let mut facts = ClusterFacts::default();
    for fact in exported(WEB, "10.0.0.1", "10.1.0.1") {
        assert_eq!(services(&facts.observe(apply(fact))), [WEB]);
    }
    assert_eq!(services(&facts.observe(apply(import(WEB, &[])))), [WEB]);
    assert_eq!((facts.count(Kind::Service), facts.count(Kind::EndpointSlice), facts.endpoint_count()), (1, 1, 1));
}

#[test]
fn the_same_content_touches_nothing() {
    let mut facts = ClusterFacts::default();
    facts.observe(apply(service(WEB, &["10.0.0.1"])));
    facts.observe(apply(slice(WEB, 1, &["10.1.0.1"])));
    let origin = Origin::Api { resource_version: 7 };
    let newer = ServiceFact { origin: origin.clone(), ..service(WEB, &["10.0.0.1"]) };
    assert!(facts.observe(apply(newer)).is_empty());
    let newer = SliceFact { origin: origin.clone(), triggered: Some(9), ..slice(WEB, 1, &["10.1.0.1"]) };
    assert!(facts.observe(apply(newer)).is_empty());
    let held = facts.service(&at(WEB)).unwrap();
    assert_eq!(held.service.as_ref().unwrap().origin, origin, "the newer origin is kept");
    assert_eq!((&held.slices[0].origin, held.slices[0].triggered), (&origin, Some(9)));
}

#[test]
fn a_list_touches_what_really_differs() {
    let mut facts = ClusterFacts::default();
    let list = |names: &[(&str, &str)]| {
        replace(Kind::Service, names.iter().map(|(name, ip)| service(&format!("shop/{name}"), &[*ip]).into()).collect())
    };
    facts.observe(list(&[("a", "10.0.0.1"), ("b", "10.0.0.2"), ("c", "10.0.0.3")]));
    let touched = facts.observe(list(&[("a", "10.0.0.1"), ("b", "10.0.0.9"), ("d", "10.0.0.4")]));
    assert_eq!(services(&touched), ["shop/b", "shop/c", "shop/d"]);
    assert!(touched.namespaces.is_empty());
    let touched = facts.observe(list(&[]));
    assert_eq!((touched.services.len(), touched.namespaces.len(), facts.services().count()), (3, 1, 0));
}

#[test]
fn a_slice_that_changes_hands_touches_both_services() {
    let mut facts = ClusterFacts::default();
    facts.observe(apply(slice(WEB, 1, &["10.1.0.1"])));
    let moved = SliceFact { service: at("shop/api"), ..slice(WEB, 1, &["10.1.0.1"]) };
    assert_eq!(services(&facts.observe(apply(moved))), ["shop/api", WEB]);
    assert!(facts.service(&at(WEB)).is_none());
    let role = SliceRole::Copy { source: crate::model::ClusterId::new("west") };
    let copied = SliceFact { service: at("shop/api"), role, ..slice(WEB, 1, &["10.1.0.1"]) };
    facts.observe(apply(copied));
    let held = facts.service(&at("shop/api")).unwrap();
    assert_eq!((held.slices.len(), held.copies.len(), facts.count(Kind::EndpointSlice)), (0, 1, 1));
}

#[test]
fn a_node_in_use_is_touched_when_its_place_changes() {
    let mut facts = ClusterFacts::default();
    facts.observe(apply(slice(WEB, 1, &["10.1.0.1 node=n1"])));
    facts.observe(apply(slice("shop/api", 1, &["10.1.0.2 node=n2"])));
    let nodes = |touched: Touched| touched.moved_nodes;
    assert_eq!(nodes(facts.observe(apply(node("n1", "eu", "a")))), ["n1".into()].into());
    assert!(facts.observe(apply(node("n1", "eu", "a"))).is_empty());
    assert!(facts.observe(apply(node("n3", "eu", "a"))).is_empty(), "nothing runs there");
    let listed = facts.observe(replace(Kind::Node, vec![node("n2", "eu", "b")]));
    assert_eq!(nodes(listed), ["n1".into(), "n2".into()].into());
}

#[test]
fn a_namespace_is_known_by_its_document_or_by_any_object() {
    let mut facts = ClusterFacts::default();
    let known = |facts: &ClusterFacts| facts.presence().contains("shop");
    assert_eq!(facts.observe(apply(namespace("shop"))).namespaces.len(), 1);
    assert!(facts.observe(apply(service(WEB, &[]))).namespaces.is_empty(), "it was known");
    assert!(facts.observe(replace(Kind::Namespace, Vec::new())).namespaces.is_empty());
    assert!(known(&facts), "an object lies in it");
    let touched = facts.observe(Change::Delete { kind: Kind::Service, key: at(WEB) });
    assert_eq!((touched.namespaces.len(), known(&facts)), (1, false));
    assert!(facts.observe(Change::Delete { kind: Kind::Service, key: at(WEB) }).is_empty(), "twice is nothing");
}

#[test]
fn a_derived_service_touches_its_import() {
    let mut facts = ClusterFacts::default();
    facts.observe(apply(ImportFact { derived_services: vec!["imported-1".into()], ..import(WEB, &[]) }));
    for name in ["shop/derived-web", "shop/imported-1"] {
        assert!(services(&facts.observe(apply(service(name, &["10.0.0.1"])))).contains(&WEB.to_owned()), "{name}");
    }
    facts.observe(apply(import(WEB, &[])));
    let touched = facts.observe(apply(service("shop/imported-1", &["10.0.0.2"])));
    assert_eq!(services(&touched), ["shop/imported-1"], "the import names it no more");
}

#[test]
fn findings_live_and_die_with_their_object() {
    let mut facts = ClusterFacts::default();
    let bad = |object| finding("bad-annotation", object);
    facts.observe(Change::Apply { fact: service(WEB, &[]).into(), findings: vec![bad(WEB), bad(WEB)] });
    assert_eq!(facts.findings().counts()["bad-annotation"], 2);
    facts.observe(Change::Rejected { kind: Kind::Service, key: Some(at(WEB)), finding: finding("unreadable", WEB) });
    assert_eq!(facts.findings().counts(), [("unreadable", 1)].into());
    assert!(facts.service(&at(WEB)).is_some(), "the last good version is kept");
    facts.observe(apply(service(WEB, &[])));
    assert_eq!(facts.findings().iter().count(), 0, "repaired");

    let findings = vec![bad("shop/a"), bad("shop/b")];
    facts.observe(Change::Replace { kind: Kind::Service, facts: Vec::new(), findings });
    facts.observe(Change::Unreadable { findings: vec![finding("yaml", "")] });
    facts.observe(Change::Delete { kind: Kind::Service, key: at("shop/a") });
    assert_eq!(facts.findings().counts(), [("bad-annotation", 1), ("yaml", 1)].into());
    facts.observe(replace(Kind::Service, Vec::new()));
    facts.observe(Change::Unreadable { findings: Vec::new() });
    assert_eq!(facts.findings().iter().count(), 0);
}

#[test]
fn synced_means_required_kinds_complete_and_the_rest_decided() {
    let mut facts = ClusterFacts::default();
    let failed = |kind| Change::Failed { kind, error: "403".to_owned() };
    for kind in [Kind::Service, Kind::EndpointSlice, Kind::ServiceExport, Kind::Namespace] {
        facts.observe(replace(kind, Vec::new()));
    }
    facts.observe(Change::Absent { kind: Kind::ServiceImport, reason: "not served".to_owned() });
    for kind in [Kind::ServiceEntry, Kind::WorkloadEntry, Kind::DnsEndpoint, Kind::Gateway] {
        facts.observe(Change::Absent { kind, reason: "not served".to_owned() });
    }
    assert!(!facts.is_synced(Mode::Both), "nodes have not been heard of");
    facts.observe(failed(Kind::Node));
    assert!(facts.is_synced(Mode::Both), "an optional kind may fail");
    facts.observe(failed(Kind::Service));
    assert!(facts.is_synced(Mode::Both), "an error later on is no matter of syncing");
    assert!(facts.status(Kind::Service).error.is_some());
    facts.observe(Change::Contact { kind: Kind::Service });
    assert!(facts.status(Kind::Service).error.is_none());

    let mut facts = ClusterFacts::default();
    Kind::ALL.into_iter().for_each(|kind| drop(facts.observe(failed(kind))));
    assert!(!facts.is_synced(Mode::Both), "a required kind must have been listed");
    facts.observe(replace(Kind::EndpointSlice, Vec::new()));
    facts.observe(replace(Kind::ServiceImport, Vec::new()));
    assert!(facts.is_synced(Mode::Import) && !facts.is_synced(Mode::Direct));
}

#[test]
fn an_object_that_a_list_holds_but_that_cannot_be_read_keeps_its_last_good_version() {
    let mut facts = ClusterFacts::default();
    let web = ServiceKey::new("shop", "web");
    let export = |key: &ServiceKey| {
        Fact::Export(Box::new(ExportFact {
            key: key.clone(),
            created: None,
            deleting: false,
            exported: Default::default(),
            own: OwnPolicy::default().into(),
            origin: Origin::Unknown,
        }))
    };
    let list =
        |facts: Vec<Fact>, findings: Vec<Finding>| Change::Replace { kind: Kind::ServiceExport, facts, findings };
    facts.observe(list(vec![export(&web)], Vec::new()));
    let rejected = Finding {
        code: "bad-object",
        cluster: "west".into(),
        kind: "ServiceExport".into(),
        object: "shop/web".into(),
        place: None,
        message: "x".into(),
    };
    let touched = facts.observe(list(Vec::new(), vec![rejected]));
    assert!(touched.is_empty() && facts.service(&web).is_some());
    facts.observe(list(Vec::new(), Vec::new()));
    assert!(facts.service(&web).is_none(), "gone from the list without a finding is gone");
}

#[test]
fn a_revoked_permission_takes_no_fact_away() {
    let mut facts = ClusterFacts::default();
    let namespace = Fact::Namespace(NamespaceFact { name: "shop".into(), origin: Origin::Unknown });
    facts.observe(Change::Replace { kind: Kind::Namespace, facts: vec![namespace], findings: Vec::new() });
    let forbidden = || Change::Absent { kind: Kind::Namespace, reason: "forbidden: list namespaces: 403".to_owned() };
    assert!(facts.observe(forbidden()).is_empty());
    assert_eq!(facts.count(Kind::Namespace), 1);
    assert!(facts.status(Kind::Namespace).error.is_some());
    let mut never = ClusterFacts::default();
    never.observe(forbidden());
    assert!(never.status(Kind::Namespace).is_synced(), "never listed: the kind is done without");
}

/// Of each there may be a million; what grows here grows a million times (docs/architecture.md, "Memory").
#[test]
fn facts_are_small() {
    let sizes = [
        ("endpoint", size_of::<EndpointFact>(), 48),
        ("slice", size_of::<SliceFact>(), 128),
        ("export", size_of::<ExportFact>(), 80),
        ("service", size_of::<ServiceFact>(), 112),
        ("facts of a service", size_of::<ServiceFacts>(), 72),
    ];
    for (what, octets, most) in sizes {
        assert!(octets <= most, "{what}: {octets} octets");
    }
}

/// Counts what it is asked, and keeps all that it may.
#[derive(Default)]
struct Counting {
    asked: std::cell::Cell<usize>,
    stays: usize,
    lost: usize,
}

impl Judge for Counting {
    fn returned(&mut self, _: &ObjectKey) {}

    fn agrees(&self, _: &ObjectKey) -> Option<bool> {
        self.asked.set(self.asked.get() + 1);
        None
    }

    fn judge(&mut self, omission: &Omission<'_>) -> bool {
        self.lost = omission.loss.lost;
        true
    }

    fn stays(&mut self, _: &ObjectKey) {
        self.stays += 1;
    }

    fn goes(&mut self, _: &ObjectKey) {}
}

#[test]
fn a_list_that_lacked_very_many_objects_was_judged_in_one_piece() {
    let mut facts = ClusterFacts::default();
    let key = |number: usize| format!("shop/s{number}");
    for number in 0..100 {
        facts.observe(apply(export(&key(number), 1)));
        facts.observe(apply(slice(&key(number), 1, &["10.0.0.1"])));
    }
    for kind in [Kind::ServiceExport, Kind::EndpointSlice] {
        let mut judge = Counting::default();
        let mut listing = facts.listing(&mut replace(kind, Vec::new())).unwrap();
        while !listing.is_done() {
            let before = judge.asked.get() + judge.stays;
            facts.advance(&mut listing, 10, &mut judge);
            assert!(judge.asked.get() + judge.stays - before <= 20, "{kind:?}: more than a part at once");
        }
        assert_eq!((judge.lost, judge.stays, facts.count(kind)), (100, 100, 100), "{kind:?}");
    }
}
