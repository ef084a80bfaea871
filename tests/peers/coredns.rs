//! A real CoreDNS: in front of the server with the stanzas of deploy/coredns, or alone as the second opinion.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::api_server::repository;
use crate::probe;
use crate::process::{Process, free_port};

/// A running CoreDNS.
pub struct CoreDns {
    process: Process,
    _folder: TempDir,
}

impl CoreDns {
    /// Starts CoreDNS with a Corefile and waits until `port` answers something.
    pub fn start(peers: &Path, corefile: &str, port: u16) -> CoreDns {
        let folder = tempfile::tempdir().expect("create a folder for CoreDNS");
        let path = folder.path().join("Corefile");
        std::fs::write(&path, corefile).expect("write a Corefile");
        let mut command = Command::new(peers.join("coredns"));
        command.arg("-conf").arg(&path);
        let process = Process::start("coredns", folder.path(), &mut command);
        let mut coredns = CoreDns { process, _folder: folder };
        coredns.process.wait_until(
            "its port answers",
            Duration::from_secs(30),
            || !matches!(probe::ask(port, "clusterset.local."), Err(error) if error.starts_with("no reply")),
        );
        coredns
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// One way from CoreDNS to the server: a stanza of deploy/coredns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `forward`, the client's own transport.
    Forward,
    /// `forward` with `force_tcp`.
    ForwardTcp,
    /// `grpc`.
    Grpc,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 3] = [Way::Forward, Way::ForwardTcp, Way::Grpc];

    fn file(self) -> &'static str {
        match self {
            Way::Forward => "forward.Corefile",
            Way::ForwardTcp => "forward-tcp.Corefile",
            Way::Grpc => "grpc.Corefile",
        }
    }
}

/// One CoreDNS with all three stanzas, each on a port of its own.
pub struct Front {
    /// The process.
    pub coredns: CoreDns,
    ports: [u16; 3],
}

impl Front {
    /// Puts CoreDNS in front of a server that listens on `dns` and `grpc`. The second upstream is a closed port: the
    /// first one must do. Without `cache` every question reaches it.
    pub fn start(peers: &Path, dns: u16, grpc: u16, cache: bool) -> Front {
        let ports = [free_port(), free_port(), free_port()];
        let metrics = free_port();
        let blocks: Vec<String> = Way::ALL
            .iter()
            .zip(ports)
            .map(|(&way, port)| {
                let upstream = if way == Way::Grpc { grpc } else { dns };
                stanza(way, port, [upstream, free_port()], metrics, cache)
            })
            .collect();
        Front { coredns: CoreDns::start(peers, &blocks.join("\n"), ports[2]), ports }
    }

    /// Where to ask for this way.
    pub fn port(&self, way: Way) -> u16 {
        self.ports[way as usize]
    }
}

/// The stanza as it is shipped, with loopback ports for its addresses. `example.org` is sent the same way, to see what
/// the server says to a name that is not its own. gRPC goes without TLS.
pub fn stanza(way: Way, port: u16, upstreams: [u16; 2], metrics: u16, cache: bool) -> String {
    let [first, second] = upstreams;
    let path = repository().join("deploy/coredns").join(way.file());
    let shipped = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let replacements = [
        (
            "clusterset.local:53 global:53 {",
            format!("clusterset.local:{port} global:{port} example.org:{port} {{\n    bind 127.0.0.1"),
        ),
        ("10.96.0.53:8053 10.97.0.53:8053", format!("127.0.0.1:{first} 127.0.0.1:{second}")),
        ("10.96.0.53 10.97.0.53 {", format!("127.0.0.1:{first} 127.0.0.1:{second} {{")),
        (":9153", format!("127.0.0.1:{metrics}")),
    ];
    let mut text = replacements.into_iter().fold(shipped, |text, (from, to)| text.replace(from, &to));
    if !cache {
        let (head, rest) = text.split_once("    cache 30 {").expect("a stanza has a cache block");
        let (_, tail) = rest.split_once("    }\n").expect("a cache block ends");
        text = format!("{head}{tail}");
    }
    text.lines().filter(|line| !line.trim_start().starts_with("tls")).map(|line| format!("{line}\n")).collect()
}

/// A Corefile in which CoreDNS itself answers for the clusterset, from the ServiceImports of one API server.
pub fn multicluster(port: u16, kubeconfig: &Path, context: &str) -> String {
    format!(
        "clusterset.local:{port} {{\n    bind 127.0.0.1\n    errors\n    kubernetes cluster.local clusterset.local {{\n        \
         kubeconfig {} {context}\n        multicluster clusterset.local\n    }}\n}}\n",
        kubeconfig.display()
    )
}
