//! Every key of the configuration, in the order of CONFIG.md, with its default.

mod cluster;
mod policy;
mod registry;
mod root;
mod serving;

pub use cluster::{ClusterAllow, ClusterEntry, FreshnessOverride, InCluster, Kubeconfig, Manifests, Source};
pub use policy::{HealthCheck, Policy, PolicyMatch};
pub use registry::{ClusterProfiles, KubeconfigRules, Registry, RegistrySecrets};
pub use root::{Chaos, Cilium, Config, Istio, K8gb, LocalView, NamespaceGlobs, SrvPriority, Transfer, ViewEntry};
pub use serving::{
    Brake, ClusterLimits, Evidence, Freshness, GrpcLimits, GrpcTls, Limits, Listen, Log, LogFormat, Metrics, QueryLog,
    Ready, ReadyMonitor, Snapshot, TcpLimits, TierBy, Tls, Udp,
};
