//! Row "cluster removed": gone in one publish, its watches and its metric series too.

use crate::daemon::{Daemon, LISTEN};
use crate::reload::{api_server, sorted};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const WEB: &str = "web.shop.svc.clusterset.local";

fn configure(folder: &Path, clusters: &[&str]) {
    let mut text = format!("{LISTEN}local: {{ cluster: east }}\nclusters:\n");
    for name in clusters {
        text +=
            &format!("- name: {name}\n  reach: clusterIP\n  source: {{ kubeconfig: {{ path: {name}.kubeconfig }} }}\n");
    }
    fs::write(folder.join("config.new"), text).unwrap();
    fs::rename(folder.join("config.new"), folder.join("config.yaml")).unwrap();
}

#[test]
fn cluster_removed_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let (east, west) = (api_server("10.1.0.1"), api_server("10.1.0.2"));
    east.kubeconfig(folder.path(), "east");
    west.kubeconfig(folder.path(), "west");
    configure(folder.path(), &["east", "west"]);
    let daemon = Arc::new(Daemon::start(&folder.path().join("config.yaml")));
    daemon.ask_until(WEB, "A", |reply| reply.addresses.len() == 2);
    let stop = Arc::new(AtomicBool::new(false));
    let prober = {
        let (daemon, stop) = (Arc::clone(&daemon), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut history = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let reply = daemon.ask(WEB, "A");
                let seen = (reply.rcode, sorted(&reply), reply.ede);
                if history.last() != Some(&seen) {
                    history.push(seen);
                }
            }
            history
        })
    };
    configure(folder.path(), &["east"]);
    daemon.wait_log("configuration 2 is in force");
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.1"]);
    daemon.ask_until("web.shop.svc.west.global", "A", |reply| reply.rcode == 3);
    for series in ["cluster_synced", "cluster_auth_failures_total", "cluster_brake_active"] {
        assert_eq!(daemon.metric(&format!("{series}{{source_cluster=\"west\"}}")), None, "{series}");
        assert!(daemon.metric(&format!("{series}{{source_cluster=\"east\"}}")).is_some(), "{series}");
    }
    // Its watches have ended: what their ends would start is not started.
    let before = west.journal().len();
    west.end_watches();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(west.journal().len(), before, "nobody asks the cluster any more");
    stop.store(true, Ordering::Relaxed);
    let both = vec!["10.1.0.1".to_owned(), "10.1.0.2".to_owned()];
    let history = prober.join().unwrap();
    let due = [(0, both.clone(), None), (0, both[..1].to_vec(), None)];
    // A busy machine may start the prober late.
    assert!(history == due || history == due[1..], "one publish: {history:?}");
    drop(daemon);
}
