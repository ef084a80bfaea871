//! A clusterset made by chance: what an MCS controller might write into one cluster.

use std::net::Ipv6Addr;

use crate::generated::random::Random;

/// How many services.
pub const SERVICES: usize = 500;
/// Namespaces with services in them. One is named as a part of the zone is, one as a cluster is.
const NAMESPACES: [&str; 10] = ["shop", "bank", "team-a", "team-b", "team-c", "media", "svc", "east", "default", "x"];
/// A namespace that holds no service.
pub const EMPTY_NAMESPACE: &str = "empty";
/// Ids of source clusters: one label, two labels, and three, which is no valid id.
const CLUSTERS: [&str; 7] = ["east", "west", "north", "eu.prod", "us.prod", "c-7", "a.b.c"];

/// Which kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Virtual addresses in `ips`.
    ClusterSetIp,
    /// Its endpoints' addresses.
    Headless,
}

/// A port of an import or of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// May be empty.
    pub name: String,
    /// `TCP`, `UDP`, `SCTP`, or empty where the object does not say (which means TCP).
    pub protocol: &'static str,
    /// Its number.
    pub number: u16,
}

/// One endpoint of a slice.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its only address.
    pub address: String,
    /// May be empty.
    pub hostname: String,
    /// `conditions.ready`; unset means ready.
    pub ready: Option<bool>,
    /// Ready though it does not serve yet: the Service publishes addresses that are not ready.
    pub published_early: bool,
}

impl Endpoint {
    /// Whether answers hold it.
    pub fn is_ready(&self) -> bool {
        self.ready != Some(false)
    }

    /// Its label in names (DNS.md section 1).
    pub fn host(&self) -> String {
        if !self.hostname.is_empty() {
            return self.hostname.clone();
        }
        let host = self.address.replace(['.', ':'], "-");
        if host.ends_with('-') { host + "0" } else { host }
    }
}

/// One EndpointSlice with MCS labels.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The source cluster.
    pub cluster: &'static str,
    /// IPv6 or IPv4.
    pub v6: bool,
    /// Endpoints, ready or not.
    pub endpoints: Vec<Endpoint>,
    /// Ports of all of them.
    pub ports: Vec<Port>,
}

/// One ServiceImport and its slices.
#[derive(Clone, Debug)]
pub struct Service {
    /// Namespace.
    pub namespace: &'static str,
    /// Name.
    pub name: String,
    /// ClusterSetIP or Headless.
    pub kind: Kind,
    /// Whether there is a ServiceImport; slices alone make no name.
    pub imported: bool,
    /// `spec.ips`.
    pub ips: Vec<String>,
    /// `spec.ports`.
    pub ports: Vec<Port>,
    /// Its slices.
    pub slices: Vec<Slice>,
}

impl Service {
    /// Its full name, with the final dot.
    pub fn name(&self) -> String {
        format!("{}.{}.svc.clusterset.local.", self.name, self.namespace)
    }
}

/// All of it.
pub struct Clusterset {
    /// Every namespace.
    pub namespaces: Vec<&'static str>,
    /// Every service.
    pub services: Vec<Service>,
}

impl Clusterset {
    /// The clusterset of this seed.
    pub fn new(seed: u64) -> Clusterset {
        let mut random = Random::new(seed);
        let services = (0..SERVICES).map(|number| service(&mut random, number)).collect();
        let mut namespaces: Vec<&'static str> = NAMESPACES.to_vec();
        namespaces.push(EMPTY_NAMESPACE);
        Clusterset { namespaces, services }
    }
}

fn service(random: &mut Random, number: usize) -> Service {
    let kind = if random.chance(50) { Kind::ClusterSetIp } else { Kind::Headless };
    let namespace = NAMESPACES[number % NAMESPACES.len()];
    // The first ones have the names of other things: of a cluster, a protocol, a part of the zone.
    let name = match number / NAMESPACES.len() {
        0 => "west".to_owned(),
        1 => "tcp".to_owned(),
        2 => "svc".to_owned(),
        _ => format!("{}-{number}", random.pick(&["web", "db", "api", "cache", "queue"])),
    };
    let (v4, v6) = *random.pick(&[(true, false), (true, false), (false, true), (true, true)]);
    let ports = ports(random);
    let has_slices = kind == Kind::Headless || random.chance(50);
    let slices = if has_slices { slices(random, number, kind, (v4, v6), &ports) } else { Vec::new() };
    let ips = ips(random, number, kind, (v4, v6));
    let imported = slices.is_empty() || !random.chance(2);
    Service { namespace, name, kind, imported, ips, ports, slices }
}

