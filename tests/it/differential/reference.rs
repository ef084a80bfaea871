//! A slow, obvious resolver, written from DNS.md section 1 and 2 alone: it reads the question label by label and looks the
//! answer up in the services, where the real server has every name compiled. Shares no code with `compile`.

use clusterset_dns::model::fact::{Port, ServiceType};
use clusterset_dns::model::{Answer, Host, ServiceKey};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What the clusterset holds, as one view sees it.
#[derive(Debug)]
pub struct World {
    pub services: Vec<(ServiceKey, Answer)>,
    pub namespaces: Vec<String>,
    pub clusters: Vec<String>,
    pub nameserver: Vec<IpAddr>,
    pub ttl: u32,
    /// `clusterNames`.
    pub cluster_names: bool,
}

/// A reply: `records` are `TTL TYPE DATA`, all owned by the question's name.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: &'static str,
    pub records: BTreeSet<String>,
}

/// What stands at a name: nothing at all, or records of some types (none: an empty non-terminal).
type Node = Option<Vec<(&'static str, String)>>;

impl World {
    /// Answers `name` (lower case, with a final dot) and `rtype` in `zone` or `global.`.
    pub fn ask(&self, name: &str, rtype: &str) -> Reply {
        let node = match (name.strip_suffix("clusterset.local."), name.strip_suffix("global.")) {
            (Some(left), _) => self.clusterset(&labels(left)),
            (_, Some(left)) => self.global(&labels(left)),
            _ => return Reply { status: "REFUSED", records: BTreeSet::new() },
        };
        let Some(records) = node else { return Reply { status: "NXDOMAIN", records: BTreeSet::new() } };
        let records = records.into_iter().filter(|(found, _)| *found == rtype).map(|(_, line)| line).collect();
        Reply { status: "NOERROR", records }
    }

    fn clusterset(&self, left: &[&str]) -> Node {
        match left {
            [] => Some(vec![("NS", format!("{} NS ns.dns.clusterset.local.", self.ttl)), ("SOA", "SOA".into())]),
            ["ns", "dns"] => Some(self.nameserver.iter().map(|address| self.address(self.ttl, *address)).collect()),
            ["dns" | "svc" | "pod"] => Some(Vec::new()),
            ["dns-version"] => Some(vec![("TXT", "28800 TXT 1.1.0".into())]),
            [namespace, "svc"] => self.namespaces.iter().any(|known| known == namespace).then(Vec::new),
            [below @ .., service, namespace, "svc"] => {
                let key = ServiceKey::new(namespace, service);
                let (_, answer) = self.services.iter().find(|(known, _)| *known == key)?;
                self.service(&key, answer, below)
            }
            _ => None,
        }
    }

    /// Formed names of the global zone (DNS.md section 2).
    fn global(&self, left: &[&str]) -> Node {
        let cluster_of = |labels: &[&str]| self.clusters.iter().find(|known| **known == labels.join("."));
        match left {
            [] => Some(vec![("NS", format!("{} NS ns.dns.global.", self.ttl)), ("SOA", "SOA".into())]),
            ["ns", "dns"] => Some(self.nameserver.iter().map(|address| self.address(self.ttl, *address)).collect()),
            ["dns"] => Some(Vec::new()),
            _ => {
                if let [service, namespace] = left
                    && let Some(addresses) = self.addresses(service, namespace, None)
                {
                    return Some(addresses);
                }
                for split in 1..=left.len().min(2) {
                    let (below, cluster) = left.split_at(left.len() - split);
                    let Some(cluster) = cluster_of(cluster) else { continue };
                    match below {
                        [] | ["svc"] => return Some(Vec::new()),
                        [namespace, "svc"] if self.namespaces.iter().any(|known| known == namespace) => {
                            return Some(Vec::new());
                        }
                        [service, namespace, "svc"] => return self.addresses(service, namespace, Some(cluster)),
                        _ => {}
                    }
                }
                let ancestor =
                    self.clusters.iter().any(|known| known.split_once('.').is_some_and(|(_, last)| [last] == left));
                let namespace = left.len() == 1 && self.namespaces.iter().any(|known| known == left[0]);
                (ancestor || namespace).then(Vec::new)
            }
        }
    }

    fn addresses(&self, service: &str, namespace: &str, cluster: Option<&String>) -> Node {
        let key = ServiceKey::new(namespace, service);
        let (_, answer) = self.services.iter().find(|(known, _)| *known == key)?;
        let of_cluster = |target: &&clusterset_dns::model::Target| {
            cluster.is_none_or(|cluster| target.cluster.as_ref().is_some_and(|id| id.as_str() == cluster))
        };
        // The cut to the nearest tier is none for the name of one cluster.
        let further = answer.further.iter().filter(|_| cluster.is_some());
        let targets = answer.targets.iter().chain(further).filter(of_cluster);
        Some(targets.flat_map(|target| &target.addresses).map(|address| self.address(answer.ttl, *address)).collect())
    }

    fn service(&self, key: &ServiceKey, answer: &Answer, below: &[&str]) -> Node {
        let name = format!("{}.{}.svc.clusterset.local.", key.name(), key.namespace());
        match below {
            [] => {
                let mut records: Vec<_> =
                    answer.targets.iter().flat_map(|t| &t.addresses).map(|a| self.address(answer.ttl, *a)).collect();
                records.extend(self.srv(answer, &name, |_| true));
                Some(records)
            }
            [protocol] if protocol.starts_with('_') => {
                ports(answer).any(|port| protocol[1..] == *port.protocol.label()).then(Vec::new)
            }
            [port_name, protocol] if port_name.starts_with('_') && protocol.starts_with('_') => {
                let wanted = |port: &Port| {
                    protocol[1..] == *port.protocol.label() && *port.name == port_name[1..] && !port.name.is_empty()
                };
                ports(answer).any(wanted).then(|| self.srv(answer, &name, wanted))
            }
            _ => {
                let below = below.join(".");
                let host = self.host(answer, &name, &below);
                if self.cluster_names { self.cluster_name(key, answer, &below, host) } else { host }
            }
        }
    }

    /// `<cluster>.<svc>` with the addresses of that cluster, and the label below which an id of two labels stands.
    fn cluster_name(&self, key: &ServiceKey, answer: &Answer, below: &str, host: Node) -> Node {
        let targets = || answer.targets.iter().chain(&answer.further).filter_map(|target| target.cluster.as_ref());
        if targets().any(|cluster| cluster.as_str() == below) {
            return self.addresses(key.name(), key.namespace(), Some(&below.to_owned()));
        }
        let is_above = targets().any(|cluster| cluster.as_str().ends_with(&format!(".{below}")));
        host.or(is_above.then(Vec::new))
    }

    fn host(&self, answer: &Answer, service: &str, below: &str) -> Node {
        let full = |host: &Host| format!("{}.{}", host.label, host.cluster);
        let exists = answer.hosts.iter().any(|host| full(host) == below || full(host).ends_with(&format!(".{below}")));
        let mut records = Vec::new();
        for host in answer.hosts.iter().filter(|host| full(host) == below) {
            records.extend(host.addresses.iter().map(|address| self.address(answer.ttl, *address)));
            let numbers: BTreeSet<u16> = host.ports.iter().map(|port| port.number).collect();
            let target = format!("{below}.{service}");
            let weight = (100 / numbers.len().max(1)).max(1);
            records
                .extend(numbers.iter().map(|port| ("SRV", format!("{} SRV 0 {weight} {port} {target}", answer.ttl))));
        }
        exists.then_some(records)
    }

    fn srv(&self, answer: &Answer, service: &str, wanted: impl Fn(&Port) -> bool) -> Vec<(&'static str, String)> {
        let mut rows = BTreeSet::new();
        match answer.service_type {
            ServiceType::ClusterSetIp if !answer.targets.is_empty() => {
                rows.extend(answer.ports.iter().filter(|port| wanted(port)).map(|p| (p.number, service.to_string())));
            }
            ServiceType::ClusterSetIp => {}
            ServiceType::Headless => {
                for host in answer.hosts.iter().filter(|host| host.in_service) {
                    let target = format!("{}.{}.{service}", host.label, host.cluster);
                    rows.extend(
                        host.ports.iter().filter(|port| wanted(port)).map(|port| (port.number, target.clone())),
                    );
                }
            }
        }
        let weight = (100 / rows.len().max(1)).max(1);
        rows.iter().map(|(port, target)| ("SRV", format!("{} SRV 0 {weight} {port} {target}", answer.ttl))).collect()
    }

    fn address(&self, ttl: u32, address: IpAddr) -> (&'static str, String) {
        let rtype = if address.is_ipv4() { "A" } else { "AAAA" };
        (rtype, format!("{ttl} {rtype} {address}"))
    }
}

/// The ports by which `_port._proto` names exist.
fn ports(answer: &Answer) -> Box<dyn Iterator<Item = &Port> + '_> {
    match answer.service_type {
        ServiceType::ClusterSetIp => Box::new(answer.ports.iter()),
        ServiceType::Headless => {
            Box::new(answer.hosts.iter().filter(|host| host.in_service).flat_map(|host| &host.ports))
        }
    }
}

/// The labels left of a zone, leftmost first.
fn labels(left: &str) -> Vec<&str> {
    left.trim_end_matches('.').split('.').filter(|label| !label.is_empty()).collect()
}
