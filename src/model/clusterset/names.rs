//! Host names that stand in place of addresses: load balancers, gateways, endpoints of hosts (SOURCES.md 1.2).
//!
//! In: facts and registry entries. Out: the names to look up, and what has to be computed anew when one has other addresses.

use super::{ClusterSet, Member};
use crate::model::cluster::GatewayAddress;
use crate::model::fact::{Ingress, Kind, ObjectKey};
use crate::model::facts::Touched;
use crate::model::host::fact::{Resolution, Workload};
use crate::model::id::{ClusterId, ServiceKey};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Who names a host name first: the cluster and, unless its registry entry does, the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBy {
    pub cluster: ClusterId,
    pub object: Option<(Kind, ObjectKey)>,
}

impl std::fmt::Display for NamedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cluster {}: ", self.cluster)?;
        match &self.object {
            Some((kind, key)) => write!(f, "{} {key}", kind.as_str()),
            None => f.write_str("`gateways` of its entry"),
        }
    }
}

/// One use of a host name.
enum Use<'a> {
    Gateway,
    Service(&'a ServiceKey),
    /// An endpoint of a host in a global zone, by this object.
    Host(&'a Arc<str>, (Kind, &'a ObjectKey)),
}

impl ClusterSet {
    /// Every host name that stands in place of an address, and who names it.
    pub fn host_names(&self) -> BTreeMap<Arc<str>, NamedBy> {
        let mut names = BTreeMap::new();
        self.for_each_host_name(|name, member, used| {
            let object = match used {
                Use::Gateway => None,
                Use::Service(key) => Some((Kind::Service, key.clone())),
                Use::Host(_, (kind, key)) => Some((kind, key.clone())),
            };
            let by = || NamedBy { cluster: member.cluster.id.clone(), object };
            if !names.contains_key(name) {
                names.insert(Arc::clone(name), by());
            }
        });
        names
    }

    /// Other addresses of looked-up host names; names that are not in `resolved` have none.
    pub fn set_resolved(&mut self, resolved: HashMap<Arc<str>, Vec<IpAddr>>) -> Touched {
        let before = std::mem::replace(&mut self.settings.resolved, resolved);
        let now = &self.settings.resolved;
        let names = before.keys().chain(now.keys());
        let changed: HashSet<&Arc<str>> = names.filter(|name| before.get(*name) != now.get(*name)).collect();
        let mut touched = Touched::default();
        if changed.is_empty() {
            return touched;
        }
        self.for_each_host_name(|name, _, used| {
            if !changed.contains(name) {
                return;
            }
            match used {
                // Every cluster of the gateway's network may be reached through it.
                Use::Gateway => touched.everything = true,
                Use::Service(key) => drop(touched.services.insert(key.clone())),
                Use::Host(host, _) => drop(touched.hosts.insert(Arc::clone(host))),
            }
        });
        touched
    }

    fn for_each_host_name<'a>(&'a self, mut visit: impl FnMut(&'a Arc<str>, &'a Member, Use<'a>)) {
        for (_, member) in self.members() {
            for gateway in &member.cluster.gateways {
                if let GatewayAddress::Host(name) = gateway {
                    visit(name, member, Use::Gateway);
                }
            }
        }
        for (_, member) in self.members() {
            for (key, facts) in member.facts.named_services() {
                for ingress in facts.service.as_ref().map_or(&[][..], |service| &service.ingress) {
                    if let Ingress::Host(name) = ingress {
                        visit(name, member, Use::Service(key));
                    }
                }
            }
        }
        for host in self.hosts() {
            for (_, member) in self.host_holders(host) {
                for (workload, object) in workloads(member, host) {
                    if let Ingress::Host(name) = &workload.address
                        && workload.local_service().is_none()
                    {
                        visit(name, member, Use::Host(host, object));
                    }
                }
            }
        }
    }
}

/// The endpoints that a cluster gives a host, with the objects that hold them.
fn workloads<'a>(member: &'a Member, host: &'a str) -> impl Iterator<Item = (&'a Workload, (Kind, &'a ObjectKey))> {
    let hosts = member.facts.hosts();
    let entries = hosts.entries(host).filter(|entry| entry.resolution == Resolution::Endpoints);
    entries.flat_map(move |entry| {
        let inline = entry.endpoints.iter().map(move |workload| (workload, (Kind::ServiceEntry, &entry.key)));
        let selected = hosts.selected(entry).map(|fact| (&fact.workload, (Kind::WorkloadEntry, &fact.key)));
        inline.chain(selected)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cluster;
    use crate::model::clusterset::Settings;
    use crate::model::fact::{ExportFact, Fact, Origin, ServiceFact, ServiceKind};
    use crate::model::observation::{Change, Observation};

    fn service(name: &str, host: &str) -> Fact {
        Fact::Service(Box::new(ServiceFact {
            key: ServiceKey::new("shop", name),
            kind: ServiceKind::ClusterIp,
            cluster_ips: Default::default(),
            ingress: vec![Ingress::Host(host.into()), Ingress::Ip([203, 0, 113, 1].into())].into(),
            ports: Vec::new().into(),
            traffic: Default::default(),
            mirror: false,
            own: Default::default(),
            origin: Origin::Unknown,
        }))
    }

    fn export(name: &str) -> Fact {
        Fact::Export(Box::new(ExportFact {
            key: ServiceKey::new("shop", name),
            created: None,
            deleting: false,
            exported: Default::default(),
            own: Default::default(),
            origin: Origin::Unknown,
        }))
    }

    fn set() -> ClusterSet {
        let mut set = ClusterSet::new(Settings::default());
        let east = ClusterId::new("east");
        let gateways = vec![GatewayAddress::Host("gw.example".into()), GatewayAddress::Ip([203, 0, 113, 2].into())];
        set.put_cluster(Cluster { gateways, ..Cluster::new(east.clone()) }, 0);
        for fact in [service("web", "lb.example"), export("web"), service("private", "unused.example")] {
            let change = Change::Apply { fact, findings: Vec::new() };
            set.observe(Observation { cluster: east.clone(), generation: 1, received_ns: 0, change });
        }
        set
    }

    #[test]
    fn the_names_are_those_of_exported_load_balancers_and_of_gateways() {
        let shown: Vec<String> = set().host_names().iter().map(|(name, by)| format!("{name} {by}")).collect();
        let expected =
            ["gw.example cluster east: `gateways` of its entry", "lb.example cluster east: Service shop/web"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn other_addresses_touch_only_who_uses_the_name() {
        let mut set = set();
        let resolved = |names: &[(&str, u8)]| {
            let one = |(name, last): &(&str, u8)| (Arc::from(*name), vec![IpAddr::from([198, 51, 100, *last])]);
            names.iter().map(one).collect::<HashMap<_, _>>()
        };
        let touched = set.set_resolved(resolved(&[("lb.example", 1)]));
        assert_eq!((touched.services.len(), touched.everything), (1, false));
        assert!(set.set_resolved(resolved(&[("lb.example", 1)])).is_empty());
        let touched = set.set_resolved(resolved(&[("lb.example", 1), ("gw.example", 2)]));
        assert_eq!((touched.services.len(), touched.everything), (0, true));
        let touched = set.set_resolved(resolved(&[("gw.example", 2)]));
        assert_eq!((touched.services.len(), touched.everything), (1, false), "the name has no address any more");
    }
}
