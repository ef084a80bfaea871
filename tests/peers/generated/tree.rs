//! Which names a generated clusterset has, and which addresses and ports: DNS.md section 1, written down once more, slowly.

use std::collections::{BTreeMap, BTreeSet};

use crate::generated::model::{Clusterset, Endpoint, Kind, Port, Service, Slice};

/// What stands at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// Nothing, but there are names below it, or it always exists.
    Empty,
    /// A namespace.
    Namespace,
    /// A service.
    Service,
    /// A port of a service: SRV records.
    Port,
    /// An endpoint with a name.
    Host,
    /// The zone itself, its name server, its schema version.
    OfZone,
}

/// Every existing name, lower-cased, and every service by its name, whether that exists or not.
pub struct Tree<'a> {
    nodes: BTreeMap<String, Node>,
    data: BTreeMap<String, BTreeSet<String>>,
    services: BTreeMap<String, &'a Service>,
}

const ZONE: &str = "clusterset.local.";

impl<'a> Tree<'a> {
    /// The names of a clusterset.
    pub fn new(set: &'a Clusterset) -> Tree<'a> {
        let services = set.services.iter().map(|service| (service.name(), service)).collect();
        let mut tree = Tree { nodes: BTreeMap::new(), data: BTreeMap::new(), services };
        for name in ["", "ns.dns.", "dns-version."] {
            tree.put(&format!("{name}{ZONE}"), Node::OfZone);
        }
        for name in ["svc.", "pod.", "dns."] {
            tree.put(&format!("{name}{ZONE}"), Node::Empty);
        }
        for namespace in &set.namespaces {
            tree.put(&format!("{namespace}.svc.{ZONE}"), Node::Namespace);
        }
        set.services.iter().for_each(|service| tree.add(service));
        tree
    }

    /// What stands at a name; `None` when it does not exist.
    pub fn node(&self, name: &str) -> Option<Node> {
        self.nodes.get(&name.to_ascii_lowercase()).copied()
    }

    /// The service whose name this is, or is above it.
    pub fn service(&self, name: &str) -> Option<&'a Service> {
        let lower = name.to_ascii_lowercase();
        let starts = std::iter::once(0).chain(lower.match_indices('.').map(|(place, _)| place + 1));
        starts.filter_map(|start| self.services.get(&lower[start..])).next().copied()
    }

    /// What answers to A, AAAA and SRV hold at a name of a service: `A address`, `AAAA address`, `SRV port target`.
    pub fn data(&self, name: &str, rtype: &str) -> BTreeSet<&str> {
        let all = self.data.get(&name.to_ascii_lowercase()).into_iter().flatten();
        all.filter(|line| line.split(' ').next() == Some(rtype)).map(String::as_str).collect()
    }

    fn add(&mut self, service: &Service) {
        let base = service.name();
        let ready: Vec<(&Slice, &Endpoint)> = service
            .slices
            .iter()
            .flat_map(|slice| {
                slice.endpoints.iter().filter(|endpoint| endpoint.is_ready()).map(move |one| (slice, one))
            })
            .collect();
        if !service.imported || (service.kind == Kind::Headless && ready.is_empty()) {
            return;
        }
        self.put(&base, Node::Service);
        match service.kind {
            Kind::ClusterSetIp => self.add_addresses(service, &base),
            Kind::Headless => ready.iter().for_each(|(_, endpoint)| self.give(&base, &address(&endpoint.address))),
        }
        let named = ready.into_iter().filter(|(slice, _)| slice.cluster.split('.').count() <= 2);
        for (slice, endpoint) in named {
            let host = format!("{}.{}.{base}", endpoint.host(), slice.cluster);
            self.put(&host, Node::Host);
            self.give(&host, &address(&endpoint.address));
            for port in &slice.ports {
                self.give(&host, &format!("SRV {} {host}", port.number));
                if service.kind == Kind::Headless {
                    self.add_port(port, &base, Some(&host));
                }
            }
        }
    }

    fn add_addresses(&mut self, service: &Service, base: &str) {
        service.ips.iter().for_each(|ip| self.give(base, &address(ip)));
        for port in &service.ports {
            self.add_port(port, base, (!service.ips.is_empty()).then_some(base));
        }
    }

    /// A port at the bare name and, if it has a name, at its own; a target that has no address is not printed.
    fn add_port(&mut self, port: &Port, base: &str, target: Option<&str>) {
        let protocol = if port.protocol.is_empty() { "TCP" } else { port.protocol };
        let mut name = format!("_{}.{base}", protocol.to_lowercase());
        let node = if port.name.is_empty() { Node::Empty } else { Node::Port };
        if node == Node::Port {
            name = format!("_{}.{name}", port.name);
        }
        self.put(&name, node);
        if let Some(target) = target {
            let line = format!("SRV {} {target}", port.number);
            self.give(base, &line);
            if node == Node::Port {
                self.give(&name, &line);
            }
        }
    }

    fn give(&mut self, name: &str, line: &str) {
        self.data.entry(name.to_owned()).or_default().insert(line.to_owned());
    }

    /// Puts a node in place, and every name above it that is not there yet.
    fn put(&mut self, name: &str, node: Node) {
        self.nodes.insert(name.to_owned(), node);
        let mut rest = name;
        while let Some((_, parent)) = rest.split_once('.') {
            if !parent.ends_with(ZONE) {
                return;
            }
            self.nodes.entry(parent.to_owned()).or_insert(Node::Empty);
            rest = parent;
        }
    }
}

fn address(address: &str) -> String {
    format!("{} {address}", if address.contains(':') { "AAAA" } else { "A" })
}
