//! Three clusters behind scripted API servers whose addresses say what they are.
//!
//! In: a number of services. Out: API servers, each behind a fault proxy, with kubeconfigs; changes on request. Every
//! service has fixed IPv4 addresses and, in each cluster that exports it, IPv6 addresses that name cluster, service,
//! generation and place: a reply that mixes two generations gives itself away.

use crate::expect::stir;
use crate::support::apiserver::ApiServer;
use crate::support::faultproxy::FaultProxy;
use anyhow::Context;
use serde_json::{Value, json};
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The first one is home.
pub const CLUSTERS: [&str; 3] = ["east", "west", "north"];
/// Services of one namespace.
const PER_NAMESPACE: u32 = 50;
/// Services that come and go, beside those that stay.
pub const PASSING: u32 = 64;
/// Addresses of a service in one cluster and family, at most.
const MOST: u32 = 4;
/// A cluster that was at fault this long ago may still be left out of answers.
const FORGIVEN: Duration = Duration::from_secs(60);
/// Versions begin here and go down by [`STEP`] with each restored store, so that new ones stay below the old.
const FIRST_VERSION: u64 = 1_000_000_000_000_000;
const STEP: u64 = 10_000_000_000;

/// The clusters.
pub struct Fleet {
    pub services: u32,
    servers: Vec<Mutex<ApiServer>>,
    proxies: Vec<FaultProxy>,
    /// The newest generation of each service in each cluster, set before the API server knows it.
    pub(super) generations: Vec<AtomicU32>,
    present: Vec<AtomicBool>,
    version: AtomicU64,
    /// Milliseconds since `began` at which a cluster's last fault was seen under way; 0 = never.
    at_fault: [AtomicU64; CLUSTERS.len()],
    began: Instant,
}

/// True where a cluster exports a service; every service is exported from one to three.
pub fn exports(cluster: usize, number: u32) -> bool {
    (number % 7 + 1) >> cluster & 1 == 1
}

/// `s-7.ns-0.svc.clusterset.local`.
pub fn name(number: u32) -> String {
    format!("s-{number}.{}.svc.clusterset.local", namespace(number))
}

/// A service that comes and goes lives in one cluster.
pub fn passing_name(number: u32) -> String {
    format!("passing-{number}.ns-0.svc.clusterset.local")
}

/// How many addresses a generation has.
pub fn endpoints(generation: u32) -> u32 {
    1 + generation % MOST
}

/// Address number `place` of a generation.
pub fn v6(cluster: usize, number: u32, generation: u32, place: u32) -> Ipv6Addr {
    let [high, low] = [(generation >> 16) as u16, generation as u16];
    Ipv6Addr::new(0xfd00, 0, cluster as u16 + 1, number as u16, high, low, 0, place as u16 + 1)
}

/// The fixed address.
pub fn v4(cluster: usize, number: u32) -> Ipv4Addr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(10, cluster as u8 + 1, high, low)
}

fn namespace(number: u32) -> String {
    format!("ns-{}", number / PER_NAMESPACE)
}

impl Fleet {
    /// Starts the servers with generation 0 of everything and writes kubeconfigs into `folder`.
    pub fn start(folder: &Path, services: u32) -> anyhow::Result<Self> {
        anyhow::ensure!((1..=60_000).contains(&services), "--services is 1 to 60000");
        let mut fleet = Fleet {
            services,
            servers: CLUSTERS.iter().map(|_| Mutex::new(ApiServer::start())).collect(),
            proxies: Vec::new(),
            generations: (0..services as usize * CLUSTERS.len()).map(|_| AtomicU32::new(0)).collect(),
            present: (0..PASSING).map(|_| AtomicBool::new(false)).collect(),
            version: AtomicU64::new(FIRST_VERSION),
            at_fault: Default::default(),
            began: Instant::now(),
        };
        for (cluster, name) in CLUSTERS.iter().enumerate() {
            let (path, url) = {
                let server = fleet.server(cluster);
                fleet.fill(cluster, &server);
                (server.kubeconfig(folder, name), server.url())
            };
            let address = url.trim_start_matches("https://").parse().context("the URL of an API server")?;
            let proxy = FaultProxy::start(address);
            let text = fs::read_to_string(&path)?.replace(&url, &format!("https://{}", proxy.address()));
            fs::write(&path, text)?;
            fleet.proxies.push(proxy);
        }
        Ok(fleet)
    }

    pub fn server(&self, cluster: usize) -> MutexGuard<'_, ApiServer> {
        self.servers[cluster].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn proxy(&self, cluster: usize) -> &FaultProxy {
        &self.proxies[cluster]
    }

