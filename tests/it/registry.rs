//! Clusters that join, change and leave by Secrets of the home cluster, while it serves (SOURCES.md section 6).

use crate::daemon::{Daemon, LISTEN, Reply};
use crate::support::apiserver::{ApiServer, On, Reply as Scripted, TOKEN};
use base64::Engine;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const WEB: &str = "web.shop.svc.clusterset.local";
const OWN: &str = "clusterset-dns.io/cluster";
const ISTIO: &str = "istio/multiCluster";

/// An API server that exports `shop/web` at this address.
pub fn server(address: &str) -> ApiServer {
    let server = ApiServer::start();
    server.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    serve(&server, address);
    server.put(json!({
        "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport",
        "metadata": {"namespace": "shop", "name": "web"},
    }));
    server
}

fn serve(server: &ApiServer, address: &str) {
    server.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"clusterIPs": [address], "ports": [{"name": "http", "port": 80}]},
    }));
}

/// A Secret whose keys hold these texts.
pub fn secret(name: &str, label: &str, data: &[(&str, &str)]) -> Value {
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let data: serde_json::Map<_, _> = data.iter().map(|(key, text)| (key.to_string(), json!(encode(text)))).collect();
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
        "metadata": {
            "namespace": "fleet", "name": name, "labels": {label: "true"},
            "annotations": {"clusterset-dns.io/reach": "clusterIP"},
        },
    })
}

pub fn token(server: &ApiServer) -> String {
    server.kubeconfig_text("any", &format!("token: {TOKEN}"))
}

/// The configuration of home with its registry.
pub fn configure(folder: &Path, home: &ApiServer, more: &str) {
    home.kubeconfig(folder, "home");
    let text = format!(
        "{LISTEN}brake: {{ confirmAfter: 1s }}\n\
         clusters:\n- name: home\n  reach: clusterIP\n  source: {{ kubeconfig: {{ path: home.kubeconfig }} }}\n\
         registry:\n  home: home\n  secrets: {{ namespaces: [fleet] }}\n  allowServers: [127.0.0.1]\n{more}"
    );
    fs::write(folder.join("config.yaml"), text).unwrap();
}

pub fn sorted(reply: &Reply) -> Vec<String> {
    let mut addresses: Vec<String> = reply.addresses.iter().map(ToString::to_string).collect();
    addresses.sort();
    addresses
}

/// Asks until these addresses are answered; at no time fewer than `least`, and no name is ever unknown.
fn answers(daemon: &Daemon, least: usize, wanted: &[&str]) {
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0 && reply.addresses.len() >= least, "{reply:?}; log: {}", daemon.log());
        assert_eq!(daemon.ask("nobody.shop.svc.clusterset.local", "A").rcode, 3, "never SERVFAIL");
        sorted(reply) == wanted
    });
}

#[test]
fn clusters_join_change_and_leave_by_secrets_and_no_query_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west, north) = (server("10.1.0.1"), server("10.1.0.2"), server("10.1.0.3"));
    home.put(secret("istio-remote-secret-west", ISTIO, &[("west", &token(&west))]));
    configure(folder.path(), &home, "");
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    // Sockets open when the clusters of the first list are there too.
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1", "10.1.0.2"]);

    home.put(secret("own", OWN, &[("north", &token(&north))]));
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.2", "10.1.0.3"]);
    daemon.wait("its figures", || daemon.metric("cluster_synced{source_cluster=\"north\"}") == Some(1.0));

    // The token of west is rotated: the new one is in sync before the old one ends.
    west.accept_token("second");
    home.put(secret("istio-remote-secret-west", ISTIO, &[("west", &west.kubeconfig_text("any", "token: second"))]));
    daemon.wait_log("cluster west: read as it is configured now");
    answers(&daemon, 3, &["10.1.0.1", "10.1.0.2", "10.1.0.3"]);
    serve(&west, "10.1.0.9");
    answers(&daemon, 3, &["10.1.0.1", "10.1.0.3", "10.1.0.9"]);

    // Another server under the same id, then none.
    home.put(secret("istio-remote-secret-west", ISTIO, &[("west", &token(&server_of("10.1.0.4", &home)))]));
    daemon.wait_log("it goes on being read as before");
    answers(&daemon, 3, &["10.1.0.1", "10.1.0.3", "10.1.0.9"]);
    home.delete("secrets", "fleet", "istio-remote-secret-west");
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.3"]);
    assert_eq!(daemon.metric("cluster_synced{source_cluster=\"west\"}"), None);
    assert!(!daemon.log().contains(TOKEN), "no credential is logged");
    assert!(daemon.stop().success());
}

