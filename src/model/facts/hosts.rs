//! One cluster's ServiceEntries, WorkloadEntries and DNSEndpoints, by the hosts that they name.

use super::service::Sourced;
use super::{ClusterFacts, Touched};
use crate::model::fact::{Fact, Kind, ObjectKey};
use crate::model::hashed::Set;
use crate::model::host::fact::{DnsEndpointFact, RecordValues, ServiceEntryFact, Workload, WorkloadEntryFact};
use crate::model::id::ServiceKey;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;

/// Objects that make names in global zones.
#[derive(Debug, Default)]
pub struct HostFacts {
    entries: HashMap<ObjectKey, Box<ServiceEntryFact>>,
    workloads: BTreeMap<ObjectKey, Box<WorkloadEntryFact>>,
    endpoints: HashMap<ObjectKey, Box<DnsEndpointFact>>,
    by_host: BTreeMap<Arc<str>, HostObjects>,
    /// ServiceEntries with a selector, by namespace.
    selecting: HashMap<Arc<str>, BTreeSet<ObjectKey>>,
    /// ServiceEntries and WorkloadEntries by the Services of this cluster that their endpoints mean.
    leading: HashMap<ServiceKey, BTreeSet<(Kind, ObjectKey)>>,
}

/// The objects that name one host.
#[derive(Debug, Default)]
struct HostObjects {
    entries: BTreeSet<ObjectKey>,
    endpoints: BTreeSet<ObjectKey>,
}

impl HostFacts {
    /// True when the object is held.
    pub fn holds(&self, kind: Kind, key: &ObjectKey) -> bool {
        match kind {
            Kind::ServiceEntry => self.entries.contains_key(key),
            Kind::WorkloadEntry => self.workloads.contains_key(key),
            Kind::DnsEndpoint => self.endpoints.contains_key(key),
            _ => false,
        }
    }

