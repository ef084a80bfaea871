//! A restart while the home cluster, and with it the registry, is out of reach (RESILIENCE.md section 6).

use crate::daemon::{Daemon, LISTEN};
use crate::registry::{secret, server, token};
use crate::support::apiserver::ApiServer;
use std::fs;
use std::path::{Path, PathBuf};

const WEB: &str = "web.shop.svc.clusterset.local";

fn configure(folder: &Path, home: &ApiServer) -> PathBuf {
    let config = folder.join("config.yaml");
    home.kubeconfig(folder, "home");
    let text = format!(
        "{LISTEN}snapshot: {{ path: state, every: 1s }}\nfreshness: {{ grace: 2s }}\nclusters:\n- name: home\n  \
         reach: clusterIP\n  source: {{ kubeconfig: {{ path: home.kubeconfig }} }}\n\
         registry: {{ home: home, secrets: {{ namespaces: [fleet] }}, allowServers: [127.0.0.1] }}\n"
    );
    fs::write(&config, text).unwrap();
    config
}

#[test]
fn the_clusters_of_the_registry_are_remembered_with_their_traits_and_without_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let (mut home, mut west) = (server("10.1.0.1"), server("10.1.0.2"));
    let config = configure(folder.path(), &home);
    home.put(secret("first", "istio/multiCluster", &[("west", &token(&west))]));
    let mut first = Daemon::start(&config);
    let before = first.ask_until(WEB, "A", |reply| reply.addresses.len() == 2);
    assert_eq!(before.ede, None);
    assert!(first.stop().success());
    let memory = fs::read_to_string(folder.path().join("state/registry.json")).unwrap();
    assert!(memory.contains("\"west\"") && memory.contains("clusterIP") && !memory.contains("token"), "{memory}");

    // Everything is away: the same answers, marked as old, also after the grace of the registry.
    home.stop();
    west.stop();
    let mut second = Daemon::start(&config);
    let found = second.ask(WEB, "A");
    assert_eq!((found.rcode, found.addresses.len(), found.ede), (0, 2, Some(3)));
    second.wait_log("registry: not listed within its grace");
    assert_eq!(second.ask(WEB, "A").addresses.len(), 2);

    // Back: read as the Secret says, and gone with it.
    west.resume();
    home.resume();
    second.ask_until(WEB, "A", |reply| {
        assert_eq!((reply.rcode, reply.addresses.len()), (0, 2));
        reply.ede.is_none()
    });
    home.delete("secrets", "fleet", "first");
    second.ask_until(WEB, "A", |reply| reply.rcode == 0 && reply.addresses.len() == 1);
    assert!(second.stop().success());
}

#[test]
fn a_secret_that_is_bad_at_a_restart_took_its_cluster_away() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west, north) = (server("10.1.0.1"), server("10.1.0.2"), server("10.1.0.3"));
    let config = configure(folder.path(), &home);
    home.put(secret("first", "istio/multiCluster", &[("west", &token(&west))]));
    home.put(secret("second", "istio/multiCluster", &[("north", &token(&north))]));
    let mut daemon = Daemon::start(&config);
    daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 3);
    assert!(daemon.stop().success());

    // While it is down one turns bad and one is removed; it stays so over a second restart.
    home.put(secret("first", "istio/multiCluster", &[("west", "no kubeconfig")]));
    home.delete("secrets", "fleet", "second");
    for _ in 0..2 {
        let mut daemon = Daemon::start(&config);
        daemon.wait_log(
            "registry: cluster west: what describes it cannot be used; it is answered as the snapshot has it",
        );
        let found = daemon.ask_until(WEB, "A", |reply| {
            assert_eq!(reply.rcode, 0);
            reply.addresses.len() == 2
        });
        assert!(found.addresses.contains(&"10.1.0.2".parse().unwrap()), "{found:?}");
        assert_eq!(found.ede, Some(3), "what it last said is old");
        daemon.wait_log("[bad-kubeconfig]: cluster home: Secret fleet/first, key west: ");
        assert!(daemon.stop().success());
    }

    // Mended, then removed.
    home.put(secret("first", "istio/multiCluster", &[("west", &token(&west))]));
    let mut daemon = Daemon::start(&config);
    daemon.ask_until(WEB, "A", |reply| {
        assert_eq!((reply.rcode, reply.addresses.len()), (0, 2));
        reply.ede.is_none()
    });
    home.delete("secrets", "fleet", "first");
    daemon.ask_until(WEB, "A", |reply| reply.rcode == 0 && reply.addresses.len() == 1);
    assert!(daemon.stop().success());
}
