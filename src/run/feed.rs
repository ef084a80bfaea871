//! One source of one cluster: a folder or an API server, ended when dropped.
//!
//! In: its entry of the configuration, what was read of its kubeconfig, a channel. Out: observations on that channel.

use super::registry::Joined;
use crate::config::{Config, ConfiguredCluster, SourceSpec};
use crate::model::{ClusterId, Kind, Observation};
use crate::source::manifests::{Folder, Watch};
use crate::source::runtime::Sources;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

#[cfg(feature = "kubernetes")]
use crate::source::kubernetes;

/// Asks one cluster for another list of a kind.
pub(super) type Ask = Box<dyn Fn(Kind) + Send>;

/// A cluster with all that is read before its source starts.
pub(super) struct Prepared {
    pub entry: ConfiguredCluster,
    #[cfg(feature = "kubernetes")]
    access: Option<kubernetes::Access>,
    /// Files that it depends on: the kubeconfig and those it names.
    pub files: Vec<PathBuf>,
    /// Differs when another source is needed: what the entry says of reading, and the files.
    pub fingerprint: u64,
}

/// What every source is started with.
pub(super) struct Start<'s> {
    pub config: &'s Config,
    pub sources: &'s Sources,
    /// Ids of all clusters and their aliases.
    pub known: Arc<[ClusterId]>,
    pub generation: u64,
    pub sender: mpsc::Sender<Observation>,
    #[cfg(feature = "kubernetes")]
    pub counters: Arc<kubernetes::Counters>,
    /// Where identities are claimed.
    #[cfg(feature = "kubernetes")]
    pub claims: mpsc::UnboundedSender<kubernetes::Claim>,
    /// The UID that it has in the snapshot whose facts are answered.
    #[cfg(feature = "kubernetes")]
    pub expected: Option<String>,
}

/// A running source.
pub(super) enum Feed {
    Folder {
        task: AbortHandle,
        reread: Arc<Notify>,
    },
    #[cfg(feature = "kubernetes")]
    Api(#[expect(dead_code, reason = "held: dropping it ends the watches")] kubernetes::Watcher),
}

impl Drop for Feed {
    fn drop(&mut self) {
        match self {
            Feed::Folder { task, .. } => task.abort(),
            #[cfg(feature = "kubernetes")]
            Feed::Api(_) => {}
        }
    }
}

impl Feed {
    /// Reads a folder again at once.
    pub(super) fn reread(&self) {
        match self {
            Feed::Folder { reread, .. } => reread.notify_one(),
            #[cfg(feature = "kubernetes")]
            Feed::Api(_) => {}
        }
    }
}

impl Prepared {
    /// Reads the kubeconfig, if there is one.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn new(joined: &Joined, entry: ConfiguredCluster) -> Result<Self, String> {
        let config = &joined.config;
        #[cfg(feature = "kubernetes")]
        {
            let learned = joined.learned.get(&entry.cluster.id);
            let access = match &entry.source {
                SourceSpec::Manifests { .. } => None,
                SourceSpec::Learned => Some(learned.ok_or("the registry does not know it")?.access.clone()),
                _ => Some(super::access::access(config, &entry)?),
            };
            let files = access.as_ref().map(|access| access.files.clone()).unwrap_or_default();
            let object = learned.map_or(0, |learned| learned.fingerprint);
            let fingerprint = fingerprint(config, &entry, &files) ^ object;
            Ok(Prepared { entry, access, files, fingerprint })
        }
        #[cfg(not(feature = "kubernetes"))]
        match &entry.source {
            SourceSpec::Manifests { .. } => {
                Ok(Prepared { fingerprint: fingerprint(config, &entry, &[]), entry, files: Vec::new() })
            }
            _ => Err("this build reads folders of manifests only; build with the feature `kubernetes` to watch API \
                      servers"
                .to_owned()),
        }
    }

    /// Starts the source.
    ///
    /// # Errors
    /// Certificates, key or proxy cannot be used.
    pub(super) fn start(&self, start: &Start<'_>) -> Result<(Feed, Ask), String> {
        match &self.entry.source {
            SourceSpec::Manifests { path } => Ok(self.folder(path, start)),
            #[cfg(feature = "kubernetes")]
            _ => self.watch(start),
            #[cfg(not(feature = "kubernetes"))]
            _ => Err("it is no folder".to_owned()),
        }
    }

    fn folder(&self, path: &Path, start: &Start<'_>) -> (Feed, Ask) {
        let (cluster, started) = (self.entry.cluster.id.clone(), start.sources.epoch());
        let folder = Folder::new(cluster.clone(), path.to_owned())
            .with_known_clusters(Arc::clone(&start.known))
            .with_whole_lists_above(start.config.brake.services.as_usize());
        let (reread, confirm) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (reload, asked, generation) = (Arc::clone(&reread), Arc::clone(&confirm), start.generation);
        let period = crate::config::watch_timeout(&self.entry.freshness);
        let watch = Watch { folder, cluster, generation, started, reload, confirm, period };
        let task = start.sources.handle().spawn(watch.run(start.sender.clone())).abort_handle();
        (Feed::Folder { task, reread }, Box::new(move |_| asked.notify_one()))
    }

    #[cfg(feature = "kubernetes")]
    fn watch(&self, start: &Start<'_>) -> Result<(Feed, Ask), String> {
        let access = self.access.clone().ok_or("its kubeconfig was not read")?;
        let mut spec = kubernetes::Spec::new(self.entry.cluster.id.clone(), start.generation, access);
        spec.mode = self.entry.cluster.mode;
        spec.known_clusters = Arc::clone(&start.known);
        spec.counters = Arc::clone(&start.counters);
        let freshness = &self.entry.freshness;
        spec.timing =
            kubernetes::Timing::for_freshness(freshness.suspect_after.duration(), freshness.demote_after.duration());
        let limits = &start.config.limits.cluster;
        spec.timing.list = limits.list.duration();
        spec.limits.page_octets = limits.page.get() as usize;
        let confirm = start.config.brake.confirm_after.duration();
        spec.expected = start.expected.clone();
        spec.desk = Some(kubernetes::Desk { claims: start.claims.clone(), confirm });
        let watcher = kubernetes::spawn(start.sources, &spec, start.sender.clone())?;
        let relist = watcher.relister();
        Ok((Feed::Api(watcher), Box::new(relist)))
    }
}

/// What tells one source from another. The ids of other clusters do not count: they serve a rare reading of a name, and
/// a cluster more is no reason to read all the others anew.
fn fingerprint(config: &Config, entry: &ConfiguredCluster, files: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&entry.source, entry.cluster.mode).hash(&mut hasher);
    let written = config.clusters.iter().find(|written| written.name == entry.cluster.id.as_str());
    if matches!(entry.source, SourceSpec::Manifests { .. }) {
        config.brake.services.as_usize().hash(&mut hasher);
        crate::config::watch_timeout(&entry.freshness).hash(&mut hasher);
    } else {
        let (freshness, limits) = (&entry.freshness, &config.limits.cluster);
        (freshness.suspect_after.duration(), freshness.demote_after.duration()).hash(&mut hasher);
        (limits.list.duration(), limits.page.get()).hash(&mut hasher);
        let rules = written.map(|entry| (entry.allow_insecure, entry.system_roots, entry.proxy.clone()));
        rules.hash(&mut hasher);
    }
    contents(files).hash(&mut hasher);
    hasher.finish()
}

/// A hash of what the files hold; of one that cannot be read, that.
pub(super) fn contents(files: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files {
        (file, std::fs::read(file).ok()).hash(&mut hasher);
    }
    hasher.finish()
}