    /// The newest generation that a reply may show.
    pub fn generation(&self, cluster: usize, number: u32) -> u32 {
        self.generations[self.index(cluster, number)].load(SeqCst)
    }

    /// One change: the next generation of a service somewhere, or one that comes or goes.
    pub fn change(&self, random: u64) {
        let part = stir(random);
        if random.is_multiple_of(8) {
            return self.pass((part % u64::from(PASSING)) as u32);
        }
        let number = (part % u64::from(self.services)) as u32;
        let turn = (part >> 32) as usize;
        let chosen = (0..CLUSTERS.len()).map(|step| (turn + step) % CLUSTERS.len()).find(|at| exports(*at, number));
        let Some(cluster) = chosen else { return };
        let server = self.server(cluster);
        let generation = self.generations[self.index(cluster, number)].fetch_add(1, SeqCst) + 1;
        server.put(slice6(cluster, number, generation));
    }

    /// Replaces the store by one with the same objects and older versions; call while the server is stopped.
    pub fn restore(&self, cluster: usize, server: &ApiServer) {
        self.fill(cluster, server);
    }

    /// Remembers that a cluster is at fault now.
    pub fn at_fault(&self, cluster: usize) {
        self.at_fault[cluster].store(self.began.elapsed().as_millis().max(1) as u64, SeqCst);
    }

    /// True while a cluster may be left out of answers.
    pub fn may_be_absent(&self, cluster: usize) -> bool {
        let last = self.at_fault[cluster].load(SeqCst);
        cluster != 0 && last != 0 && self.began.elapsed() < Duration::from_millis(last) + FORGIVEN
    }

    fn index(&self, cluster: usize, number: u32) -> usize {
        cluster * self.services as usize + number as usize
    }

    fn fill(&self, cluster: usize, server: &ApiServer) {
        let mut objects: Vec<Value> = (0..=self.services / PER_NAMESPACE)
            .map(|space| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("ns-{space}")}}))
            .collect();
        for number in (0..self.services).filter(|number| exports(cluster, *number)) {
            let service = format!("s-{number}");
            objects.extend(exported(&namespace(number), &service));
            objects.push(slice(&namespace(number), &service, "v4", &[v4(cluster, number).to_string()]));
            objects.push(slice6(cluster, number, self.generation(cluster, number)));
        }
        for number in (0..PASSING).filter(|number| *number as usize % CLUSTERS.len() == cluster) {
            if self.present[number as usize].load(SeqCst) {
                objects.extend(passing(cluster, number));
            }
        }
        server.restore(self.version.fetch_sub(STEP, SeqCst), objects);
    }

    fn pass(&self, number: u32) {
        let cluster = number as usize % CLUSTERS.len();
        let server = self.server(cluster);
        let present = self.present[number as usize].fetch_xor(true, SeqCst);
        if !present {
            return passing(cluster, number).into_iter().for_each(|object| server.put(object));
        }
        let service = format!("passing-{number}");
        server.delete("serviceexports", "ns-0", &service);
        server.delete("services", "ns-0", &service);
        server.delete("endpointslices", "ns-0", &format!("{service}-v4"));
    }
}

fn passing(cluster: usize, number: u32) -> Vec<Value> {
    let service = format!("passing-{number}");
    let mut objects = exported("ns-0", &service).to_vec();
    objects.push(slice("ns-0", &service, "v4", &[v4(cluster, 0xff00 + number).to_string()]));
    objects
}

/// A headless Service and its export.
fn exported(space: &str, service: &str) -> [Value; 2] {
    let metadata = json!({"namespace": space, "name": service, "creationTimestamp": "2026-01-01T00:00:00Z"});
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
            "clusterIP": "None", "clusterIPs": ["None"], "ipFamilies": ["IPv4", "IPv6"],
            "ports": [{"name": "http", "port": 80}]}}),
        json!({"apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport", "metadata": metadata}),
    ]
}

fn slice6(cluster: usize, number: u32, generation: u32) -> Value {
    let addresses: Vec<String> =
        (0..endpoints(generation)).map(|place| v6(cluster, number, generation, place).to_string()).collect();
    slice(&namespace(number), &format!("s-{number}"), "v6", &addresses)
}

fn slice(space: &str, service: &str, suffix: &str, addresses: &[String]) -> Value {
    let endpoint = |address: &String| json!({"addresses": [address], "conditions": {"ready": true}});
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": space, "name": format!("{service}-{suffix}"),
            "labels": {"kubernetes.io/service-name": service}},
        "addressType": if suffix == "v6" { "IPv6" } else { "IPv4" },
        "endpoints": addresses.iter().map(endpoint).collect::<Vec<_>>(),
        "ports": [{"name": "http", "port": 80}],
    })
}
