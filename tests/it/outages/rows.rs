//! Rows about clusters that cannot be reached.

use super::Fleet;
use crate::support::apiserver::{On, Piece, Reply};
use crate::support::faultproxy::{Fault, FaultProxy};
use clusterset_dns::model::State;
use std::time::Duration;

const DB: &str = "db.shop.svc.clusterset.local A";
const DB_OF_WEST: &str = "a.west.db.shop.svc.clusterset.local A";
const SIX: &str = "six.shop.svc.clusterset.local A";
const SIX_AAAA: &str = "six.shop.svc.clusterset.local AAAA";
const SIX_METRICS: &str = "_metrics._tcp.six.shop.svc.clusterset.local SRV";
const ALL: [&str; 5] = [DB, DB_OF_WEST, SIX, SIX_AAAA, SIX_METRICS];

const IN_ORDER: &str = "10.1.0.1 10.2.0.1 10.3.0.1";
const WEST_STALE: &str = "10.1.0.1 10.3.0.1 10.2.0.1 ede=3";
const WEST_LEFT_OUT: &str = "10.1.0.1 10.3.0.1";

#[test]
fn api_server_refuses() {
    let mut fleet = Fleet::start();
    let prober = fleet.probe(&ALL);
    fleet.server("west").stop();
    let start = std::time::Instant::now();
    fleet.wait_state("west", State::Suspect);
    let error = fleet.report("west").unwrap().kinds.iter().find_map(|(_, kind)| kind.error.clone());
    assert!(error.is_some(), "the error shows");
    fleet.wait_state("west", State::Stale);
    fleet.wait_state("west", State::Expired);
    fleet.wait_answer(DB, WEST_LEFT_OUT);
    // Seven tasks whose delays grow from 50 ms to 400 ms, less half by jitter: at most one connect in 200 ms each, later.
    let (refused, most) = (fleet.refused("west"), 7 * (start.elapsed().as_millis() as u64 / 200 + 4));
    println!("{refused} connects refused in {:.1?}, at most {most}", start.elapsed());
    assert!(refused <= most);
    fleet.server("west").resume();
    fleet.wait_state("west", State::Fresh);
    let metrics = "a.west.six.shop.svc.clusterset.local.";
    // Each service is compiled by itself: one may be seen as it was while another is as it is.
    let last = [IN_ORDER, "10.2.0.1", IN_ORDER, "fd00:2::1", metrics];
    ALL.iter().zip(last).for_each(|(question, last)| fleet.wait_answer(question, last));
    let record = prober.stop();
    record.has_no_gap();
    assert_eq!(record.of(DB), [IN_ORDER, WEST_STALE, WEST_LEFT_OUT, WEST_STALE, IN_ORDER]);
    assert_eq!(record.of(DB_OF_WEST), ["10.2.0.1", "10.2.0.1 ede=3", "10.2.0.1"], "host names stay");
    assert_eq!(record.of(SIX), [IN_ORDER, WEST_STALE, IN_ORDER], "nobody else has its IPv6 and its port: it stays");
    assert_eq!(record.of(SIX_AAAA), ["fd00:2::1", "fd00:2::1 ede=3", "fd00:2::1"], "the only IPv6");
    assert_eq!(record.of(SIX_METRICS), [metrics, &format!("{metrics} ede=3"), metrics], "the only port `metrics`");
    assert!(fleet.is_ready());
}

/// West behind a proxy that fails in this way until west is stale; then it comes back.
fn behind_a_proxy(fault: Fault) {
    let proxy = std::sync::OnceLock::new();
    let fleet = Fleet::with(|name, server| {
        if name != "west" {
            return server.url();
        }
        let target = server.url().trim_start_matches("https://").parse().unwrap();
        format!("https://{}", proxy.get_or_init(|| FaultProxy::start(target)).address())
    });
    let proxy = proxy.get().unwrap();
    let prober = fleet.probe(&ALL);
    proxy.set(fault);
    fleet.wait_state("west", State::Stale);
    fleet.wait_answer(DB, WEST_STALE);
    assert!(fleet.report("west").unwrap().kinds.iter().any(|(_, kind)| kind.error.is_some()), "not by age alone");
    proxy.set(Fault::None);
    fleet.wait_state("west", State::Fresh);
    fleet.wait_answer(DB, IN_ORDER);
    let record = prober.stop();
    record.has_no_gap();
    // On a slow machine west may be left out for a moment.
    let mut seen: Vec<_> = record.of(DB).iter().filter(|reply| *reply != WEST_LEFT_OUT).collect();
    seen.dedup();
    assert_eq!(seen, [IN_ORDER, WEST_STALE, IN_ORDER]);
}

