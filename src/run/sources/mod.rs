//! The sources of all clusters: started with the configuration, exchanged with it, kept.
//!
//! In: the configuration, the channel to the publisher. Out: observations, until dropped. A changed source runs beside
//! the old one until it is in sync (`handover`).

use super::feed::{Ask, Feed, Prepared, Start};
use super::handover::{Handover, Synced};
use super::identities::Identities;
use super::registry::Joined;
use crate::config::{Config, ConfiguredCluster, SourceSpec};
use crate::model::{Cluster, ClusterId, Observation};
use crate::publish::task::Relist;
use crate::source::runtime::Sources;
use crate::telemetry::figures::ClusterFigures;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc;

#[cfg(feature = "kubernetes")]
use crate::source::kubernetes;

/// Adds what the watchers of API servers count to the figures of a cluster.
pub(super) type WatcherFigures = Box<dyn Fn(&str, &mut ClusterFigures) + Send + Sync>;

/// How each cluster is asked for another list; shared with the publisher, which asks.
type Relists = Arc<Mutex<HashMap<ClusterId, Ask>>>;
/// Kept by cluster over the exchange of its watchers.
#[cfg(feature = "kubernetes")]
type AllCounters = Arc<Mutex<HashMap<ClusterId, Arc<kubernetes::Counters>>>>;

/// Observations on their way from a source that was started by a reload.
const BESIDE: usize = 64;

/// The running sources; dropping it ends them.
pub(super) struct Running {
    clusters: HashMap<ClusterId, Source>,
    relists: Relists,
    #[cfg(feature = "kubernetes")]
    counters: AllCounters,
    #[cfg(feature = "kubernetes")]
    claims: (mpsc::UnboundedSender<kubernetes::Claim>, Option<mpsc::UnboundedReceiver<kubernetes::Claim>>),
    sender: mpsc::Sender<Observation>,
    synced: mpsc::UnboundedSender<Synced>,
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
}

/// A source that takes the place of another once it is in sync.
struct Next {
    feed: Feed,
    ask: Ask,
    cluster: Cluster,
    fingerprint: u64,
    files: Vec<PathBuf>,
    generation: u64,
}

/// Sources that were started for another configuration and that nobody listens to yet.
pub(super) struct Change {
    started: Vec<(Next, mpsc::Receiver<Observation>)>,
    /// Every cluster of the configuration.
    clusters: Vec<Cluster>,
}

/// Ids of all clusters and their aliases.
pub(super) fn known_clusters(config: &Config) -> Arc<[ClusterId]> {
    let clusters = config.clusters();
    clusters
        .iter()
        .flat_map(|entry| std::iter::once(&entry.cluster.id).chain(&entry.cluster.aliases))
        .cloned()
        .collect()
}

/// These clusters with what has to be read before its source can start.
///
/// # Errors
/// One line per kubeconfig that cannot be used, which names the cluster.
fn prepare(joined: &Joined, entries: Vec<ConfiguredCluster>) -> Result<Vec<Prepared>, Vec<String>> {
    let (mut prepared, mut refused) = (Vec::new(), Vec::new());
    for entry in entries {
        let name = entry.cluster.id.clone();
        match Prepared::new(joined, entry) {
            Ok(ready) => prepared.push(ready),
            Err(error) => refused.push(format!("cluster {name}: {error}")),
        }
    }
    if refused.is_empty() { Ok(prepared) } else { Err(refused) }
}

impl Running {
    /// Starts every source. `synced` is told of each one that took the place of another.
    ///
    /// # Errors
    /// One line per kubeconfig that cannot be used, which names the cluster.
    pub(super) fn start(
        config: &Config,
        epoch: Instant,
        sender: mpsc::Sender<Observation>,
        synced: mpsc::UnboundedSender<Synced>,
    ) -> Result<Self, String> {
        let sources = Sources::start(epoch).map_err(|error| format!("starting the thread of the sources: {error}"))?;
        let mut running = Running {
            clusters: HashMap::new(),
            relists: Relists::default(),
            #[cfg(feature = "kubernetes")]
            counters: AllCounters::default(),
            #[cfg(feature = "kubernetes")]
            claims: {
                let (sender, receiver) = mpsc::unbounded_channel();
                (sender, Some(receiver))
            },
            sender: sender.clone(),
            synced,
            generation: 1,
            sources,
        };
        let mut refused = Vec::new();
        let joined = Joined::plain(config.clone());
        for prepared in prepare(&joined, config.clusters()).map_err(|refused| refused.join("\n"))? {
            match running.next(config, &prepared, sender.clone()) {
                Ok(next) => running.install(next),
                Err(error) => refused.push(error),
            }
        }
        if refused.is_empty() { Ok(running) } else { Err(refused.join("\n")) }
    }

