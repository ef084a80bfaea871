//! Rows about lists that lack most of a cluster.

use super::{Fleet, objects, slice};
use crate::support::apiserver::{On, Reply};
use clusterset_dns::model::{Kind, State};

const SLICES: &str = "endpointslices";
const ONE: &str = "s7.shop.svc.clusterset.local A";

/// A fleet in which north has thirty services of its own.
fn fleet() -> Fleet {
    let fleet = Fleet::start();
    for number in 0..30 {
        let name = format!("s{number}");
        objects(&name, &[80]).into_iter().for_each(|object| fleet.servers["north"].put(object));
        fleet.servers["north"].put(slice(&name, "v4", &format!("10.3.1.{number}"), &["http"]));
    }
    let last = "s29.shop.svc.clusterset.local A";
    fleet.wait_answer(last, "10.3.1.29");
    fleet.wait_answer(ONE, "10.3.1.7");
    fleet
}

/// Makes the watch end in 410, so that the slices are listed again.
fn lose_the_watch(fleet: &Fleet) {
    fleet.servers["north"].script(SLICES, On::Watch, [Reply::status(410)]);
    fleet.servers["north"].end_watches();
}

/// Whether it took hold of a list, perhaps no longer: a slow test may look when it is over.
fn has_braked(fleet: &Fleet) -> bool {
    fleet.report("north").is_some_and(|report| report.brake_total > 0)
}

fn is_braking(fleet: &Fleet) -> bool {
    fleet.report("north").is_some_and(|report| report.brake_active)
}

fn slices(fleet: &Fleet) -> u64 {
    let report = fleet.report("north").unwrap();
    report.kinds.iter().find(|(kind, _)| *kind == Kind::EndpointSlice).unwrap().1.objects
}

#[test]
fn empty_list_once() {
    let fleet = fleet();
    let prober = fleet.probe(&[ONE]);
    fleet.servers["north"].script(SLICES, On::List, [Reply::list(10_000, &[], "")]);
    lose_the_watch(&fleet);
    fleet.wait("the brake holds", || has_braked(&fleet));
    assert_eq!(fleet.report("north").unwrap().state, State::Fresh, "a list is a list");
    fleet.wait("the second list disagrees", || !is_braking(&fleet));
    assert_eq!((slices(&fleet), fleet.report("north").unwrap().brake_total), (32, 1));
    assert_eq!(prober.stop().of(ONE), ["10.3.1.7"]);
}

#[test]
fn empty_list_twice() {
    let fleet = fleet();
    let prober = fleet.probe(&[ONE]);
    let added = slice("s7", "more", "10.3.2.7", &["http"]);
    let listed = super::at_version(added, 9000);
    fleet.servers["north"].always(SLICES, On::List, Reply::list(10_000, &[listed], ""));
    lose_the_watch(&fleet);
    fleet.wait("the brake holds", || has_braked(&fleet));
    fleet.wait_answer(ONE, "10.3.1.7 10.3.2.7");
    fleet.wait("the second list agrees", || !is_braking(&fleet));
    fleet.wait_answer(ONE, "10.3.2.7");
    fleet.wait_answer("s8.shop.svc.clusterset.local A", "NXDOMAIN");
    let record = prober.stop();
    record.has_no_gap();
    assert_eq!(record.of(ONE), ["10.3.1.7", "10.3.1.7 10.3.2.7", "10.3.2.7"], "additions count at once");
    assert_eq!(slices(&fleet), 1);
}

#[test]
fn single_delete_events_are_not_braked() {
    let fleet = fleet();
    for number in 0..30 {
        fleet.servers["north"].delete(SLICES, "shop", &format!("s{number}-v4"));
    }
    fleet.wait_answer(ONE, "NXDOMAIN");
    fleet.wait("all are gone", || slices(&fleet) == 2);
    assert_eq!(fleet.report("north").unwrap().brake_total, 0);
}
