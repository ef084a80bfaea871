//! Starts a source per configured cluster, and keeps them.
//!
//! In: the configuration, the channel to the publisher. Out: observations, until dropped.

use crate::config::{Config, ConfiguredCluster, SourceSpec};
use crate::model::{ClusterId, Kind, Observation};
use crate::publish::task::Relist;
use crate::source::manifests::{Folder, Watch};
use crate::source::runtime::Sources;
use crate::telemetry::figures::ClusterFigures;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, mpsc};

#[cfg(feature = "kubernetes")]
use crate::source::kubernetes;

/// Adds what the watchers of API servers count to the figures of a cluster.
pub(super) type WatcherFigures = Box<dyn Fn(&str, &mut ClusterFigures) + Send + Sync>;

/// Asks one cluster for another list of a kind.
type Ask = Box<dyn Fn(Kind) + Send>;
/// Shared with the publisher, which asks.
type Relists = Arc<Mutex<HashMap<ClusterId, Ask>>>;

/// The running sources; dropping it ends them.
pub(super) struct Running {
    /// One per folder: asks for a reading at once.
    reread: Vec<Arc<Notify>>,
    /// How each cluster is asked for another list of a kind.
    relists: Relists,
    #[cfg(feature = "kubernetes")]
    watchers: Vec<kubernetes::Watcher>,
    #[cfg(feature = "kubernetes")]
    counters: Vec<(ClusterId, Arc<kubernetes::Counters>)>,
    // After the watchers: they run on its thread.
    sources: Sources,
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

impl Running {
    /// Starts every source.
    ///
    /// # Errors
    /// One line per kubeconfig that cannot be used, which names the cluster.
    pub(super) fn start(config: &Config, epoch: Instant, sender: mpsc::Sender<Observation>) -> Result<Self, String> {
        let sources = Sources::start(epoch).map_err(|error| format!("starting the thread of the sources: {error}"))?;
        let known = known_clusters(config);
        let mut running = Running {
            reread: Vec::new(),
            relists: Relists::default(),
            #[cfg(feature = "kubernetes")]
            watchers: Vec::new(),
            #[cfg(feature = "kubernetes")]
            counters: Vec::new(),
            sources,
        };
        let mut refused = Vec::new();
        for entry in config.clusters() {
            let name = entry.cluster.id.clone();
            if let Err(error) = running.start_one(config, entry, &known, &sender) {
                refused.push(format!("cluster {name}: {error}"));
            }
        }
        if refused.is_empty() { Ok(running) } else { Err(refused.join("\n")) }
    }

    fn start_one(
        &mut self,
        config: &Config,
        entry: ConfiguredCluster,
        known: &Arc<[ClusterId]>,
        sender: &mpsc::Sender<Observation>,
    ) -> Result<(), String> {
        match &entry.source {
            SourceSpec::Manifests { path } => {
                let reload = Arc::new(Notify::new());
                self.reread.push(Arc::clone(&reload));
                let (cluster, started) = (entry.cluster.id.clone(), self.sources.epoch());
                let folder = Folder::new(cluster.clone(), path.clone())
                    .with_known_clusters(Arc::clone(known))
                    .with_whole_lists_above(config.brake.services.as_usize());
                let confirm = Arc::new(Notify::new());
                let asked = Arc::clone(&confirm);
                self.ask_by(&cluster, Box::new(move |_| asked.notify_one()));
                let watch = Watch { folder, cluster, generation: 1, started, reload, confirm };
                self.sources.handle().spawn(watch.run(sender.clone()));
                Ok(())
            }
            SourceSpec::InCluster | SourceSpec::Kubeconfig { .. } => self.watch_api(config, &entry, known, sender),
        }
    }

    #[cfg(feature = "kubernetes")]
    fn watch_api(
        &mut self,
        config: &Config,
        entry: &ConfiguredCluster,
        known: &Arc<[ClusterId]>,
        sender: &mpsc::Sender<Observation>,
    ) -> Result<(), String> {
        let access = access(config, entry)?;
        let mut spec = kubernetes::Spec::new(entry.cluster.id.clone(), 1, access);
        spec.mode = entry.cluster.mode;
        spec.known_clusters = Arc::clone(known);
        let freshness = &entry.freshness;
        spec.timing =
            kubernetes::Timing::for_freshness(freshness.suspect_after.duration(), freshness.demote_after.duration());
        let limits = &config.limits.cluster;
        spec.timing.list = limits.list.duration();
        spec.limits.page_octets = limits.page.get() as usize;
        self.counters.push((entry.cluster.id.clone(), Arc::clone(&spec.counters)));
        let watcher = kubernetes::spawn(&self.sources, &spec, sender.clone())?;
        self.ask_by(&entry.cluster.id, Box::new(watcher.relister()));
        self.watchers.push(watcher);
        Ok(())
    }

    #[cfg(not(feature = "kubernetes"))]
    fn watch_api(
        &mut self,
        _: &Config,
        _: &ConfiguredCluster,
        _: &Arc<[ClusterId]>,
        _: &mpsc::Sender<Observation>,
    ) -> Result<(), String> {
        Err("this build reads folders of manifests only; build with the feature `kubernetes` to watch API servers"
            .into())
    }

    fn ask_by(&self, cluster: &ClusterId, ask: Ask) {
        self.relists.lock().unwrap_or_else(PoisonError::into_inner).insert(cluster.clone(), ask);
    }

    /// For the publisher: asks the source of a cluster for another list of a kind.
    pub(super) fn relist(&self) -> Relist {
        let relists = Arc::clone(&self.relists);
        Box::new(move |cluster, kind| {
            if let Some(ask) = relists.lock().unwrap_or_else(PoisonError::into_inner).get(cluster) {
                ask(kind);
            }
        })
    }

    /// Folders are read again at once.
    pub(super) fn reread(&self) {
        self.reread.iter().for_each(|folder| folder.notify_one());
    }

    /// What the watchers count, by cluster.
    #[cfg(feature = "kubernetes")]
    pub(super) fn figures(&self) -> WatcherFigures {
        let counters = self.counters.clone();
        Box::new(move |cluster, figures| {
            let Some((_, counters)) = counters.iter().find(|(id, _)| id.as_str() == cluster) else { return };
            figures.requests =
                counters.requests().map(|(verb, code, n)| (verb.as_str(), code.to_string(), n)).collect();
            figures.syncs = counters.syncs().map(|(kind, reason, n)| (kind.as_str(), reason, n)).collect();
            figures.watch_errors =
                counters.watch_errors().map(|(kind, code, n)| (kind.as_str(), code.to_string(), n)).collect();
            figures.auth_failures = counters.auth_failures();
        })
    }

    /// What the watchers count: there are none in this build.
    #[cfg(not(feature = "kubernetes"))]
    pub(super) fn figures(&self) -> WatcherFigures {
        Box::new(|_, _| {})
    }
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
                allow_insecure: written.is_some_and(|entry| entry.allow_insecure),
                system_roots: written.is_some_and(|entry| entry.system_roots),
                proxy: written.map(|entry| entry.proxy.clone()).unwrap_or_default(),
            };
            kubernetes::read_kubeconfig(path, context.as_deref().unwrap_or_default(), &rules).map_err(|e| e.to_string())
        }
        SourceSpec::InCluster => kubernetes::Access::in_cluster(),
        SourceSpec::Manifests { .. } => Err("a folder has no API server".to_owned()),
    }
}
