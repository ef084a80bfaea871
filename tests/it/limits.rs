//! Row "memory limit; fd limit": growth is refused, UDP is not affected.

use crate::daemon::{Daemon, LISTEN};
use crate::reload::{api_server, sorted};
use crate::wire::rcode_over;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

const WEB: &str = "web.shop.svc.clusterset.local";
const LATE: &str = "late.shop.svc.clusterset.local";

fn configure(folder: &Path, memory: &str, admin: &str) {
    let listen = LISTEN.replace("admin: \"\"", &format!("admin: \"{admin}\""));
    let text = format!(
        "{listen}memoryLimit: {memory}\nclusters:\n- name: west\n  reach: clusterIP\n  \
         source: {{ kubeconfig: {{ path: west.kubeconfig }} }}\n"
    );
    fs::write(folder.join("config.new"), text).unwrap();
    fs::rename(folder.join("config.new"), folder.join("config.yaml")).unwrap();
}

fn service(name: &str, address: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": name},
        "spec": {"clusterIPs": [address], "ports": [{"name": "http", "port": 80}]},
    })
}

fn export(name: &str) -> serde_json::Value {
    json!({
        "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport",
        "metadata": {"namespace": "shop", "name": name},
    })
}

fn explained(admin: &str, name: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    write!(stream, "GET /explain?name={name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn memory_limit() {
    let folder = tempfile::tempdir().unwrap();
    let server = api_server("10.1.0.1");
    server.put(service("old", "10.1.0.2"));
    server.put(export("old"));
    server.kubeconfig(folder.path(), "west");
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    configure(folder.path(), "\"0\"", &admin);
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);

    // No process is so small. What is there is served, changed and deleted; what is new is refused.
    configure(folder.path(), "1Mi", &admin);
    daemon.wait_log("new objects are refused, changes and deletions still apply");
    server.put(service("late", "10.1.0.3"));
    server.put(export("late"));
    server.put(service("web", "10.1.0.9"));
    server.delete("serviceexports", "shop", "old");
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == ["10.1.0.9"]);
    daemon.ask_until("old.shop.svc.clusterset.local", "A", |reply| reply.rcode == 3);
    let refused = || daemon.metric("cluster_findings{source_cluster=\"west\",code=\"over-memory\"}");
    daemon.wait("both are counted", || refused() == Some(2.0));
    assert_eq!(daemon.ask(LATE, "A").rcode, 3);
    let told = explained(&admin, LATE);
    assert!(told.contains("2 new objects were refused for lack of memory"), "{told}");

    // With room, what was refused is listed again.
    configure(folder.path(), "\"0\"", &admin);
    daemon.wait_log("new objects are taken in again");
    daemon.ask_until(LATE, "A", |reply| sorted(reply) == ["10.1.0.3"]);
    daemon.wait("nothing is refused", || refused().is_none());
    assert!(daemon.stop().success());
}

#[test]
fn descriptor_limit() {
    let folder = tempfile::tempdir().unwrap();
    let server = api_server("10.1.0.1");
    server.kubeconfig(folder.path(), "west");
    configure(folder.path(), "\"0\"", "");
    let mut daemon = Daemon::start_under(&["prlimit", "--nofile=64"], &folder.path().join("config.yaml"));
    daemon.wait_log("open files: the limit is 64");
    let mut idle = Vec::new();
    for _ in 0..150 {
        idle.push(TcpStream::connect(daemon.dns()).unwrap());
        assert_eq!(daemon.ask(WEB, "A").rcode, 0, "UDP needs no descriptor");
    }
    daemon.wait_log("connections: no file descriptor is left");
    // The oldest give way, so that a new one is answered in the end.
    daemon.wait("an answer over TCP", || {
        TcpStream::connect(daemon.dns())
            .and_then(|mut stream| rcode_over(&mut stream, WEB))
            .is_ok_and(|rcode| rcode == 0)
    });
    drop(idle);
    daemon.wait("the refusals are counted", || {
        daemon.metric("tcp_refused_total{reason=\"descriptors\"}").is_some_and(|count| count > 0.0)
    });
    assert_eq!(sorted(&daemon.ask(WEB, "A")), ["10.1.0.1"]);
    assert!(daemon.stop().success(), "{}", daemon.log());
}
