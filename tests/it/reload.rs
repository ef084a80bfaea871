//! Reload of a running server: all of a changed configuration or nothing (OPERATIONS.md section 3).

use crate::daemon::{Daemon, LISTEN, Reply};
use crate::support::apiserver::ApiServer;
use serde_json::json;
use std::fs;
use std::path::Path;

const WEB: &str = "web.shop.svc.clusterset.local";

/// Writes the folder of a cluster that exports `shop/web` at this address.
pub fn cluster(folder: &Path, name: &str, address: &str) {
    fs::create_dir_all(folder.join(name)).unwrap();
    let objects = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: web, namespace: shop }}\n\
         spec: {{ clusterIPs: [{address}], ports: [{{ name: http, port: 80 }}] }}\n---\n\
         apiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceExport\nmetadata: {{ name: web, namespace: shop }}\n"
    );
    fs::write(folder.join(name).join("web.yaml"), objects).unwrap();
}

/// Writes the configuration of these clusters, read from folders of their names.
fn configure(folder: &Path, clusters: &[&str], more: &str) {
    let mut text = format!("{LISTEN}{more}clusters:\n");
    for name in clusters {
        text += &format!("- name: {name}\n  source: {{ manifests: {{ path: {name} }} }}\n  reach: clusterIP\n");
    }
    // As an editor does: never half a file.
    fs::write(folder.join("config.new"), text).unwrap();
    fs::rename(folder.join("config.new"), folder.join("config.yaml")).unwrap();
}

pub fn sorted(reply: &Reply) -> Vec<String> {
    let mut addresses: Vec<String> = reply.addresses.iter().map(ToString::to_string).collect();
    addresses.sort();
    addresses
}

#[test]
fn clusters_come_and_go_and_settings_change_while_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    for (name, address) in [("east", "10.1.0.1"), ("west", "10.1.0.2"), ("north", "10.1.0.3")] {
        cluster(folder.path(), name, address);
    }
    configure(folder.path(), &["east", "west"], "");
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    let first = daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2);
    assert_eq!((sorted(&first), first.ttl), (vec!["10.1.0.1".to_owned(), "10.1.0.2".to_owned()], 5));

    // Seen by itself: a cluster more, another TTL, a name server. No query fails meanwhile.
    configure(folder.path(), &["east", "west", "north"], "ttl: 9\n");
    let second = daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0 && reply.addresses.len() >= 2, "{reply:?}");
        assert_eq!(daemon.ask("nobody.shop.svc.clusterset.local", "A").rcode, 3, "never SERVFAIL");
        reply.addresses.len() == 3 && reply.ttl == 9
    });
    assert!(sorted(&second).contains(&"10.1.0.3".to_owned()));
    daemon.wait_log("configuration 2 is in force");
    assert_eq!(daemon.metric("config_generation"), Some(2.0));
    assert!(daemon.metric("cluster_synced{source_cluster=\"north\"}").is_some());

    // A removed cluster goes with its series.
    configure(folder.path(), &["east", "north"], "ttl: 9\n");
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.addresses.len() >= 2, "{reply:?}");
        sorted(reply) == ["10.1.0.1", "10.1.0.3"]
    });
    assert_eq!(daemon.metric("cluster_synced{source_cluster=\"west\"}"), None);
    assert!(daemon.stop().success());
}

#[test]
fn a_bad_configuration_changes_nothing_and_says_each_fault_once() {
    let folder = tempfile::tempdir().unwrap();
    cluster(folder.path(), "east", "10.1.0.1");
    configure(folder.path(), &["east"], "");
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    let before = daemon.ask_until(WEB, "A", |reply| reply.rcode == 0);
    configure(folder.path(), &["east", "east"], "ttl: 99999\n");
    daemon.wait("the failure", || daemon.metric("reload_failed_total") == Some(1.0));
    assert_eq!(daemon.metric("config_last_reload_successful"), Some(0.0));
    assert_eq!(daemon.ask(WEB, "A"), before);
    let log = daemon.log();
    assert!(log.matches("reload refused: ").count() >= 2 && log.contains("config.yaml:"), "{log}");

    // SIGHUP tries again; what needs a restart is said, the rest is taken over.
    configure(folder.path(), &["east"], "ttl: 7\nzones: [other.example]\n");
    daemon.signal("HUP");
    daemon.ask_until(WEB, "A", |reply| reply.ttl == 7);
    daemon.wait("success", || daemon.metric("config_last_reload_successful") == Some(1.0));
    daemon.wait_log("zones: the change needs a restart");
    assert!(daemon.stop().success());
}

