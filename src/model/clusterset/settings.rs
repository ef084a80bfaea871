//! What the configuration says about the clusterset as a whole.

use crate::model::host::HostSettings;
use crate::model::id::ClusterId;
use crate::model::policy::Policies;
use crate::model::probe::Evidence;
use crate::model::view::View;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Settings that the merge and `select` read (CONFIG.md).
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `clusterPriority`: ranks before age in conflicts.
    pub priority: Vec<ClusterId>,
    /// `refuseExports`: globs over `namespace/name`.
    pub refuse_exports: Vec<Arc<str>>,
    /// `remoteEndpoints`: endpoints of one remote cluster under `reach: auto`.
    pub remote_endpoints: usize,
    /// `answer`, `ttl` and `policies`.
    pub policies: Policies,
    /// `limits.cluster`.
    pub limits: ClusterLimits,
    /// Every view, `local` first, where this server stands. Their networks say whether pod ranges matter.
    pub views: Vec<View>,
    /// Addresses of host names (load balancers, gateways) as the room `resolve` last found them.
    pub resolved: HashMap<Arc<str>, Vec<IpAddr>>,
    /// Addresses whose health check fails, as the room `probe` last found them.
    pub probed: Evidence,
    /// Names in global zones.
    pub hosts: HostSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            priority: Vec::new(),
            refuse_exports: vec!["default/kubernetes".into(), "kube-system/*".into()],
            remote_endpoints: 16,
            policies: Policies { ttl: 5, ..Policies::default() },
            limits: ClusterLimits::default(),
            views: vec![View::default()],
            resolved: HashMap::new(),
            probed: HashMap::new(),
            hosts: HostSettings::default(),
        }
    }
}

/// What one cluster may contribute at most (RESILIENCE.md 2.2); the excess goes in sorted order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterLimits {
    pub services: usize,
    pub endpoints: usize,
    pub endpoints_per_service: usize,
    /// Ports per service.
    pub ports: usize,
    /// Hosts of ServiceEntry, DNSEndpoint and webhook.
    pub hosts: usize,
    pub addresses_per_host: usize,
}

impl Default for ClusterLimits {
    fn default() -> Self {
        ClusterLimits {
            services: 250_000,
            endpoints: 1_000_000,
            endpoints_per_service: 10_000,
            ports: 100,
            hosts: 50_000,
            addresses_per_host: 256,
        }
    }
}
