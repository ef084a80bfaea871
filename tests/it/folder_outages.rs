//! The row "manifest folder" of RESILIENCE.md section 5, with the program as a user runs it.

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::BinDecodable;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CONFIG: &str = "
listen: { dns: \"127.0.0.1:0\", grpc: [], health: \"\", ready: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\", admin: \"127.0.0.1:0\" }
local: { cluster: west }
ready: { monitor: continuously }
freshness: { suspectAfter: 2s, demoteAfter: 2500ms, recoverAfter: 500ms }
brake: { confirmAfter: 4s }
clusters:
- { name: east, source: { manifests: { path: east } } }
- { name: west, source: { manifests: { path: west } } }
";
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server and where it listens.
struct Server {
    process: Child,
    dns: SocketAddr,
    ready: SocketAddr,
    metrics: SocketAddr,
    admin: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clusterset-dns"));
        command.args(["serve", "--config", "config.yaml"]).current_dir(folder).env_remove("RUST_LOG");
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program runs");
        let mut lines = Vec::new();
        for line in BufReader::new(process.stdout.take().expect("piped")).lines() {
            lines.push(line.expect("text"));
            if lines.last().is_some_and(|line| line.contains("(/explain)")) {
                break;
            }
        }
        let listening = |what: &str| {
            let line = lines.iter().find(|line| line.ends_with(&format!("({what})"))).expect(what);
            line.split(' ').nth(2).expect("an address").parse().expect("an address")
        };
        let (dns, ready) = (listening("DNS over UDP and TCP"), listening("/ready"));
        Server { dns, ready, metrics: listening("/metrics"), admin: listening("/explain"), process }
    }

    fn ask(&self, name: &str) -> Vec<String> {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        socket.send_to(&crate::wire::query(name, "A"), self.dns).expect("sent");
        let mut reply = [0; 512];
        let length = socket.recv(&mut reply).expect("a reply");
        let message = Message::from_bytes(&reply[..length]).expect("hickory reads it");
        message.answers.iter().map(|record| record.data.to_string()).collect()
    }

    fn wait(&self, address: SocketAddr, path: &str, part: &str) {
        let start = Instant::now();
        loop {
            let mut stream = TcpStream::connect(address).expect("connected");
            stream
                .write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes())
                .expect("sent");
            let mut reply = String::new();
            stream.read_to_string(&mut reply).expect("a reply");
            if reply.contains(part) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{part} did not come in {path}: {reply}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_metric(&self, line: &str) {
        self.wait(self.metrics, "/metrics", &format!("\nclusterset_dns_{line}\n"));
    }
}

fn service(name: &str, address: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{ name: {name}, namespace: shop }}\n\
         spec: {{ clusterIPs: [{address}], ports: [{{ name: http, port: 80 }}] }}\n\
         ---\napiVersion: multicluster.x-k8s.io/v1beta1\nkind: ServiceExport\n\
         metadata: {{ name: {name}, namespace: shop }}\n"
    )
}

#[test]
fn manifest_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |path: &str| folder.path().join(path);
    ["east", "west"].iter().for_each(|name| std::fs::create_dir(file(name)).expect("made"));
    let many: String = (0..30).map(|number| service(&format!("s{number}"), &format!("10.1.0.{number}"))).collect();
    std::fs::write(file("config.yaml"), CONFIG).expect("written");
    std::fs::write(file("east/many.yaml"), many).expect("written");
    std::fs::write(file("east/web.yaml"), service("web", "10.1.1.1")).expect("written");
    std::fs::write(file("west/web.yaml"), service("web", "10.2.1.1")).expect("written");
    let server = Server::start(folder.path());
    let (one, web) = ("s7.shop.svc.clusterset.local", "web.shop.svc.clusterset.local");
    server.wait_metric("cluster_brake_active{source_cluster=\"east\"} 0");

    // Unmounted: the last good files are kept, the cluster ages, and comes back.
    std::fs::rename(file("east"), file("away")).expect("renamed");
    server.wait_metric("cluster_state{source_cluster=\"east\",state=\"suspect\"} 1");
    server.wait_metric("cluster_state{source_cluster=\"east\",state=\"stale\"} 1");
    server.wait(server.ready, "/ready", "cluster east: no contact for");
    assert_eq!(server.ask(one), ["10.1.0.7"]);
    std::fs::rename(file("away"), file("east")).expect("renamed");
    server.wait_metric("cluster_state{source_cluster=\"east\",state=\"fresh\"} 1");
    server.wait(server.ready, "/ready", "OK");

    // Most of it lost: held until the second reading agrees.
    std::fs::remove_file(file("east/many.yaml")).expect("removed");
    server.wait_metric("cluster_brake_active{source_cluster=\"east\"} 1");
    assert_eq!(server.ask(one), ["10.1.0.7"]);
    let explain = format!("/explain?name={one}");
    server.wait(server.admin, &explain, "objects that the last list lacks are kept until a second list agrees");
    server.wait_metric("cluster_brake_active{source_cluster=\"east\"} 0");
    server.wait(server.admin, &explain, "NXDOMAIN");
    assert_eq!(server.ask(one), [""; 0]);
    assert_eq!(server.ask(web), ["10.2.1.1", "10.1.1.1"]);
    server.wait_metric("cluster_brake_total{source_cluster=\"east\"} 2");
}
