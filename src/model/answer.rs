//! What one view sees of one service: the input of `compile` and the subject of `explain`.

use super::fact::{Port, ServiceType};
use super::id::ClusterId;
use super::policy::AnswerMode;
use std::net::IpAddr;
use std::sync::Arc;

/// The addresses, ports and host names of one service in one view. Views with equal answers share a Block order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Answer {
    pub service_type: ServiceType,
    pub mode: AnswerMode,
    /// Seconds.
    pub ttl: u32,
    /// What the service name answers, sorted by tier, then stably (cluster, address).
    /// Every cut (readiness, limits, `nearest`, expiry) is taken already, for all families alike.
    pub targets: Vec<Target>,
    /// What `targets` lacks and the names of one cluster and of one topology zone still answer: targets that nothing but the
    /// cut to the nearest tier (`answer: nearest`) left out, their tiers behind those of `targets`, and addresses that
    /// another cluster's target holds already. Sorted by tier.
    pub further: Vec<Target>,
    /// Ports of the SRV rows of a ClusterSetIP service; unused for Headless (each [`Host`] has its own).
    pub ports: Vec<Port>,
    /// The `<host>.<cluster>` names, sorted by (tier, cluster, label); for Headless also the SRV targets.
    pub hosts: Vec<Host>,
}

/// One endpoint or virtual address; all its families together, so that every cut keeps A and AAAA alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// `None`: belongs to no one cluster (an Import's VIP).
    pub cluster: Option<ClusterId>,
    pub addresses: Vec<IpAddr>,
    /// 0 is nearest. Contiguous from 0 after selection.
    pub tier: u8,
    /// Share inside its tier; equal weights mean no preference. 0 drains.
    pub weight: u32,
    pub stale: bool,
    /// From a snapshot, not yet confirmed by its cluster: EDE 3 without a place behind the others.
    pub restored: bool,
    pub zone: Option<Arc<str>>,
}

/// One `<host>.<cluster>` name below the service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// A nameable id (one label or two).
    pub cluster: ClusterId,
    /// One RFC 1123 label: the endpoint's hostname, else its dashed address (DNS.md section 1).
    pub label: Arc<str>,
    pub addresses: Vec<IpAddr>,
    /// Ports of its SRV rows.
    pub ports: Vec<Port>,
    pub tier: u8,
    pub weight: u32,
    pub stale: bool,
    /// Fails its health check: it stands behind everything that does not.
    pub ill: bool,
    /// As in [`Target`].
    pub restored: bool,
    /// Listed in the SRV sets of the service name (false: it has only its own name, as after an expiry or a cut).
    pub in_service: bool,
}
