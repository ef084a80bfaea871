//! What the task is told, and by which channels: commands, the schedule, readiness.

use super::TICK;
use crate::model::freshness::Times;
use crate::model::{ClusterId, Kind, Observation};
use crate::publish::publisher::{Publisher, Setup};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// What others ask of the publisher.
pub enum Command {
    /// Runs a closure on the publisher between two slices, for `explain` on a running server.
    Ask(Box<dyn FnOnce(&Publisher) + Send>),
    /// The addresses of all looked-up host names.
    Resolved(HashMap<Arc<str>, Vec<std::net::IpAddr>>),
    /// The addresses whose health check fails.
    Probed(crate::model::probe::Evidence),
    /// What the objects of the registry say against clusters.
    Accused(crate::publish::Accused),
    /// Puts another configuration in force.
    Reconfigure(Box<Reconfiguration>),
}

/// What a changed configuration means for the publisher.
pub struct Reconfiguration {
    /// The zones are those that run.
    pub setup: Setup,
    pub times: HashMap<ClusterId, Times>,
    pub brake: crate::model::brake::Limits,
    pub registry: Registry,
    /// Told when it is in force: from then on new clusters are listened to.
    pub done: oneshot::Sender<()>,
}

/// What is known of the registry, beside the clusters that it gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registry {
    /// Clusters may come that nobody knows of yet: it was not listed, and its grace runs.
    pub awaited: bool,
    /// One line per thing that is missing, for `/ready`.
    pub missing: Vec<String>,
}

/// Whether sockets may open (RESILIENCE.md rule 2), and what is missing if not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readiness {
    pub ready: bool,
    /// One line per thing missing. Also filled when ready: clusters that are not synced.
    pub missing: Vec<String>,
    /// One line per cluster that was synced and is out of contact.
    pub lost: Vec<String>,
}

/// Asks the source of a cluster for another list of a kind.
pub type Relist = Box<dyn Fn(&ClusterId, Kind) + Send>;

/// Measures whether there is memory for new objects.
pub type Room = Box<dyn FnMut() -> bool + Send>;

/// What the task is told at start.
pub struct Schedule {
    /// Zero of all `received_ns`.
    pub epoch: Instant,
    /// The ages of each cluster's data.
    pub times: HashMap<ClusterId, Times>,
    /// How often states are looked at, so that they change no more often.
    pub tick: Duration,
    pub registry: Registry,
    pub relist: Relist,
    /// False while memory is too short for new objects.
    pub room: Room,
}

impl Schedule {
    /// Once a second, with nobody to ask for another list and with room for everything.
    pub fn new(epoch: Instant, times: HashMap<ClusterId, Times>) -> Self {
        Schedule {
            epoch,
            times,
            tick: TICK,
            registry: Registry::default(),
            relist: Box::new(|_, _| {}),
            room: Box::new(|| true),
        }
    }
}

/// The task's ends of its channels.
pub struct Ends {
    pub observations: mpsc::Receiver<Observation>,
    pub commands: mpsc::Receiver<Command>,
    pub readiness: watch::Sender<Readiness>,
    /// Told after the serial of some zone moved.
    pub serials: Arc<Notify>,
    /// Resolves at shutdown.
    pub stop: oneshot::Receiver<()>,
}
