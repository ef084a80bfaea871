//! Every order of five events: nothing that is found is lost on the way, and no name outlives what makes it.

use super::*;
use crate::model::Mode;
use crate::model::fact::{ImportFact, ServiceType};
use std::collections::BTreeSet;

const WEB: &str = "web.shop.svc.clusterset.local.";

fn put(fact: Fact) -> Change {
    Change::Apply { fact, findings: Vec::new() }
}

fn delete(fact: &Fact) -> Change {
    Change::Delete { kind: fact.kind(), key: fact.key() }
}

fn namespace() -> Fact {
    Fact::Namespace(NamespaceFact { name: "shop".into(), origin: Origin::Unknown })
}

fn import() -> Fact {
    Fact::Import(Box::new(ImportFact {
        key: ServiceKey::new("shop", "web"),
        service_type: Some(ServiceType::Headless),
        ips: Vec::new(),
        ports: vec![Port { name: "http".into(), protocol: Protocol::Tcp, number: 80, app_protocol: None }].into(),
        traffic: Traffic::default().into(),
        source_clusters: Vec::new(),
        derived_services: Vec::new(),
        slices_present: None,
        own: OwnPolicy::default().into(),
        origin: Origin::Unknown,
    }))
}

fn copy(name: &str, last: u8) -> Fact {
    let Fact::Slice(mut fact) = slice(name, "web", &[last]) else { unreachable!("it makes slices") };
    fact.role = SliceRole::Copy { source: ClusterId::new("west") };
    Fact::Slice(fact)
}

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![Vec::new()] };
    let shorter = orders(last);
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, last);
        order
    };
    shorter.iter().flat_map(|order| (0..count).map(move |at| insert(order, at))).collect()
}

/// A publisher in which every cluster is synced with what east holds.
fn synced(mode: Mode, held: &Held) -> (Publisher, Arc<Table>) {
    let (mut publisher, table) = publisher_with(|setup| setup.clusters[0].mode = mode);
    for kind in Kind::ALL {
        observe(&mut publisher, "east", list(held, kind));
        observe(&mut publisher, "west", list(&Held::new(), kind));
    }
    publisher.work(|| true);
    (publisher, table)
}

fn held(facts: &[Fact]) -> Held {
    facts.iter().map(|fact| ((fact.kind(), fact.key()), fact.clone())).collect()
}

/// Plays `events` in every order over what is there; after each event the table must be that of the facts. `seen` gets the
/// names after each event.
fn play(mode: Mode, before: &[Fact], events: &[Change], mut seen: impl FnMut(&[usize], Vec<BTreeSet<String>>)) {
    for order in orders(events.len()) {
        let mut facts = held(before);
        let (mut lived, lived_table) = synced(mode, &facts);
        let mut moments = vec![names(&lived_table).into_iter().collect()];
        for event in &order {
            match &events[*event] {
                Change::Apply { fact, .. } => drop(facts.insert((fact.kind(), fact.key()), fact.clone())),
                Change::Delete { kind, key } => drop(facts.remove(&(*kind, key.clone()))),
                other => panic!("{other:?}"),
            }
            observe(&mut lived, "east", events[*event].clone());
            lived.work(|| true);
            let (_, fresh_table) = synced(mode, &facts);
            assert!(contents(&lived_table) == contents(&fresh_table), "{order:?} after {event}");
            moments.push(names(&lived_table).into_iter().collect());
        }
        seen(&order, moments);
    }
}

fn exported() -> [Fact; 5] {
    let slices = [slice("s1", "web", &[1]), slice("s2", "web", &[2])];
    let [first, second] = slices;
    [namespace(), service("web", true, 80), export("web", 1), first, second]
}

#[test]
fn endpoint_before_service() {
    let events = exported().map(put);
    play(Mode::Direct, &[], &events, |order, moments| {
        assert!(moments.is_sorted_by(|a, b| a.is_subset(b)), "{order:?}: a name came and went");
        assert!(moments[5].contains(WEB) && !moments[0].contains(WEB));
    });
}

#[test]
fn service_deleted_while_slices_stay() {
    let events = exported().map(|fact| delete(&fact));
    play(Mode::Direct, &exported(), &events, |order, moments| {
        assert!(moments.is_sorted_by(|a, b| b.is_subset(a)), "{order:?}: a name went and came");
        assert!(moments[0].contains(WEB));
        assert!(!moments[5].iter().any(|name| name.contains("shop")), "{order:?}: an orphan: {:?}", moments[5]);
    });
}

#[test]
fn slice_before_import_and_import_deleted_while_slices_stay() {
    let events = [put(namespace()), put(copy("c1", 1)), put(copy("c2", 2)), put(import()), delete(&import())];
    play(Mode::Import, &[], &events, |order, moments| {
        let at = |event| order.iter().position(|of| *of == event).expect("played") + 1;
        for (moment, names) in moments.iter().enumerate() {
            let imported = moment >= at(3) && !(at(3)..=moment).contains(&at(4));
            // A headless import without a slice has no name yet.
            let is_there = imported && moment >= at(1).min(at(2));
            assert_eq!(names.contains(WEB), is_there, "{order:?} after {moment} events");
        }
    });
}
