//! What is held, for how long, and what never is.

use super::*;
use crate::model::fact::{Fact, SliceFact};
use crate::model::facts::ClusterFacts;
use crate::model::fixture::*;
use crate::model::id::ServiceKey;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The facts of one cluster under a brake, and what is held of each service.
struct Braked {
    facts: ClusterFacts,
    brake: Brake,
    cluster: ClusterId,
}

fn key(number: usize) -> String {
    format!("shop/s{number}")
}

fn exports(numbers: impl IntoIterator<Item = usize>) -> Vec<Fact> {
    numbers.into_iter().map(|number| export(&key(number), 1).into()).collect()
}

fn slices(numbers: impl IntoIterator<Item = usize>) -> Vec<Fact> {
    numbers.into_iter().map(|number| slice(&key(number), 1, &["10.0.0.1"]).into()).collect()
}

impl Braked {
    /// A cluster with so many exported services of one endpoint each.
    fn new(services: usize) -> Self {
        let (facts, brake) = (ClusterFacts::default(), Brake::default());
        let mut braked = Braked { facts, brake, cluster: ClusterId::new("east") };
        braked.lists(0, Kind::ServiceExport, exports(0..services));
        braked.lists(0, Kind::EndpointSlice, slices(0..services));
        assert_eq!(braked.brake.take_events(), []);
        braked
    }

    fn takes(&mut self, at: u64, mut change: Change) {
        self.brake.hear(&self.cluster, &change);
        let Some(mut listing) = self.facts.listing(&mut change) else { return drop(self.facts.observe(change)) };
        let mut hearing = self.brake.of(&self.cluster, listing.kind(), seconds(at));
        while !listing.is_done() {
            self.facts.advance(&mut listing, 7, &mut hearing);
        }
    }

    /// Takes a list at a second; how many objects of the kind are there afterwards.
    fn lists(&mut self, at: u64, kind: Kind, facts: Vec<Fact>) -> usize {
        self.takes(at, Change::Replace { kind, facts, findings: Vec::new() });
        self.facts.count(kind)
    }

    fn events(&mut self) -> Vec<&'static str> {
        let word = |event| match event {
            Event::Held { .. } => "held",
            Event::Deleted { .. } => "deleted",
            Event::Returned { .. } => "returned",
        };
        self.brake.take_events().into_iter().map(word).collect()
    }
}

const EXPORT: Kind = Kind::ServiceExport;
const SLICE: Kind = Kind::EndpointSlice;

#[test]
fn only_more_than_half_and_more_than_twenty_are_held() {
    for (services, left, held) in [(100, 49, true), (100, 50, false), (21, 0, true), (20, 0, false), (40, 19, true)] {
        for (kind, list) in [(EXPORT, exports(0..left)), (SLICE, slices(0..left))] {
            let mut braked = Braked::new(services);
            let stays = braked.lists(100, kind, list);
            assert_eq!(stays, if held { services } else { left }, "{left} of {services}, {kind:?}");
            assert_eq!(braked.brake.total(&braked.cluster), u64::from(held));
        }
    }
}

#[test]
fn an_empty_list_once_is_forgotten_and_twice_is_believed() {
    let mut braked = Braked::new(30);
    assert_eq!(braked.lists(100, SLICE, Vec::new()), 30);
    assert_eq!(braked.brake.waiting(&braked.cluster), [(SLICE, 30)]);
    assert_eq!(braked.lists(101, SLICE, slices(0..30)), 30);
    assert_eq!((braked.events(), braked.brake.waiting(&braked.cluster)), (vec!["held", "returned"], vec![]));
    assert_eq!(braked.lists(200, SLICE, Vec::new()), 30);
    assert_eq!(braked.lists(229, SLICE, Vec::new()), 30, "a second list too soon is no second opinion");
    assert_eq!(braked.lists(230, SLICE, Vec::new()), 0);
    assert_eq!(braked.events(), ["held", "deleted"]);
    assert_eq!(braked.brake.total(&braked.cluster), 2);
}

