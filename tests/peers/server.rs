//! The server under test: the built `clusterset-dns` binary with a configuration file of its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::api_server::ApiServer;
use crate::http;
use crate::process::{Process, free_port};

/// A running server. Dropping it kills it.
pub struct Server {
    process: Process,
    folder: TempDir,
    /// UDP and TCP port.
    pub dns: u16,
    /// gRPC port.
    pub grpc: u16,
    ready: u16,
    metrics: u16,
}

impl Server {
    /// Starts `serve` and waits until `/ready` says 200. `settings` is YAML beside zones and listeners.
    pub fn start(settings: &str) -> Server {
        Server::start_with_lameduck("0s", settings)
    }

    /// The same with a time in which it says "not ready" and still answers, after SIGTERM.
    pub fn start_with_lameduck(lameduck: &str, settings: &str) -> Server {
        let folder = tempfile::tempdir().expect("create a folder for the server");
        let [dns, grpc, ready, metrics] = [free_port(), free_port(), free_port(), free_port()];
        let configuration = format!(
            "zones: [clusterset.local]\nglobalZones: [global]\nlameduck: {lameduck}\nlisten:\n  dns: [\"127.0.0.1:{dns}\"]\n  \
             grpc: [\"127.0.0.1:{grpc}\"]\n  health: \"\"\n  ready: \"127.0.0.1:{ready}\"\n  metrics: \"127.0.0.1:{metrics}\"\n  \
             admin: \"\"\n{settings}"
        );
        std::fs::write(folder.path().join("config.yaml"), configuration).expect("write a configuration");
        let process = serve(folder.path());
        let mut server = Server { process, folder, dns, grpc, ready, metrics };
        server.wait_ready();
        server
    }

    /// Starts it again on the same ports after it has ended, and waits until it is ready.
    pub fn start_again(&mut self) {
        self.process = serve(self.folder.path());
        self.wait_ready();
    }

    /// SIGTERM; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.process.signal("TERM");
        self.process.wait(Duration::from_secs(30))
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    fn wait_ready(&mut self) {
        let ready = self.ready;
        self.process.wait_until("/ready says 200", Duration::from_secs(60), || {
            http::get(ready, "/ready").is_some_and(|(status, _)| status == 200)
        });
    }

    /// The body of `/metrics`.
    pub fn metrics(&self) -> String {
        http::get(self.metrics, "/metrics").map(|(_, body)| body).unwrap_or_default()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends it as Kubernetes would: SIGTERM, then its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.terminate()
    }
}

fn serve(folder: &Path) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clusterset-dns"));
    command.arg("serve").arg("--config").arg(folder.join("config.yaml"));
    Process::start("clusterset-dns", folder, &mut command)
}

/// The `clusters` entry of one API server, read with a restricted kubeconfig. `more` are further keys, one a line.
pub fn cluster(api: &ApiServer, more: &[&str]) -> String {
    let kubeconfig = api.restricted_kubeconfig();
    let path: &Path = &kubeconfig;
    let mut entry = format!(
        "- name: {0}\n  source: {{ kubeconfig: {{ path: \"{1}\", context: {0} }} }}\n",
        api.name,
        path.display()
    );
    for key in more {
        entry.push_str(&format!("  {key}\n"));
    }
    entry
}
