//! A restart while clusters are out of reach: the snapshot answers (RESILIENCE.md section 6).

use crate::daemon::{Daemon, LISTEN};
use crate::support::apiserver::ApiServer;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

pub const WEB: &str = "web.shop.svc.clusterset.local";

/// One API server with an exported Service, and a configuration that names it as `west`.
pub struct World {
    pub server: ApiServer,
    folder: TempDir,
}

impl World {
    /// `more` is the configuration of further clusters.
    pub fn new(more: &str) -> Self {
        let server = ApiServer::start();
        server.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
        server.put(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web"},
            "spec": {"clusterIPs": ["10.1.0.10"], "ports": [{"name": "http", "port": 80}]},
        }));
        server.put(crate::kubernetes::slice("web", "10.2.0.1"));
        server.put(export("web"));
        let folder = tempfile::tempdir().unwrap();
        server.kubeconfig(folder.path(), "west");
        let config = format!(
            "{LISTEN}snapshot: {{ path: state, every: 1s }}\nfreshness: {{ grace: 1s }}\nclusters:\n- name: west\n  \
             source: {{ kubeconfig: {{ path: west.kubeconfig }} }}\n{more}"
        );
        fs::write(folder.path().join("config.yaml"), config).unwrap();
        World { server, folder }
    }

    fn start(&self) -> Daemon {
        self.start_under(&["env"])
    }

    /// Under a program that starts the server in its own place.
    pub fn start_under(&self, program: &[&str]) -> Daemon {
        Daemon::start_under(program, &self.folder.path().join("config.yaml"))
    }

    /// Its snapshot.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("state/snapshot")
    }
}

pub fn export(name: &str) -> serde_json::Value {
    json!({
        "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport",
        "metadata": {"namespace": "shop", "name": name, "creationTimestamp": "2024-03-01T00:00:00Z"},
    })
}

#[test]
fn a_restart_during_an_outage_answers_from_the_snapshot_until_the_cluster_is_in_sync() {
    let mut world = World::new("");
    let mut first = world.start();
    let before = first.ask(WEB, "A");
    assert_eq!((before.rcode, before.addresses.len(), before.ede), (0, 1, None));
    let serial = |daemon: &Daemon| daemon.metric("table_serial{zone=\"clusterset.local.\"}").unwrap();
    let serial_before = serial(&first);
    assert!(first.stop().success(), "{}", first.log());
    assert!(world.file().exists());

    world.server.stop();
    let second = world.start();
    let during = second.ask(WEB, "A");
    assert_eq!((during.addresses, during.rcode, during.ede), (before.addresses.clone(), 0, Some(3)));
    assert_eq!(second.ask("nobody.shop.svc.clusterset.local", "A").rcode, 3, "it counts as synced");
    assert!(serial(&second) > serial_before);
    assert_eq!(second.metric("snapshot_loaded_clusters"), Some(1.0));
    assert_eq!(second.metric("cluster_synced{source_cluster=\"west\"}"), Some(0.0));
    assert!(second.metric("cluster_snapshot_age_seconds{source_cluster=\"west\"}").is_some());
    assert!(second.log().contains("cluster west: 4 objects restored from the snapshot"), "{}", second.log());

    // Killed without a word, and once more from what the second has written.
    second.wait("a snapshot", || second.metric("snapshot_bytes").is_some_and(|octets| octets > 0.0));
    second.signal("KILL");
    drop(second);
    let mut third = world.start();
    assert_eq!(third.ask(WEB, "A").ede, Some(3));
    world.server.resume();
    let after = third.ask_until(WEB, "A", |reply| reply.ede.is_none());
    assert_eq!((after.addresses, after.rcode), (before.addresses, 0));
    third.wait("the end of the mark", || {
        third.metric("cluster_snapshot_age_seconds{source_cluster=\"west\"}").is_none()
            && third.metric("cluster_synced{source_cluster=\"west\"}") == Some(1.0)
    });

    // The old list dies whole: what the cluster no longer has is gone.
    world.server.delete("serviceexports", "shop", "web");
    third.ask_until(WEB, "A", |reply| reply.rcode == 3);
    assert!(third.stop().success());
}

#[test]
fn clusters_of_folders_are_not_in_it_and_a_bad_file_is_ignored() {
    let world = World::new("- name: east\n  source: { manifests: { path: east } }\n");
    fs::create_dir(world.folder.path().join("east")).unwrap();
    let object = "apiVersion: v1\nkind: Namespace\nmetadata: { name: only-east }\n";
    fs::write(world.folder.path().join("east/a.yaml"), object).unwrap();
    let mut first = world.start();
    assert!(first.stop().success());
    let octets = fs::read(world.file()).unwrap();
    assert!(octets.windows(9).any(|window| window == b"10.1.0.10"));
    assert!(!octets.windows(9).any(|window| window == b"only-east"));

    fs::write(world.file(), b"CSDNSNAP\0\0\0\x09").unwrap();
    let mut second = world.start();
    assert_eq!(second.ask(WEB, "A").ede, None);
    assert!(second.log().contains("ignored: its format has version 9"), "{}", second.log());
    assert!(second.stop().success());
    assert_eq!(fs::read(world.file()).unwrap()[..8], *b"CSDNSNAP");
}

#[test]
fn a_folder_that_cannot_be_written_is_one_warning() {
    let world = World::new("");
    // Not even root makes a folder of a file.
    fs::write(world.folder.path().join("state"), b"").unwrap();
    let mut daemon = world.start();
    daemon.wait("two failures", || daemon.metric("snapshot_write_failures_total").is_some_and(|count| count >= 2.0));
    assert_eq!(daemon.ask(WEB, "A").rcode, 0);
    assert!(daemon.stop().success());
    assert_eq!(daemon.log().matches("cannot be written").count(), 1, "{}", daemon.log());
}
