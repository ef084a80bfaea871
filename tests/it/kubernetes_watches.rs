//! Watches: events, ends, 410, faults in the middle, pacing (RESILIENCE.md 4.1 and 4.3).

use crate::kubernetes::{SECOND, Watched, addresses, at, server, slice};
use crate::support::apiserver::{On, Piece, Reply};
use crate::support::apiserver_script::{error_event, event};
use clusterset_dns::model::{Change, Kind};
use serde_json::json;
use std::time::Duration;

const SLICES: &str = "endpointslices";

/// A watched cluster whose first list of slices is in; the first watches of it get these replies.
fn watching(replies: impl IntoIterator<Item = Reply>) -> Watched {
    let server = server();
    server.script(SLICES, On::Watch, replies);
    let mut watched = Watched::new(server);
    assert_eq!(watched.replaced(Kind::EndpointSlice), 1);
    watched
}

#[test]
fn events_follow_the_list_over_many_clean_ends() {
    let mut watched = watching([]);
    for n in 2..6 {
        watched.server.put(slice(&format!("web-{n}"), "10.0.0.2"));
        watched.applied(&format!("web-{n}"));
        std::thread::sleep(SECOND / 2);
    }
    watched.server.delete(SLICES, "shop", "web");
    let deleted = watched.wait("the deletion", |change| match change {
        Change::Delete { kind: Kind::EndpointSlice, key } => Some(key.clone()),
        _ => None,
    });
    assert_eq!(deleted.as_str(), "shop/web");
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1)], "nothing but the first list");
}

#[test]
fn a_410_event_and_a_410_status_list_again_without_a_fault() {
    let mut watched = watching([Reply::lines(&[error_event(410)])]);
    assert_eq!(watched.replaced(Kind::EndpointSlice), 1);
    // A healthy watch lies between, so the next one is daily business too.
    watched.contact(Kind::EndpointSlice);
    watched.server.put(slice("new", "10.0.0.2"));
    watched.applied("new");
    std::thread::sleep(2 * SECOND);
    watched.server.script(SLICES, On::Watch, [Reply::status(410)]);
    let mut failed = false;
    let count = watched.wait("the second relist", |change| match change {
        Change::Replace { kind: Kind::EndpointSlice, facts, .. } => Some(facts.len()),
        Change::Failed { kind: Kind::EndpointSlice, .. } => {
            failed = true;
            None
        }
        _ => None,
    });
    assert_eq!((count, failed), (2, false));
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1), ("expired", 2)]);
}

#[test]
fn compaction_is_survived() {
    let mut watched = watching([]);
    watched.server.stop();
    watched.failed(Kind::EndpointSlice);
    watched.server.put(slice("meanwhile", "10.0.0.2"));
    watched.server.compact();
    watched.server.resume();
    assert_eq!(watched.replaced(Kind::EndpointSlice), 2);
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1), ("expired", 1)]);
}

#[test]
fn a_server_that_answers_410_for_ever_is_a_fault_and_backs_off() {
    let server = server();
    server.always(SLICES, On::Watch, Reply::status(410));
    let mut watched = Watched::new(server);
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("watch endpointslices.discovery.k8s.io: 410"), "{error}");
    watched.server.unscript(SLICES, On::Watch);
    watched.server.put(slice("new", "10.0.0.2"));
    watched.wait("the new slice", |change| match change {
        Change::Replace { kind: Kind::EndpointSlice, facts, .. } if facts.len() == 2 => Some(()),
        Change::Apply { fact, .. } if fact.key().name() == "new" => Some(()),
        _ => None,
    });
}

#[test]
fn an_outage_keeps_everything_and_resumes_after_a_check() {
    let mut watched = watching([]);
    watched.server.stop();
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("the last data is kept"), "{error}");
    watched.failed(Kind::EndpointSlice);
    watched.server.put(slice("meanwhile", "10.0.0.2"));
    watched.server.resume();
    watched.applied("meanwhile");
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1)], "resumed, not listed again");
    assert!(watched.server.count(SLICES, On::Check) > 0);
}

#[test]
fn an_etcd_restored_behind_our_back_is_listed_again() {
    let mut watched = watching([]);
    watched.server.stop();
    watched.failed(Kind::EndpointSlice);
    watched.server.restore(40, [slice("old", "10.0.0.7")]);
    watched.server.resume();
    let list = watched.wait("the restored list", |change| match change {
        Change::Replace { kind: Kind::EndpointSlice, facts, .. } => Some(addresses(facts)),
        _ => None,
    });
    assert_eq!(list, ["10.0.0.7"]);
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1), ("backwards", 1)]);
}

