//! A cluster that gets another id while it serves: make before break (RESILIENCE.md section 5, "cluster removed; renamed").

use crate::daemon::{Daemon, LISTEN};
use crate::registry::{identified, secret, server, sorted, token};
use crate::support::apiserver::{ApiServer, On, Reply};
use std::fs;
use std::path::Path;

const WEB: &str = "web.shop.svc.clusterset.local";

fn write(folder: &Path, text: &str) {
    fs::write(folder.join("config.new"), text).unwrap();
    fs::rename(folder.join("config.new"), folder.join("config.yaml")).unwrap();
}

/// With an identity; the lists of endpoints fail for a while from now on.
fn slow(west: &ApiServer) {
    west.script("endpointslices", On::List, [Reply::status(503), Reply::status(503)]);
}

/// Asks until the cluster answers by its new id; at no time is its service gone.
fn renamed(daemon: &Daemon, before: &str, after: &str) {
    daemon
        .wait_log(&format!("cluster {before}: it is cluster {after} now; its answers stay until that one is in sync"));
    let ask = |name: &str| {
        let reply = daemon.ask(WEB, "A");
        assert_eq!((reply.rcode, sorted(&reply)), (0, vec!["10.1.0.2".to_owned()]), "{}", daemon.log());
        daemon.ask(&format!("{name}.{WEB}"), "A").addresses.len()
    };
    daemon.wait("the new id", || ask(after) == 1);
    daemon.wait("the end of the old id", || ask(before) == 0);
    let series = |name: &str| daemon.metric(&format!("cluster_synced{{source_cluster=\"{name}\"}}"));
    daemon.wait("the figures", || (series(before), series(after)) == (None, Some(1.0)));
    assert!(!daemon.log().contains("same-cluster-twice"), "{}", daemon.log());
}

#[test]
fn a_cluster_that_was_renamed_in_the_configuration_was_gone_until_it_was_listed() {
    let folder = tempfile::tempdir().unwrap();
    let west = identified("10.1.0.2", "uid-west");
    west.kubeconfig(folder.path(), "west");
    let text = format!(
        "{LISTEN}clusterNames: true\nlocal: {{ cluster: west }}\nclusters:\n- name: west\n  reach: clusterIP\n  \
         source: {{ kubeconfig: {{ path: west.kubeconfig }} }}\n"
    );
    write(folder.path(), &text);
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.2"]);
    slow(&west);
    write(folder.path(), &text.replace("name: west", "name: occident").replace("cluster: west", "cluster: occident"));
    renamed(&daemon, "west", "occident");
    assert!(daemon.stop().success());
}

#[test]
fn a_cluster_whose_key_in_a_secret_changed_was_gone_until_it_was_listed() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (ApiServer::start(), server("10.1.0.2"));
    home.kubeconfig(folder.path(), "home");
    let text = format!(
        "{LISTEN}clusterNames: true\nclusters:\n- name: home\n  source: {{ kubeconfig: {{ path: home.kubeconfig }} }}\n\
         registry: {{ home: home, secrets: {{ namespaces: [fleet] }}, allowServers: [127.0.0.1] }}\n"
    );
    write(folder.path(), &text);
    let kubeconfig = token(&west);
    home.put(secret("one", "clusterset-dns.io/cluster", &[("west", &kubeconfig)]));
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.2"]);
    slow(&west);
    home.put(secret("one", "clusterset-dns.io/cluster", &[("occident", &kubeconfig)]));
    renamed(&daemon, "west", "occident");
    assert!(daemon.stop().success());
}
