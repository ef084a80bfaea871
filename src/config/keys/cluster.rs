//! One entry of `clusters`.

use super::super::reader::{Reader, Setting};
use super::super::section::{choices, section};
use super::super::shape::Shape;
use super::super::tree::{Node, Value};
use super::super::value::{FilePath, Gateway, Glob, Period};
use super::{Evidence, HealthCheck};
use crate::model::{Mode, Prefix, Reach, VipScope};

section! {
    /// One cluster that is read.
    ClusterEntry requires ["name", "source"] {
        /// The id of the cluster: one DNS label, or two joined by a dot.
        name "name": String = String::new();
        /// Where its objects come from; exactly one of the three.
        source "source": Source = Source::default();
        /// Whether imports, exports or both are read.
        mode "mode": Mode = Mode::Both;
        /// Where the addresses of its ServiceImports are valid.
        vip_scope "vipScope": VipScope = VipScope::Cluster;
        /// Region of the cluster.
        region "region": String = String::new();
        /// Zone of the cluster, where it has only one.
        zone "zone": String = String::new();
        /// Network of the cluster: clusters of one network reach each other's pods.
        network "network": String = String::new();
        /// How clients elsewhere reach its services.
        reach "reach": Reach = Reach::Auto;
        /// Service ranges of this cluster that other clusters can reach.
        routable "routable": Vec<Prefix> = Vec::new();
        /// Gateways into its network: addresses or host names.
        gateways "gateways": Vec<Gateway> = Vec::new();
        /// What it may contribute.
        allow "allow": ClusterAllow = ClusterAllow::default();
        /// Other ids by which objects call this cluster.
        aliases "aliases": Vec<String> = Vec::new();
        /// Its pod and service ranges, to find overlaps and to tell whose an address is.
        cidrs "cidrs": Vec<Prefix> = Vec::new();
        /// Whether it is left out while another cluster can answer.
        drain "drain": bool = false;
        /// Ages of this cluster's data where they differ from `freshness`.
        freshness "freshness": FreshnessOverride = FreshnessOverride::default();
        /// Systems that are read in this cluster only when named here or in the top-level `adapters`.
        adapters "adapters": Vec<String> = Vec::new();
        /// Proxy to its API server.
        proxy "proxy": String = String::new();
        /// Whether its kubeconfig may skip the check of the server's certificate.
        allow_insecure "allowInsecure": bool = false;
        /// Whether the system's certificate authorities are trusted where its kubeconfig names none.
        system_roots "systemRoots": bool = false;
        /// Active health check of each of its services.
        health "health": Option<HealthCheck> = None;
    }
}

section! {
    /// Where a cluster's objects come from.
    Source [sparse] {
        /// The cluster that this server runs in.
        in_cluster "inCluster": Option<InCluster> = None;
        /// An API server by kubeconfig file.
        kubeconfig "kubeconfig": Option<Kubeconfig> = None;
        /// A folder of YAML or JSON files.
        manifests "manifests": Option<Manifests> = None;
    }
}

/// The cluster that this server runs in; it has no keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InCluster;

impl Setting for InCluster {
    fn shape() -> Shape {
        Shape::Section(Vec::new())
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.section(node, &[], &[]).map(|_| InCluster)
    }

    fn print(&self) -> Node {
        Node::bare(Value::Map(Vec::new()))
    }
}

section! {
    /// An API server by kubeconfig file.
    Kubeconfig requires ["path"] {
        /// The file.
        path "path": FilePath = FilePath::default();
        /// The context in it; empty is its current one.
        context "context": String = String::new();
    }
}

section! {
    /// A folder of YAML or JSON files.
    Manifests requires ["path"] {
        /// The folder.
        path "path": FilePath = FilePath::default();
    }
}

section! {
    /// What a cluster may contribute.
    ClusterAllow {
        /// Namespaces, by pattern.
        namespaces "namespaces": Vec<Glob> = vec![Glob::all()];
        /// Addresses, by range.
        cidrs "cidrs": Vec<Prefix> = crate::model::cluster::Allow::default().cidrs;
    }
}

section! {
    /// Ages of one cluster's data; unset ones are those of `freshness`.
    FreshnessOverride [sparse] {
        /// As `freshness.grace`.
        grace "grace": Option<Period> = None;
        /// As `freshness.suspectAfter`.
        suspect_after "suspectAfter": Option<Period> = None;
        /// As `freshness.demoteAfter`; for `local.cluster` never, unless set here.
        demote_after "demoteAfter": Option<Period> = None;
        /// As `freshness.dropAfter`; for `local.cluster` never, unless set here.
        drop_after "dropAfter": Option<Period> = None;
        /// As `freshness.recoverAfter`.
        recover_after "recoverAfter": Option<Period> = None;
        /// As `freshness.evidence`.
        evidence "evidence": Option<Evidence> = None;
    }
}

choices!(Mode { "both" => Mode::Both, "import" => Mode::Import, "direct" => Mode::Direct });
choices!(VipScope { "cluster" => VipScope::Cluster, "clusterset" => VipScope::Clusterset });
choices!(Reach {
    "auto" => Reach::Auto,
    "clusterIP" => Reach::ClusterIp,
    "loadBalancer" => Reach::LoadBalancer,
    "endpoints" => Reach::Endpoints,
    "gateway" => Reach::Gateway,
});
