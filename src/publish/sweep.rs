//! What is too much to be queued in one piece: all services of a cluster, on a node, of a namespace, or at all. A sweep walks through
//! them and queues a few at a time, so that no single change waits for it (DESIGN.md, "Bulk work").
//!
//! In: what an observation or a state touched. Out: entities in the queue, as bulk work. What comes while a sweep is under
//! way is queued by itself; what goes was.

use super::publisher::{Entity, Publisher};
use crate::model::{ClusterId, ServiceKey};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Keys looked at in one step: some tens of microseconds.
const STEP: usize = 128;

/// One walk, and how far it is.
#[derive(Debug)]
pub(super) enum Sweep {
    /// Every service.
    Services { after: Option<ServiceKey> },
    /// The services that hold rows of a cluster, among those of each cluster in turn, the last one first.
    Rows { of: ClusterId, among: Vec<ClusterId>, after: Option<ServiceKey> },
    /// The services of a cluster with an endpoint on one of these nodes.
    Nodes { of: ClusterId, nodes: HashSet<Arc<str>>, after: Option<ServiceKey> },
    /// The services of a namespace.
    Namespace { namespace: Arc<str>, after: ServiceKey },
    /// The services of each of these namespaces in turn, the last one first.
    EachNamespace { namespaces: Vec<Arc<str>>, after: Option<ServiceKey> },
    /// The namespaces of each of these clusters.
    Namespaces { of: Vec<ClusterId> },
    /// Every host.
    Hosts { after: Option<Arc<str>> },
}

impl Sweep {
    /// True when both walk through the same things.
    fn is_like(&self, other: &Sweep) -> bool {
        match (self, other) {
            (Sweep::Services { .. }, Sweep::Services { .. })
            | (Sweep::Namespaces { .. }, Sweep::Namespaces { .. })
            | (Sweep::Hosts { .. }, Sweep::Hosts { .. }) => true,
            (Sweep::Rows { of, .. }, Sweep::Rows { of: other, .. }) => of == other,
            (Sweep::Nodes { of, nodes, .. }, Sweep::Nodes { of: other, nodes: others, .. }) => {
                of == other && nodes == others
            }
            (Sweep::Namespace { namespace, .. }, Sweep::Namespace { namespace: other, .. }) => namespace == other,
            _ => false,
        }
    }
}

/// The walks that are under way, in order.
#[derive(Debug, Default)]
pub(super) struct Sweeps(VecDeque<Sweep>);

