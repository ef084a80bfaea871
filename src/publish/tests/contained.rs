//! A panic while an observation is taken in: what it swallowed is listed again, at growing pauses.

use super::*;

fn web() -> Held {
    let facts = [service("web", false, 80), export("web", 1)];
    facts.into_iter().map(|fact| ((fact.kind(), fact.key()), fact)).collect()
}

fn take_in(publisher: &mut Publisher, change: Change, at: Duration) {
    let received_ns = at.as_nanos() as u64;
    publisher.take_in(Observation { cluster: ClusterId::new("east"), generation: 1, received_ns, change });
    publisher.work(|| true);
}

fn fail(observation: &Observation) {
    assert!(observation.change.kind() != Some(Kind::Service), "a panic on purpose");
}

#[test]
fn what_a_panic_swallowed_is_listed_again() {
    let (mut publisher, table) = publisher();
    for kind in Kind::ALL {
        take_in(&mut publisher, list(&web(), kind), Duration::ZERO);
    }
    let ready = contents(&table);
    let seconds = Duration::from_secs;
    publisher.fail_point = fail;
    let change = Change::Apply { fact: service("web", false, 81), findings: Vec::new() };
    take_in(&mut publisher, change, seconds(10));
    assert!(contents(&table) == ready, "answers as before");
    assert!(publisher.due_lists(seconds(10)).is_empty(), "not at once");
    let owed = (ClusterId::new("east"), Kind::Service);
    assert_eq!(publisher.due_lists(seconds(11)).into_iter().collect::<Vec<_>>(), [owed]);
    assert!(publisher.due_lists(seconds(12)).is_empty(), "once");

    publisher.fail_point = |_| {};
    let held = Held::from([((Kind::Service, ObjectKey::new("shop", "web")), service("web", false, 81))]);
    take_in(&mut publisher, list(&held, Kind::Service), seconds(12));
    assert!(contents(&table) != ready, "the change is there");
    assert!(publisher.due_lists(seconds(7200)).is_empty(), "nothing is owed");
}

#[test]
fn a_list_that_panics_each_time_is_asked_for_ever_more_rarely() {
    let (mut publisher, _table) = publisher();
    publisher.fail_point = fail;
    take_in(&mut publisher, list(&web(), Kind::Service), Duration::ZERO);
    let mut lists = 0;
    for now in (0..3600).map(Duration::from_secs) {
        for (_, kind) in publisher.due_lists(now) {
            lists += 1;
            take_in(&mut publisher, list(&web(), kind), now);
        }
    }
    assert!((10..25).contains(&lists), "{lists} lists in an hour");
}
