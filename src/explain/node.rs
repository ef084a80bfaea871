//! What a name is by the grammar of its zone, whether or not anything exists there (DNS.md sections 1 and 2).

use crate::compile::{ZoneKind, Zones};
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::model::clusterset::ClusterSet;
use crate::model::{ClusterId, ServiceKey};
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// One kind of node; the fields say which.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Node {
    /// Below none of the zones.
    Foreign,
    /// The zone itself, `ns.dns`, `dns`, `svc`, `pod`, `dns-version`.
    ZoneOwn,
    Namespace {
        namespace: String,
    },
    Service {
        #[serde(serialize_with = "as_text")]
        service: ServiceKey,
    },
    /// `_proto` or `_port._proto` below a service.
    Port {
        #[serde(serialize_with = "as_text")]
        service: ServiceKey,
        below: String,
    },
    /// `<host>.<cluster>`, or `<cluster>` alone, below a service.
    Endpoint {
        #[serde(serialize_with = "as_text")]
        service: ServiceKey,
        below: String,
        /// The longest known cluster id that `below` ends in.
        cluster: Option<String>,
    },
    /// `_zone`, a directive below it, or the name of a topology zone below that.
    Zonal {
        #[serde(serialize_with = "as_text")]
        service: ServiceKey,
        below: String,
    },
    /// A name of a global zone that is formed from an exported service.
    Formed {
        #[serde(serialize_with = "as_text")]
        service: ServiceKey,
        cluster: Option<String>,
    },
    /// A name of a global zone that a host has: the host's own, one of its ports, or one that its wildcard stands for.
    Host {
        host: String,
        /// What stands before the host in the name, if anything.
        below: Option<String>,
    },
    /// An address in a reverse zone.
    Address {
        address: String,
    },
    /// Fits no grammar of its zone.
    Other,
}

fn as_text<S: Serializer>(key: &ServiceKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.as_str())
}

impl Node {
    /// Reads `name` by the grammar of the longest zone that holds it.
    pub fn of(name: &Name, zones: &Zones, clusterset: &ClusterSet) -> Node {
        let holding = zones.list.iter().filter(|zone| name.is_within(&zone.name));
        let Some(zone) = holding.max_by_key(|zone| zone.name.label_count()) else { return Node::Foreign };
        let count = name.label_count() - zone.name.label_count();
        let labels: Vec<String> =
            name.labels().take(count).map(|label| String::from_utf8_lossy(label).into_owned()).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        match zone.kind {
            ZoneKind::Clusterset => in_clusterset(&labels, clusterset),
            ZoneKind::Global => in_global(&labels, clusterset),
            ZoneKind::Reverse => in_reverse(name, &labels),
        }
    }

    /// The service that the name belongs to.
    pub fn service(&self) -> Option<&ServiceKey> {
        match self {
            Node::Service { service }
            | Node::Port { service, .. }
            | Node::Endpoint { service, .. }
            | Node::Zonal { service, .. }
            | Node::Formed { service, .. } => Some(service),
            Node::Foreign
            | Node::ZoneOwn
            | Node::Namespace { .. }
            | Node::Host { .. }
            | Node::Address { .. }
            | Node::Other => None,
        }
    }

    /// The types that people ask of such a name.
    pub(super) fn usual_types(&self) -> Vec<u16> {
        match self {
            Node::Port { .. } => vec![rtype::SRV],
            Node::Host { below: Some(below), .. } if below.starts_with('_') => vec![rtype::SRV],
            Node::ZoneOwn => vec![rtype::SOA, rtype::NS],
            Node::Address { .. } => vec![rtype::PTR],
            _ => vec![rtype::A, rtype::AAAA],
        }
    }
}

fn in_clusterset(labels: &[&str], clusterset: &ClusterSet) -> Node {
    match labels {
        [] | ["dns" | "svc" | "pod" | "dns-version"] | ["ns", "dns"] => Node::ZoneOwn,
        [namespace, "svc"] => Node::Namespace { namespace: (*namespace).to_owned() },
        [below @ .., service, namespace, "svc"] => {
            let service = ServiceKey::new(namespace, service);
            let text = below.join(".");
            match below {
                [] => Node::Service { service },
                ["_zone"] | [.., "pin" | "prefer", "_zone"] => Node::Zonal { service, below: text },
                [_port, proto] if proto.starts_with('_') => Node::Port { service, below: text },
                [proto] if proto.starts_with('_') => Node::Port { service, below: text },
                _ => Node::Endpoint { service, cluster: known_id(below, clusterset), below: text },
            }
        }
        _ => Node::Other,
    }
}

/// `name` as an address: four octets or 32 nibbles, last first.
fn in_reverse(name: &Name, labels: &[&str]) -> Node {
    if matches!(labels, [] | ["dns"] | ["ns", "dns"]) {
        return Node::ZoneOwn;
    }
    let text = name.to_string();
    let address: Option<IpAddr> = if let Some(octets) = text.strip_suffix(".in-addr.arpa.") {
        octets.split('.').rev().collect::<Vec<_>>().join(".").parse().ok()
    } else {
        let nibbles: Vec<&str> = text.trim_end_matches(".ip6.arpa.").split('.').rev().collect();
        nibbles.chunks(4).map(<[&str]>::concat).collect::<Vec<_>>().join(":").parse().ok()
    };
    let is_whole = |address: &IpAddr| crate::compile::reverse_name(*address) == *name;
    address.filter(is_whole).map_or(Node::Other, |address| Node::Address { address: address.to_string() })
}

fn in_global(labels: &[&str], clusterset: &ClusterSet) -> Node {
    match labels {
        [] | ["dns"] | ["ns", "dns"] => Node::ZoneOwn,
        [service, namespace, "svc", cluster @ ..] if is_known(cluster, clusterset) => {
            Node::Formed { service: ServiceKey::new(namespace, service), cluster: Some(cluster.join(".")) }
        }
        [service, namespace] => Node::Formed { service: ServiceKey::new(namespace, service), cluster: None },
        _ => Node::Other,
    }
}

/// True for the id of a cluster; an alias makes no name (SOURCES.md 1.6).
fn is_known(labels: &[&str], clusterset: &ClusterSet) -> bool {
    let id = ClusterId::new(&labels.join("."));
    clusterset.called(&id).is_some_and(|(_, member)| member.cluster().id == id)
}

/// The longest known id at the end of `labels`: two labels, else one.
fn known_id(labels: &[&str], clusterset: &ClusterSet) -> Option<String> {
    let tail = |count: usize| labels.len().checked_sub(count).map(|at| &labels[at..]);
    [2, 1].into_iter().filter_map(tail).find(|tail| is_known(tail, clusterset)).map(|tail| tail.join("."))
}
