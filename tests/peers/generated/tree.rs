//! Which names a generated clusterset has: DNS.md section 1, written down once more and slowly, for the listed rules.

use std::collections::BTreeMap;

use crate::generated::model::{Clusterset, Kind, Service};

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
    services: BTreeMap<String, &'a Service>,
}

const ZONE: &str = "clusterset.local.";

impl<'a> Tree<'a> {
    /// The names of a clusterset.
    pub fn new(set: &'a Clusterset) -> Tree<'a> {
        let services = set.services.iter().map(|service| (service.name(), service)).collect();
        let mut tree = Tree { nodes: BTreeMap::new(), services };
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

    fn add(&mut self, service: &Service) {
        let base = service.name();
        let ready = || service.slices.iter().filter(|slice| slice.endpoints.iter().any(|endpoint| endpoint.is_ready()));
        let valid = |cluster: &str| cluster.split('.').count() <= 2;
        if !service.imported || (service.kind == Kind::Headless && ready().next().is_none()) {
            return;
        }
        self.put(&base, Node::Service);
        let of_slices = ready().filter(|slice| valid(slice.cluster)).flat_map(|slice| slice.ports.clone());
        let ports = match service.kind {
            Kind::ClusterSetIp => service.ports.clone(),
            Kind::Headless => of_slices.collect(),
        };
        for port in ports.iter().filter(|port| !port.name.is_empty()) {
            self.put(&format!("_{}.{}{base}", port.name, protocol_label(port.protocol)), Node::Port);
        }
        for port in ports.iter().filter(|port| port.name.is_empty()) {
            self.put(&format!("{}{base}", protocol_label(port.protocol)), Node::Empty);
        }
        for slice in ready().filter(|slice| valid(slice.cluster)) {
            for endpoint in slice.endpoints.iter().filter(|endpoint| endpoint.is_ready()) {
                self.put(&format!("{}.{}.{base}", endpoint.host(), slice.cluster), Node::Host);
            }
        }
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

fn protocol_label(protocol: &str) -> String {
    let protocol = if protocol.is_empty() { "TCP" } else { protocol };
    format!("_{}.", protocol.to_lowercase())
}
