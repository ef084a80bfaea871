//! One etcd: the store of all API servers of a test, each below its own prefix.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http;
use crate::process::{Process, free_port};

/// The folder of its data, and of a copy, below its own.
const DATA: &str = "etcd";
const COPY: &str = "copy";

/// A running etcd on a loopback port, with its data in a folder of its own.
pub struct Etcd {
    peers: PathBuf,
    process: Mutex<Process>,
    folder: TempDir,
    port: u16,
    peer_port: u16,
}

impl Etcd {
    /// Starts etcd and waits until it answers.
    pub fn start(peers: &Path) -> Etcd {
        let folder = tempfile::tempdir().expect("create a folder for etcd");
        let (port, peer_port) = (free_port(), free_port());
        let process = Mutex::new(spawn(peers, folder.path(), port, peer_port));
        Etcd { peers: peers.to_owned(), process, folder, port, peer_port }
    }

    /// Sends a signal, such as `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        self.process.lock().expect("no test panics while it holds the process").signal(signal);
    }

    /// Kills it, copies its data aside, starts it again.
    pub fn back_up(&self) {
        self.kill();
        copy(&self.folder.path().join(DATA), &self.folder.path().join(COPY));
        self.start_again();
    }

    /// Kills it, as a power failure would.
    pub fn kill(&self) {
        self.process.lock().expect("no test panics while it holds the process").kill();
    }

    /// Puts the data of the copy in place of its own and starts it; call while it is dead.
    pub fn restore(&self) {
        let data = self.folder.path().join(DATA);
        std::fs::remove_dir_all(&data).expect("remove the data of etcd");
        copy(&self.folder.path().join(COPY), &data);
        self.start_again();
    }

    fn start_again(&self) {
        let again = spawn(&self.peers, self.folder.path(), self.port, self.peer_port);
        *self.process.lock().expect("no test panics while it holds the process") = again;
    }

    /// Where API servers find it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Forgets every revision before the current one, so that older watches can only be answered with 410 Gone.
    pub fn compact(&self) {
        let status = self.call("/v3/maintenance/status", json!({}));
        let revision = status["header"]["revision"].as_str().expect("etcd reports its revision").to_owned();
        self.call("/v3/kv/compaction", json!({ "revision": revision, "physical": true }));
    }

    fn call(&self, path: &str, body: Value) -> Value {
        let (status, reply) = http::request(self.port, "POST", path, &body.to_string())
            .unwrap_or_else(|| panic!("etcd: no reply to {path}"));
        assert_eq!(status, 200, "etcd: {path}: {reply}");
        serde_json::from_str(&reply).unwrap_or_else(|error| panic!("etcd: {path}: {error}: {reply}"))
    }
}

/// Starts etcd and waits until it answers.
fn spawn(peers: &Path, folder: &Path, port: u16, peer_port: u16) -> Process {
    let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer_port}"));
    let mut command = Command::new(peers.join("etcd"));
    command
        .arg("--data-dir")
        .arg(folder.join(DATA))
        .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
        .args(["--initial-cluster", &format!("default={peer}")])
        .args(["--unsafe-no-fsync", "--log-level", "warn"]);
    let mut process = Process::start("etcd", folder, &mut command);
    process.wait_until("/health says true", Duration::from_secs(60), || {
        http::get(port, "/health").is_some_and(|(_, body)| body.contains("\"true\""))
    });
    process
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("create a folder");
    for entry in std::fs::read_dir(from).expect("read a folder").map(|entry| entry.expect("an entry")) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).expect("copy a file");
        }
    }
}
