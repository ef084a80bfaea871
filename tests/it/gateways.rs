//! What Submariner's gateways say of other clusters, as evidence (`freshness.evidence`, SOURCES.md 3.2): from an API server and
//! from a folder.

use crate::daemon::{Daemon, LISTEN, Reply};
use crate::registry::Fleet;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const WEB: &str = "web.shop.svc.clusterset.local";
const NORTH: &str = "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\n\
    spec: { clusterIPs: [10.1.0.3], ports: [{ name: http, port: 80 }] }\n---\n\
    apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceExport\nmetadata: { name: web, namespace: shop }\n";

/// A gateway that says this of its connection to `cluster`.
fn gateway(ha: &str, cluster: &str, status: &str) -> Value {
    json!({
        "apiVersion": "submariner.io/v1", "kind": "Gateway",
        "metadata": {"namespace": "submariner-operator", "name": "node-1"},
        "status": {
            "haStatus": ha, "localEndpoint": {"cluster_id": "here"},
            "connections": [{"status": status, "statusMessage": "", "endpoint": {"cluster_id": cluster}}],
        },
    })
}

/// The folder of north, with this gateway.
fn north(folder: &Path, gateway: Value) {
    fs::create_dir_all(folder.join("north")).unwrap();
    fs::write(folder.join("north.new"), format!("{NORTH}---\n{gateway}\n")).unwrap();
    fs::rename(folder.join("north.new"), folder.join("north/web.yaml")).unwrap();
}

/// Home and west, and a folder of north; home and north say this.
fn start(home_says: Value, north_says: Value, evidence: &str) -> (Fleet, Daemon) {
    let fleet = Fleet::apart();
    fleet.home.put(home_says);
    north(fleet.folder.path(), north_says);
    fleet.home.kubeconfig(fleet.folder.path(), "home");
    fleet.west.kubeconfig(fleet.folder.path(), "west");
    let config = format!(
        "{LISTEN}freshness: {{ recoverAfter: 500ms{evidence} }}\nclusters:\n\
         - {{ name: west, aliases: [west-of-submariner], reach: clusterIP, source: {{ kubeconfig: {{ path: west.kubeconfig }} }} }}\n\
         - {{ name: home, reach: clusterIP, source: {{ kubeconfig: {{ path: home.kubeconfig }} }} }}\n\
         - {{ name: north, reach: clusterIP, source: {{ manifests: {{ path: north }} }} }}\n"
    );
    fs::write(fleet.config(), config).unwrap();
    let daemon = Daemon::start(&fleet.config());
    (fleet, daemon)
}

fn state(daemon: &Daemon, state: &str) -> bool {
    daemon.metric(&format!("cluster_state{{source_cluster=\"west\",state=\"{state}\"}}")) == Some(1.0)
}

fn is_last(reply: &Reply) -> bool {
    assert_eq!((reply.rcode, reply.addresses.len()), (0, 3), "{reply:?}");
    reply.addresses.last() == Some(&"10.1.0.2".parse().unwrap()) && reply.ede == Some(3)
}

#[test]
fn a_cluster_that_no_gateway_reaches_comes_last_until_one_does() {
    let reached = gateway("active", "west", "connected");
    let (fleet, mut daemon) =
        start(gateway("active", "west-of-submariner", "connected"), reached.clone(), ", evidence: stale");
    let Fleet { folder, home, .. } = &fleet;
    let status = |witness: &str, status: &str| {
        let labels = format!("source_cluster=\"west\",witness=\"{witness}\",status=\"{status}\"");
        daemon.metric(&format!("cluster_connections{{{labels}}}")) == Some(1.0)
    };
    daemon.wait("what they say", || status("home", "connected") && status("north", "connected"));
    assert!(state(&daemon, "fresh") && daemon.ask(WEB, "A").ede.is_none());

    // One that does not reach it is not enough.
    home.put(gateway("active", "west-of-submariner", "error"));
    daemon.wait("what home says", || status("home", "error"));
    assert!(state(&daemon, "fresh"), "north reaches it");
    north(folder.path(), gateway("active", "west", "connecting"));
    daemon.wait("the state", || state(&daemon, "stale"));
    daemon.ask_until(WEB, "A", is_last);
    daemon.wait_log("Submariner's gateways do not reach it (home: error, north: connecting)");

    // A gateway that is gone takes what it said along, and one that reaches it speaks for it.
    home.delete("gateways", "submariner-operator", "node-1");
    daemon.wait("that home is silent", || !status("home", "error"));
    assert!(is_last(&daemon.ask(WEB, "A")));
    north(folder.path(), reached);
    daemon.wait("the state", || state(&daemon, "fresh"));
    daemon.ask_until(WEB, "A", |reply| reply.ede.is_none());
    assert!(daemon.stop().success());
}

#[test]
fn without_the_setting_it_is_suspect_and_answers_stay_and_a_passive_gateway_says_nothing() {
    let (fleet, mut daemon) = start(gateway("passive", "west", "error"), gateway("active", "north", "error"), "");
    let before = daemon.ask(WEB, "A");
    assert!(state(&daemon, "fresh"));
    fleet.home.put(gateway("active", "west", "none"));
    daemon.wait("the state", || state(&daemon, "suspect"));
    daemon.wait_log("cluster west: suspect: Submariner's gateways do not reach it (home: none)");
    let after = daemon.ask(WEB, "A");
    assert_eq!((after.rcode, after.ede, after.addresses.len()), (0, None, before.addresses.len()));
    // What a cluster says of itself counts for nothing.
    assert_eq!(daemon.metric("cluster_state{source_cluster=\"north\",state=\"fresh\"}"), Some(1.0));
    assert!(!daemon.log().contains("freshness.evidence"), "it is built");
    assert!(daemon.stop().success());
}
