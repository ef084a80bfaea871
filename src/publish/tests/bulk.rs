//! Bulk work goes step by step: whatever touches many services at once, a single change of another cluster passes it.

use super::*;
use crate::model::fact::{NodeFact, Standing};

/// Services of the large cluster.
const MANY: usize = 2000;

fn many(ready: u8) -> Held {
    let name = |number: usize| format!("s{number}");
    let of = |number: usize| {
        let name = name(number);
        [service(&name, true, 80), export(&name, 1), slice(&name, &name, &[ready])]
    };
    (0..MANY).flat_map(of).map(|fact| ((fact.kind(), fact.key()), fact)).collect()
}

fn web() -> Held {
    let facts = [service("web", true, 80), export("web", 1), slice("web", "web", &[1])];
    facts.into_iter().map(|fact| ((fact.kind(), fact.key()), fact)).collect()
}

fn sync(publisher: &mut Publisher, cluster: &str, held: &Held) {
    Kind::ALL.into_iter().for_each(|kind| observe(publisher, cluster, list(held, kind)));
    publisher.work(|| true);
}

/// East holds many services, west one.
fn large() -> (Publisher, Arc<Table>) {
    let (mut publisher, table) = publisher();
    sync(&mut publisher, "east", &many(1));
    sync(&mut publisher, "west", &web());
    (publisher, table)
}

/// True when the first view gets 10.9.0.`last` for the service.
fn answers(table: &Table, service: &str, last: u8) -> bool {
    let name = Name::parse(&format!("{service}.shop.svc.clusterset.local")).unwrap();
    let pinned = table.pin();
    let set = pinned.lookup(name.wire()).and_then(|block| block.set(0, 1));
    set.is_some_and(|set| set.records().windows(4).any(|octets| octets == [10, 9, 0, last]))
}

/// Does one piece of work at a time, with a change of west in between; how many pieces it took until that was answered, and
/// how many were left then.
fn pass(publisher: &mut Publisher, table: &Table) -> (usize, usize) {
    publisher.work(|| false);
    let change = Change::Apply { fact: slice("web", "web", &[7]), findings: Vec::new() };
    observe(publisher, "west", change);
    let (mut before, mut after) = (0, 0);
    while !answers(table, "web", 7) {
        before += 1;
        assert!(before < 10, "a single change waits");
        publisher.work(|| false);
    }
    while !publisher.work(|| false) {
        after += 1;
    }
    (before, after)
}

#[test]
fn a_single_change_passes_a_cluster_that_goes_stale() {
    let (mut publisher, table) = large();
    publisher.set_state(&ClusterId::new("east"), State::Stale);
    assert!(publisher.waiting() < 5, "{} things are queued in one piece", publisher.waiting());
    let (before, after) = pass(&mut publisher, &table);
    assert!(before <= 1 && after >= MANY, "{before}, {after}");
}

#[test]
fn a_single_change_passes_a_long_list() {
    let (mut publisher, table) = large();
    observe(&mut publisher, "east", list(&many(2), Kind::EndpointSlice));
    assert_eq!(publisher.waiting(), 1, "nothing of it is taken in yet");
    let (before, after) = pass(&mut publisher, &table);
    assert!(before <= 1 && after >= MANY, "{before}, {after}");
    let (mut fresh, fresh_table) = publisher_with(|_| {});
    sync(&mut fresh, "east", &many(2));
    let mut held = web();
    let changed = slice("web", "web", &[7]);
    held.insert((changed.kind(), changed.key()), changed);
    sync(&mut fresh, "west", &held);
    assert!(contents(&table) == contents(&fresh_table), "all of it came in");
}

#[test]
fn one_node_that_moved_looked_through_all_slices_of_its_cluster_at_once() {
    let (mut publisher, table) = publisher();
    let node: Arc<str> = "n1".into();
    let mut held = many(1);
    for fact in held.values_mut() {
        if let Fact::Slice(slice) = fact {
            slice.endpoints[0].place = Standing { node: Some(Arc::clone(&node)), zone: None }.into();
        }
    }
    sync(&mut publisher, "east", &held);
    sync(&mut publisher, "west", &web());
    let fact = Fact::Node(NodeFact { name: node, region: None, zone: Some("rack1.z".into()), pod_cidrs: Vec::new() });
    observe(&mut publisher, "east", Change::Apply { fact, findings: Vec::new() });
    assert!(publisher.waiting() < 5, "{} things are queued in one piece", publisher.waiting());
    let (before, after) = pass(&mut publisher, &table);
    assert!(before <= 1 && after >= MANY, "{before}, {after}");
}

