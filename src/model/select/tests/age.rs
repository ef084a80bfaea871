//! What staleness may and may not do (RESILIENCE.md rule 4 and section 3).

use super::DB;
use crate::model::cluster::State;
use crate::model::fixture::*;
use crate::model::policy::AnswerMode;

fn two() -> World {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported_headless(DB, &["10.1.0.1 db-0"]));
    world.has("west", exported_headless(DB, &["10.2.0.1 db-0"]));
    world
}

#[test]
fn a_stale_cluster_goes_behind_every_fresh_one() {
    let mut world = two();
    world.state("east", State::Suspect);
    assert_eq!(world.seen(DB, &view("east")), "0 east 10.1.0.1; 1 west 10.2.0.1", "Suspect is served as Fresh");
    world.state("east", State::Stale);
    assert_eq!(world.seen(DB, &view("east")), "0 west 10.2.0.1; 1 east 10.1.0.1 stale");
    world.settings(|settings| settings.policies.answer = AnswerMode::Weighted);
    assert_eq!(world.seen(DB, &view("east")), "0 west 10.2.0.1; 1 east 10.1.0.1 stale", "weighted too");
    world.settings(|settings| settings.policies.answer = AnswerMode::Nearest);
    assert_eq!(world.seen(DB, &view("east")), "0 west 10.2.0.1");
}

#[test]
fn an_expired_cluster_is_left_out_but_its_host_names_stay() {
    let mut world = two();
    world.state("east", State::Expired);
    let seen = world.select(DB, &view("east"));
    assert_eq!(show(&seen), "0 west 10.2.0.1");
    assert_eq!(hosts(&seen), "db-0.west=10.2.0.1:80 [db-0.east=10.1.0.1:80]");
    assert!(seen.answer().unwrap().hosts[1].stale, "EDE 3");
}

#[test]
fn age_empties_no_family_no_port_and_no_name() {
    let table = [
        ("the only IPv6", "fd00::1 db-0", "10.2.0.1", "0 west 10.2.0.1; 1 east fd00::1 stale"),
        ("both families elsewhere", "fd00::1 db-0", "10.2.0.1 pod=1|fd00::2 pod=1", "0 west 10.2.0.1+fd00::2"),
        ("nobody else is ready", "10.1.0.1", "10.2.0.1 down", "0 east 10.1.0.1 stale"),
    ];
    for (case, east, west, seen) in table {
        let mut world = World::new(&["east", "west"]);
        let west: Vec<&str> = west.split('|').collect();
        world.has("east", exported_headless(DB, &[east])).has("west", exported_headless(DB, &west));
        world.state("east", State::Expired);
        assert_eq!(world.seen(DB, &view("west")), seen, "{case}");
    }
    let mut world = two();
    let metrics = |number| with(slice(DB, number, &["10.1.0.1 db-0"]), |s| s.ports.push(port("metrics", 9090)));
    let service = with(headless(DB), |s| s.ports.push(port("metrics", 9090)));
    world.has("east", [service.into(), metrics(1).into()]).state("east", State::Expired);
    assert_eq!(world.seen(DB, &view("west")), "0 west 10.2.0.1; 1 east 10.1.0.1 stale", "the only port `metrics`");
}

#[test]
fn with_every_cluster_expired_all_are_answered() {
    let mut world = two();
    world.state("east", State::Expired).state("west", State::Expired);
    assert_eq!(world.seen(DB, &view("west")), "0 west 10.2.0.1 stale; 1 east 10.1.0.1 stale");
}
