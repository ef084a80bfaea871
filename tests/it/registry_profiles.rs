//! Clusters that ClusterProfiles of the home cluster describe: their token files, and what their control planes say
//! (SOURCES.md section 6).

use crate::daemon::Daemon;
use crate::registry::{BOTH, Fleet, answers, configure, serve, sorted, token};
use crate::support::apiserver::TOKEN;
use serde_json::{Value, json};
use std::fs;

const WEB: &str = "web.shop.svc.clusterset.local";

/// Puts a ClusterProfile of west into home, and starts with the configuration that reads it.
fn start(fleet: &Fleet, more: &str) -> (Daemon, Value) {
    let kubeconfig = token(&fleet.west);
    let field = |name: &str| {
        let rest = kubeconfig.split_once(&format!("{name}: ")).unwrap().1;
        rest.split([',', '}']).next().unwrap().trim_matches('\'').to_owned()
    };
    let cluster = json!({"server": field("server"), "certificate-authority-data": field("certificate-authority-data")});
    let profile = json!({
        "apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ClusterProfile",
        "metadata": {"namespace": "fleet", "name": "west-of-the-fleet"},
        "status": {
            "properties": [{"name": "cluster.clusterset.k8s.io", "value": "west"}],
            "accessProviders": [{"name": "tokens", "cluster": cluster}],
        },
    });
    configure(fleet.folder.path(), &fleet.home, more);
    let text = fs::read_to_string(fleet.config()).unwrap();
    let registry = "clusterProfiles: { namespace: fleet, tokens: { tokens: west.token } }";
    fs::write(fleet.config(), text.replace("secrets: { namespaces: [fleet] }", registry)).unwrap();
    fleet.home.put(profile.clone());
    (Daemon::start(&fleet.config()), profile)
}

#[test]
fn a_cluster_profile_is_a_cluster_and_its_token_file_rotates() {
    let fleet = Fleet::apart();
    let Fleet { folder, home, west } = &fleet;
    fs::write(folder.path().join("west.token"), TOKEN).unwrap();
    let (mut daemon, _) = start(&fleet, "");
    let found = daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2);
    assert_eq!(sorted(&found), BOTH);
    daemon.wait("its figures", || daemon.metric("cluster_synced{source_cluster=\"west\"}") == Some(1.0));

    // The token is over: the file has the next one.
    fs::write(folder.path().join("west.token"), "second").unwrap();
    west.accept_token("second");
    west.end_watches();
    serve(west, "10.1.0.9");
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.9"]);
    home.delete("clusterprofiles", "fleet", "west-of-the-fleet");
    answers(&daemon, 1, &["10.1.0.1"]);
    assert!(daemon.stop().success());
}

#[test]
fn a_token_file_that_appeared_later_connected_nothing() {
    let fleet = Fleet::apart();
    let folder = fleet.folder.path();
    let (mut daemon, _) = start(&fleet, "");
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);
    daemon.wait_log("[bad-kubeconfig]: cluster home: ClusterProfile fleet/west-of-the-fleet: cannot read");
    // As a mounted Secret appears: whole.
    fs::write(folder.join("new"), TOKEN).unwrap();
    fs::rename(folder.join("new"), folder.join("west.token")).unwrap();
    answers(&daemon, 1, &BOTH);
    assert!(daemon.stop().success());
}

#[test]
fn a_profile_whose_control_plane_is_ill_puts_its_cluster_last_where_that_is_wanted() {
    let fleet = Fleet::apart();
    fs::write(fleet.folder.path().join("west.token"), TOKEN).unwrap();
    let (mut daemon, mut profile) = start(&fleet, "freshness: { recoverAfter: 500ms, evidence: stale }\n");
    daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2 && reply.ede.is_none());

    let mut condition = |status: &str| {
        profile["status"]["conditions"] = json!([{"type": "ControlPlaneHealthy", "status": status, "reason": "Down"}]);
        fleet.home.put(profile.clone());
    };
    condition("False");
    let last = Some("10.1.0.2".parse().unwrap());
    daemon.ask_until(WEB, "A", |reply| {
        reply.addresses.len() == 2 && reply.addresses.last() == last.as_ref() && reply.ede == Some(3)
    });
    daemon.wait_log("ClusterProfile fleet/west-of-the-fleet: ControlPlaneHealthy is False (Down)");
    condition("True");
    daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2 && reply.ede.is_none());
    assert!(daemon.stop().success());
}
