//! Faults of a whole cluster: credentials, the probe, the end of a watcher.

use crate::kubernetes::{SECOND, Watched, server, slice};
use crate::support::apiserver::{ApiServer, On, Reply};
use clusterset_dns::model::{Change, Kind};
use clusterset_dns::source::kubernetes::Timing;
use std::time::Duration;

const SLICES: &str = "endpointslices";

#[test]
fn the_default_times_list_and_follow() {
    let server = ApiServer::start();
    server.put(slice("web", "10.0.0.1"));
    let mut watched = Watched::with(server, |spec| spec.timing = Timing::default());
    assert_eq!(watched.replaced(Kind::EndpointSlice), 1);
    watched.server.put(slice("new", "10.0.0.2"));
    watched.applied("new");
}

#[test]
fn a_rotated_token_file_is_read_after_a_401() {
    let mut watched =
        Watched::by(server(), |server, folder| server.kubeconfig_for(folder, "west", "tokenFile: token"), |_| {});
    watched.replaced(Kind::EndpointSlice);
    watched.server.accept_token("second");
    watched.server.end_watches();
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.contains("401") && !error.contains("token-of-the-test"), "{error}");
    std::fs::write(watched.folder.path().join("token"), "second\n").unwrap();
    watched.server.put(slice("new", "10.0.0.2"));
    watched.applied("new");
    assert_eq!(watched.syncs(Kind::EndpointSlice), [("start", 1)]);
    assert!(watched.counters.auth_failures() > 0);
}

#[test]
fn a_failing_probe_is_a_fault_and_silences_signs_of_life_until_it_succeeds() {
    let mut watched = Watched::with(server(), |spec| spec.timing.probe.0 = Duration::from_millis(300));
    watched.replaced(Kind::EndpointSlice);
    watched.server.always(SLICES, On::Check, Reply::Mute);
    let error = watched.failed(Kind::EndpointSlice);
    assert!(error.starts_with("probe endpointslices.discovery.k8s.io: "), "{error}");
    // Up to the next failure of the probe the watches end and start cleanly, and nothing is said of it.
    watched.wait("the next failure", |change| match change {
        Change::Failed { kind: Kind::EndpointSlice, .. } => Some(()),
        Change::Contact { kind } => panic!("a contact of {kind:?}"),
        _ => None,
    });
    watched.server.unscript(SLICES, On::Check);
    watched.contact(Kind::EndpointSlice);
}

#[test]
fn the_probe_finds_an_etcd_that_went_back_under_quiet_watches() {
    let mut watched = Watched::with(server(), |spec| spec.timing.probe.0 = Duration::from_millis(300));
    watched.replaced(Kind::EndpointSlice);
    watched.server.restore(40, []);
    let count = watched.wait("the restored list", |change| match change {
        Change::Replace { kind: Kind::EndpointSlice, facts, .. } => Some(facts.len()),
        _ => None,
    });
    assert_eq!(count, 0);
}

#[test]
fn the_kinds_of_a_dead_server_share_their_back_off() {
    let mut watched = Watched::new(server());
    watched.replaced(Kind::EndpointSlice);
    watched.server.stop();
    for _ in 0..5 {
        watched.failed(Kind::EndpointSlice);
    }
    let refused: u64 = watched.counters.requests().filter(|entry| entry.1 == "connect").map(|entry| entry.2).sum();
    assert!(refused < 120, "{refused} connects for 6 kinds");
}

#[test]
fn a_dropped_watcher_ends_its_requests() {
    let Watched { watcher, sources, server, .. } = {
        let mut watched = Watched::new(server());
        watched.contact(Kind::EndpointSlice);
        watched
    };
    assert!(watcher.is_running());
    drop(watcher);
    std::thread::sleep(SECOND);
    let before = server.journal().len();
    std::thread::sleep(3 * SECOND);
    assert_eq!(server.journal().len(), before);
    drop(sources);
}