#[test]
fn what_a_cluster_says_behind_its_long_list_comes_after_it() {
    let (mut publisher, table) = large();
    observe(&mut publisher, "east", list(&many(2), Kind::EndpointSlice));
    let late = slice("s7", "s7", &[5]);
    observe(&mut publisher, "east", Change::Apply { fact: late, findings: Vec::new() });
    publisher.work(|| false);
    assert!(answers(&table, "s7", 1), "neither is in");
    publisher.work(|| true);
    assert!(answers(&table, "s7", 5) && answers(&table, "s8", 2));
}

#[test]
fn a_single_change_passes_a_cluster_that_is_removed() {
    let (mut publisher, table) = large();
    let touched = publisher.clusterset.remove_cluster(&ClusterId::new("east"));
    publisher.touch(touched, false);
    assert!(publisher.waiting() < 10, "{} things are queued in one piece", publisher.waiting());
    let (before, after) = pass(&mut publisher, &table);
    assert!(before <= 1 && after >= MANY, "{before}, {after}");
    let left = names(&table).into_iter().filter(|name| name.starts_with('s') && name.contains(".shop.")).count();
    assert_eq!(left, 0, "its names went with it");
}

#[test]
fn single_changes_without_end_do_not_keep_a_list_out() {
    let (mut publisher, _table) = large();
    observe(&mut publisher, "east", list(&many(2), Kind::EndpointSlice));
    let db = |last: u8| [slice("db", "db", &[last]), export("db", 1), service("db", true, 80)];
    let web = |last: u8| [slice("web", "web", &[last]), export("web", 1), service("web", true, 80)];
    for round in 1..=100 {
        for fact in db(round).into_iter().chain(web(round)) {
            observe(&mut publisher, "west", Change::Apply { fact, findings: Vec::new() });
        }
        publisher.work(|| false);
        if publisher.lists.len() == 0 {
            return;
        }
    }
    panic!("the list still waits");
}

#[test]
fn a_sweep_that_began_anew_each_time_never_came_to_its_end() {
    let (mut publisher, _table) = large();
    for _ in 0..40 {
        publisher.sweep_everything();
        publisher.sweep();
    }
    assert!(publisher.queue.len() >= MANY, "{} are queued", publisher.queue.len());
}

#[test]
fn a_name_outlived_its_cluster_when_an_unknown_one_gave_it_up_meanwhile() {
    let (mut publisher, table) = publisher();
    sync(&mut publisher, "east", &web());
    let export = export("web", 1);
    observe(&mut publisher, "west", Change::Apply { fact: export.clone(), findings: Vec::new() });
    let touched = publisher.clusterset.remove_cluster(&ClusterId::new("east"));
    publisher.touch(touched, false);
    while let Some(gone) = publisher.clusterset.let_go(512) {
        assert!(gone.is_empty(), "west has it too");
    }
    observe(&mut publisher, "west", Change::Delete { kind: export.kind(), key: export.key() });
    publisher.work(|| true);
    assert!(!names(&table).contains(&"web.shop.svc.clusterset.local.".to_owned()));
}

#[test]
fn a_kind_that_is_not_served_any_more_left_its_brake_on() {
    let (mut publisher, _table) = large();
    let east = ClusterId::new("east");
    observe(&mut publisher, "east", list(&Held::new(), Kind::ServiceExport));
    publisher.work(|| true);
    assert_eq!(publisher.brake.waiting(&east), [(Kind::ServiceExport, MANY)]);
    observe(&mut publisher, "east", Change::Absent { kind: Kind::ServiceExport, reason: "not served".into() });
    publisher.work(|| true);
    assert_eq!(publisher.brake.waiting(&east), []);
}