#[test]
fn api_server_black_holed() {
    behind_a_proxy(Fault::BlackHole);
}

#[test]
fn api_server_resets() {
    behind_a_proxy(Fault::Reset);
}

#[test]
fn api_server_drips() {
    behind_a_proxy(Fault::Drip(Duration::from_secs(1)));
}

#[test]
fn api_server_mute() {
    let mut fleet = Fleet::start();
    let prober = fleet.probe(&ALL);
    let kinds = ["namespaces", "nodes", "services", "endpointslices", "serviceexports", "serviceimports"];
    let sorts = [On::Watch, On::List, On::Check];
    for kind in kinds {
        sorts.into_iter().for_each(|on| fleet.servers["west"].always(kind, on, Reply::Mute));
    }
    fleet.server("west").end_watches();
    fleet.wait_state("west", State::Stale);
    for kind in kinds {
        sorts.into_iter().for_each(|on| fleet.servers["west"].unscript(kind, on));
    }
    fleet.wait_state("west", State::Fresh);
    let record = prober.stop();
    record.has_no_gap();
    assert!(record.of(DB).contains(&WEST_STALE.to_owned()));
}

#[test]
fn all_clusters_lost() {
    let mut fleet = Fleet::start();
    let prober = fleet.probe(&ALL);
    ["east", "west", "north"].into_iter().for_each(|name| fleet.server(name).stop());
    fleet.wait_age("west", Duration::from_millis(5000));
    for name in ["east", "west", "north"] {
        assert_eq!(fleet.report(name).unwrap().state, State::Suspect, "{name}: the guard holds");
    }
    assert!(fleet.is_ready());
    let record = prober.stop();
    for question in ALL {
        assert_eq!(record.of(question).len(), 1, "{question}: {:?}", record.of(question));
    }
    assert_eq!(record.of(DB), [IN_ORDER]);
}

#[test]
fn home_fresh_all_remotes_lost() {
    let mut fleet = Fleet::start();
    let prober = fleet.probe(&ALL);
    ["west", "north"].into_iter().for_each(|name| fleet.server(name).stop());
    fleet.wait_state("west", State::Expired);
    fleet.wait_state("north", State::Expired);
    fleet.wait_answer(DB, "10.1.0.1");
    fleet.wait_answer(SIX_AAAA, "fd00:2::1 ede=3");
    let record = prober.stop();
    record.has_no_gap();
    assert_eq!(record.of(DB).first().map(String::as_str), Some(IN_ORDER));
    assert_eq!(record.of(DB).last().map(String::as_str), Some("10.1.0.1"), "home has the family and the port");
    assert_eq!(record.of(SIX_AAAA).last().map(String::as_str), Some("fd00:2::1 ede=3"), "home has no IPv6");
    assert_eq!(fleet.report("east").unwrap().state, State::Fresh);
    assert!(fleet.is_ready());
}

#[test]
fn home_lost_remotes_fresh() {
    let mut fleet = Fleet::start();
    let prober = fleet.probe(&ALL);
    fleet.server("east").stop();
    fleet.wait_age("east", Duration::from_millis(4000));
    assert_eq!(fleet.report("east").unwrap().state, State::Suspect, "never demoted by default");
    assert_eq!(prober.stop().of(DB), [IN_ORDER]);
}

#[test]
fn flapping() {
    let fleet = Fleet::start();
    let prober = fleet.probe(&ALL);
    let kinds = ["services", "endpointslices", "serviceexports"];
    let published = || fleet.report("west").map(|report| report.state);
    let before = kinds.map(|kind| fleet.servers["west"].count(kind, On::Watch));
    let start = std::time::Instant::now();
    kinds.iter().for_each(|kind| fleet.servers["west"].always(kind, On::Watch, Reply::Body(Vec::new())));
    fleet.servers["west"].end_watches();
    std::thread::sleep(Duration::from_millis(1200));
    for (kind, before) in kinds.iter().zip(before) {
        let starts = fleet.servers["west"].count(kind, On::Watch) - before;
        let most = start.elapsed().as_millis() / 50 + 2;
        assert!((starts as u128) <= most, "{kind}: {starts} starts, at most {most}");
    }
    assert_eq!(published(), Some(State::Fresh), "clean ends are signs of life");
    let cut = Reply::Body(vec![Piece::Cut]);
    kinds.iter().for_each(|kind| fleet.servers["west"].always(kind, On::Watch, cut.clone()));
    fleet.wait_state("west", State::Suspect);
    kinds.iter().for_each(|kind| fleet.servers["west"].unscript(kind, On::Watch));
    fleet.wait_state("west", State::Fresh);
    assert_eq!(prober.stop().of(DB), [IN_ORDER], "the order does not flap");
}
