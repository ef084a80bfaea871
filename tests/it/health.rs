//! Active health checks with the program, real HTTP servers and addresses that may be answered: those of a network
//! namespace of the test's own, for addresses of the loopback are refused.

use crate::daemon::{Daemon, Reply};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::Duration;

const INSIDE: &str = "CLUSTERSET_DNS_TEST_NAMESPACE";
const NAME: &str = "db.shop.svc.clusterset.local";
const CONFIG: &str = "
lameduck: 0s
listen: { dns: \"127.0.0.1:0\", grpc: [], health: \"\", ready: \"\", metrics: \"127.0.0.1:0\", admin: \"127.0.0.1:9154\" }
local: { cluster: east }
clusters:
- { name: east, source: { manifests: { path: east } } }
- { name: west, source: { manifests: { path: west } } }
";

/// True inside a namespace in which 198.51.100.0/24 is local. Outside, runs the test `name` in one; where none can be made
/// it is skipped, and says so.
fn in_namespace(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let enter = |command: &str| {
        let mut enter = Command::new("unshare");
        enter.args(["--user", "--map-root-user", "--net", "sh", "-c", command]);
        enter
    };
    let ready = "ip link set lo up && ip address add 198.51.100.1/24 dev lo";
    let can = enter(ready).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        eprintln!("{name}: skipped, no network namespace can be made here (unshare, ip)");
        return false;
    }
    let program = std::env::current_exe().expect("a test binary");
    let mut inside = enter(&format!("{ready} && exec \"$0\" \"$@\""));
    inside.arg(program).args(["--exact", name, "--nocapture"]).env(INSIDE, "1");
    assert!(inside.status().expect("it runs").success(), "failed inside the namespace");
    false
}

/// An HTTP server whose status a test sets.
struct Server {
    status: Arc<AtomicU16>,
    requests: Arc<AtomicU64>,
}

impl Server {
    fn start(address: &str) -> Self {
        let server = Server { status: Arc::new(AtomicU16::new(200)), requests: Arc::default() };
        let listener = TcpListener::bind(format!("{address}:8080")).expect("a free address");
        let (status, requests) = (Arc::clone(&server.status), Arc::clone(&server.requests));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                requests.fetch_add(1, Ordering::Relaxed);
                let mut request = [0; 1024];
                let length = stream.read(&mut request).unwrap_or(0);
                assert!(request[..length].starts_with(b"GET /health HTTP/1.1\r\n"), "the configured path");
                let _ = write!(stream, "HTTP/1.1 {} Set\r\nContent-Length: 0\r\n\r\n", status.load(Ordering::Relaxed));
            }
        });
        server
    }

    fn set(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

fn write_cluster(folder: &Path, addresses: &[&str]) {
    let endpoints: Vec<String> = addresses.iter().map(|address| format!("{{ addresses: [{address}] }}")).collect();
    let objects = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: db, namespace: shop }}\n\
         spec: {{ clusterIP: None, ports: [{{ name: db, port: 8080 }}] }}\n\
         ---\napiVersion: multicluster.x-k8s.io/v1beta1\nkind: ServiceExport\n\
         metadata: {{ name: db, namespace: shop }}\n\
         ---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{ name: db-1, namespace: shop, \
         labels: {{ kubernetes.io/service-name: db }} }}\naddressType: IPv4\n\
         ports: [{{ name: db, port: 8080 }}]\nendpoints: [{}]\n",
        endpoints.join(", ")
    );
    std::fs::create_dir_all(folder).expect("made");
    std::fs::write(folder.join("db.yaml"), objects).expect("written");
}

fn policy(action: &str) -> String {
    format!(
        "policies: [{{ match: {{ namespaces: [shop] }}, health: {{ probe: http, port: 8080, interval: 200ms, \
         timeout: 1s, failures: 2, successes: 2, action: {action} }} }}]\n"
    )
}

/// As an editor does: never half a file.
fn configure(folder: &Path, more: &str) {
    std::fs::write(folder.join("config.new"), format!("{CONFIG}{more}")).expect("written");
    std::fs::rename(folder.join("config.new"), folder.join("config.yaml")).expect("renamed");
}

fn explain() -> String {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], 9154))).expect("it listens");
    write!(stream, "GET /explain?name={NAME} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text");
    text
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Asks until the first address is this one and there are so many; none of the replies may be empty.
fn ask_until(daemon: &Daemon, first: &str, count: usize) {
    let wanted = |reply: &Reply| {
        assert!(reply.rcode == 0 && !reply.addresses.is_empty(), "never emptied: {reply:?}");
        reply.addresses.len() == count && reply.addresses[0] == ip(first)
    };
    daemon.ask_until(NAME, "A", wanted);
}

#[test]
fn servers_that_go_down_are_demoted_or_dropped_and_come_back_and_no_name_is_emptied() {
    if !in_namespace("health::servers_that_go_down_are_demoted_or_dropped_and_come_back_and_no_name_is_emptied") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = ("198.51.100.1", "198.51.100.2");
    write_cluster(&folder.path().join("east"), &[one]);
    write_cluster(&folder.path().join("west"), &[two]);
    configure(folder.path(), &policy("demote"));
    let (east, west) = (Server::start(one), Server::start(two));
    let daemon = Daemon::start(&folder.path().join("config.yaml"));
    let ill = |cluster: &str| {
        daemon.metric(&format!("cluster_probe_targets{{source_cluster=\"{cluster}\",state=\"ill\"}}")).unwrap_or(-1.0)
    };
    ask_until(&daemon, one, 2);
    daemon.wait("probes", || east.requests() > 2 && west.requests() > 2);
    ask_until(&daemon, one, 2);

    east.set(503);
    ask_until(&daemon, two, 2);
    daemon.wait_log("cluster east: shop/db: health check http:8080/health of 198.51.100.1 failed 2 times in a row");
    let told = explain();
    assert!(told.contains("failed 2 times in a row (HTTP status 503), since 2"), "{told}");
    west.set(500);
    daemon.wait("both ill", || ill("east") == 1.0 && ill("west") == 1.0);
    ask_until(&daemon, one, 2);
    east.set(200);
    daemon.wait("east well", || ill("east") == 0.0 && ill("west") == 1.0);
    ask_until(&daemon, one, 2);
    daemon.wait_log("succeeds again");

    configure(folder.path(), &policy("drop"));
    ask_until(&daemon, one, 1);
    east.set(503);
    ask_until(&daemon, one, 2);
    west.set(204);
    ask_until(&daemon, two, 1);

    configure(folder.path(), "");
    ask_until(&daemon, one, 2);
    let well = "cluster_probe_targets{source_cluster=\"west\",state=\"well\"}";
    daemon.wait("no targets", || daemon.metric(well) == Some(0.0));
    // One may be under way.
    std::thread::sleep(Duration::from_millis(200));
    let before = east.requests() + west.requests();
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(east.requests() + west.requests(), before, "nobody is probed any more");
}
