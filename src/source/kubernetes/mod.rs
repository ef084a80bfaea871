//! API servers as a source: lists and watches every kind of a cluster, in a loop of our own (RESILIENCE.md section 4).
//!
//! In: [`Spec`]s, one per cluster. Out: `model::Observation`s over a bounded channel, and [`Counters`] for metrics.
//!
//! ```text
//! kubeconfig ─▶ Access ─▶ Connection ─┬▶ Follower (one per kind): discovery, list, watch by its Course ─▶ Observation
//!                                     └▶ Probe (one per cluster)
//! ```
//!
//! kube gives the client, TLS and URLs, nothing more: its watcher hides signs of life and loops on common faults.

mod access;
mod backoff;
mod claim;
mod client;
mod cluster;
pub mod connect;
mod counters;
mod course;
mod discovery;
mod exec;
mod fault;
mod follow;
mod http_client;
mod identity;
mod kinds;
mod kubeconfig;
mod kubeconfig_file;
mod kubeconfig_secret;
mod list;
mod probe;
mod pulse;
pub mod registry;
mod timing;
mod token;
mod watch;

pub use access::{Access, Identity, Trust};
pub use claim::{Claim, Desk};
pub use client::install_crypto_provider;
pub use counters::{Counters, Verb};
pub use kinds::{Need, Row, TABLE};
pub use kubeconfig::{Refusal, Rules, accept as accept_kubeconfig, read as read_kubeconfig};
pub use timing::Timing;
pub use token::{TokenFile, TokenSource};

use super::runtime::Sources;
use crate::model::{ClusterId, Kind, Mode, Observation};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// How much is read at once (RESILIENCE.md 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Objects asked for per page.
    pub page_items: u32,
    /// Octets of one page, unpacked; a larger one is asked for again in halves.
    pub page_octets: usize,
    /// Octets of one line of a watch.
    pub line_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { page_items: 500, page_octets: 64 << 20, line_octets: 4 << 20 }
    }
}

/// One cluster to watch.
pub struct Spec {
    pub cluster: ClusterId,
    pub mode: Mode,
    /// Of this watcher set; each one for the same cluster has a larger one (RESILIENCE.md rule 7).
    pub generation: u64,
    pub access: Access,
    pub timing: Timing,
    pub limits: Limits,
    /// Ids of the registry and their aliases.
    pub known_clusters: Arc<[ClusterId]>,
    /// Where the cluster's identity is put to; `None`: it is not asked for.
    pub desk: Option<Desk>,
    /// The UID of the kube-system Namespace that it had when what is answered of it was read.
    pub expected: Option<String>,
    /// Kept by the caller over rebuilt watchers.
    pub counters: Arc<Counters>,
    /// Runs before each step of the task that follows a kind: tests panic in it.
    pub fail_point: Option<FailPoint>,
}

/// What a test does in the task that follows a kind.
pub type FailPoint = Arc<dyn Fn(Kind) + Send + Sync>;

impl Spec {
    /// A cluster with every default.
    pub fn new(cluster: ClusterId, generation: u64, access: Access) -> Self {
        Spec {
            cluster,
            mode: Mode::default(),
            generation,
            access,
            timing: Timing::default(),
            limits: Limits::default(),
            known_clusters: Arc::new([]),
            desk: None,
            expected: None,
            counters: Arc::default(),
            fail_point: None,
        }
    }
}

/// The running watches of one cluster; dropping it ends them at once.
pub struct Watcher {
    shared: Arc<cluster::Shared>,
    task: AbortHandle,
}

impl Watcher {
    /// The cluster that is watched.
    pub fn cluster(&self) -> &ClusterId {
        &self.shared.cluster
    }

    /// As in its [`Spec`].
    pub fn generation(&self) -> u64 {
        self.shared.generation
    }

    /// Drops the watch of a kind and lists it again: the second opinion the deletion brake asks for. `None`: all kinds.
    pub fn relist(&self, kind: Option<Kind>) {
        self.shared.relist(kind);
    }

    /// The same for one kind, from any thread and for as long as the watcher lives.
    pub fn relister(&self) -> impl Fn(Kind) + Send + 'static {
        let shared = Arc::downgrade(&self.shared);
        move |kind| {
            if let Some(shared) = shared.upgrade() {
                shared.relist(Some(kind));
            }
        }
    }

    /// False once it ended by itself, because the receiver is gone.
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts watching a cluster on the thread of all sources.
///
/// # Errors
/// Certificates, key or proxy cannot be used: a sentence that names the reason, never a value.
pub fn spawn(sources: &Sources, spec: &Spec, sender: mpsc::Sender<Observation>) -> Result<Watcher, String> {
    let _inside = sources.handle().enter();
    let connection = client::Connection::new(&spec.access, Arc::new(spec.timing.clone()), spec.counters.clone())?;
    let shared = cluster::Shared::new(spec, connection, sources.epoch(), sender);
    let task = sources.handle().spawn(cluster::run(shared.clone())).abort_handle();
    Ok(Watcher { shared, task })
}