#[test]
fn additions_and_changes_of_a_held_list_apply() {
    let mut braked = Braked::new(30);
    let changed: SliceFact = slice(&key(0), 1, &["10.0.0.9"]);
    let added = slice("shop/new", 1, &["10.0.0.8"]);
    assert_eq!(braked.lists(100, SLICE, vec![changed.into(), added.into()]), 31);
    let addresses = |at: &str| {
        let (namespace, name) = at.split_once('/').unwrap();
        braked.facts.service(&ServiceKey::new(namespace, name)).unwrap().slices[0].endpoints[0].address
    };
    assert_eq!((addresses("shop/s0"), addresses("shop/new")), (ip("10.0.0.9"), ip("10.0.0.8")));
}

#[test]
fn the_second_list_deletes_only_what_both_lack() {
    let mut braked = Braked::new(100);
    braked.lists(100, EXPORT, exports(60..100));
    assert_eq!(
        braked.lists(130, EXPORT, exports(0..30)),
        100 - 30,
        "30..60 are agreed, 60..100 are missing for the first time"
    );
    assert_eq!(braked.lists(131, EXPORT, exports(0..30)), 70, "the rest waits for its own second list");
    assert_eq!(braked.lists(160, EXPORT, exports(0..30)), 30);
}

#[test]
fn services_that_keep_a_ready_endpoint_are_not_lost() {
    let mut braked = Braked::new(30);
    let renamed = (0..30).map(|number| slice(&key(number), 2, &["10.0.0.1"]).into()).collect();
    assert_eq!(braked.lists(100, SLICE, renamed), 30, "the old ones are gone");
    assert_eq!(braked.events(), [""; 0]);
    let mut unnamed = Braked::new(0);
    unnamed.lists(1, SLICE, slices(0..50));
    assert_eq!(unnamed.lists(2, SLICE, Vec::new()), 0, "nothing exported is lost");
}

#[test]
fn events_that_name_their_object_are_not_held() {
    let mut braked = Braked::new(30);
    for number in 0..30 {
        braked.takes(100, Change::Delete { kind: EXPORT, key: at(&key(number)) });
    }
    assert_eq!(braked.facts.count(EXPORT), 0);
    let mut braked = Braked::new(30);
    braked.lists(100, EXPORT, Vec::new());
    braked.takes(110, Change::Delete { kind: EXPORT, key: at(&key(0)) });
    braked.takes(120, Change::Apply { fact: export(&key(1), 1).into(), findings: Vec::new() });
    assert_eq!((braked.facts.count(EXPORT), braked.brake.waiting(&braked.cluster)), (29, vec![(EXPORT, 28)]));
}

#[test]
fn a_kind_that_two_discoveries_miss_is_gone() {
    let mut braked = Braked::new(30);
    braked.takes(100, Change::Absent { kind: EXPORT, reason: "not-served".into() });
    assert_eq!(braked.facts.count(EXPORT), 0);
}

#[test]
fn namespaces_that_only_their_documents_show_are_held() {
    let mut braked = Braked::new(0);
    let documents = |count: usize| (0..count).map(|n| namespace(&format!("n{n}"))).collect::<Vec<_>>();
    braked.lists(1, Kind::Namespace, documents(30));
    assert_eq!(braked.lists(2, Kind::Namespace, documents(1)), 30);
    assert_eq!(braked.lists(32, Kind::Namespace, documents(1)), 1);
}

#[test]
fn a_second_list_is_asked_for_when_it_is_due_and_again_if_it_does_not_come() {
    let mut braked = Braked::new(30);
    braked.lists(100, EXPORT, Vec::new());
    let due = |braked: &mut Braked, at| braked.brake.due(seconds(at)).len();
    assert_eq!([129, 130, 131, 159, 160].map(|at| due(&mut braked, at)), [0, 1, 0, 0, 1]);
    let cluster = braked.cluster.clone();
    braked.brake.forget(&cluster);
    assert_eq!((due(&mut braked, 1000), braked.brake.total(&cluster)), (0, 0));
}

#[test]
fn zero_switches_the_brake_off() {
    let mut braked = Braked::new(30);
    braked.brake.set_limits(Limits { confirm_after: Duration::ZERO, ..Limits::default() });
    assert_eq!(braked.lists(100, EXPORT, Vec::new()), 0);
}
