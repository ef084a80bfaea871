//! A real kube-apiserver (or several) with the objects of a clusterset, by the program of bench/cluster.

use super::beside;
use crate::clusterset::Clusterset;
use crate::server::Stage;
use anyhow::{Context, ensure};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What is written into the API servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// ServiceImports and derived slices, as an MCS controller writes them, in one cluster.
    Imports,
    /// Services, ServiceExports and slices, in each cluster its own.
    Exports,
}

/// Running API servers; they end with this value.
pub struct Cluster {
    program: Child,
    folder: PathBuf,
}

impl Cluster {
    /// Starts etcd and the API servers and waits until they hold every object.
    ///
    /// # Errors
    /// A peer is missing, or an object was refused.
    pub fn start(stage: &Stage, built: &Path, set: &Clusterset, holding: Holding) -> anyhow::Result<Self> {
        let folder = fs::canonicalize(&stage.out)?.join(format!("cluster-{holding:?}").to_lowercase());
        fs::create_dir_all(&folder)?;
        let kind = format!("{holding:?}").to_lowercase();
        let program = beside(stage, "clusterset-dns-bench-cluster");
        let mut program = Command::new(&program)
            .args([&kind, &set.services.to_string(), &set.clusters.to_string()])
            .args([built, folder.as_path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let mut said = String::new();
        let output = program.stdout.take().context("the output is a pipe")?;
        let cluster = Cluster { program, folder };
        BufReader::new(output).read_line(&mut said)?;
        ensure!(said.trim() == "ready", "the API servers did not come up; see above");
        Ok(cluster)
    }

    /// The kubeconfig of a cluster, restricted to what deploy/rbac permits; the context has the cluster's name.
    pub fn kubeconfig(&self, cluster: &str) -> PathBuf {
        self.folder.join(format!("{cluster}.kubeconfig"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input tells it to end its own children and itself.
        drop(self.program.stdin.take());
        let _ = self.program.wait();
    }
}
