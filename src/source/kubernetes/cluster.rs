//! All watches of one cluster: what they share, and who starts them again after a panic.

use super::backoff::SharedBackoff;
use super::claim::Identity;
use super::client::Connection;
use super::counters::Counters;
use super::fault::Fault;
use super::follow::Follower;
use super::kinds::{Need, Row, TABLE};
use super::probe::Probe;
use super::{FailPoint, Limits, Spec};
use crate::model::{Change, ClusterId, Kind, Mode, Observation};
use crate::source::object::Context;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::{Notify, mpsc};
use tokio::task::{Id, JoinError, JoinSet};

/// The receiver is gone: nobody wants to know any more.
#[derive(Debug)]
pub(super) struct Closed;

/// What the watches of one cluster share.
pub(super) struct Shared {
    pub cluster: ClusterId,
    pub generation: u64,
    pub mode: Mode,
    pub connection: Connection,
    pub identity: Identity,
    pub limits: Limits,
    pub context: Context<'static>,
    pub counters: Arc<Counters>,
    pub backoff: SharedBackoff,
    /// One per row of the table: a request to list the kind again.
    pub asked: [Notify; TABLE.len()],
    /// The last probe failed: quiet watches prove nothing, so no sign of life is sent (RESILIENCE.md 4.1).
    pub doubtful: AtomicBool,
    /// The resourceVersion the watch of EndpointSlices has reached.
    pub slice_version: AtomicU64,
    pub fail_point: Option<FailPoint>,
    epoch: Instant,
    sender: mpsc::Sender<Observation>,
}

impl Shared {
    pub fn new(spec: &Spec, connection: Connection, epoch: Instant, sender: mpsc::Sender<Observation>) -> Arc<Self> {
        let mut context = Context::api(spec.cluster.clone());
        context.known_clusters = spec.known_clusters.clone();
        Arc::new(Shared {
            cluster: spec.cluster.clone(),
            generation: spec.generation,
            mode: spec.mode,
            connection,
            identity: Identity::new(spec),
            limits: spec.limits.clone(),
            context,
            counters: spec.counters.clone(),
            backoff: SharedBackoff::default(),
            asked: Default::default(),
            doubtful: AtomicBool::new(false),
            slice_version: AtomicU64::new(0),
            fail_point: spec.fail_point.clone(),
            epoch,
            sender,
        })
    }

    /// Hands a change over; waits while the channel is full.
    pub async fn send(&self, change: Change, received: Instant) -> Result<(), Closed> {
        let received_ns = received.saturating_duration_since(self.epoch).as_nanos() as u64;
        let observation =
            Observation { cluster: self.cluster.clone(), generation: self.generation, received_ns, change };
        self.sender.send(observation).await.map_err(|_| Closed)
    }

    /// Asks for a new list of one kind, or of all.
    pub fn relist(&self, kind: Option<Kind>) {
        let rows = TABLE.iter().zip(&self.asked);
        rows.filter(|(row, _)| kind.is_none_or(|kind| kind == row.kind)).for_each(|(_, asked)| asked.notify_one());
    }

    /// Makes sure that it is the cluster that it was, at a moment after `since`; where it is another one from now on,
    /// everything is listed again.
    ///
    /// # Errors
    /// See [`Identity::confirm`].
    pub async fn confirm(&self, since: Instant) -> Result<(), Fault> {
        if self.identity.confirm(&self.connection, since).await? {
            tracing::warn!(
                "cluster {}: another cluster stands behind its URL, as a second look confirms; it is listed anew",
                self.cluster
            );
            self.relist(None);
        }
        Ok(())
    }

    /// True while the last probe succeeded.
    pub fn is_trusted(&self) -> bool {
        !self.doubtful.load(Ordering::Relaxed)
    }

    /// The request of this row.
    pub fn asked(&self, kind: Kind) -> &Notify {
        let slot = TABLE.iter().position(|row| row.kind == kind).expect("every kind has a row: checked by a test");
        &self.asked[slot]
    }
}

/// A task of the cluster.
#[derive(Debug, Clone, Copy)]
enum Task {
    Follow(&'static Row),
    Probe,
}

/// Runs every task of the cluster until the receiver is gone. Dropping the future ends them all.
pub(super) async fn run(shared: Arc<Shared>) {
    let mode = shared.mode;
    let mut running = Running { shared, set: JoinSet::new(), tasks: Vec::new() };
    for row in TABLE.iter().filter(|row| row.need(mode) != Need::Unread) {
        running.start(Task::Follow(row));
    }
    running.start(Task::Probe);
    while let Some(ended) = running.set.join_next_with_id().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            running.restart(&error).await;
        }
    }
}

struct Running {
    shared: Arc<Shared>,
    set: JoinSet<()>,
    tasks: Vec<(Id, Task)>,
}

impl Running {
    fn start(&mut self, task: Task) {
        let shared = self.shared.clone();
        let handle = match task {
            Task::Follow(row) => self.set.spawn(Follower::new(row, shared).run()),
            Task::Probe => self.set.spawn(Probe::new(shared).run()),
        };
        self.tasks.push((handle.id(), task));
    }

    /// A panic is contained: counted, told as a fault of the kind, and the task starts from scratch.
    async fn restart(&mut self, error: &JoinError) {
        let Some(at) = self.tasks.iter().position(|(id, _)| *id == error.id()) else { return };
        let (_, task) = self.tasks.swap_remove(at);
        self.shared.counters.panicked();
        let kind = match task {
            Task::Follow(row) => row.kind,
            Task::Probe => Kind::EndpointSlice,
        };
        self.shared.counters.watch_error(kind, "panic");
        let error = format!("the task that reads {} panicked and starts again; please report this", kind.as_str());
        // A closed channel ends the new task at its first message.
        let _ = self.shared.send(Change::Failed { kind, error }, Instant::now()).await;
        tokio::time::sleep(self.shared.connection.timing().backoff.0).await;
        self.start(task);
    }
}
