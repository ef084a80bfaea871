//! The program as a user runs it: the first minute, its messages, its exit codes.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_clusterset-dns");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(ROOT).env_remove("CLUSTERSET_DNS_CONFIG").env_remove("RUST_LOG");
    command.output().expect("the program runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A server of the example, stopped when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_first_minute_prints_what_was_loaded_and_a_query_that_works() {
    let mut command = Command::new(BINARY);
    command.args(["serve", "--manifests", "examples/two-clusters", "--listen", "127.0.0.1:0"]).current_dir(ROOT);
    command.env_remove("CLUSTERSET_DNS_CONFIG").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Server(command.spawn().expect("the program runs"));
    let mut lines = Vec::new();
    for line in BufReader::new(server.0.stdout.take().expect("piped")).lines() {
        lines.push(line.expect("text"));
        if lines.last().is_some_and(|line| line.starts_with("try: ")) {
            break;
        }
    }
    assert_eq!(lines[0], "cluster east: 3 exports, 0 imports, 3 services, 3 slices, no findings");
    assert_eq!(lines[1], "cluster west: 3 exports, 0 imports, 3 services, 3 slices, no findings");
    assert!(lines.contains(&"serving clusterset.local and global (local cluster east)".to_owned()), "{lines:#?}");
    let tried = lines.last().expect("a line to try");
    let words: Vec<&str> = tried.split(' ').collect();
    let [_, "dig", address, "-p", port, name] = words[..] else { panic!("{tried}") };
    let server_address: SocketAddr = format!("{}:{port}", &address[1..]).parse().expect("an address");
    assert_eq!(name, "web.shop.svc.clusterset.local");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    socket.send_to(&crate::wire::query(name, "A"), server_address).expect("sent");
    let mut reply = [0; 512];
    let length = socket.recv(&mut reply).expect("a reply");
    assert!(reply[..length].windows(4).any(|octets| octets == [10, 1, 0, 10]), "the address of east");

    let pid = server.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    let status = server.0.wait().expect("it ends");
    let mut log = String::new();
    server.0.stderr.take().expect("piped").read_to_string(&mut log).expect("text");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("answering on for 5s (lameduck)") && log.contains("second signal"), "{log}");
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }
    folder
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn two_clusters_with_one_id_stop_the_start() {
    let folder = folder(&[(
        "config.yaml",
        "clusters:\n- name: east\n  source: { manifests: { path: a } }\n- name: east\n  source: { manifests: { path: b } }\n",
    )]);
    let config = shown(&folder.path().join("config.yaml"));
    let output = run(&["serve", "--config", &config]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains(&format!("error[config]: {config}:4:9: ")) && error.contains("east"), "{error}");
}

#[cfg(feature = "kubernetes")]
#[test]
fn a_kubeconfig_without_its_context_stops_the_start_and_names_those_it_has() {
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: prod\ncontexts:\n- { name: prod, context: { cluster: c, user: u } }\n\
                      clusters:\n- { name: c, cluster: { server: \"https://127.0.0.1:1\" } }\nusers:\n- { name: u, user: { token: secret-token } }\n";
    let config = "clusters:\n- name: west\n  source: { kubeconfig: { path: west.kubeconfig, context: staging } }\n\
                  listen: { dns: \"127.0.0.1:0\", grpc: [], health: \"\", ready: \"\", metrics: \"\", admin: \"\" }\n";
    let folder = folder(&[("west.kubeconfig", kubeconfig), ("config.yaml", config)]);
    let config = shown(&folder.path().join("config.yaml"));
    for command in ["serve", "check"] {
        let output = run(&[command, "--config", &config]);
        let error = text(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{error}");
        for part in ["cluster west", "west.kubeconfig", "staging", "prod"] {
            assert!(error.contains(part), "{command}: {part} in {error}");
        }
        assert!(!error.contains("secret-token"), "never a value of a credential: {error}");
    }
    assert_eq!(run(&["serve", "--config", &config]).status.code(), Some(2));
}

#[test]
fn one_bad_input_is_one_message_and_everything_else_is_served() {
    let good = "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { clusterIPs: [10.1.0.10], ports: [{ name: http, port: 80 }] }\n\
                ---\napiVersion: multicluster.x-k8s.io/v1beta1\nkind: ServiceExport\nmetadata: { name: web, namespace: shop }\n";
    let bad = "apiVersion: v1\nkind: Service\nmetadata: { name: db, namespace: shop }\nspec: { clusterIPs: [10.1.0.256], ports: [{ name: http, port: 70000 }] }\n\
               ---\nkind: Service\n  broken: [\n---\napiVersion: v1\nkind: Service\nmetadata: { name: Not_A_Label, namespace: shop }\n\
               ---\napiVersion: v1\nkind: Service\nmetadata: { name: odd, namespace: shop }\nspec: { clusterIPs: 7 }\n";
    let folder = folder(&[("east/good.yaml", good), ("east/bad.yaml", bad)]);
    let output = run(&["check", "--manifests", &shown(folder.path())]);
    let found = text(&output.stderr);
    for (code, place) in [
        ("refused-address", "bad.yaml:4"),
        ("bad-port", "bad.yaml:4"),
        ("bad-document", "bad.yaml:7"),
        ("bad-name", "bad.yaml:11"),
        ("wrong-type", "bad.yaml:16"),
    ] {
        let line = found.lines().find(|line| line.starts_with(&format!("warning[{code}]"))).unwrap_or_default();
        assert!(line.contains(place) && line.contains("cluster east"), "{code} at {place}:\n{found}");
    }
    assert_eq!(found.lines().filter(|line| line.starts_with("warning[")).count(), 5, "{found}");
    let explained = run(&["explain", "web.shop.svc.clusterset.local", "--manifests", &shown(folder.path())]);
    assert_eq!(explained.status.code(), Some(0));
    assert!(text(&explained.stdout).contains("5 IN A 10.1.0.10"));
}

#[test]
fn help_and_version_read_well() {
    let help = text(&run(&["serve", "--help"]).stdout);
    for part in ["--manifests <DIR>", "--listen <ADDR>", "examples/two-clusters", "SIGTERM"] {
        assert!(help.contains(part), "{part} in {help}");
    }
    assert!(text(&run(&["--version"]).stdout).starts_with(&format!("clusterset-dns {}", env!("CARGO_PKG_VERSION"))));
    assert_eq!(run(&["serve"]).status.code(), Some(2), "nothing listens: a usage error");
    assert_eq!(run(&["serve", "--nonsense"]).status.code(), Some(2));
}

#[test]
fn explain_says_why_and_how_a_name_was_misread() {
    let explain = |name: &str| run(&["explain", name, "--manifests", "examples/two-clusters"]);
    let kept = explain("cart.shop.svc.clusterset.local");
    assert_eq!(kept.status.code(), Some(0));
    let story = text(&kept.stdout);
    for part in [
        "node      service shop/cart",
        "left out  east: 10.11.0.41 not ready",
        "examples/two-clusters/east/shop.yaml:",
        "kept      west: 10.12.0.41 (tier 0",
        "cart.shop.svc.clusterset.local. 5 IN A 10.12.0.41",
    ] {
        assert!(story.contains(part), "{part} in\n{story}");
    }
    let conflict = text(&explain("web.shop.svc.clusterset.local").stdout);
    assert!(conflict.contains("PortConflict: ports: http 80/TCP of cluster east is used"), "{conflict}");
    let misread = explain("web.west.svc.clusterset.local");
    assert_eq!(misread.status.code(), Some(4));
    assert!(text(&misread.stdout).contains("ask for web.shop.svc"), "{}", text(&misread.stdout));
}
