//! A restart while the home cluster, and with it the registry, is out of reach (RESILIENCE.md section 6).

use crate::daemon::{Daemon, LISTEN};
use crate::registry::{secret, server, token};
use std::fs;

const WEB: &str = "web.shop.svc.clusterset.local";

#[test]
fn the_clusters_of_the_registry_are_remembered_with_their_traits_and_without_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let (mut home, mut west) = (server("10.1.0.1"), server("10.1.0.2"));
    let config = folder.path().join("config.yaml");
    home.kubeconfig(folder.path(), "home");
    let text = format!(
        "{LISTEN}snapshot: {{ path: state, every: 1s }}\nfreshness: {{ grace: 2s }}\nclusters:\n- name: home\n  \
         reach: clusterIP\n  source: {{ kubeconfig: {{ path: home.kubeconfig }} }}\n\
         registry: {{ home: home, secrets: {{ namespaces: [fleet] }}, allowServers: [127.0.0.1] }}\n"
    );
    fs::write(&config, text).unwrap();
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
