//! Clusters that join, change and leave by Secrets of the home cluster, while it serves (SOURCES.md section 6).

use crate::daemon::{Daemon, LISTEN, Reply};
use crate::support::apiserver::{ApiServer, On, Reply as Scripted, TOKEN};
use base64::Engine;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const WEB: &str = "web.shop.svc.clusterset.local";
/// Labels of Secrets that hold clusters.
pub const OWN: &str = "clusterset-dns.io/cluster";
pub const ISTIO: &str = "istio/multiCluster";
/// What home and west answer together.
pub const BOTH: [&str; 2] = ["10.1.0.1", "10.1.0.2"];

/// Two clusters that export `shop/web`, and the folder of the configuration.
pub struct Fleet {
    pub folder: TempDir,
    /// At 10.1.0.1.
    pub home: ApiServer,
    /// At 10.1.0.2.
    pub west: ApiServer,
}

impl Fleet {
    /// Home knows nothing of west.
    pub fn apart() -> Self {
        Fleet { folder: tempfile::tempdir().unwrap(), home: server("10.1.0.1"), west: server("10.1.0.2") }
    }

    /// Home has a Secret of west.
    pub fn joined() -> Self {
        let fleet = Fleet::apart();
        fleet.home.put(secret("west", OWN, &[("west", &token(&fleet.west))]));
        fleet
    }

    /// `config.yaml`.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.yaml")
    }

    /// Starts on home and its registry, with `more` settings.
    pub fn start(&self, more: &str) -> Daemon {
        configure(self.folder.path(), &self.home, more);
        Daemon::start(&self.config())
    }

    /// The same; sockets open when the clusters of the first list are there too, so the first answer has both.
    pub fn start_with_both(&self, more: &str) -> Daemon {
        let daemon = self.start(more);
        assert_eq!(sorted(&daemon.ask(WEB, "A")), BOTH, "{}", daemon.log());
        daemon
    }
}

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

/// The same with an identity.
pub fn identified(address: &str, uid: &str) -> ApiServer {
    let server = server(address);
    server.put(kube_system(uid));
    server
}

/// The Namespace by which a cluster is known.
pub fn kube_system(uid: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": uid}})
}

/// `shop/web` is at this address from now on.
pub fn serve(server: &ApiServer, address: &str) {
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
pub fn answers(daemon: &Daemon, least: usize, wanted: &[&str]) {
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0 && reply.addresses.len() >= least, "{reply:?}; log: {}", daemon.log());
        assert_eq!(daemon.ask("nobody.shop.svc.clusterset.local", "A").rcode, 3, "never SERVFAIL");
        sorted(reply) == wanted
    });
}

