//! Edges of the registry: what a reload, a restart and a silent home cluster may and may not take away.

use crate::daemon::{Daemon, LISTEN};
use crate::registry::{secret, server, sorted, token};
use crate::support::apiserver::{ApiServer, On, Reply as Scripted, TOKEN};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const WEB: &str = "web.shop.svc.clusterset.local";
const OWN: &str = "clusterset-dns.io/cluster";

/// The configuration of home; `registry` and `more` are lines of it.
pub fn configure(folder: &Path, home: &ApiServer, registry: &str, more: &str) -> PathBuf {
    let config = folder.join("config.yaml");
    home.kubeconfig(folder, "home");
    let text = format!(
        "{LISTEN}brake: {{ confirmAfter: 1s }}\nclusters:\n- name: home\n  reach: clusterIP\n  \
         source: {{ kubeconfig: {{ path: home.kubeconfig }} }}\nregistry:\n  home: home\n{registry}{more}"
    );
    fs::write(&config, text).unwrap();
    config
}

/// A ClusterProfile of `fleet` for a cluster, reached with the token provider `tokens`.
pub fn profile(id: &str, server: &ApiServer) -> Value {
    let kubeconfig = token(server);
    let field = |name: &str| {
        let rest = kubeconfig.split_once(&format!("{name}: ")).unwrap().1;
        rest.split([',', '}']).next().unwrap().trim_matches('\'').to_owned()
    };
    let cluster = json!({"server": field("server"), "certificate-authority-data": field("certificate-authority-data")});
    json!({
        "apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ClusterProfile",
        "metadata": {"namespace": "fleet", "name": format!("{id}-of-the-fleet")},
        "status": {
            "properties": [{"name": "cluster.clusterset.k8s.io", "value": id}],
            "accessProviders": [{"name": "tokens", "cluster": cluster}],
        },
    })
}

#[test]
fn a_reload_while_one_collection_could_not_be_listed_took_its_clusters_away() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west, north) = (server("10.1.0.1"), server("10.1.0.2"), server("10.1.0.3"));
    fs::write(folder.path().join("any.token"), TOKEN).unwrap();
    home.put(secret("west", OWN, &[("west", &token(&west))]));
    home.put(profile("north", &north));
    let registry = "  allowServers: [127.0.0.1]\n  secrets: { namespaces: [fleet] }\n  \
                    clusterProfiles: { namespace: fleet, tokens: { tokens: any.token } }\n";
    let config = configure(folder.path(), &home, registry, "freshness: { grace: 1s }\n");
    let mut daemon = Daemon::start(&config);
    daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 3);

    // Secrets cannot be listed any more, ClusterProfiles can.
    home.always("secrets", On::List, Scripted::status(503));
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("confirmAfter: 1s", "confirmAfter: 2s")).unwrap();
    daemon.wait_log("is in force");
    // Well beyond the grace of the new reading.
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1", "10.1.0.2", "10.1.0.3"], "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    // What is told of the others counts meanwhile; once listed, so does what is gone.
    home.delete("clusterprofiles", "fleet", "north-of-the-fleet");
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1", "10.1.0.2"]);
    home.delete("secrets", "fleet", "west");
    home.unscript("secrets", On::List);
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1"]);
    assert!(daemon.stop().success());
}

#[test]
fn a_server_that_is_not_allowed_any_more_was_answered_from_the_snapshot_after_a_restart() {
    for home_is_away in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (mut home, west) = (server("10.1.0.1"), server("10.1.0.2"));
        home.put(secret("west", OWN, &[("west", &token(&west))]));
        let registry = "  allowServers: [127.0.0.1]\n  secrets: { namespaces: [fleet] }\n";
        let more = "freshness: { grace: 2s }\nsnapshot: { path: state, every: 1s }\n";
        let config = configure(folder.path(), &home, registry, more);
        let mut daemon = Daemon::start(&config);
        daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2);
        assert!(daemon.stop().success());

        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text.replace("[127.0.0.1]", "[10.9.9.9]")).unwrap();
        if home_is_away {
            home.stop();
        }
        let mut daemon = Daemon::start(&config);
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"], "{}", daemon.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        daemon.wait_log("registry: cluster west: its server is not listed in registry.allowServers any more");
        assert!(daemon.stop().success());
    }
}

#[test]
fn what_a_profile_said_against_a_cluster_stood_while_home_was_silent() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (server("10.1.0.1"), server("10.1.0.2"));
    fs::write(folder.path().join("any.token"), TOKEN).unwrap();
    let mut west_profile = profile("west", &west);
    west_profile["status"]["conditions"] = json!([{"type": "Joined", "status": "False", "reason": "Gone"}]);
    home.put(west_profile);
    let registry = "  allowServers: [127.0.0.1]\n  \
                    clusterProfiles: { namespace: fleet, tokens: { tokens: any.token } }\n";
    let more = "freshness: { suspectAfter: 2s, recoverAfter: 500ms, evidence: stale }\n";
    let config = configure(folder.path(), &home, registry, more);
    let mut daemon = Daemon::start(&config);
    let is_last = |reply: &crate::daemon::Reply| reply.addresses.len() == 2 && reply.ede == Some(3);
    daemon.ask_until(WEB, "A", is_last);
    daemon.wait_log("ClusterProfile fleet/west-of-the-fleet: Joined is False (Gone)");

    // Who cannot be read is no witness.
    home.always("clusterprofiles", On::List, Scripted::status(503));
    home.always("clusterprofiles", On::Watch, Scripted::status(503));
    home.end_watches();
    daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2 && reply.ede.is_none());
    home.unscript("clusterprofiles", On::List);
    home.unscript("clusterprofiles", On::Watch);
    daemon.ask_until(WEB, "A", is_last);
    assert!(daemon.stop().success());
}

#[test]
fn cluster_profiles_are_chosen_by_their_manager_and_by_the_clusterset_of_their_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west, north) = (server("10.1.0.1"), server("10.1.0.2"), server("10.1.0.3"));
    fs::write(folder.path().join("any.token"), TOKEN).unwrap();
    let managed = |mut profile: Value, manager: &str| {
        profile["metadata"]["labels"] = json!({"x-k8s.io/cluster-manager": manager});
        profile
    };
    let fleet = |set: &str| {
        let labels = json!({"clusterset.multicluster.x-k8s.io": set});
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fleet", "labels": labels}})
    };
    home.put(managed(profile("west", &west), "ours"));
    home.put(managed(profile("north", &north), "theirs"));
    home.put(fleet("prod"));
    let registry = "  allowServers: [127.0.0.1]\n  clusterProfiles: { namespace: fleet, clusterManager: ours, \
                    clusterSet: prod, tokens: { tokens: any.token } }\n";
    let config = configure(folder.path(), &home, registry, "");
    let mut daemon = Daemon::start(&config);
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1", "10.1.0.2"]);

    // Another manager takes it over, then gives it back.
    home.put(managed(profile("west", &west), "theirs"));
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1"]);
    home.put(managed(profile("west", &west), "ours"));
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1", "10.1.0.2"]);

    // The namespace leaves the clusterset.
    home.put(fleet("test"));
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1"]);
    daemon
        .wait_log("[not-in-clusterset]: cluster home: Namespace fleet labelled clusterset.multicluster.x-k8s.io=prod");
    home.put(fleet("prod"));
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1", "10.1.0.2"]);

    // Without the filters everything counts.
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("clusterManager: ours, clusterSet: prod, ", "")).unwrap();
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1", "10.1.0.2", "10.1.0.3"]);
    assert!(daemon.stop().success());
}