    fn next(&self, config: &Config, prepared: &Prepared, sender: mpsc::Sender<Observation>) -> Result<Next, String> {
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
        };
        let (feed, ask) = prepared.start(&start).map_err(|error| format!("cluster {id}: {error}"))?;
        Ok(Next {
            feed,
            ask,
            cluster: prepared.entry.cluster.clone(),
            fingerprint: prepared.fingerprint,
            files: prepared.files.clone(),
            generation: self.generation,
        })
    }

    /// A source takes its place; the one that had it ends.
    fn install(&mut self, next: Next) {
        let Next { feed, ask, cluster, fingerprint, files, .. } = next;
        let id = cluster.id.clone();
        lock(&self.relists).insert(id.clone(), ask);
        self.clusters.insert(id, Source { feed, cluster, fingerprint, files, next: None });
    }

    /// Reads every kubeconfig and starts what is new or changed, unheard: nothing that runs is touched.
    ///
    /// # Errors
    /// One line per cluster that cannot be read as configured; then nothing was started.
    pub(super) fn prepare(&mut self, joined: &Joined) -> Result<Change, Vec<String>> {
        self.prepare_these(joined, joined.config.clusters())
    }

    /// The same for the clusters of the registry; those of the configuration go on as they are, whatever their files hold
    /// now.
    ///
    /// # Errors
    /// One line per cluster that cannot be read; then nothing was started.
    pub(super) fn prepare_learned(&mut self, joined: &Joined) -> Result<Change, Vec<String>> {
        let runs = |entry: &ConfiguredCluster| self.clusters.contains_key(&entry.cluster.id);
        let (now, kept): (Vec<_>, Vec<_>) = joined
            .config
            .clusters()
            .into_iter()
            .partition(|entry| matches!(entry.source, SourceSpec::Learned) || !runs(entry));
        let mut change = self.prepare_these(joined, now)?;
        change.clusters.extend(kept.into_iter().map(|entry| entry.cluster));
        Ok(change)
    }

    fn prepare_these(&mut self, joined: &Joined, entries: Vec<ConfiguredCluster>) -> Result<Change, Vec<String>> {
        // Those that are only remembered stand, with nothing that reads them.
        let (entries, remembered): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| joined.reaches(entry));
        let prepared = prepare(joined, entries)?;
        self.generation += 1;
        let (mut started, mut refused) = (Vec::new(), Vec::new());
        for prepared in &prepared {
            let runs = self.clusters.get(&prepared.entry.cluster.id);
            // The source on its way in counts, else the one that runs.
            let known = runs.map(|source| source.next.as_ref().map_or(source.fingerprint, |next| next.fingerprint));
            if known == Some(prepared.fingerprint) {
                continue;
            }
            let (sender, receiver) = mpsc::channel(BESIDE);
            match self.next(&joined.config, prepared, sender) {
                Ok(next) => started.push((next, receiver)),
                Err(error) => refused.push(error),
            }
        }
        let remembered = remembered.into_iter().map(|entry| entry.cluster);
        let clusters = prepared.into_iter().map(|prepared| prepared.entry.cluster).chain(remembered).collect();
        if refused.is_empty() { Ok(Change { started, clusters }) } else { Err(refused) }
    }

    /// Takes a change over: clusters that are gone end, new ones are heard, changed ones are when they are in sync.
    pub(super) fn apply(&mut self, change: Change) {
        let Change { started, clusters } = change;
        self.clusters.retain(|id, _| clusters.iter().any(|cluster| cluster.id == *id));
        lock(&self.relists).retain(|id, _| self.clusters.contains_key(id));
        for cluster in clusters {
            if let Some(source) = self.clusters.get_mut(&cluster.id) {
                // How it is read changes with its source.
                source.cluster = Cluster { mode: source.cluster.mode, ..cluster };
            }
        }
        for (next, from) in started {
            let handover = Handover {
                cluster: next.cluster.id.clone(),
                generation: next.generation,
                mode: next.cluster.mode,
                from,
                to: self.sender.clone(),
                tell: self.synced.clone(),
            };
            let runs = self.clusters.get_mut(&next.cluster.id);
            self.sources.handle().spawn(handover.run(runs.is_some()));
            match runs {
                Some(source) => source.next = Some(next),
                None => self.install(next),
            }
        }
        #[cfg(feature = "kubernetes")]
        lock(&self.counters).retain(|id, _| self.clusters.contains_key(id));
    }

    /// A source is in sync: the one before it ends. True when the cluster is read in another mode now.
    pub(super) fn promote(&mut self, synced: &Synced) -> bool {
        let Some(source) = self.clusters.get_mut(&synced.cluster) else { return false };
        let Some(next) = source.next.take_if(|next| next.generation == synced.generation) else { return false };
        let before = source.cluster.mode;
        let cluster = Cluster { mode: next.cluster.mode, ..source.cluster.clone() };
        let changed = before != cluster.mode;
        self.install(Next { cluster, ..next });
        tracing::info!("cluster {}: read as it is configured now; the watches of before have ended", synced.cluster);
        changed
    }

    /// Every cluster as it is read now.
    pub(super) fn mode_of(&self, cluster: &ClusterId) -> Option<crate::model::Mode> {
        self.clusters.get(cluster).map(|source| source.cluster.mode)
    }

    /// Files by which sources were made.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let of = |source: &Source| source.next.as_ref().map_or(&source.files, |next| &next.files).clone();
        self.clusters.values().flat_map(of).collect()
    }

    /// Who answers the claims of identities; there is one.
    #[cfg(feature = "kubernetes")]
    pub(super) fn identities(&mut self) -> Identities {
        let receiver = self.claims.1.take().unwrap_or_else(|| mpsc::unbounded_channel().1);
        Identities::new(receiver)
    }

    /// Nobody claims anything in this build.
    #[cfg(not(feature = "kubernetes"))]
    pub(super) fn identities(&mut self) -> Identities {
        Identities
    }

    /// The thread of all sources.
    #[cfg(feature = "kubernetes")]
    pub(super) fn thread(&self) -> &Sources {
        &self.sources
    }

    /// What is counted of the requests to a cluster, whoever makes them.
    #[cfg(feature = "kubernetes")]
    pub(super) fn counters_of(&self, cluster: &ClusterId) -> Arc<kubernetes::Counters> {
        Arc::clone(lock(&self.counters).entry(cluster.clone()).or_default())
    }

    /// For the publisher: asks the source of a cluster for another list of a kind.
    pub(super) fn relist(&self) -> Relist {
        let relists = Arc::clone(&self.relists);
        Box::new(move |cluster, kind| {
            if let Some(ask) = lock(&relists).get(cluster) {
                ask(kind);
            }
        })
    }

    /// Folders are read again at once.
    pub(super) fn reread(&self) {
        self.clusters.values().for_each(|source| source.feed.reread());
    }

    /// What the watchers count, by cluster.
    #[cfg(feature = "kubernetes")]
    pub(super) fn figures(&self) -> WatcherFigures {
        let counters = Arc::clone(&self.counters);
        Box::new(move |cluster, figures| {
            let Some(counters) = lock(&counters).get(&ClusterId::new(cluster)).cloned() else { return };
            figures.requests =
                counters.requests().map(|(verb, code, n)| (verb.as_str(), code.to_string(), n)).collect();
            figures.syncs = counters.syncs().map(|(kind, reason, n)| (kind.as_str(), reason, n)).collect();
            figures.watch_errors =
                counters.watch_errors().map(|(kind, code, n)| (kind.as_str(), code.to_string(), n)).collect();
            figures.auth_failures = counters.auth_failures();
            figures.panics = counters.panics();
        })
    }

    /// What the watchers count: there are none in this build.
    #[cfg(not(feature = "kubernetes"))]
    pub(super) fn figures(&self) -> WatcherFigures {
        Box::new(|_, _| {})
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How to reach the API server of a cluster.
#[cfg(feature = "kubernetes")]
pub(super) fn access(config: &Config, entry: &ConfiguredCluster) -> Result<kubernetes::Access, String> {
    match &entry.source {
        SourceSpec::Kubeconfig { path, context } => {
            let written = config.clusters.iter().find(|written| written.name == entry.cluster.id.as_str());
            let rules = kubernetes::Rules {
                allow_paths: config
                    .kubeconfig
                    .allow_paths
                    .iter()
                    .filter_map(|path| path.get().map(Into::into))
                    .collect(),
                allow_exec: config.kubeconfig.allow_exec.iter().filter_map(|path| path.get().map(Into::into)).collect(),
                allow_insecure: written.is_some_and(|entry| entry.allow_insecure),
                system_roots: written.is_some_and(|entry| entry.system_roots),
                proxy: written.map(|entry| entry.proxy.clone()).unwrap_or_default(),
            };
            kubernetes::read_kubeconfig(path, context.as_deref().unwrap_or_default(), &rules).map_err(|e| e.to_string())
        }
        SourceSpec::InCluster => kubernetes::Access::in_cluster(),
        SourceSpec::Manifests { .. } => Err("a folder has no API server".to_owned()),
        SourceSpec::Learned => Err("the registry knows how to reach it".to_owned()),
    }
}