/// An API server with `shop/web` at this address, exported.
pub fn api_server(address: &str) -> ApiServer {
    let server = ApiServer::start();
    server.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    server.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"clusterIPs": [address], "ports": [{"name": "http", "port": 80}]},
    }));
    server.put(json!({
        "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport",
        "metadata": {"namespace": "shop", "name": "web"},
    }));
    server
}

/// Writes the authority of a server, as a file that a kubeconfig names.
fn write_authority(folder: &Path, server: &ApiServer) {
    use base64::Engine;
    let pem = base64::engine::general_purpose::STANDARD.decode(server.authority()).unwrap();
    fs::write(folder.join("ca.new"), pem).unwrap();
    fs::rename(folder.join("ca.new"), folder.join("ca.crt")).unwrap();
}

#[test]
fn a_rotated_authority_takes_effect_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = api_server("10.1.0.1");
    write_authority(folder.path(), &server);
    fs::write(folder.path().join("token"), crate::support::apiserver::TOKEN).unwrap();
    let text = server.kubeconfig_text("west", "tokenFile: token");
    let data = format!("certificate-authority-data: {}", server.authority());
    let text = text.replace(&data, "certificate-authority: ca.crt");
    fs::write(folder.path().join("west.kubeconfig"), text).unwrap();
    let config = format!(
        "{LISTEN}clusters:\n- name: west\n  reach: clusterIP\n  source: {{ kubeconfig: {{ path: west.kubeconfig }} }}\n"
    );
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);

    // Until the file has the new authority, the server is not trusted and what it said is kept.
    server.renew_authority();
    server.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"clusterIPs": ["10.1.0.2"], "ports": [{"name": "http", "port": 80}]},
    }));
    daemon.wait_log("no connection: invalid peer certificate");
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);
    write_authority(folder.path(), &server);
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0 && reply.addresses.len() == 1, "{reply:?}");
        sorted(reply) == ["10.1.0.2"]
    });
    assert!(daemon.stop().success());
}

#[test]
fn a_rotated_client_certificate_takes_effect_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut server = api_server("10.1.0.1");
    let files = |server: &mut ApiServer| {
        let (certificate, key) = server.require_client_certificate();
        fs::write(at("client.crt"), certificate).unwrap();
        fs::write(at("client.key"), key).unwrap();
        write_authority(folder.path(), server);
    };
    files(&mut server);
    let user =
        format!("token: {}, client-certificate: client.crt, client-key: client.key", crate::support::apiserver::TOKEN);
    let data = format!("certificate-authority-data: {}", server.authority());
    let text = server.kubeconfig_text("west", &user).replace(&data, "certificate-authority: ca.crt");
    fs::write(at("west.kubeconfig"), text).unwrap();
    let config = format!(
        "{LISTEN}clusters:\n- name: west\n  reach: clusterIP\n  source: {{ kubeconfig: {{ path: west.kubeconfig }} }}\n"
    );
    fs::write(at("config.yaml"), config).unwrap();
    let mut daemon = Daemon::start(&at("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);
    files(&mut server);
    server.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"clusterIPs": ["10.1.0.2"], "ports": [{"name": "http", "port": 80}]},
    }));
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0 && reply.addresses.len() == 1, "{reply:?}");
        sorted(reply) == ["10.1.0.2"]
    });
    assert!(daemon.stop().success());
}

#[test]
fn a_changed_kubeconfig_is_in_sync_before_the_old_watches_end() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (api_server("10.1.0.1"), api_server("10.1.0.2"));
    old.kubeconfig(folder.path(), "west");
    let config = format!(
        "{LISTEN}clusters:\n- name: west\n  reach: clusterIP\n  source: {{ kubeconfig: {{ path: west.kubeconfig }} }}\n"
    );
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);

    // A token that is refused: the old watches go on, and still bring changes.
    old.kubeconfig_for(folder.path(), "west", "token: wrong");
    daemon.wait_log("it goes on being read as before");
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);
    old.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"clusterIPs": ["10.1.0.9"], "ports": [{"name": "http", "port": 80}]},
    }));
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.9"]);

    // A file that is none is refused whole.
    fs::write(folder.path().join("west.kubeconfig"), "nonsense").unwrap();
    daemon.wait("the failure", || daemon.metric("reload_failed_total") == Some(1.0));
    assert!(daemon.log().contains("reload refused: cluster west: "), "{}", daemon.log());

    // Another server: no moment without an answer.
    new.kubeconfig(folder.path(), "west");
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0 && reply.addresses.len() == 1, "{reply:?}");
        sorted(reply) == ["10.1.0.2"]
    });
    daemon.wait_log("the watches of before have ended");
    assert_eq!(daemon.metric("cluster_synced{source_cluster=\"west\"}"), Some(1.0));
    assert!(daemon.stop().success());
}
