//! What comes in: observations, snapshots, states, addresses of host names. Each says what it touched, and that is queued.

use super::lists::Entering;
use super::publisher::{Entity, Publisher};
use crate::model::clusterset::Member;
use crate::model::facts::Touched;
use crate::model::{ClusterId, Fact, Observation, State};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

impl Publisher {
    /// Takes one observation in and queues what it touched; behind a long list of its cluster it waits. A cluster's first
    /// complete sync makes it known.
    pub fn observe(&mut self, observation: Observation) {
        if let Some(observation) = self.lists.hold(observation) {
            self.enter(observation);
        }
    }

    pub(super) fn enter(&mut self, observation: Observation) {
        #[cfg(test)]
        (self.fail_point)(&observation);
        let cluster = observation.cluster.clone();
        let received = Duration::from_nanos(observation.received_ns);
        let was_restored = self.is_restored(&cluster);
        let held = self.clusterset.get(&cluster).map(Member::facts);
        let change = self.growth.admit(&cluster, held, observation.change);
        self.warnings.survey_due |= super::survey::looks_at(&change);
        let mut observation = Observation { change, ..observation };
        if let Some(listing) = self.clusterset.listing(&mut observation) {
            return self.enter_list(cluster, Entering { listing, received });
        }
        if self.clusterset.get(&cluster).is_some_and(|member| observation.generation >= member.generation()) {
            self.brake.hear(&cluster, &observation.change);
        }
        let touched = self.clusterset.observe(observation);
        self.follow(&cluster, touched, true, was_restored);
    }

    /// After anything that a cluster said.
    pub(super) fn follow(&mut self, cluster: &ClusterId, touched: Touched, single: bool, was_restored: bool) {
        if self.state(cluster) == State::Unknown {
            // Its facts do not count yet; when they do, everything is touched. Until then only what is published and may
            // have lost its last sign of life, the cluster that it came from being removed meanwhile.
            let published = touched.services.into_iter().filter(|key| self.services.contains_key(key));
            published.collect::<Vec<_>>().into_iter().for_each(|key| self.push(Entity::Service(key), false));
            if self.clusterset.is_synced(cluster) {
                self.set_state(cluster, State::Fresh);
            }
            return;
        }
        self.touch(touched, single);
        // One that was demoted meanwhile recovers in its own time.
        if was_restored && !self.is_restored(cluster) && self.state(cluster) == State::Suspect {
            self.set_state(cluster, State::Fresh);
        }
    }

    /// Gives a cluster the facts of a snapshot; `age` is that of its last contact. Call before it is observed.
    pub fn restore(&mut self, cluster: &ClusterId, facts: Vec<Fact>, age: Duration) {
        let touched = self.clusterset.restore(cluster, facts, age);
        self.touch(touched, false);
    }

    pub(super) fn is_restored(&self, cluster: &ClusterId) -> bool {
        self.clusterset.get(cluster).is_some_and(Member::is_restored)
    }

    fn state(&self, cluster: &ClusterId) -> State {
        self.clusterset.get(cluster).map_or(State::Unknown, |member| member.state())
    }

    /// Other addresses of looked-up host names: what uses one that changed is queued.
    pub fn set_resolved(&mut self, resolved: HashMap<Arc<str>, Vec<std::net::IpAddr>>) {
        let touched = self.clusterset.set_resolved(resolved);
        self.touch(touched, true);
    }

    /// Sets how much is known of a cluster.
    pub fn set_state(&mut self, cluster: &ClusterId, state: State) {
        let touched = self.clusterset.set_state(cluster, state);
        self.touch(touched, false);
    }

    /// The time to wait for a cluster's first sync has run out: names it might own are absent from now on.
    pub fn end_grace(&mut self, cluster: &ClusterId) {
        let touched = self.clusterset.set_grace_over(cluster, true);
        self.touch(touched, false);
        self.settle_frame();
    }

    /// Queues what was touched: as single changes, or as bulk work.
    pub(super) fn touch(&mut self, touched: Touched, single: bool) {
        self.warnings.survey_due |= touched.everything || touched.ranges || !touched.namespaces.is_empty();
        if single {
            touched.namespaces.iter().for_each(|namespace| self.sweep_namespace(namespace));
        } else {
            self.sweep_each_namespace(touched.namespaces.iter().cloned().collect());
        }
        for namespace in touched.namespaces {
            self.push(Entity::Namespace(namespace), single);
        }
        for key in touched.services {
            self.push(Entity::Service(key), single);
        }
        for host in touched.hosts {
            self.push(Entity::Host(host), single);
        }
        for cluster in touched.rows_of {
            self.sweep_rows(cluster);
        }
        for (cluster, nodes) in touched.on_nodes {
            self.sweep_nodes(cluster, nodes);
        }
        if touched.everything {
            self.sweep_everything();
        }
    }

    pub(super) fn push(&mut self, entity: Entity, single: bool) {
        if single {
            self.queue.push_single(entity);
        } else {
            self.queue.push_bulk(entity);
        }
    }

    /// Everything, under other settings: hosts and namespaces that nothing speaks for any more too.
    pub(super) fn touch_all_names(&mut self) {
        let namespaces = self.namespaces.keys().cloned().map(Entity::Namespace);
        for entity in namespaces.chain(self.hosts.hosts().cloned().map(Entity::Host)) {
            self.queue.push_bulk(entity);
        }
        self.sweep_everything();
    }

    /// The same after a fault, in one piece: services too that only the table has.
    pub(super) fn touch_everything(&mut self) {
        self.services.keys().for_each(|key| self.queue.push_bulk(Entity::Service(key.clone())));
        self.touch_all_names();
    }
}
