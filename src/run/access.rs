//! How the API server of a cluster is reached, as its entry of the configuration says.
//!
//! In: the entry, and what the configuration allows of kubeconfigs. Out: [`kubernetes::Access`], or why it cannot be used.

use crate::config::{Config, ConfiguredCluster, SourceSpec};
use crate::source::kubernetes;

/// How to reach the API server of a cluster.
pub(super) fn access(config: &Config, entry: &ConfiguredCluster) -> Result<kubernetes::Access, String> {
    match &entry.source {
        SourceSpec::Kubeconfig { path, context } => {
            let written = config.clusters.iter().find(|written| written.name == entry.cluster.id.as_str());
            let rules = kubernetes::Rules {
                allow_paths: config
                    .kubeconfig
                    .allow_paths
                    .iter()
                    .filter_map(|path| path.get().map(Into::into))
                    .collect(),
                allow_exec: config.kubeconfig.allow_exec.iter().filter_map(|path| path.get().map(Into::into)).collect(),
                allow_insecure: written.is_some_and(|entry| entry.allow_insecure),
                system_roots: written.is_some_and(|entry| entry.system_roots),
                proxy: written.map(|entry| entry.proxy.clone()).unwrap_or_default(),
            };
            kubernetes::read_kubeconfig(path, context.as_deref().unwrap_or_default(), &rules).map_err(|e| e.to_string())
        }
        SourceSpec::InCluster => kubernetes::Access::in_cluster(),
        SourceSpec::Manifests { .. } => Err("a folder has no API server".to_owned()),
        SourceSpec::Learned => Err("the registry knows how to reach it".to_owned()),
    }
}
