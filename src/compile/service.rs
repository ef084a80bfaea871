//! The names of one service: which exist below `<svc>.<ns>.svc.Z`, and what stands at each (DNS.md section 1).

use super::Settings;
use super::merge_views::{ViewNames, fold};
use super::rrset::{served, sets_by_cluster, target_sets};
use super::srv::{Priorities, SrvHost, cluster_set_ip_rows, srv_set};
use super::zone::{QUESTION, Zone, ZoneKind};
use crate::dns::Name;
use crate::model::fact::{Port, Protocol, ServiceType};
use crate::model::{Answer, ClusterId, Host, ServiceKey, Target};
use crate::table::{Draft, Order, RrSet};
use std::collections::BTreeMap;

/// Every name of a service in every clusterset zone. `answers` holds each distinct answer with the views (bits) that
/// see it; the masks are disjoint, views in none of them do not know the service.
///
/// Names longer than 255 octets are left out (the zone cannot hold them).
pub fn compile_service(key: &ServiceKey, answers: &[(u64, Answer)], settings: &Settings) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for zone in settings.zones.of_kind(ZoneKind::Clusterset) {
        let Ok(service) = zone.service(key) else { continue };
        let names = answers.iter().map(|(mask, answer)| (*mask, Scope::new(&service, answer, settings).names()));
        drafts.extend(fold(zone.number, names.collect()));
    }
    drafts
}

/// The name of a namespace in every clusterset zone: empty, in the views (bits) that know it.
pub fn compile_namespace(namespace: &str, presence: u64, settings: &Settings) -> Vec<Draft> {
    let draft = |zone: &Zone| {
        let name = zone.svc.child(namespace).ok()?;
        let orders = vec![Order::default()];
        Some(Draft { name, zone: zone.number, presence, order_of: Vec::new(), orders })
    };
    settings.zones.of_kind(ZoneKind::Clusterset).filter_map(draft).collect()
}

/// One answer under one service name.
pub(super) struct Scope<'a> {
    pub(super) service: &'a Name,
    pub(super) answer: &'a Answer,
    pub(super) settings: &'a Settings,
    /// The targets that are served after the last cut.
    pub(super) targets: &'a [Target],
    priorities: Priorities,
}

impl<'a> Scope<'a> {
    fn new(service: &'a Name, answer: &'a Answer, settings: &'a Settings) -> Self {
        let targets = &answer.targets[..served(answer.targets.iter(), settings)];
        Scope { service, answer, settings, targets, priorities: Priorities::new(settings, answer.hosts.iter()) }
    }

    fn names(&self) -> ViewNames {
        let mut names = ViewNames::default();
        names.add(self.service.clone(), self.at_service());
        self.by_cluster(&mut names);
        for protocol in sorted(self.ports().map(|port| port.protocol)) {
            self.protocol_names(protocol, &mut names);
        }
        for host in &self.answer.hosts {
            if let Ok(name) = self.host_name(host) {
                let at_host = self.at_host(host, &name);
                names.add_below(name, self.service, at_host);
            }
        }
        if self.settings.cluster_names {
            self.cluster_names(&mut names);
        }
        if self.settings.zonal_names {
            self.zonal_names(&mut names);
        }
        names
    }