    /// Every host that some object names, sorted.
    pub fn hosts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_host.keys()
    }

    /// True when some object names the host.
    pub fn contains(&self, host: &str) -> bool {
        self.by_host.contains_key(host)
    }

    /// The ServiceEntries that name the host, by key.
    pub fn entries(&self, host: &str) -> impl Iterator<Item = &ServiceEntryFact> {
        let keys = self.by_host.get(host).map(|objects| &objects.entries);
        keys.into_iter().flatten().filter_map(|key| self.entries.get(key).map(|entry| &**entry))
    }

    /// The DNSEndpoints that name the host, by key.
    pub fn endpoints(&self, host: &str) -> impl Iterator<Item = &DnsEndpointFact> {
        let keys = self.by_host.get(host).map(|objects| &objects.endpoints);
        keys.into_iter().flatten().filter_map(|key| self.endpoints.get(key).map(|endpoint| &**endpoint))
    }

    /// The WorkloadEntries that the selector of `entry` picks in its namespace, by key.
    pub fn selected<'a>(&'a self, entry: &'a ServiceEntryFact) -> impl Iterator<Item = &'a WorkloadEntryFact> {
        let namespace = entry.key.namespace();
        let from = Bound::Included(ObjectKey::new(namespace, ""));
        let range = entry.selector.is_some().then(|| self.workloads.range((from, Bound::Unbounded)));
        let of_namespace = range.into_iter().flatten().take_while(move |(key, _)| key.namespace() == namespace);
        let picks = |workload: &&WorkloadEntryFact| entry.selector.as_ref().is_some_and(|s| workload.is_selected_by(s));
        of_namespace.map(|(_, workload)| &**workload).filter(picks)
    }

    /// True when a DNSEndpoint answers one of `addresses` for the host.
    pub fn targets(&self, host: &str, addresses: &HashSet<IpAddr>) -> bool {
        let mut records = self.endpoints(host).flat_map(|fact| fact.of_host(host));
        records.any(|record| match &record.values {
            RecordValues::Addresses(held) => held.iter().any(|address| addresses.contains(address)),
            _ => false,
        })
    }

    /// Every object.
    pub fn facts(&self) -> impl Iterator<Item = Fact> {
        let entries = self.entries.values().cloned().map(Fact::ServiceEntry);
        let workloads = self.workloads.values().cloned().map(Fact::WorkloadEntry);
        entries.chain(workloads).chain(self.endpoints.values().cloned().map(Fact::DnsEndpoint))
    }

    pub(super) fn keys_of(&self, kind: Kind) -> Vec<ObjectKey> {
        match kind {
            Kind::ServiceEntry => self.entries.keys().cloned().collect(),
            Kind::WorkloadEntry => self.workloads.keys().cloned().collect(),
            Kind::DnsEndpoint => self.endpoints.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Adds or removes `key` among the objects of `hosts`.
    fn link<'h>(
        &mut self,
        hosts: impl IntoIterator<Item = &'h Arc<str>>,
        key: &ObjectKey,
        exists: bool,
        of: fn(&mut HostObjects) -> &mut BTreeSet<ObjectKey>,
    ) {
        for host in hosts {
            if exists {
                of(self.by_host.entry(Arc::clone(host)).or_default()).insert(key.clone());
                continue;
            }
            let Some(objects) = self.by_host.get_mut(host) else { continue };
            of(objects).remove(key);
            if objects.entries.is_empty() && objects.endpoints.is_empty() {
                self.by_host.remove(host);
            }
        }
    }

    /// Adds or removes an object among those that lead to the Services that `endpoints` mean.
    fn link_services(&mut self, object: (Kind, &ObjectKey), endpoints: &[Workload], exists: bool) {
        for service in endpoints.iter().filter_map(Workload::local_service) {
            let objects = self.leading.entry(service.clone()).or_default();
            let object = (object.0, object.1.clone());
            if exists {
                objects.insert(object);
            } else {
                objects.remove(&object);
            }
            if objects.is_empty() {
                self.leading.remove(&service);
            }
        }
    }

    /// Hosts of the ServiceEntries whose endpoints, their own or selected ones, mean one of `services`.
    pub fn leading_to(&self, services: &Set<ServiceKey>) -> Vec<Arc<str>> {
        if self.leading.is_empty() {
            return Vec::new();
        }
        let mut hosts = Vec::new();
        for (kind, key) in services.iter().filter_map(|service| self.leading.get(service)).flatten() {
            match kind {
                Kind::WorkloadEntry => hosts.extend(self.workloads.get(key).iter().flat_map(|w| self.hosts_behind(w))),
                _ => hosts.extend(self.entries.get(key).iter().flat_map(|entry| &entry.hosts)),
            }
        }
        hosts.into_iter().cloned().collect()
    }

    fn link_selector(&mut self, entry: &ServiceEntryFact, exists: bool) {
        if entry.selector.is_none() {
            return;
        }
        let namespace = entry.key.namespace();
        let keys = self.selecting.entry(namespace.into()).or_default();
        if exists {
            keys.insert(entry.key.clone());
        } else {
            keys.remove(&entry.key);
        }
        if keys.is_empty() {
            self.selecting.remove(namespace);
        }
    }

    /// Hosts of the ServiceEntries that select `workload`.
    fn hosts_behind(&self, workload: &WorkloadEntryFact) -> impl Iterator<Item = &Arc<str>> {
        let keys = self.selecting.get(workload.key.namespace());
        let entries = keys.into_iter().flatten().filter_map(|key| self.entries.get(key).map(|entry| &**entry));
        let selects = |entry: &&ServiceEntryFact| entry.selector.as_ref().is_some_and(|s| workload.is_selected_by(s));
        entries.filter(selects).flat_map(|entry| &entry.hosts)
    }
}

/// The distinct names of a DNSEndpoint.
fn names(fact: &DnsEndpointFact) -> BTreeSet<&Arc<str>> {
    fact.records.iter().map(|record| &record.name).collect()
}

/// True when `new` says something else than `old`, their origins aside.
fn differs<T: Sourced>(old: Option<&mut Box<T>>, new: &mut T) -> bool {
    let Some(old) = old else { return true };
    let (held, read) = (std::mem::take(old.origin()), std::mem::take(new.origin()));
    let differs = **old != *new;
    (*old.origin(), *new.origin()) = (held, read);
    differs
}

