//! One object in, one object out: keeps the indexes of [`ClusterFacts`] in step.

use super::service::put;
use super::{ClusterFacts, ServiceFacts, Touched};
use crate::model::fact::{Fact, ImportFact, Kind, NodeFact, ObjectKey, SliceFact};
use crate::model::id::ServiceKey;
use std::collections::BTreeSet;
use std::sync::Arc;

impl ClusterFacts {
    pub(super) fn apply(&mut self, fact: Fact, touched: &mut Touched) {
        match fact {
            Fact::Namespace(fact) => self.set_namespace(&fact.name, true, touched),
            Fact::Node(fact) => self.set_node(&Arc::clone(&fact.name), Some(fact), touched),
            Fact::Service(mut fact) => {
                fact.key = self.shared_key(&fact.key);
                self.interner.share_ports(&mut fact.ports);
                self.interner.share_traffic(&mut fact.traffic);
                fact.cluster_ips.shrink_to_fit();
                let key = fact.key.clone();
                self.put(
                    Kind::Service,
                    &key,
                    |facts| (facts.service.is_none(), put(&mut facts.service, fact)),
                    touched,
                );
            }
            Fact::Export(mut fact) => {
                fact.key = self.shared_key(&fact.key);
                let key = fact.key.clone();
                let store = |facts: &mut ServiceFacts| (facts.export.is_none(), put(&mut facts.export, fact));
                self.put(Kind::ServiceExport, &key, store, touched);
            }
            Fact::Import(fact) => self.put_import(fact, touched),
            Fact::Slice(fact) => self.put_slice(*fact, touched),
            Fact::ServiceEntry(fact) => self.put_service_entry(fact, touched),
            Fact::WorkloadEntry(fact) => self.put_workload_entry(fact, touched),
            Fact::DnsEndpoint(fact) => self.put_dns_endpoint(fact, touched),
            Fact::Gateway(fact) => {
                let namespace = fact.key.clone();
                if self.gateways.insert(fact.key, fact.connections).is_none() {
                    self.count_in(Kind::Gateway, namespace.namespace(), touched);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, key: &ObjectKey, touched: &mut Touched) {
        match kind {
            Kind::Namespace => self.set_namespace(&key.name().into(), false, touched),
            Kind::Node => self.set_node(&key.name().into(), None, touched),
            Kind::EndpointSlice => self.remove_slice(key, touched),
            Kind::Service => self.take(kind, key, |facts| facts.service.take().is_some(), touched),
            Kind::ServiceExport => self.take(kind, key, |facts| facts.export.take().is_some(), touched),
            Kind::ServiceImport => {
                self.unlink_derived(key);
                self.take(kind, key, |facts| facts.import.take().is_some(), touched);
            }
            Kind::ServiceEntry | Kind::WorkloadEntry | Kind::DnsEndpoint => self.remove_host_object(kind, key, touched),
            Kind::Gateway => {
                if self.gateways.remove(key).is_some() {
                    self.count_out(kind, key.namespace(), touched);
                }
            }
        }
    }

    /// Stores one object under `key`; `store` says whether it is a new object and whether its content is new.
    fn put(
        &mut self,
        kind: Kind,
        key: &ServiceKey,
        store: impl FnOnce(&mut ServiceFacts) -> (bool, bool),
        touched: &mut Touched,
    ) {
        let (new_object, new_content) = store(self.services.entry(key.clone()).or_default());
        if new_object {
            self.count_in(kind, key.namespace(), touched);
        }
        if new_content {
            self.touch(kind, key, touched);
        }
    }

    fn take(
        &mut self,
        kind: Kind,
        key: &ServiceKey,
        take: impl FnOnce(&mut ServiceFacts) -> bool,
        touched: &mut Touched,
    ) {
        let Some(facts) = self.services.get_mut(key) else { return };
        if !take(facts) {
            return;
        }
        if facts.is_empty() {
            self.services.remove(key);
        }
        self.count_out(kind, key.namespace(), touched);
        self.touch(kind, key, touched);
    }

    fn put_import(&mut self, mut fact: Box<ImportFact>, touched: &mut Touched) {
        fact.key = self.shared_key(&fact.key);
        self.interner.share_ports(&mut fact.ports);
        let key = fact.key.clone();
        self.unlink_derived(&key);
        for name in &fact.derived_services {
            self.derived.entry(ServiceKey::new(key.namespace(), name)).or_default().push(key.clone());
        }
        let store = |facts: &mut ServiceFacts| (facts.import.is_none(), put(&mut facts.import, fact));
        self.put(Kind::ServiceImport, &key, store, touched);
    }

    /// Forgets which Services the stored import of `key` names.
    fn unlink_derived(&mut self, key: &ServiceKey) {
        let Some(import) = self.services.get(key).and_then(|facts| facts.import.as_ref()) else { return };
        for name in &import.derived_services {
            let service = ServiceKey::new(key.namespace(), name);
            if let Some(imports) = self.derived.get_mut(&service) {
                imports.retain(|import| import != key);
                if imports.is_empty() {
                    self.derived.remove(&service);
                }
            }
        }
    }

    fn put_slice(&mut self, mut fact: SliceFact, touched: &mut Touched) {
        self.interner.share_ports(&mut fact.ports);
        fact.endpoints.iter_mut().for_each(|endpoint| self.interner.share_place(&mut endpoint.place));
        fact.endpoints.shrink_to_fit();
        match self.slices.get_key_value(&fact.key) {
            // The usual case, a slice that is held: its keys are shared already.
            Some((object, service)) if *service == fact.service => {
                (fact.key, fact.service) = (object.clone(), service.clone());
            }
            _ => self.adopt_slice(&mut fact, touched),
        }
        let (object, service) = (fact.key.clone(), fact.service.clone());
        let facts = self.services.entry(service.clone()).or_default();
        let before = facts.endpoint_count();
        let other_role = facts.take_of_other_role(&fact);
        if let Some(old) = other_role.as_ref().or(facts.slice(&object)) {
            self.nodes.remove_uses(old);
        }
        self.nodes.add_uses(&fact);
        let new_content = facts.put_slice(fact);
        self.endpoints = self.endpoints + facts.endpoint_count() - before;
        if new_content {
            self.touch(Kind::EndpointSlice, &service, touched);
        }
    }

    /// Files a slice object that is new, or was one of another service until now.
    fn adopt_slice(&mut self, fact: &mut SliceFact, touched: &mut Touched) {
        self.remove_slice(&fact.key, touched);
        fact.service = self.shared_key(&fact.service);
        self.slices.insert(fact.key.clone(), fact.service.clone());
        self.count_in(Kind::EndpointSlice, fact.key.namespace(), touched);
    }

    fn remove_slice(&mut self, object: &ObjectKey, touched: &mut Touched) {
        let Some(service) = self.slices.remove(object) else { return };
        if let Some(facts) = self.services.get_mut(&service) {
            if let Some(slice) = facts.take_slice(object) {
                self.endpoints -= slice.endpoints.len();
                self.nodes.remove_uses(&slice);
            }
            if facts.is_empty() {
                self.services.remove(&service);
            }
        }
        self.count_out(Kind::EndpointSlice, object.namespace(), touched);
        self.touch(Kind::EndpointSlice, &service, touched);
    }

    fn set_namespace(&mut self, name: &Arc<str>, exists: bool, touched: &mut Touched) {
        let (changed, differs) = self.presence.set_document(name, exists);
        let count = &mut self.counts[Kind::Namespace as usize];
        match (differs, exists) {
            (true, true) => *count += 1,
            (true, false) => *count -= 1,
            (false, _) => {}
        }
        touched.namespaces.extend(changed);
    }

    fn set_node(&mut self, name: &Arc<str>, fact: Option<NodeFact>, touched: &mut Touched) {
        let mut name = Arc::clone(name);
        self.interner.share(&mut name);
        let fact = fact.map(|mut fact| {
            fact.name = Arc::clone(&name);
            self.interner.share_option(&mut fact.region);
            self.interner.share_option(&mut fact.zone);
            fact
        });
        let change = self.nodes.set(&name, fact);
        touched.ranges |= change.ranges;
        if change.locality {
            touched.moved_nodes.insert(name);
        }
    }

    /// Touches the service, and the imports whose VIP a Service of that name carries (rule d).
    fn touch(&mut self, kind: Kind, key: &ServiceKey, touched: &mut Touched) {
        touched.services.insert(key.clone());
        let facts = self.services.get(key);
        if matches!(kind, Kind::ServiceExport | Kind::ServiceImport) {
            keep(&mut self.naming, key, facts.is_some_and(ServiceFacts::makes_name));
        }
        keep(&mut self.named, key, facts.is_some_and(ServiceFacts::is_named));
        keep(&mut self.copied, key, facts.is_some_and(|facts| !facts.copies.is_empty()));
        if kind != Kind::Service {
            return;
        }
        touched.services.extend(self.derived.get(key).into_iter().flatten().cloned());
        if let Some(name) = key.name().strip_prefix("derived-") {
            let import = ServiceKey::new(key.namespace(), name);
            if self.services.get(&import).is_some_and(|facts| facts.import.is_some()) {
                touched.services.insert(import);
            }
        }
    }

    pub(super) fn count_in(&mut self, kind: Kind, namespace: &str, touched: &mut Touched) {
        self.counts[kind as usize] += 1;
        self.services_revision += u64::from(kind == Kind::Service);
        touched.namespaces.extend(self.presence.add_object(namespace));
    }

    pub(super) fn count_out(&mut self, kind: Kind, namespace: &str, touched: &mut Touched) {
        self.counts[kind as usize] -= 1;
        self.services_revision += u64::from(kind == Kind::Service);
        touched.namespaces.extend(self.presence.remove_object(namespace));
    }

    /// The copy of `key` that the facts already hold, so that all objects of a service share one text.
    fn shared_key(&self, key: &ServiceKey) -> ServiceKey {
        self.services.get_key_value(key).map_or(key, |(held, _)| held).clone()
    }
}

/// Puts `key` into `keys`, or takes it out.
fn keep(keys: &mut BTreeSet<ServiceKey>, key: &ServiceKey, keeps: bool) {
    if keeps {
        keys.insert(key.clone());
    } else {
        keys.remove(key);
    }
}