/// A server that is gone again.
fn server_of(address: &str, _like: &ApiServer) -> ApiServer {
    let mut gone = server(address);
    gone.stop();
    gone
}

#[test]
fn one_bad_secret_is_one_finding_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west, south) = (server("10.1.0.1"), server("10.1.0.2"), server("10.1.0.3"));
    let mark = folder.path().join("ran");
    let plugin = format!("exec: {{apiVersion: v1, command: touch, args: ['{}']}}", mark.display());
    home.put(secret("good", OWN, &[("west", &token(&west))]));
    home.put(secret("plugin", ISTIO, &[("south", &south.kubeconfig_text("any", &plugin))]));
    home.put(secret("clash", ISTIO, &[("west", &token(&south)), ("home", &token(&south))]));
    configure(folder.path(), &home, "");
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1", "10.1.0.2"]);
    let finding = "[bad-kubeconfig]: cluster home: Secret fleet/plugin, key south: exec: refused";
    daemon.wait_log(finding);
    daemon.wait_log("Secret fleet/clash, key home: the id home comes from `clusters` of the configuration already");
    let count = |code: &str| daemon.metric(&format!("cluster_findings{{source_cluster=\"home\",code=\"{code}\"}}"));
    daemon.wait("the figures", || count("bad-kubeconfig") == Some(1.0) && count("duplicate-cluster-id") == Some(2.0));

    // A good one that turns bad keeps what it had; the fault is told once.
    home.put(secret("good", OWN, &[("west", &west.kubeconfig_text("any", "tokenFile: /etc/passwd"))]));
    daemon.wait_log("key west: tokenFile: refused; an object may not name files");
    serve(&west, "10.1.0.7");
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.7"]);
    assert_eq!(daemon.log().matches(finding).count(), 1);

    // Mended.
    home.put(secret("plugin", ISTIO, &[("south", &token(&south))]));
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.3", "10.1.0.7"]);
    assert!(!mark.exists(), "something ran");
    assert!(daemon.stop().success());
}

#[test]
fn a_list_without_the_secrets_takes_nothing_away_before_a_second_one_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (server("10.1.0.1"), server("10.1.0.2"));
    home.put(secret("west", OWN, &[("west", &token(&west))]));
    configure(folder.path(), &home, "");
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1", "10.1.0.2"]);
    let empty = json!({"kind": "List", "metadata": {"resourceVersion": "500"}, "items": []}).to_string();
    let once = Scripted::Status { code: 200, headers: Vec::new(), body: empty.clone() };
    home.script("secrets", On::Watch, [Scripted::status(410), Scripted::status(410)]);
    home.script("secrets", On::List, [once.clone(), once.clone()]);
    home.end_watches();
    daemon.wait_log("their clusters stay until a second list agrees");
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.2"]);

    // Twice.
    home.always("secrets", On::List, once);
    home.always("secrets", On::Watch, Scripted::status(410));
    home.end_watches();
    answers(&daemon, 1, &["10.1.0.1"]);
    home.unscript("secrets", On::List);
    home.unscript("secrets", On::Watch);
    answers(&daemon, 1, &["10.1.0.1", "10.1.0.2"]);
    assert!(daemon.stop().success());
}

#[test]
fn the_registry_is_waited_for_no_longer_than_its_grace_and_a_reload_can_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (server("10.1.0.1"), server("10.1.0.2"));
    home.always("secrets", On::List, Scripted::status(403));
    configure(folder.path(), &home, "freshness: { grace: 3s }\n");
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    // Open, so the grace is over: what is not found is absent.
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);
    daemon.wait_log("registry: not listed within its grace");
    daemon.wait_log("[registry-unreadable]: cluster home: ");
    assert_eq!(daemon.ask("nobody.shop.svc.clusterset.local", "A").rcode, 3);
    home.unscript("secrets", On::List);
    home.put(secret("west", OWN, &[("west", &token(&west))]));
    answers(&daemon, 1, &["10.1.0.1", "10.1.0.2"]);

    // `clusters` wins an id: no moment without an answer.
    west.kubeconfig(folder.path(), "west");
    let text = fs::read_to_string(folder.path().join("config.yaml")).unwrap();
    let entry = "clusters:\n- name: west\n  reach: clusterIP\n  source: { kubeconfig: { path: west.kubeconfig } }\n";
    fs::write(folder.path().join("config.yaml"), text.replace("clusters:\n", entry)).unwrap();
    daemon.wait_log("key west: the id west comes from `clusters` of the configuration already");
    daemon.wait_log("cluster west: read as it is configured now");
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.2"]);

    // Without a registry its clusters go.
    let text = text.replace("  home: home\n  secrets: { namespaces: [fleet] }\n", "");
    fs::write(folder.path().join("config.yaml"), text).unwrap();
    answers(&daemon, 1, &["10.1.0.1"]);
    assert!(daemon.stop().success());
}