impl Sweeps {
    /// Adds one, in the place of one like it that waits. The first may be under way: it goes on to its end, or the last
    /// of what it walks through would never have their turn.
    fn push(&mut self, sweep: Sweep) {
        match self.0.iter_mut().skip(1).find(|other| other.is_like(&sweep)) {
            Some(waiting) => *waiting = sweep,
            None => self.0.push_back(sweep),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Publisher {
    /// Everything is to be published anew.
    pub(super) fn sweep_everything(&mut self) {
        let of = self.clusterset.members().map(|(_, member)| member.cluster().id.clone()).collect();
        self.sweeps.push(Sweep::Namespaces { of });
        self.sweeps.push(Sweep::Services { after: None });
        self.sweeps.push(Sweep::Hosts { after: None });
    }

    /// Every service that holds rows of the cluster, and every host: its endpoints may stand in any cluster that its
    /// objects name.
    pub(super) fn sweep_rows(&mut self, of: ClusterId) {
        let others = self.clusterset.members().map(|(_, member)| member.cluster().id.clone());
        let among = others.filter(|other| *other != of).chain([of.clone()]).collect();
        self.sweeps.push(Sweep::Rows { of, among, after: None });
        self.sweeps.push(Sweep::Hosts { after: None });
    }

    /// Every service of the cluster with an endpoint on one of the nodes, and every host: its endpoints may be among them.
    pub(super) fn sweep_nodes(&mut self, of: ClusterId, nodes: HashSet<Arc<str>>) {
        self.sweeps.push(Sweep::Nodes { of, nodes, after: None });
        self.sweeps.push(Sweep::Hosts { after: None });
    }

    /// The services of many namespaces, as bulk work.
    pub(super) fn sweep_each_namespace(&mut self, namespaces: Vec<Arc<str>>) {
        if !namespaces.is_empty() {
            self.sweeps.push(Sweep::EachNamespace { namespaces, after: None });
        }
    }

    /// The services of a namespace that a single change touched: the first of them at once, the rest as bulk work.
    pub(super) fn sweep_namespace(&mut self, namespace: &Arc<str>) {
        let (keys, rest) = self.step_namespace(namespace, &ServiceKey::new(namespace, ""));
        keys.into_iter().for_each(|key| self.push(Entity::Service(key), true));
        if let Some(rest) = rest {
            self.sweeps.push(rest);
        }
    }

    /// One step of the first sweep; false when there is none.
    pub(super) fn sweep(&mut self) -> bool {
        let Some(sweep) = self.sweeps.0.pop_front() else { return false };
        if let Some(rest) = self.step(sweep) {
            self.sweeps.0.push_front(rest);
        }
        true
    }

    /// Queues what comes next; what is left to do after that.
    fn step(&mut self, sweep: Sweep) -> Option<Sweep> {
        match sweep {
            Sweep::Services { after } => {
                let keys: Vec<_> = self.clusterset.services_after(after.as_ref()).take(STEP).cloned().collect();
                let last = keys.last()?.clone();
                keys.into_iter().for_each(|key| self.push(Entity::Service(key), false));
                Some(Sweep::Services { after: Some(last) })
            }
            Sweep::Rows { of, mut among, after } => {
                let page = self.clusterset.rows_of(&of, among.last()?, after.as_ref(), STEP);
                page.services.into_iter().for_each(|key| self.push(Entity::Service(key), false));
                if page.last.is_none() {
                    among.pop();
                }
                Some(Sweep::Rows { of, among, after: page.last })
            }
            Sweep::Nodes { of, nodes, after } => {
                let page = self.clusterset.on_nodes(&of, &nodes, after.as_ref(), STEP);
                page.services.into_iter().for_each(|key| self.push(Entity::Service(key), false));
                page.last.map(|last| Sweep::Nodes { of, nodes, after: Some(last) })
            }
            Sweep::Namespace { namespace, after } => {
                let (keys, rest) = self.step_namespace(&namespace, &after);
                keys.into_iter().for_each(|key| self.push(Entity::Service(key), false));
                rest
            }
            Sweep::EachNamespace { mut namespaces, after } => {
                let namespace = namespaces.last()?;
                let after = after.unwrap_or_else(|| ServiceKey::new(namespace, ""));
                let (keys, rest) = self.step_namespace(namespace, &after);
                let after = rest.and_then(|_| keys.last().cloned());
                if after.is_none() {
                    namespaces.pop();
                }
                keys.into_iter().for_each(|key| self.push(Entity::Service(key), false));
                Some(Sweep::EachNamespace { namespaces, after })
            }
            Sweep::Namespaces { mut of } => {
                let id = of.pop()?;
                let member = self.clusterset.get(&id).filter(|member| member.state().is_known());
                let known = member.into_iter().flat_map(|member| member.facts().presence().iter());
                known.for_each(|namespace| self.queue.push_bulk(Entity::Namespace(Arc::clone(namespace))));
                Some(Sweep::Namespaces { of })
            }
            Sweep::Hosts { after } => {
                let hosts: Vec<_> = self.clusterset.hosts_after(after.as_ref()).take(STEP).cloned().collect();
                let last = hosts.last()?.clone();
                hosts.into_iter().for_each(|host| self.push(Entity::Host(host), false));
                Some(Sweep::Hosts { after: Some(last) })
            }
        }
    }

    /// The next services of a namespace, and the rest of the walk.
    fn step_namespace(&self, namespace: &Arc<str>, after: &ServiceKey) -> (Vec<ServiceKey>, Option<Sweep>) {
        let of_namespace =
            self.clusterset.services_after(Some(after)).take_while(|key| key.namespace() == &**namespace);
        let keys: Vec<ServiceKey> = of_namespace.take(STEP).cloned().collect();
        let last = keys.last().filter(|_| keys.len() == STEP).cloned();
        let rest = last.map(|after| Sweep::Namespace { namespace: Arc::clone(namespace), after });
        (keys, rest)
    }
}
