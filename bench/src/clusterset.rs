//! The bench clusterset: what exists, computed from a service's number, the same in every run.
//!
//! N services in N/50 namespaces, exported from K clusters, one address to eight each; every fifth is headless, every
//! fourth is exported from two clusters. Cluster 1 is where the clients stand. All have a port `http` 8080.

use crate::expect::stir;
use anyhow::ensure;
use std::net::Ipv4Addr;

/// Name of the zone.
pub const ZONE: &str = "clusterset.local";
/// Services of one namespace, and of one file.
pub const PER_NAMESPACE: u32 = 50;
/// The port of every service.
pub const PORT: u16 = 8080;
/// Most endpoints of one service.
const MOST_ENDPOINTS: u32 = 8;
/// Cluster addresses lie in 172.16.0.0/12, two for each service.
const MOST_SERVICES: u32 = 1 << 19;

/// Its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clusterset {
    pub services: u32,
    pub clusters: u32,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub number: u32,
    pub headless: bool,
    /// The first cluster's export first; at most two.
    pub exports: Vec<Export>,
}

/// A service in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// From 1.
    pub cluster: u32,
    /// `None` for a headless service.
    pub cluster_ip: Option<Ipv4Addr>,
    pub endpoints: Vec<Endpoint>,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub address: Ipv4Addr,
    pub hostname: Option<String>,
}

impl Endpoint {
    /// The label of its own name: host name, else the dashed address.
    pub fn label(&self) -> String {
        self.hostname.clone().unwrap_or_else(|| self.address.to_string().replace('.', "-"))
    }
}

/// Name of a cluster; the first by name is the local one.
pub fn cluster_name(cluster: u32) -> String {
    format!("cluster-{cluster}")
}

/// Name of a namespace.
pub fn namespace(number: u32) -> String {
    format!("ns-{number}")
}

impl Clusterset {
    /// # Errors
    /// A size that has not enough addresses.
    pub fn new(services: u32, clusters: u32) -> anyhow::Result<Self> {
        ensure!((1..=MOST_SERVICES).contains(&services), "--services is 1 to {MOST_SERVICES}");
        ensure!((1..=1000).contains(&clusters), "--clusters is 1 to 1000");
        Ok(Clusterset { services, clusters })
    }

    pub fn namespaces(&self) -> u32 {
        self.services.div_ceil(PER_NAMESPACE)
    }

    /// The services of one namespace.
    pub fn services_of(&self, namespace: u32) -> impl Iterator<Item = Service> {
        let first = namespace * PER_NAMESPACE;
        (first..(first + PER_NAMESPACE).min(self.services)).map(|number| self.service(number))
    }

    /// One service.
    pub fn service(&self, number: u32) -> Service {
        let random = stir(u64::from(number));
        let endpoints = 1 + (random % u64::from(MOST_ENDPOINTS)) as u32;
        let headless = number % 5 == 4;
        let twice = number % 4 == 3 && self.clusters > 1 && endpoints > 1;
        let first = (stir(random) % u64::from(self.clusters)) as u32;
        let shares = if twice { vec![endpoints.div_ceil(2), endpoints / 2] } else { vec![endpoints] };
        let mut next = 0;
        let export = |(turn, share): (usize, u32)| {
            let from = next;
            next += share;
            Export {
                cluster: (first + turn as u32) % self.clusters + 1,
                cluster_ip: (!headless).then(|| Ipv4Addr::from(0xac10_0000 + number * 2 + turn as u32)),
                endpoints: (from..next).map(|n| endpoint(number, n, headless)).collect(),
            }
        };
        Service { number, headless, exports: shares.into_iter().enumerate().map(export).collect() }
    }
}

/// Pods are in 10.0.0.0/8, eight numbers for each service; every second pod of a headless one has a host name.
fn endpoint(service: u32, number: u32, headless: bool) -> Endpoint {
    let address = Ipv4Addr::from(0x0a00_0100 + service * MOST_ENDPOINTS + number);
    Endpoint { address, hostname: (headless && number.is_multiple_of(2)).then(|| format!("pod-{number}")) }
}

impl Service {
    pub fn name(&self) -> String {
        format!("web-{}", self.number)
    }

    pub fn namespace(&self) -> String {
        namespace(self.number / PER_NAMESPACE)
    }

    /// `web-1.ns-0.svc.clusterset.local`.
    pub fn dns_name(&self) -> String {
        format!("{}.{}.svc.{ZONE}", self.name(), self.namespace())
    }

    /// Addresses that a client in cluster 1 gets: (local ones, the others).
    ///
    /// A ClusterSetIP service answers its cluster address where the client stands, and pods elsewhere (`reach: auto`).
    pub fn answer(&self) -> (Vec<Ipv4Addr>, Vec<Ipv4Addr>) {
        let (mut local, mut others) = (Vec::new(), Vec::new());
        for export in &self.exports {
            match (export.cluster, export.cluster_ip) {
                (1, Some(cluster_ip)) => local.push(cluster_ip),
                (1, None) => local.extend(export.endpoints.iter().map(|endpoint| endpoint.address)),
                _ => others.extend(export.endpoints.iter().map(|endpoint| endpoint.address)),
            }
        }
        (local, others)
    }

    /// Owner names below the service: `<host>.<cluster>` of a headless one, with address.
    pub fn hosts(&self) -> impl Iterator<Item = (String, Ipv4Addr)> {
        let exports = self.exports.iter().filter(|_| self.headless);
        exports.flat_map(|export| {
            export.endpoints.iter().map(|endpoint| {
                let name = format!("{}.{}.{}", endpoint.label(), cluster_name(export.cluster), self.dns_name());
                (name, endpoint.address)
            })
        })
    }
}
