//! What comes in: observations, snapshots, states, addresses of host names. Each says what it touched, and that is queued.

use super::publisher::{Entity, Publisher};
use crate::model::clusterset::Member;
use crate::model::fact::ObjectKey;
use crate::model::facts::Touched;
use crate::model::{ClusterId, Fact, Observation, State};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

impl Publisher {
    /// Takes one observation in and queues what it touched. A cluster's first complete sync makes it known.
    pub fn observe(&mut self, observation: Observation) {
        #[cfg(test)]
        (self.fail_point)(&observation);
        let cluster = observation.cluster.clone();
        let single = !matches!(observation.change, crate::model::Change::Replace { .. });
        let was_restored = self.is_restored(&cluster);
        let held = self.clusterset.get(&cluster).map(Member::facts);
        let change = self.growth.admit(&cluster, held, observation.change);
        let observation = Observation { change, ..observation };
        let kept = self.judge(&observation);
        self.warnings.survey_due |= super::survey::looks_at(&observation.change);
        let touched = self.clusterset.observe_keeping(observation, kept);
        if self.state(&cluster) == State::Unknown {
            // Its facts do not count yet; when they do, everything is touched.
            if self.clusterset.is_synced(&cluster) {
                self.set_state(&cluster, State::Fresh);
            }
            return;
        }
        self.touch(touched, single);
        // One that was demoted meanwhile recovers in its own time.
        if was_restored && !self.is_restored(&cluster) && self.state(&cluster) == State::Suspect {
            self.set_state(&cluster, State::Fresh);
        }
    }

    /// Gives a cluster the facts of a snapshot; `age` is that of its last contact. Call before it is observed.
    pub fn restore(&mut self, cluster: &ClusterId, facts: Vec<Fact>, age: Duration) {
        let touched = self.clusterset.restore(cluster, facts, age);
        self.touch(touched, false);
    }

    fn is_restored(&self, cluster: &ClusterId) -> bool {
        self.clusterset.get(cluster).is_some_and(Member::is_restored)
    }

    /// What must stay of what the observation would take away at once.
    fn judge(&mut self, observation: &Observation) -> HashSet<ObjectKey> {
        let Observation { cluster, generation, received_ns, change } = observation;
        let member = self.clusterset.get(cluster).filter(|member| *generation >= member.generation());
        let received = Duration::from_nanos(*received_ns);
        member.map_or_else(HashSet::new, |member| self.brake.judge(cluster, member.facts(), change, received))
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

    pub(super) fn touch(&mut self, touched: Touched, single: bool) {
        self.warnings.survey_due |= touched.everything || touched.ranges || !touched.namespaces.is_empty();
        let mut push = |entity| if single { self.queue.push_single(entity) } else { self.queue.push_bulk(entity) };
        for namespace in touched.namespaces {
            for key in self.clusterset.services_in(&namespace) {
                push(Entity::Service(key.clone()));
            }
            push(Entity::Namespace(namespace));
        }
        for key in touched.services {
            push(Entity::Service(key));
        }
        for host in touched.hosts {
            push(Entity::Host(host));
        }
        if touched.everything {
            self.touch_everything();
        }
    }

    pub(super) fn touch_everything(&mut self) {
        let namespaces = self.clusterset.namespaces();
        for namespace in namespaces.into_iter().chain(self.namespaces.keys().cloned()) {
            self.queue.push_bulk(Entity::Namespace(namespace));
        }
        for key in self.clusterset.services().chain(self.services.keys()) {
            self.queue.push_bulk(Entity::Service(key.clone()));
        }
        for host in self.clusterset.hosts().chain(self.hosts.hosts()) {
            self.queue.push_bulk(Entity::Host(Arc::clone(host)));
        }
    }
}