/// `spec.ips`: none yet, one a family, more than that, or some that a headless import should not have.
fn ips(random: &mut Random, number: usize, kind: Kind, families: (bool, bool)) -> Vec<String> {
    let wanted = if kind == Kind::ClusterSetIp { 95 } else { 5 };
    if !random.chance(wanted) {
        return Vec::new();
    }
    let (v4, v6) = (format!("10.99.{}.{}", number / 250, number % 250 + 1), format!("fd00:99::{:x}", number + 1));
    let all = [(families.0, v4.clone()), (families.1, v6), (random.chance(5), v4.replace("10.99", "10.98"))];
    let mut ips: Vec<String> = all.into_iter().filter(|(wanted, _)| *wanted).map(|(_, address)| address).collect();
    if random.chance(3) {
        ips.push(ips[0].clone());
    }
    ips
}

fn ports(random: &mut Random) -> Vec<Port> {
    let sets: [&[(&str, &str, u16)]; 10] = [
        &[],
        &[("", "TCP", 80)],
        &[("http", "TCP", 80)],
        &[("http", "TCP", 80), ("metrics-secured", "TCP", 9090)],
        &[("dns", "UDP", 53), ("dns-tcp", "TCP", 53)],
        &[("sig", "SCTP", 2905), ("tcp", "TCP", 1)],
        &[("http", "TCP", 443), ("quic", "UDP", 443)],
        &[("http", "", 8080)],
        &[("", "UDP", 514), ("syslog", "TCP", 601)],
        &[("pg", "TCP", 5432), ("patroni", "TCP", 8008), ("metrics", "TCP", 9187)],
    ];
    random
        .pick(&sets)
        .iter()
        .map(|&(name, protocol, number)| Port { name: name.to_owned(), protocol, number })
        .collect()
}

/// The slices of one service: for each source cluster some pods, in one or two slices a family.
fn slices(random: &mut Random, number: usize, kind: Kind, families: (bool, bool), ports: &[Port]) -> Vec<Slice> {
    let sources = if kind == Kind::Headless && random.chance(5) { 0 } else { 1 + random.below(3) };
    let first = random.below(CLUSTERS.len());
    let mut slices = Vec::new();
    for source in 0..sources {
        let mut index = (first + source * 2) % CLUSTERS.len();
        // The invalid id is rare.
        if CLUSTERS[index] == "a.b.c" && !random.chance(15) {
            index = 0;
        }
        if slices.iter().any(|slice: &Slice| slice.cluster == CLUSTERS[index]) {
            continue;
        }
        let pods = pods(random, number, index);
        let mut ports = ports.to_vec();
        for port in &mut ports {
            // The API server fills this in on slices; a pod may listen elsewhere.
            port.protocol = if port.protocol.is_empty() { "TCP" } else { port.protocol };
            port.number += if kind == Kind::Headless && number.is_multiple_of(3) { 8000 } else { 0 };
        }
        if random.chance(10) {
            ports.pop();
        }
        for (v6, wanted) in [(false, families.0), (true, families.1)] {
            let endpoints: Vec<Endpoint> =
                pods.iter().map(|pod| if v6 { pod.1.clone() } else { pod.0.clone() }).collect();
            let chunk = if random.chance(40) { endpoints.len().div_ceil(2).max(1) } else { endpoints.len().max(1) };
            // While endpoints move between slices, one may stand in two.
            let twice = endpoints.len() > 1 && random.chance(5);
            let more = if twice { &endpoints[..1] } else { &[] };
            let parts = endpoints.chunks(chunk).chain(more.chunks(1)).filter(|_| wanted);
            slices.extend(parts.map(|part| Slice {
                cluster: CLUSTERS[index],
                v6,
                endpoints: part.to_vec(),
                ports: ports.clone(),
            }));
        }
    }
    slices
}

/// The pods of one service in one cluster: the IPv4 and the IPv6 form of each endpoint.
fn pods(random: &mut Random, number: usize, cluster: usize) -> Vec<(Endpoint, Endpoint)> {
    let drained = random.chance(8);
    let named = random.chance(50);
    (0..random.below(6))
        .map(|pod| {
            // Two pods may share a host name, and two clusters an address.
            let hostname = if named && random.chance(85) { format!("pod-{}", random.below(4)) } else { String::new() };
            let ready = if drained { Some(false) } else { *random.pick(&[Some(true), Some(true), None, Some(false)]) };
            let published_early = ready == Some(true) && random.chance(10);
            let place = if random.chance(3) { 0 } else { cluster };
            let v4 = format!("10.{}.{}.{}", 10 + place * 10 + pod, number / 250, number % 250 + 1);
            // The host label of such an address would end in a dash.
            let tail = if pod == 1 { (number + 1, 0) } else { (0, number + 1) };
            let groups = [0xfd00, place + 1, pod + 1, tail.0, 0, 0, 0, tail.1].map(|group| group as u16);
            let v6 = Ipv6Addr::from(groups).to_string();
            let endpoint = |address| Endpoint { address, hostname: hostname.clone(), ready, published_early };
            (endpoint(v4), endpoint(v6))
        })
        .collect()
}

#[test]
fn one_seed_makes_one_clusterset() {
    let [one, same, other] = [1, 1, 2].map(|seed| format!("{:?}", Clusterset::new(seed).services));
    assert_eq!(one, same);
    assert_ne!(one, other);
}
