//! A clusterset behind scripted API servers, one per cluster, over TLS (the ones of the tests).
//!
//! In: a [`Clusterset`]. Out: a folder with kubeconfigs and a configuration, and servers that hold the objects.

use crate::clusterset::{Clusterset, cluster_name};
use crate::manifests::{self, Ports};
use crate::support::apiserver::ApiServer;
use anyhow::Context;
use std::fs;
use std::path::Path;

/// Starts a server per cluster and writes `config.yaml` and the kubeconfigs into `folder`.
pub fn start(folder: &Path, set: &Clusterset, ports: Ports) -> anyhow::Result<Vec<ApiServer>> {
    start_with(folder, set, ports, |_| true)
}

/// The same with objects of some kinds alone.
pub fn start_with(
    folder: &Path,
    set: &Clusterset,
    ports: Ports,
    has: impl Fn(&str) -> bool,
) -> anyhow::Result<Vec<ApiServer>> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut servers = Vec::new();
    for cluster in 1..=set.clusters {
        let server = ApiServer::start();
        for namespace in 0..set.namespaces() {
            let objects = manifests::objects(set, cluster, namespace).into_iter();
            objects.filter(|object| object["kind"].as_str().is_some_and(&has)).for_each(|object| server.put(object));
        }
        server.compact();
        server.kubeconfig(folder, &cluster_name(cluster));
        servers.push(server);
    }
    let source = |cluster: &str| format!("kubeconfig: {{ path: {cluster}.kubeconfig }}");
    // Ready is to mean that everything was read, however slow the servers are.
    let grace = "freshness: { grace: 1h }\n";
    fs::write(folder.join("config.yaml"), manifests::config(set, ports, "", source) + grace)?;
    Ok(servers)
}
