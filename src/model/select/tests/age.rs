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

#[test]
fn nearest_reaches_further_where_age_would_take_a_family_away() {
    let mut world = World::new(&["east", "north", "west"]);
    world.settings(|settings| settings.policies.answer = AnswerMode::Nearest);
    world.cluster("north", |cluster| cluster.locality.region = text("eu"));
    world.has("east", exported_headless(DB, &["10.1.0.1 pod=1", "fd00:1::1 pod=1"]));
    world.has("north", exported_headless(DB, &["10.2.0.1"])).has("west", exported_headless(DB, &["fd00:3::1"]));
    let eu = crate::model::View {
        locality: crate::model::cluster::Locality { region: text("eu"), ..Default::default() },
        ..view("east")
    };
    assert_eq!(world.seen(DB, &eu), "0 east 10.1.0.1+fd00:1::1");
    world.state("east", State::Stale);
    assert_eq!(world.seen(DB, &eu), "0 north 10.2.0.1; 1 west fd00:3::1", "the next tier has it");
    world.state("east", State::Expired);
    assert_eq!(world.seen(DB, &eu), "0 north 10.2.0.1; 1 west fd00:3::1");
    world.state("west", State::Expired);
    assert_eq!(world.seen(DB, &eu), "0 north 10.2.0.1; 1 east 10.1.0.1+fd00:1::1 stale", "only what is stale has it");
}

#[test]
fn draining_does_not_take_away_what_replaces_an_expired_cluster() {
    let mut world = World::new(&["east", "north", "west"]);
    world.has("east", exported_headless(DB, &["10.1.0.1 pod=1", "fd00:1::1 pod=1"]));
    world.has("north", exported_headless(DB, &["10.2.0.1"]));
    world.has("west", exported_headless(DB, &["fd00:3::1"])).cluster("west", |cluster| cluster.drain = true);
    world.state("east", State::Expired);
    assert_eq!(world.seen(DB, &view("")), "0 north 10.2.0.1; 1 east 10.1.0.1+fd00:1::1 stale");
    world.cluster("north", |cluster| cluster.drain = true);
    assert_eq!(world.seen(DB, &view("")), "0 north 10.2.0.1; 0 west fd00:3::1");
}

const STATES: [State; 4] = [State::Fresh, State::Suspect, State::Stale, State::Expired];
const PODS: [&[&str]; 6] = [
    &["10.0.0.1"],
    &["fd00::1"],
    &["10.0.0.2 db-0 pod=2", "fd00::2 db-0 pod=2"],
    &["10.0.0.3 down"],
    &["10.0.0.1", "10.0.0.4 db-1"],
    &[],
];

/// What a name, its families and its port names are: `None` when it does not exist.
fn extent(selection: &crate::model::Selection) -> Option<std::collections::BTreeSet<String>> {
    let answer = selection.answer()?;
    let family = |address: &std::net::IpAddr| if address.is_ipv4() { "A" } else { "AAAA" }.to_owned();
    let families = answer.targets.iter().flat_map(|target| &target.addresses).map(family);
    let of_hosts = answer.hosts.iter().filter(|host| host.in_service).flat_map(|host| &host.ports);
    let ports = answer.ports.iter().chain(of_hosts).map(|port| format!("_{}", port.name));
    let hosts = answer
        .hosts
        .iter()
        .flat_map(|host| host.addresses.iter().map(|address| format!("{}.{}={address}", host.label, host.cluster)));
    Some(families.chain(ports).chain(hosts).collect())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 512, ..Default::default() })]

    #[test]
    fn no_age_takes_a_name_a_family_a_port_or_a_host_away(
        pods in proptest::array::uniform3(0..PODS.len()),
        metrics in proptest::array::uniform3(proptest::prelude::any::<bool>()),
        drained in proptest::array::uniform3(proptest::prelude::any::<bool>()),
        aged in proptest::array::uniform3(0..STATES.len()),
        (mode, headless_service, from) in (0..3usize, proptest::prelude::any::<bool>(), 0..4usize),
    ) {
        let ids = ["east", "north", "west"];
        let mut world = World::new(&ids);
        let modes = [AnswerMode::Ordered, AnswerMode::Nearest, AnswerMode::Weighted];
        world.settings(|settings| settings.policies.answer = modes[mode]);
        for (at, id) in ids.iter().enumerate() {
            let own = with(slice(DB, at as u32, PODS[pods[at]]), |slice| {
                if metrics[at] {
                    slice.ports.push(port("metrics", 9090));
                }
            });
            let ip = format!("10.96.0.{at}");
            let object = if headless_service { headless(DB) } else { service(DB, &[ip.as_str()]) };
            let object = with(object, |service| service.ports.push(port("metrics", 9090)));
            world.has(id, [export(DB, at as i64).into(), object.into(), own.into()]);
            world.cluster(id, |cluster| cluster.drain = drained[at]);
        }
        let view = view(["east", "north", "west", ""][from]);
        let fresh = extent(&world.select(DB, &view));
        for (id, state) in ids.iter().zip(aged) {
            world.state(id, STATES[state]);
        }
        let seen = extent(&world.select(DB, &view));
        proptest::prop_assert_eq!(fresh.is_some(), seen.is_some());
        let (fresh, seen) = (fresh.unwrap_or_default(), seen.unwrap_or_default());
        proptest::prop_assert!(fresh.is_subset(&seen), "{:?} became {:?}", fresh, seen);
    }
}
