//! Panics while publishing: contained per entity, counted, told; the table goes on serving (RESILIENCE.md rule 11).

use super::again::Pauses;
use super::publisher::{Entity, Publisher};
use crate::model::{ClusterId, Kind, Observation};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Duration;

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

    /// Takes an observation in, or keeps it until a long list of its cluster is through.
    pub(super) fn take_in(&mut self, observation: Observation) {
        if let Some(observation) = self.lists.hold(observation) {
            self.enter_contained(observation);
        }
    }

    pub(super) fn enter_contained(&mut self, observation: Observation) {
        let (cluster, received) = (observation.cluster.clone(), Duration::from_nanos(observation.received_ns));
        let kind = observation.change.kind();
        self.contained(&cluster, kind, received, |publisher| publisher.enter(observation));
    }

    /// Takes something in that a cluster said. After a panic it is lost, and perhaps half taken in: a list of its kind is asked
    /// for, and then everything is published anew.
    pub(super) fn contained<T>(
        &mut self,
        cluster: &ClusterId,
        kind: Option<Kind>,
        received: Duration,
        take_in: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let taken = catch_unwind(AssertUnwindSafe(|| take_in(self))).ok();
        if taken.is_none() {
            if let Some(kind) = kind {
                self.lost.lose((cluster.clone(), kind), received);
            }
            let meanwhile = "everything else is served as before, and a new list of that kind is asked for";
            self.panicked(&format!("taking in what cluster {cluster} says"), meanwhile);
        }
        taken
    }

    /// A list was taken in whole. If one was owed, facts may be equal to those half taken in, which touch nothing and are in
    /// no index.
    pub(super) fn recover(&mut self, at: &(ClusterId, Kind)) {
        if self.lost.recover(at) {
            self.clusterset.file_anew(&at.0);
            self.touch_everything();
        }
    }

    fn panicked(&self, doing: &str, meanwhile: &str) {
        self.figures().panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!("{doing} panicked; {meanwhile}; please report this with the panic above");
    }
}

/// What was lost of each kind of each cluster, until a list brings it again.
#[derive(Debug, Default)]
pub(super) struct Lost(BTreeMap<(ClusterId, Kind), Loss>);

#[derive(Debug, Default)]
struct Loss {
    pauses: Pauses,
    /// When a list is to be asked for.
    due: Option<Duration>,
    /// No list was taken in since.
    open: bool,
}

impl Lost {
    fn lose(&mut self, at: (ClusterId, Kind), now: Duration) {
        let loss = self.0.entry(at).or_default();
        loss.open = true;
        // One list that is to come brings everything that is lost until then.
        if loss.due.is_none() {
            loss.due = Some(loss.pauses.after(now));
        }
    }

    /// A list was taken in; true when one was owed.
    fn recover(&mut self, at: &(ClusterId, Kind)) -> bool {
        self.0.get_mut(at).is_some_and(|loss| std::mem::take(&mut loss.open))
    }

    /// The lists that are to be asked for at `now`, each once.
    pub(super) fn due(&mut self, now: Duration) -> Vec<(ClusterId, Kind)> {
        let is_due = |loss: &mut Loss| loss.due.take_if(|due| *due <= now).is_some() && loss.open;
        self.0.iter_mut().filter_map(|(at, loss)| is_due(loss).then(|| at.clone())).collect()
    }

    /// Forgets clusters that are gone.
    pub(super) fn retain(&mut self, exists: impl Fn(&ClusterId) -> bool) {
        self.0.retain(|(cluster, _), _| exists(cluster));
    }
}
