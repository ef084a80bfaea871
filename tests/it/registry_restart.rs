//! A restart while the home cluster, and with it the registry, is out of reach (RESILIENCE.md section 6).

use crate::daemon::Daemon;
use crate::registry::{Fleet, ISTIO, OWN, secret, server, token};
use std::fs;

const WEB: &str = "web.shop.svc.clusterset.local";
/// What is remembered of the registry is part of the snapshot.
const MEMORY: &str = "snapshot: { path: state, every: 1s }\nfreshness: { grace: 2s }\n";

/// Asks until home and west alone answer, nothing of it old; the Secret `west` removed, home alone.
fn is_back_and_leaves(fleet: &Fleet, mut daemon: Daemon) {
    daemon.ask_until(WEB, "A", |reply| {
        assert_eq!((reply.rcode, reply.addresses.len()), (0, 2));
        reply.ede.is_none()
    });
    fleet.home.delete("secrets", "fleet", "west");
    daemon.ask_until(WEB, "A", |reply| reply.rcode == 0 && reply.addresses.len() == 1);
    assert!(daemon.stop().success());
}

#[test]
fn the_clusters_of_the_registry_are_remembered_with_their_traits_and_without_credentials() {
    let mut fleet = Fleet::joined();
    let mut first = fleet.start(MEMORY);
    let before = first.ask_until(WEB, "A", |reply| reply.addresses.len() == 2);
    assert_eq!(before.ede, None);
    assert!(first.stop().success());
    let memory = fs::read_to_string(fleet.folder.path().join("state/registry.json")).unwrap();
    assert!(memory.contains("\"west\"") && memory.contains("clusterIP") && !memory.contains("token"), "{memory}");

    // Everything is away: the same answers, marked as old, also after the grace of the registry.
    fleet.home.stop();
    fleet.west.stop();
    let second = Daemon::start(&fleet.config());
    let found = second.ask(WEB, "A");
    assert_eq!((found.rcode, found.addresses.len(), found.ede), (0, 2, Some(3)));
    second.wait_log("registry: not listed within its grace");
    assert_eq!(second.ask(WEB, "A").addresses.len(), 2);

    // Back: read as the Secret says, and gone with it.
    fleet.west.resume();
    fleet.home.resume();
    is_back_and_leaves(&fleet, second);
}

#[test]
fn a_secret_that_is_bad_at_a_restart_took_its_cluster_away() {
    let (fleet, north) = (Fleet::joined(), server("10.1.0.3"));
    let Fleet { home, west, .. } = &fleet;
    home.put(secret("north", ISTIO, &[("north", &token(&north))]));
    let mut daemon = fleet.start(MEMORY);
    daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 3);
    assert!(daemon.stop().success());

    // While it is down one turns bad and one is removed; it stays so over a second restart.
    home.put(secret("west", OWN, &[("west", "no kubeconfig")]));
    home.delete("secrets", "fleet", "north");
    for _ in 0..2 {
        let mut daemon = Daemon::start(&fleet.config());
        daemon.wait_log(
            "registry: cluster west: what describes it cannot be used; it is answered as the snapshot has it",
        );
        let found = daemon.ask_until(WEB, "A", |reply| {
            assert_eq!(reply.rcode, 0);
            reply.addresses.len() == 2
        });
        assert!(found.addresses.contains(&"10.1.0.2".parse().unwrap()), "{found:?}");
        assert_eq!(found.ede, Some(3), "what it last said is old");
        daemon.wait_log("[bad-kubeconfig]: cluster home: Secret fleet/west, key west: ");
        assert!(daemon.stop().success());
    }

    // Mended, then removed.
    home.put(secret("west", OWN, &[("west", &token(west))]));
    is_back_and_leaves(&fleet, Daemon::start(&fleet.config()));
}