#[test]
fn a_mute_watch_ends_at_the_head_deadline() {
    let mut watched = watching([Reply::Mute]);
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("watch endpointslices.discovery.k8s.io: no response within 1s"), "{error}");
    watched.contact(Kind::EndpointSlice);
}

#[test]
fn a_silent_watch_and_a_cut_one_are_faults_and_lose_no_event() {
    let bookmark = event("BOOKMARK", json!({"metadata": {"resourceVersion": "101"}}));
    let silent = Reply::lines_then(std::slice::from_ref(&bookmark), Piece::Stall);
    let cut =
        Reply::Body(vec![Piece::Text("{\"type\": \"ADDED\", \"obj".into()), Piece::Pause(SECOND / 4), Piece::Cut]);
    let torn = Reply::Body(vec![Piece::Text("{\"type\": \"ADDED\", \"obj".into())]);
    let mut watched = watching([silent, cut, torn]);
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("fell silent for 1s"), "{error}");
    watched.server.put(slice("meanwhile", "10.0.0.2"));
    for _ in 0..2 {
        let error = watched.failed(Kind::EndpointSlice);
        assert!(error.contains("cut off"), "{error}");
    }
    watched.applied("meanwhile");
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1)]);
    assert_eq!(watched.server.count(SLICES, On::Check), 3);
}

#[test]
fn one_bad_object_of_a_watch_is_one_rejection_and_the_stream_goes_on() {
    let bad = json!({"kind": "EndpointSlice", "metadata": {"resourceVersion": "101", "namespace": "shop"}});
    let lines = [event("ADDED", bad), event("ADDED", at(slice("good", "10.0.0.2"), 102))];
    let mut watched = watching([Reply::lines_then(&lines, Piece::Stall)]);
    watched.wait("the rejection", |change| matches!(change, Change::Rejected { .. }).then_some(()));
    watched.applied("good");
    assert_eq!(watched.server.count(SLICES, On::Watch), 1);
}

#[test]
fn what_is_no_event_is_listed_again() {
    let long = format!("{{\"type\": \"ADDED\", \"pad\": \"{}\"}}\n", "x".repeat(5000));
    let replies =
        [Reply::Body(vec![Piece::Text("<html>\n".into())]), Reply::Body(vec![Piece::Text(long), Piece::Stall])];
    let server = server();
    server.script(SLICES, On::Watch, replies);
    let mut watched = Watched::with(server, |spec| spec.limits.line_octets = 4000);
    for part in ["not what a Kubernetes API sends", "a line of the watch has more than 4000 octets"] {
        let error = watched.failed(Kind::EndpointSlice);
        assert!(error.contains(part), "{error}");
        watched.replaced(Kind::EndpointSlice);
    }
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1), ("garbled", 2)]);
}

#[test]
fn quiet_watches_give_signs_of_life_and_no_bookmark_is_no_fault() {
    let mut watched = watching([]);
    for _ in 0..4 {
        watched.wait("a contact", |change| match change {
            Change::Contact { kind: Kind::EndpointSlice } => Some(()),
            Change::Failed { kind: Kind::EndpointSlice, error } => panic!("{error}"),
            _ => None,
        });
    }
    assert!(watched.server.journal().iter().all(|request| request.on != On::Watch
        || request.query["timeoutSeconds"] == "1" && request.query["allowWatchBookmarks"] == "true"));
}

#[test]
fn watches_that_end_at_once_are_paced() {
    let server = server();
    server.always(SLICES, On::Watch, Reply::Body(Vec::new()));
    let mut watched = Watched::with(server, |spec| spec.timing.pace = Duration::from_millis(200));
    for _ in 0..8 {
        watched.contact(Kind::EndpointSlice);
    }
    let times: Vec<_> = watched
        .server
        .journal()
        .iter()
        .filter(|request| request.is(SLICES, On::Watch))
        .map(|request| request.at)
        .collect();
    let span = times[times.len() - 1] - times[0];
    let most = span.as_millis() / 200 + 2;
    assert!(times.len() as u128 <= most, "{} starts in {span:?}", times.len());
}

#[test]
fn a_list_can_be_asked_for() {
    let mut watched = watching([]);
    watched.watcher.relist(Some(Kind::EndpointSlice));
    assert_eq!(watched.replaced(Kind::EndpointSlice), 1);
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1), ("requested", 1)]);
}