/// Every answer in this time has both.
pub fn stays_with_both(daemon: &Daemon, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        assert_eq!(sorted(&daemon.ask(WEB, "A")), BOTH, "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn clusters_join_change_and_leave_by_secrets_and_no_query_fails() {
    let fleet = Fleet::apart();
    let (Fleet { home, west, .. }, north) = (&fleet, server("10.1.0.3"));
    home.put(secret("istio-remote-secret-west", ISTIO, &[("west", &token(west))]));
    let mut daemon = fleet.start_with_both("");

    home.put(secret("own", OWN, &[("north", &token(&north))]));
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.2", "10.1.0.3"]);
    daemon.wait("its figures", || daemon.metric("cluster_synced{source_cluster=\"north\"}") == Some(1.0));

    // The token of west is rotated: the new one is in sync before the old one ends.
    west.accept_token("second");
    home.put(secret("istio-remote-secret-west", ISTIO, &[("west", &west.kubeconfig_text("any", "token: second"))]));
    daemon.wait_log("cluster west: read as it is configured now");
    answers(&daemon, 3, &["10.1.0.1", "10.1.0.2", "10.1.0.3"]);
    serve(west, "10.1.0.9");
    answers(&daemon, 3, &["10.1.0.1", "10.1.0.3", "10.1.0.9"]);

    // Another server under the same id, then none.
    home.put(secret("istio-remote-secret-west", ISTIO, &[("west", &token(&gone("10.1.0.4")))]));
    daemon.wait_log("it goes on being read as before");
    answers(&daemon, 3, &["10.1.0.1", "10.1.0.3", "10.1.0.9"]);
    home.delete("secrets", "fleet", "istio-remote-secret-west");
    answers(&daemon, 2, &["10.1.0.1", "10.1.0.3"]);
    assert_eq!(daemon.metric("cluster_synced{source_cluster=\"west\"}"), None);
    assert!(!daemon.log().contains(TOKEN), "no credential is logged");
    assert!(daemon.stop().success());
}

/// A server that is gone again.
fn gone(address: &str) -> ApiServer {
    let mut gone = server(address);
    gone.stop();
    gone
}

#[test]
fn one_bad_secret_is_one_finding_and_stops_no_other() {
    let fleet = Fleet::joined();
    let (Fleet { home, west, .. }, south) = (&fleet, server("10.1.0.3"));
    let mark = fleet.folder.path().join("ran");
    let plugin = format!("exec: {{apiVersion: v1, command: touch, args: ['{}']}}", mark.display());
    home.put(secret("plugin", ISTIO, &[("south", &south.kubeconfig_text("any", &plugin))]));
    home.put(secret("clash", ISTIO, &[("west", &token(&south)), ("home", &token(&south))]));
    let mut daemon = fleet.start_with_both("");
    let finding = "[bad-kubeconfig]: cluster home: Secret fleet/plugin, key south: exec: refused";
    daemon.wait_log(finding);
    daemon.wait_log("Secret fleet/clash, key home: the id home comes from `clusters` of the configuration already");
    let count = |code: &str| daemon.metric(&format!("cluster_findings{{source_cluster=\"home\",code=\"{code}\"}}"));
    daemon.wait("the figures", || count("bad-kubeconfig") == Some(1.0) && count("duplicate-cluster-id") == Some(2.0));

    // A good one that turns bad keeps what it had; the fault is told once.
    home.put(secret("west", OWN, &[("west", &west.kubeconfig_text("any", "tokenFile: /etc/passwd"))]));
    daemon.wait_log("key west: tokenFile: refused; an object may not name files");
    serve(west, "10.1.0.7");
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
    let fleet = Fleet::joined();
    let home = &fleet.home;
    let mut daemon = fleet.start_with_both("");
    let empty = json!({"kind": "List", "metadata": {"resourceVersion": "500"}, "items": []}).to_string();
    let once = Scripted::Status { code: 200, headers: Vec::new(), body: empty.clone() };
    home.script("secrets", On::Watch, [Scripted::status(410), Scripted::status(410)]);
    home.script("secrets", On::List, [once.clone(), once.clone()]);
    home.end_watches();
    daemon.wait_log("their clusters stay until a second list agrees");
    answers(&daemon, 2, &BOTH);

    // Twice.
    home.always("secrets", On::List, once);
    home.always("secrets", On::Watch, Scripted::status(410));
    home.end_watches();
    answers(&daemon, 1, &["10.1.0.1"]);
    home.unscript("secrets", On::List);
    home.unscript("secrets", On::Watch);
    answers(&daemon, 1, &BOTH);
    assert!(daemon.stop().success());
}

#[test]
fn the_registry_is_waited_for_no_longer_than_its_grace_and_a_reload_can_end_it() {
    let fleet = Fleet::joined();
    let (Fleet { home, west, .. }, config) = (&fleet, fleet.config());
    home.always("secrets", On::List, Scripted::status(403));
    let mut daemon = fleet.start("freshness: { grace: 3s }\n");
    // Open, so the grace is over: what is not found is absent.
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);
    daemon.wait_log("registry: not listed within its grace");
    daemon.wait_log("[registry-unreadable]: cluster home: ");
    assert_eq!(daemon.ask("nobody.shop.svc.clusterset.local", "A").rcode, 3);
    home.unscript("secrets", On::List);
    answers(&daemon, 1, &BOTH);

    // `clusters` wins an id: no moment without an answer.
    west.kubeconfig(fleet.folder.path(), "west");
    let text = fs::read_to_string(&config).unwrap();
    let entry = "clusters:\n- name: west\n  reach: clusterIP\n  source: { kubeconfig: { path: west.kubeconfig } }\n";
    fs::write(&config, text.replace("clusters:\n", entry)).unwrap();
    daemon.wait_log("key west: the id west comes from `clusters` of the configuration already");
    daemon.wait_log("cluster west: read as it is configured now");
    answers(&daemon, 2, &BOTH);

    // Without a registry its clusters go.
    fs::write(&config, text.replace("  home: home\n  secrets: { namespaces: [fleet] }\n", "")).unwrap();
    answers(&daemon, 1, &["10.1.0.1"]);
    assert!(daemon.stop().success());
}

#[test]
fn a_reload_while_home_did_not_answer_took_the_clusters_of_the_registry_away() {
    let fleet = Fleet::joined();
    let mut daemon = fleet.start("freshness: { grace: 1s }\n");
    answers(&daemon, 1, &BOTH);

    fleet.home.always("secrets", On::List, Scripted::status(503));
    let text = fs::read_to_string(fleet.config()).unwrap();
    fs::write(fleet.config(), text.replace("confirmAfter: 1s", "confirmAfter: 2s")).unwrap();
    daemon.wait_log("is in force");
    // Well beyond the grace of the new reading.
    stays_with_both(&daemon, Duration::from_secs(3));
    assert!(daemon.stop().success());
}
