//! One etcd: the store of all API servers of a test, each below its own prefix.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http;
use crate::process::{Process, free_port};

/// A running etcd on a loopback port, with its data in a folder of its own.
pub struct Etcd {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl Etcd {
    /// Starts etcd and waits until it answers.
    pub fn start(peers: &Path) -> Etcd {
        let folder = tempfile::tempdir().expect("create a folder for etcd");
        let port = free_port();
        let client = format!("http://127.0.0.1:{port}");
        let peer = format!("http://127.0.0.1:{}", free_port());
        let mut command = Command::new(peers.join("etcd"));
        command
            .arg("--data-dir")
            .arg(folder.path().join("etcd"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--unsafe-no-fsync", "--log-level", "warn"]);
        let mut process = Process::start("etcd", folder.path(), &mut command);
        process.wait_until("/health says true", Duration::from_secs(60), || {
            http::get(port, "/health").is_some_and(|(_, body)| body.contains("\"true\""))
        });
        Etcd { _process: process, _folder: folder, port }
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