    /// The ports by which `_port._proto` names exist.
    fn ports(&self) -> impl Iterator<Item = &'a Port> {
        let answer = self.answer;
        let headless = answer.service_type == ServiceType::Headless;
        let of_service = answer.ports.iter().filter(move |_| !headless);
        let of_hosts = answer.hosts.iter().filter(move |host| headless && host.in_service);
        of_service.chain(of_hosts.flat_map(|host| &host.ports))
    }

    fn at_service(&self) -> Vec<RrSet> {
        let answer = self.answer;
        let mut sets = target_sets(self.targets, answer.mode, answer.ttl, &self.settings.columns);
        sets.extend(self.srv(&QUESTION, |_| true));
        sets
    }

    fn protocol_names(&self, protocol: Protocol, names: &mut ViewNames) {
        let Ok(protocol_name) = self.service.underscored(protocol.label()) else { return };
        let of_protocol = |port: &&Port| port.protocol == protocol && is_srv_label(&port.name);
        for port in sorted(self.ports().filter(of_protocol).map(|port| &*port.name)) {
            let Ok(name) = protocol_name.underscored(port) else { continue };
            let wanted = |other: &Port| other.protocol == protocol && &*other.name == port;
            let set = self.srv(&self.pointer_from(&name), wanted);
            names.add(name, set.into_iter().collect());
        }
        names.add(protocol_name, Vec::new());
    }

    /// A pointer to the service name in a question for `name`, which lies below it.
    pub(super) fn pointer_from(&self, name: &Name) -> [u8; 2] {
        let offset = 12 + name.wire().len() - self.service.wire().len();
        u16::to_be_bytes(0xc000 | offset as u16)
    }

    /// The SRV set of the wanted ports; `service` is the service name as additional records write it.
    fn srv(&self, service: &[u8], wanted: impl Fn(&Port) -> bool) -> Option<RrSet> {
        let (answer, settings) = (self.answer, self.settings);
        match answer.service_type {
            ServiceType::ClusterSetIp => {
                let numbers = answer.ports.iter().filter(|port| wanted(port)).map(|port| port.number);
                let rows = cluster_set_ip_rows(answer, self.targets, numbers, self.service, service);
                srv_set(rows, answer.ttl, settings)
            }
            ServiceType::Headless => self.headless_srv(service, |host| host.in_service, wanted),
        }
    }

    /// The SRV set of the wanted ports of the wanted hosts; `service` as in [`Scope::srv`].
    pub(super) fn headless_srv(
        &self,
        service: &[u8],
        is_in: impl Fn(&Host) -> bool,
        wanted: impl Fn(&Port) -> bool,
    ) -> Option<RrSet> {
        let ttl = self.answer.ttl;
        let hosts = self.answer.hosts.iter().filter(|host| is_in(host));
        let hosts: Vec<SrvHost<'_>> = hosts.filter_map(|host| self.srv_host(host, service)).collect();
        srv_set(hosts.iter().flat_map(|host| host.rows(ttl, &wanted)).collect(), ttl, self.settings)
    }

    fn srv_host<'h>(&self, host: &'h Host, service: &[u8]) -> Option<SrvHost<'h>> {
        let target = self.host_name(host).ok()?;
        let labels = &target.wire()[..target.wire().len() - self.service.wire().len()];
        let owner = [labels, service].concat();
        let priority = self.priorities.of(host);
        Some(SrvHost { host, target, owner, priority })
    }

    fn host_name(&self, host: &Host) -> Result<Name, crate::dns::NameError> {
        let cluster = host.cluster.as_str().split('.').map(str::as_bytes);
        self.service.prepend(std::iter::once(host.label.as_bytes()).chain(cluster))
    }

    fn at_host(&self, host: &Host, name: &Name) -> Vec<RrSet> {
        let (answer, columns) = (self.answer, &self.settings.columns);
        let target = Target {
            cluster: Some(host.cluster.clone()),
            addresses: host.addresses.clone(),
            tier: 0,
            weight: 1,
            stale: host.stale,
            restored: host.restored,
            zone: None,
        };
        let mut sets = target_sets(std::slice::from_ref(&target), answer.mode, answer.ttl, columns);
        let priority = self.priorities.of(host);
        let row = SrvHost { host, target: name.clone(), owner: QUESTION.to_vec(), priority };
        sets.extend(srv_set(row.rows(answer.ttl, |_| true), answer.ttl, self.settings));
        sets
    }

    /// `<cluster>.<svc>`: the addresses of one cluster, as Lighthouse answers them.
    fn cluster_names(&self, names: &mut ViewNames) {
        for (cluster, targets) in
            targets_by_cluster(self.answer, self.settings).into_iter().filter(|(cluster, _)| cluster.is_nameable())
        {
            let targets: Vec<Target> = targets.into_iter().cloned().collect();
            let sets = target_sets(&targets, self.answer.mode, self.answer.ttl, &self.settings.columns);
            if let Ok(name) = self.service.prepend(cluster.as_str().split('.').map(str::as_bytes)) {
                names.add_below(name, self.service, sets);
            }
        }
    }

    /// What formed global names with a cluster read, where the service itself has less.
    fn by_cluster(&self, names: &mut ViewNames) {
        let answer = self.answer;
        let is_whole = answer.further.is_empty() && self.targets.len() == answer.targets.len();
        let is_old = |target: &Target| target.stale || target.restored;
        let is_mixed = self.targets.iter().any(is_old) && !self.targets.iter().all(is_old);
        if is_whole && !is_mixed || self.settings.zones.of_kind(ZoneKind::Global).next().is_none() {
            return;
        }
        let targets = targets_by_cluster(answer, self.settings);
        let mut targets: Vec<Target> = targets.into_values().flatten().cloned().collect();
        targets.sort_by_key(|target| target.tier);
        // A set is marked as stale whole: what is fresh has a set of its own, which is read first.
        let (old, fresh): (Vec<_>, Vec<_>) = targets.into_iter().partition(is_old);
        let of = |targets: &[Target]| sets_by_cluster(targets, answer.mode, answer.ttl, &self.settings.columns);
        let sets = [of(&fresh), of(&old)].concat();
        names.by_cluster(self.service.clone(), sets);
    }
}

/// The targets of each cluster, nearest first, as the names of one cluster answer them: neither the cut to the nearest tier
/// nor a limit that other clusters use up takes any from them.
pub fn targets_by_cluster<'a>(answer: &'a Answer, settings: &Settings) -> BTreeMap<&'a ClusterId, Vec<&'a Target>> {
    let mut clusters: BTreeMap<&ClusterId, Vec<&Target>> = BTreeMap::new();
    for target in answer.targets.iter().chain(&answer.further) {
        if let Some(cluster) = &target.cluster {
            clusters.entry(cluster).or_default().push(target);
        }
    }
    for targets in clusters.values_mut() {
        targets.sort_by_key(|target| target.tier);
        let served = served(targets.iter().copied(), settings);
        targets.truncate(served);
    }
    clusters
}

/// Each value once.
fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// True for a port name that makes a label: it needs one octet for the underscore.
fn is_srv_label(port: &str) -> bool {
    (1..=62).contains(&port.len()) && !port.contains('.')
}
