//! The sources of all clusters: started with the configuration, exchanged with it, kept.
//!
//! In: the configuration, the channel to the publisher. Out: observations, until dropped. A changed source runs beside
//! the old one until it is in sync (`handover`).

mod change;
mod figures;
mod retry;

pub(in crate::run) use change::Change;
pub(in crate::run) use figures::WatcherFigures;

use crate::config::Config;
use crate::model::{Cluster, ClusterId, Observation};
use crate::publish::task::Relist;
use crate::run::feed::{Ask, Feed, Prepared, Start};
use crate::run::handover::Outcome;
use crate::run::identities::Identities;
use crate::run::registry::Joined;
use crate::run::uids::Uids;
use crate::source::runtime::Sources;
use change::{Next, prepare};
use retry::Retry;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc;

#[cfg(feature = "kubernetes")]
use crate::source::kubernetes;

/// How each cluster is asked for another list; shared with the publisher, which asks.
type Relists = Arc<Mutex<HashMap<ClusterId, Ask>>>;
/// Kept by cluster over the exchange of its watchers.
#[cfg(feature = "kubernetes")]
type AllCounters = Arc<Mutex<HashMap<ClusterId, Arc<kubernetes::Counters>>>>;

/// The running sources; dropping it ends them.
pub(in crate::run) struct Running {
    clusters: HashMap<ClusterId, Source>,
    relists: Relists,
    #[cfg(feature = "kubernetes")]
    counters: AllCounters,
    #[cfg(feature = "kubernetes")]
    claims: (mpsc::UnboundedSender<kubernetes::Claim>, Option<mpsc::UnboundedReceiver<kubernetes::Claim>>),
    #[cfg(feature = "kubernetes")]
    uids: Uids,
    sender: mpsc::Sender<Observation>,
    outcomes: mpsc::UnboundedSender<Outcome>,
    /// Of the sources that were started last; each one for the same cluster has a larger one.
    generation: u64,
    // After the sources: they run on its thread.
    sources: Sources,
}

/// The source of one cluster.
struct Source {
    feed: Feed,
    /// As it is read; where another is on its way in, `next` has what it will be.
    cluster: Cluster,
    fingerprint: u64,
    files: Vec<PathBuf>,
    next: Option<Next>,
    /// One that did not get in sync, to be tried again.
    retry: Option<Retry>,
}

impl Source {
    /// What is on its way in, or is to be tried again.
    fn coming(&self) -> Option<&Prepared> {
        let next = self.next.as_ref().map(|next| &next.prepared);
        next.or(self.retry.as_ref().map(|retry| &retry.prepared))
    }
}

/// Ids of all clusters and their aliases.
pub(in crate::run) fn known_clusters(config: &Config) -> Arc<[ClusterId]> {
    let clusters = config.clusters();
    clusters
        .iter()
        .flat_map(|entry| std::iter::once(&entry.cluster.id).chain(&entry.cluster.aliases))
        .cloned()
        .collect()
}

impl Running {
    /// Starts every source. `outcomes` is told of each one that takes the place of another, or does not; `uids` are those of the snapshot.
    ///
    /// # Errors
    /// One line per kubeconfig that cannot be used, which names the cluster.
    pub(in crate::run) fn start(
        config: &Config,
        epoch: Instant,
        sender: mpsc::Sender<Observation>,
        outcomes: mpsc::UnboundedSender<Outcome>,
        uids: &Uids,
    ) -> Result<Self, String> {
        // Without API servers nobody is identified.
        #[cfg(not(feature = "kubernetes"))]
        let _ = uids;
        let sources = Sources::start(epoch).map_err(|error| format!("starting the thread of the sources: {error}"))?;
        let mut running = Running {
            clusters: HashMap::new(),
            relists: Relists::default(),
            #[cfg(feature = "kubernetes")]
            counters: AllCounters::default(),
            #[cfg(feature = "kubernetes")]
            uids: uids.clone(),
            #[cfg(feature = "kubernetes")]
            claims: {
                let (sender, receiver) = mpsc::unbounded_channel();
                (sender, Some(receiver))
            },
            sender: sender.clone(),
            outcomes,
            generation: 1,
            sources,
        };
        let mut refused = Vec::new();
        let joined = Joined::plain(config.clone());
        for prepared in prepare(&joined, config.clusters()).map_err(|refused| refused.join("\n"))? {
            match running.next(config, prepared, sender.clone()) {
                Ok(next) => running.install(next),
                Err(error) => refused.push(error),
            }
        }
        if refused.is_empty() { Ok(running) } else { Err(refused.join("\n")) }
    }

