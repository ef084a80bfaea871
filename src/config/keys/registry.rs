//! Clusters learned from objects, and what kubeconfig files may refer to (SOURCES.md section 6, RESILIENCE.md section 10).

use super::super::section::section;
use super::super::value::{ClusterName, FilePath};
use std::collections::BTreeMap;

section! {
    /// Clusters learned from objects of a home cluster.
    Registry {
        /// The cluster that holds the objects; empty is the `inCluster` entry, else `local.cluster`.
        home "home": ClusterName = ClusterName::default();
        /// Secrets that hold kubeconfigs.
        secrets "secrets": Option<RegistrySecrets> = None;
        /// ClusterProfile objects.
        cluster_profiles "clusterProfiles": Option<ClusterProfiles> = None;
        /// Hosts on loopback, link-local or metadata addresses that a Secret may name.
        allow_servers "allowServers": Vec<String> = Vec::new();
    }
}

section! {
    /// Secrets that hold kubeconfigs.
    RegistrySecrets {
        /// Namespaces that are read.
        namespaces "namespaces": Vec<String> = vec!["clusterset-dns".to_owned()];
        /// Labels of which a Secret must have one.
        labels "labels": Vec<String> =
            vec!["clusterset-dns.io/cluster=true".to_owned(), "istio/multiCluster=true".to_owned()];
    }
}

section! {
    /// ClusterProfile objects.
    ClusterProfiles requires ["namespace"] {
        /// The namespace that is read.
        namespace "namespace": String = String::new();
        /// Value of the label `x-k8s.io/cluster-manager` that a ClusterProfile must have; empty is any.
        cluster_manager "clusterManager": String = String::new();
        /// Value of the label `clusterset.multicluster.x-k8s.io` that the namespace must have; empty is any.
        cluster_set "clusterSet": String = String::new();
        /// File with a token, by name of the access provider.
        tokens "tokens": BTreeMap<String, FilePath> = BTreeMap::new();
    }
}

section! {
    /// What kubeconfig files may refer to.
    KubeconfigRules {
        /// Absolute paths of `exec` plugins that may run.
        allow_exec "allowExec": Vec<FilePath> = Vec::new();
        /// Folders, besides that of the kubeconfig, whose files it may name.
        allow_paths "allowPaths": Vec<FilePath> = Vec::new();
    }
}
