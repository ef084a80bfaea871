//! Lists: pages, faults in the middle, limits (RESILIENCE.md 4.1 and 4.3).

use crate::kubernetes::{Watched, addresses, at, server, slice};
use crate::support::apiserver::{On, Piece, Reply};
use clusterset_dns::model::{Change, Kind};
use serde_json::json;
use std::time::{Duration, Instant};

const SLICES: &str = "endpointslices";

#[test]
fn pages_are_handed_over_as_one_whole_list() {
    let server = server();
    (2..=7).for_each(|n| server.put(slice(&format!("web-{n}"), &format!("10.0.0.{n}"))));
    let mut watched = Watched::with(server, |spec| spec.limits.page_items = 3);
    assert_eq!(watched.replaced(Kind::EndpointSlice), 7);
    assert_eq!(watched.server.count(SLICES, On::List), 3);
    assert!(
        watched
            .server
            .journal()
            .iter()
            .all(|request| request.query.get("resourceVersion").map(String::as_str) != Some("0"))
    );
}

#[test]
fn lists_are_packed_and_watches_are_not() {
    let mut watched = Watched::new(server());
    watched.replaced(Kind::EndpointSlice);
    watched.server.put(slice("new", "10.0.0.2"));
    watched.applied("new");
    let encoding = |on| watched.server.journal().into_iter().find(|request| request.is(SLICES, on)).unwrap().encoding;
    assert_eq!((encoding(On::List).as_str(), encoding(On::Watch).as_str()), ("gzip", "identity"));
}

#[test]
fn observations_carry_cluster_generation_and_the_time_of_their_octets() {
    let mut watched = Watched::new(server());
    watched.replaced(Kind::EndpointSlice);
    watched.server.put(slice("late", "10.0.0.9"));
    let before = watched.sources.epoch().elapsed().as_nanos() as u64;
    let observation = loop {
        let next = watched.next("the late slice");
        if matches!(next.change, Change::Apply { .. }) {
            break next;
        }
    };
    assert_eq!((observation.cluster.as_str(), observation.generation), ("west", 7));
    assert!(observation.received_ns.abs_diff(before) < Duration::from_secs(20).as_nanos() as u64);
}

#[test]
fn a_failing_second_page_hands_nothing_over() {
    let server = server();
    let first = Reply::list(100, &[at(slice("half", "10.0.0.2"), 90)], "next");
    server.script(SLICES, On::List, [first.clone(), Reply::status(500), first, Reply::status(410)]);
    let mut watched = Watched::new(server);
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("list endpointslices.discovery.k8s.io: 500"), "{error}");
    assert!(error.contains("nothing is known of it yet"), "{error}");
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("410"), "a continue token that expired starts the list over: {error}");
    let list = watched.wait("the whole list", |change| match change {
        Change::Replace { kind: Kind::EndpointSlice, facts, .. } => Some(addresses(facts)),
        _ => None,
    });
    assert_eq!(list, ["10.0.0.1"]);
}

#[test]
fn a_mute_list_ends_at_the_head_deadline() {
    let server = server();
    server.script(SLICES, On::List, [Reply::Mute]);
    let mut watched = Watched::new(server);
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("no response within 1s"), "{error}");
    assert_eq!(watched.replaced(Kind::EndpointSlice), 1);
}

#[test]
fn stalling_and_dripping_lists_end_at_their_deadlines() {
    let server = server();
    let stall = Reply::Body(vec![Piece::Text("{\"items\": [".into()), Piece::Stall]);
    let drip = Reply::Body(vec![Piece::Drip(" ".repeat(1000), Duration::from_millis(100))]);
    server.script(SLICES, On::List, [stall, drip]);
    let mut watched = Watched::new(server);
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("fell silent for 1s"), "{error}");
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("not complete within 2.5s"), "{error}");
    assert_eq!(watched.replaced(Kind::EndpointSlice), 1);
}

#[test]
fn a_slow_kind_does_not_hold_up_the_others() {
    let server = server();
    server.always("services", On::List, Reply::Mute);
    let mut watched = Watched::new(server);
    watched.replaced(Kind::EndpointSlice);
    watched.failed(Kind::Service);
}

#[test]
fn one_bad_object_of_a_list_is_one_finding() {
    let server = server();
    let good = at(slice("good", "10.0.0.2"), 90);
    let items = [json!({"metadata": {"namespace": "shop"}}), json!(5), good, json!({"metadata": "none"})];
    server.script(SLICES, On::List, [Reply::list(100, &items, "")]);
    let mut watched = Watched::new(server);
    let (facts, findings) = watched.wait("the list", |change| match change {
        Change::Replace { kind: Kind::EndpointSlice, facts, findings } => Some((addresses(facts), findings.len())),
        _ => None,
    });
    assert_eq!((facts, findings), (vec!["10.0.0.2".to_owned()], 3));
}

#[test]
fn what_is_no_list_is_a_fault() {
    let server = server();
    let text = |text: &str| Reply::Body(vec![Piece::Text(text.to_owned())]);
    server.script(SLICES, On::List, [text("<html>captive portal</html>"), text("{}"), Reply::list(0, &[], "")]);
    let mut watched = Watched::new(server);
    for _ in 0..3 {
        let error = watched.failed(Kind::EndpointSlice);
        assert!(error.contains("not what a Kubernetes API sends"), "{error}");
    }
    watched.replaced(Kind::EndpointSlice);
}

#[test]
fn a_page_that_is_too_large_is_asked_for_in_halves() {
    let server = server();
    (2..=8).for_each(|n| server.put(slice(&format!("web-{n}"), &format!("10.0.0.{n}"))));
    let mut watched = Watched::with(server, |spec| {
        spec.limits.page_items = 8;
        spec.limits.page_octets = 1500;
    });
    assert_eq!(watched.replaced(Kind::EndpointSlice), 8);
    let journal = watched.server.journal();
    let limits: Vec<&str> = journal
        .iter()
        .filter(|request| request.plural == SLICES && !request.query.contains_key("watch"))
        .map(|request| request.query["limit"].as_str())
        .collect();
    assert_eq!(limits[..2], ["8", "4"]);
}

/// When the slices were listed.
fn list_times(watched: &Watched) -> Vec<Instant> {
    let journal = watched.server.journal();
    journal.iter().filter(|request| request.is(SLICES, On::List)).map(|request| request.at).collect()
}

#[test]
fn errors_for_ever_back_off() {
    let server = server();
    server.always(SLICES, On::List, Reply::status(500));
    let mut watched = Watched::new(server);
    for _ in 0..6 {
        watched.failed(Kind::EndpointSlice);
    }
    let times = list_times(&watched);
    // Delays of 50, 100, 200, 400, 400 ms, of which jitter takes at most half.
    assert!(times[5] - times[0] >= Duration::from_millis(550), "{:?}", times[5] - times[0]);
    watched.server.unscript(SLICES, On::List);
    watched.replaced(Kind::EndpointSlice);
    assert!(watched.counters.watch_errors().any(|entry| entry == (Kind::EndpointSlice, "500", 6)
        || entry.0 == Kind::EndpointSlice && entry.1 == "500" && entry.2 > 6));
}

#[test]
fn retry_after_is_waited_for_and_bounded() {
    let server = server();
    let replies = [Reply::status_with(429, "retry-after", "1"), Reply::status_with(503, "retry-after", "86400")];
    server.script(SLICES, On::List, replies);
    let mut watched = Watched::new(server);
    watched.replaced(Kind::EndpointSlice);
    let times = list_times(&watched);
    assert_eq!(times.len(), 3);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(950)), "{times:?}");
}
