//! A cluster as the registry knows it: how it is read, where it lies, how its services are reached.
//!
//! In: one entry of `clusters` in the configuration (or of another registry rank). Out: values the merge and `select` read.

use super::address::Prefix;
use super::id::ClusterId;
use super::probe::Check;
use std::net::IpAddr;
use std::sync::Arc;

/// What is read from a cluster (SOURCES.md 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Imports and exports.
    #[default]
    Both,
    /// ServiceImports only: its own exports are not read.
    Import,
    /// Exports only: its ServiceImports are ignored.
    Direct,
}

/// Where the addresses of `spec.ips` route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VipScope {
    /// Only inside the importing cluster.
    #[default]
    Cluster,
    /// In every cluster of the clusterset.
    Clusterset,
}

/// How clients elsewhere reach a ClusterSetIP service of this cluster without a VIP (SOURCES.md 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reach {
    /// The first of the rules of SOURCES.md 1.2 that applies.
    #[default]
    Auto,
    /// The Service's clusterIPs.
    ClusterIp,
    /// `status.loadBalancer.ingress`.
    LoadBalancer,
    /// Ready pod addresses.
    Endpoints,
    /// clusterIPs inside the network, Gateways from outside.
    Gateway,
}

/// How much is known of a cluster at this moment (RESILIENCE.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum State {
    /// Never synced, no snapshot.
    #[default]
    Unknown,
    /// Synced and in contact.
    Fresh,
    /// In doubt; served as Fresh.
    Suspect,
    /// Behind every fresh cluster, EDE 3.
    Stale,
    /// Left out where another cluster can answer.
    Expired,
}

impl State {
    /// True once the cluster's facts may be served.
    pub fn is_known(self) -> bool {
        self != State::Unknown
    }

    /// True when its rows go behind every fresh cluster and carry EDE 3.
    pub fn is_stale(self) -> bool {
        matches!(self, State::Stale | State::Expired)
    }
}

/// Region, zone and network; an unset field is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Locality {
    pub region: Option<Arc<str>>,
    pub zone: Option<Arc<str>>,
    pub network: Option<Arc<str>>,
}

/// A static gateway of a cluster's network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GatewayAddress {
    Ip(IpAddr),
    /// Looked up by the room `resolve`.
    Host(Arc<str>),
}

/// What a cluster may contribute (RESILIENCE.md rule 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// Globs over namespaces (`*` matches any run of characters).
    pub namespaces: Vec<Arc<str>>,
    pub cidrs: Vec<Prefix>,
}

impl Default for Allow {
    fn default() -> Self {
        let all = |text| Prefix::parse(text).into_iter();
        Allow { namespaces: vec!["*".into()], cidrs: all("0.0.0.0/0").chain(all("::/0")).collect() }
    }
}

/// One cluster of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    pub id: ClusterId,
    pub mode: Mode,
    pub vip_scope: VipScope,
    pub locality: Locality,
    pub reach: Reach,
    /// Service ranges that other clusters can reach.
    pub routable: Vec<Prefix>,
    pub gateways: Vec<GatewayAddress>,
    pub allow: Allow,
    /// Other ids by which objects may call this cluster.
    pub aliases: Vec<ClusterId>,
    /// Pod and service ranges, for overlap checks.
    pub cidrs: Vec<Prefix>,
    /// Left out while anything undrained is ready.
    pub drain: bool,
    /// Check of its services that no policy gives one.
    pub health: Option<Arc<Check>>,
}

impl Cluster {
    /// A cluster with every default of CONFIG.md.
    pub fn new(id: ClusterId) -> Self {
        Cluster {
            id,
            mode: Mode::default(),
            vip_scope: VipScope::default(),
            locality: Locality::default(),
            reach: Reach::default(),
            routable: Vec::new(),
            gateways: Vec::new(),
            allow: Allow::default(),
            aliases: Vec::new(),
            cidrs: Vec::new(),
            drain: false,
            health: None,
        }
    }
}
