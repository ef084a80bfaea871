//! Who a cluster is: one under two ids, and another one behind the same URL (RESILIENCE.md section 5).

use crate::daemon::{Daemon, LISTEN};
use crate::registry::{identified, kube_system, secret, sorted, token};
use serde_json::json;
use std::fs;

const WEB: &str = "web.shop.svc.clusterset.local";

#[test]
fn one_cluster_under_two_ids() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (identified("10.1.0.1", "uid-home"), identified("10.1.0.2", "uid-west"));
    home.kubeconfig(folder.path(), "home");
    let config = format!(
        "{LISTEN}clusterNames: true\nclusters:\n- name: home\n  reach: clusterIP\n  source: {{ kubeconfig: {{ path: home.kubeconfig }} }}\n\
         registry: {{ home: home, secrets: {{ namespaces: [fleet] }}, allowServers: [127.0.0.1] }}\n"
    );
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    home.put(secret("first", "istio/multiCluster", &[("west", &token(&west))]));
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1", "10.1.0.2"]);

    // The same cluster once more, and home itself: neither is admitted, and nobody else notices.
    home.put(secret("second", "istio/multiCluster", &[("again", &token(&west)), ("self", &token(&home))]));
    daemon.wait_log("cluster again: ");
    daemon.wait_log("same-cluster-twice: it is cluster west, which is read already");
    daemon.wait_log("same-cluster-twice: it is cluster home, which is read already");
    let count = |cluster: &str| {
        daemon.metric(&format!("cluster_findings{{source_cluster=\"{cluster}\",code=\"same-cluster-twice\"}}"))
    };
    daemon.wait("the figures", || count("again") == Some(1.0) && count("self") == Some(1.0));
    assert_eq!(daemon.metric("cluster_synced{source_cluster=\"again\"}"), Some(0.0));
    assert_eq!(daemon.ask(&format!("again.{WEB}"), "A").rcode, 3);
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1", "10.1.0.2"]);

    // When the first id is gone, the second one may have it.
    home.delete("secrets", "fleet", "first");
    daemon.ask_until(&format!("again.{WEB}"), "A", |reply| sorted(reply) == ["10.1.0.2"]);
    assert!(daemon.stop().success());
}

#[test]
fn another_cluster_behind_one_url() {
    let folder = tempfile::tempdir().unwrap();
    let mut west = identified("10.1.0.2", "uid-west");
    west.kubeconfig(folder.path(), "west");
    let config = format!(
        "{LISTEN}brake: {{ confirmAfter: 5s }}\nclusters:\n- name: west\n  reach: clusterIP\n  source: {{ kubeconfig: {{ path: west.kubeconfig }} }}\n"
    );
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.2"]);
    let objects = |address: &str, uid: &str| {
        [
            kube_system(uid),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web"},
                "spec": {"clusterIPs": [address], "ports": [{"name": "http", "port": 80}]},
            }),
            json!({
                "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport",
                "metadata": {"namespace": "shop", "name": "web"},
            }),
        ]
    };

    // For a moment: nothing of the other one is taken in.
    west.stop();
    west.restore(50_000, objects("10.6.6.6", "uid-other"));
    west.compact();
    west.resume();
    daemon.wait_log("another cluster answers (the UID of its kube-system Namespace is uid-other, it was uid-west)");
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.2"]);
    west.stop();
    west.restore(60_000, objects("10.1.0.3", "uid-west"));
    west.compact();
    west.resume();
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0 && !sorted(reply).contains(&"10.6.6.6".to_owned()), "{reply:?}");
        sorted(reply) == ["10.1.0.3"]
    });

    // For good: it was built anew, which a second look confirms.
    west.stop();
    west.restore(70_000, objects("10.1.0.4", "uid-new"));
    west.compact();
    west.resume();
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0, "{reply:?}");
        sorted(reply) == ["10.1.0.4"]
    });
    assert!(daemon.log().contains("another cluster stands behind its URL, as a second look confirms"));
    assert!(daemon.stop().success());
}

#[test]
fn a_snapshot_of_another_cluster_behind_the_same_name_was_taken_for_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (west, other) = (identified("10.1.0.2", "uid-west"), identified("10.6.6.6", "uid-other"));
    west.kubeconfig(folder.path(), "west");
    let path = folder.path().join("config.yaml");
    let config = format!(
        "{LISTEN}snapshot: {{ path: state, every: 1s }}\nbrake: {{ confirmAfter: 3s }}\nclusters:\n- name: west\n  \
         reach: clusterIP\n  source: {{ kubeconfig: {{ path: west.kubeconfig }} }}\n"
    );
    fs::write(&path, config).unwrap();
    let changed = "another cluster answers (the UID of its kube-system Namespace is uid-other, it was uid-west)";
    // The second start finds the cluster that it knows.
    for restored in [false, true] {
        let mut daemon = Daemon::start(&path);
        daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.2"] && reply.ede.is_none());
        assert_eq!(daemon.log().contains("restored from the snapshot"), restored);
        assert!(!daemon.log().contains("another cluster"), "{}", daemon.log());
        assert!(daemon.stop().success());
    }
    other.kubeconfig(folder.path(), "west");
    let mut daemon = Daemon::start(&path);
    let found = daemon.ask(WEB, "A");
    assert_eq!((sorted(&found), found.ede), (vec!["10.1.0.2".to_owned()], Some(3)));
    daemon.wait_log(changed);
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.2"], "held until a second look");
    daemon.ask_until(WEB, "A", |reply| {
        assert_eq!(reply.rcode, 0);
        sorted(reply) == ["10.6.6.6"] && reply.ede.is_none()
    });
    assert!(daemon.stop().success());

    // From then on the snapshot is that of the other one.
    let mut daemon = Daemon::start(&path);
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.6.6.6"] && reply.ede.is_none());
    assert!(!daemon.log().contains("another cluster"), "{}", daemon.log());
    assert!(daemon.stop().success());
}