    fn next(&self, config: &Config, prepared: Prepared, sender: mpsc::Sender<Observation>) -> Result<Next, String> {
        let id = &prepared.entry.cluster.id;
        let start = Start {
            config,
            sources: &self.sources,
            known: known_clusters(config),
            generation: self.generation,
            sender,
            #[cfg(feature = "kubernetes")]
            counters: self.counters_of(id),
            #[cfg(feature = "kubernetes")]
            claims: self.claims.0.clone(),
            #[cfg(feature = "kubernetes")]
            expected: self.uids.expected(id),
        };
        let (feed, ask) = prepared.start(&start).map_err(|error| format!("cluster {id}: {error}"))?;
        Ok(Next { feed, ask, prepared, generation: self.generation, tries: 0 })
    }

    /// A source takes its place; the one that had it ends.
    fn install(&mut self, next: Next) {
        let Next { feed, ask, prepared, .. } = next;
        let Prepared { entry, fingerprint, files, .. } = prepared;
        let id = entry.cluster.id.clone();
        lock(&self.relists).insert(id.clone(), ask);
        let source = Source { feed, cluster: entry.cluster, fingerprint, files, next: None, retry: None };
        self.clusters.insert(id, source);
    }

    /// Every cluster as it is read now.
    pub(in crate::run) fn mode_of(&self, cluster: &ClusterId) -> Option<crate::model::Mode> {
        self.clusters.get(cluster).map(|source| source.cluster.mode)
    }

    /// Files by which sources were made.
    pub(in crate::run) fn files(&self) -> Vec<PathBuf> {
        let of = |source: &Source| source.coming().map_or(&source.files, |prepared| &prepared.files).clone();
        self.clusters.values().flat_map(of).collect()
    }

    /// Who answers the claims of identities; there is one.
    #[cfg(feature = "kubernetes")]
    pub(in crate::run) fn identities(&mut self) -> Identities {
        let receiver = self.claims.1.take().unwrap_or_else(|| mpsc::unbounded_channel().1);
        Identities::new(receiver, self.uids.clone())
    }

    /// Nobody claims anything in this build.
    #[cfg(not(feature = "kubernetes"))]
    pub(in crate::run) fn identities(&mut self) -> Identities {
        Identities
    }

    /// The thread of all sources.
    pub(in crate::run) fn thread(&self) -> &Sources {
        &self.sources
    }

    /// What is counted of the requests to a cluster, whoever makes them.
    #[cfg(feature = "kubernetes")]
    pub(in crate::run) fn counters_of(&self, cluster: &ClusterId) -> Arc<kubernetes::Counters> {
        Arc::clone(lock(&self.counters).entry(cluster.clone()).or_default())
    }

    /// For the publisher: asks the source of a cluster for another list of a kind.
    pub(in crate::run) fn relist(&self) -> Relist {
        let relists = Arc::clone(&self.relists);
        Box::new(move |cluster, kind| {
            if let Some(ask) = lock(&relists).get(cluster) {
                ask(kind);
            }
        })
    }

    /// Folders are read again at once.
    pub(in crate::run) fn reread(&self) {
        self.clusters.values().for_each(|source| source.feed.reread());
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