#[test]
fn a_reload_while_home_did_not_answer_took_the_clusters_of_the_registry_away() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (server("10.1.0.1"), server("10.1.0.2"));
    home.put(secret("west", OWN, &[("west", &token(&west))]));
    configure(folder.path(), &home, "freshness: { grace: 1s }\n");
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    answers(&daemon, 1, &["10.1.0.1", "10.1.0.2"]);

    home.always("secrets", On::List, Scripted::status(503));
    let text = fs::read_to_string(folder.path().join("config.yaml")).unwrap();
    fs::write(folder.path().join("config.yaml"), text.replace("confirmAfter: 1s", "confirmAfter: 2s")).unwrap();
    daemon.wait_log("is in force");
    // Well beyond the grace of the new reading.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(3);
    while std::time::Instant::now() < end {
        assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1", "10.1.0.2"], "{}", daemon.log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(daemon.stop().success());
}

/// A ClusterProfile for `west` with a token file, and the configuration that reads it.
/// Home with a ClusterProfile of west, which is returned.
fn configure_profile(folder: &Path, home: &ApiServer, west: &ApiServer) -> Value {
    let kubeconfig = token(west);
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
    configure(folder, home, "");
    let text = fs::read_to_string(folder.join("config.yaml")).unwrap();
    let registry = "clusterProfiles: { namespace: fleet, tokens: { tokens: west.token } }";
    let text = text.replace("secrets: { namespaces: [fleet] }", registry);
    fs::write(folder.join("config.yaml"), text).unwrap();
    home.put(profile.clone());
    profile
}

#[test]
fn a_cluster_profile_is_a_cluster_and_its_token_file_rotates() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (server("10.1.0.1"), server("10.1.0.2"));
    fs::write(folder.path().join("west.token"), TOKEN).unwrap();
    configure_profile(folder.path(), &home, &west);
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    let found = daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2);
    assert_eq!(sorted(&found), ["10.1.0.1", "10.1.0.2"]);
    daemon.wait("its figures", || daemon.metric("cluster_synced{source_cluster=\"west\"}") == Some(1.0));

    // The token is over: the file has the next one.
    fs::write(folder.path().join("west.token"), "second").unwrap();
    west.accept_token("second");
    west.end_watches();
    serve(&west, "10.1.0.9");
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.9"]);
    home.delete("clusterprofiles", "fleet", "west-of-the-fleet");
    answers(&daemon, 1, &["10.1.0.1"]);
    assert!(daemon.stop().success());
}

#[test]
fn a_token_file_that_appeared_later_connected_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (server("10.1.0.1"), server("10.1.0.2"));
    configure_profile(folder.path(), &home, &west);
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);
    daemon.wait_log("[bad-kubeconfig]: cluster home: ClusterProfile fleet/west-of-the-fleet: cannot read");
    // As a mounted Secret appears: whole.
    fs::write(folder.path().join("new"), TOKEN).unwrap();
    fs::rename(folder.path().join("new"), folder.path().join("west.token")).unwrap();
    answers(&daemon, 1, &["10.1.0.1", "10.1.0.2"]);
    assert!(daemon.stop().success());
}

#[test]
fn a_profile_whose_control_plane_is_ill_puts_its_cluster_last_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (server("10.1.0.1"), server("10.1.0.2"));
    fs::write(folder.path().join("west.token"), TOKEN).unwrap();
    let mut profile = configure_profile(folder.path(), &home, &west);
    let config = fs::read_to_string(folder.path().join("config.yaml")).unwrap();
    fs::write(folder.path().join("config.yaml"), config + "freshness: { recoverAfter: 500ms, evidence: stale }\n")
        .unwrap();
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2 && reply.ede.is_none());

    let mut condition = |status: &str| {
        profile["status"]["conditions"] = json!([{"type": "ControlPlaneHealthy", "status": status, "reason": "Down"}]);
        home.put(profile.clone());
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
