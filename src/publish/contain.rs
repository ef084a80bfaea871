//! Panics while publishing: contained per entity, counted, told; the table goes on serving (RESILIENCE.md rule 11).

use super::publisher::{Entity, Publisher};
use crate::model::Observation;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

impl Publisher {
    /// Publishes one entity. After a panic its names answer as before, until it changes again.
    pub(super) fn publish(&mut self, entity: &Entity) {
        let publish = || match entity {
            Entity::Service(key) => self.publish_service(key),
            Entity::Namespace(namespace) => self.publish_namespace(namespace),
            Entity::Host(host) => self.publish_host(host),
        };
        // Whatever was half done belongs to this entity, and is done anew when it changes.
        if catch_unwind(AssertUnwindSafe(publish)).is_err() {
            let what = match entity {
                Entity::Service(key) => format!("service {}", key.as_str()),
                Entity::Namespace(namespace) => format!("namespace {namespace}"),
                Entity::Host(host) => format!("host {host}"),
            };
            self.panicked(&format!("publishing {what}"), "its names answer as before until it changes again");
        }
    }

    /// Takes an observation in. After a panic it is lost; a list brings it again.
    pub(super) fn take_in(&mut self, observation: Observation) {
        let cluster = observation.cluster.clone();
        if catch_unwind(AssertUnwindSafe(|| self.observe(observation))).is_err() {
            self.panicked(&format!("taking in what cluster {cluster} says"), "everything else is served as before");
        }
    }

    fn panicked(&self, doing: &str, meanwhile: &str) {
        self.figures().panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!("{doing} panicked; {meanwhile}; please report this with the panic above");
    }
}