impl ClusterFacts {
    pub(super) fn put_service_entry(&mut self, mut fact: Box<ServiceEntryFact>, touched: &mut Touched) {
        let key = fact.key.clone();
        let hosts = &mut self.hosts;
        let mut before = hosts.entries.remove(&key);
        let changed = differs(before.as_mut(), &mut *fact);
        if let Some(before) = &before {
            hosts.link(&before.hosts, &key, false, |objects| &mut objects.entries);
            hosts.link_selector(before, false);
            hosts.link_services((Kind::ServiceEntry, &key), &before.endpoints, false);
        }
        hosts.link(&fact.hosts, &key, true, |objects| &mut objects.entries);
        hosts.link_selector(&fact, true);
        hosts.link_services((Kind::ServiceEntry, &key), &fact.endpoints, true);
        if changed {
            let gone = before.iter().flat_map(|before| &before.hosts);
            touched.hosts.extend(fact.hosts.iter().chain(gone).cloned());
        }
        hosts.entries.insert(key.clone(), fact);
        self.count_host_object(Kind::ServiceEntry, &key, before.is_none(), touched);
    }

    pub(super) fn put_workload_entry(&mut self, mut fact: Box<WorkloadEntryFact>, touched: &mut Touched) {
        let key = fact.key.clone();
        let hosts = &mut self.hosts;
        let mut before = hosts.workloads.remove(&key);
        let changed = differs(before.as_mut(), &mut *fact);
        let link = (Kind::WorkloadEntry, &key);
        before.iter().for_each(|before| hosts.link_services(link, std::slice::from_ref(&before.workload), false));
        hosts.link_services(link, std::slice::from_ref(&fact.workload), true);
        if changed {
            touched.hosts.extend(before.iter().flat_map(|before| hosts.hosts_behind(before)).cloned());
            touched.hosts.extend(hosts.hosts_behind(&fact).cloned());
        }
        hosts.workloads.insert(key.clone(), fact);
        self.count_host_object(Kind::WorkloadEntry, &key, before.is_none(), touched);
    }

    pub(super) fn put_dns_endpoint(&mut self, mut fact: Box<DnsEndpointFact>, touched: &mut Touched) {
        let key = fact.key.clone();
        let hosts = &mut self.hosts;
        fact.records.sort_by(|a, b| a.name.cmp(&b.name));
        let mut before = hosts.endpoints.remove(&key);
        let changed = differs(before.as_mut(), &mut *fact);
        if let Some(before) = &before {
            hosts.link(names(before), &key, false, |objects| &mut objects.endpoints);
        }
        hosts.link(names(&fact), &key, true, |objects| &mut objects.endpoints);
        if changed {
            touched.hosts.extend(before.iter().flat_map(|before| names(before)).cloned());
            touched.hosts.extend(names(&fact).into_iter().cloned());
        }
        hosts.endpoints.insert(key.clone(), fact);
        self.count_host_object(Kind::DnsEndpoint, &key, before.is_none(), touched);
    }

    pub(super) fn remove_host_object(&mut self, kind: Kind, key: &ObjectKey, touched: &mut Touched) {
        let hosts = &mut self.hosts;
        let gone: HashSet<Arc<str>> = match kind {
            Kind::ServiceEntry => {
                let Some(fact) = hosts.entries.remove(key) else { return };
                hosts.link(&fact.hosts, key, false, |objects| &mut objects.entries);
                hosts.link_selector(&fact, false);
                hosts.link_services((Kind::ServiceEntry, key), &fact.endpoints, false);
                fact.hosts.iter().cloned().collect()
            }
            Kind::WorkloadEntry => {
                let Some(fact) = hosts.workloads.remove(key) else { return };
                hosts.link_services((Kind::WorkloadEntry, key), std::slice::from_ref(&fact.workload), false);
                hosts.hosts_behind(&fact).cloned().collect()
            }
            Kind::DnsEndpoint => {
                let Some(fact) = hosts.endpoints.remove(key) else { return };
                hosts.link(names(&fact), key, false, |objects| &mut objects.endpoints);
                names(&fact).into_iter().cloned().collect()
            }
            _ => return,
        };
        touched.hosts.extend(gone);
        self.count_out(kind, key.namespace(), touched);
    }

    fn count_host_object(&mut self, kind: Kind, key: &ObjectKey, is_new: bool, touched: &mut Touched) {
        if is_new {
            self.count_in(kind, key.namespace(), touched);
        }
    }
}
