//! Another configuration of the sources: started beside those that run, taken over once it holds.
//!
//! In: clusters of the configuration and of the registry. Out: a [`Change`], unheard; applied, the sources of the new
//! configuration, each changed one when it is in sync.

use super::{Running, Source, lock};
use crate::config::{Config, ConfiguredCluster, SourceSpec};
use crate::model::{Cluster, Observation};
use crate::run::feed::{Ask, Feed, Prepared};
use crate::run::handover::{Handover, Outcome, patience};
use crate::run::registry::Joined;
use tokio::sync::mpsc;

/// Observations on their way from a source that was started by a reload.
const BESIDE: usize = 64;

/// A source that takes the place of another once it is in sync.
pub(super) struct Next {
    pub feed: Feed,
    pub ask: Ask,
    pub prepared: Prepared,
    pub generation: u64,
    /// How often the same was tried before.
    pub tries: u32,
}

/// Sources that were started for another configuration and that nobody listens to yet.
pub(in crate::run) struct Change {
    started: Vec<(Next, mpsc::Receiver<Observation>)>,
    /// Every cluster of the configuration.
    clusters: Vec<Cluster>,
    /// How long a changed source may take to be in sync.
    patience: std::time::Duration,
}

/// These clusters with what has to be read before its source can start.
///
/// # Errors
/// One line per kubeconfig that cannot be used, which names the cluster.
pub(super) fn prepare(joined: &Joined, entries: Vec<ConfiguredCluster>) -> Result<Vec<Prepared>, Vec<String>> {
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
    /// Reads every kubeconfig and starts what is new or changed, unheard: nothing that runs is touched.
    ///
    /// # Errors
    /// One line per cluster that cannot be read as configured; then nothing was started.
    pub(in crate::run) fn prepare(&mut self, joined: &Joined) -> Result<Change, Vec<String>> {
        self.prepare_these(joined, joined.config.clusters())
    }

    /// The same for the clusters of the registry; those of the configuration go on as they are, whatever their files hold
    /// now.
    ///
    /// # Errors
    /// One line per cluster that cannot be read; then nothing was started.
    pub(in crate::run) fn prepare_learned(&mut self, joined: &Joined) -> Result<Change, Vec<String>> {
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
        // Those that are only remembered stand, with nothing new that reads them.
        let (entries, remembered): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| joined.reaches(entry));
        let prepared = prepare(joined, entries)?;
        let of = |prepared: &Prepared| prepared.entry.cluster.clone();
        let remembered = remembered.into_iter().map(|entry| entry.cluster);
        let clusters = prepared.iter().map(of).chain(remembered).collect();
        self.generation += 1;
        let (mut started, mut refused) = (Vec::new(), Vec::new());
        for prepared in prepared {
            let runs = self.clusters.get(&prepared.entry.cluster.id);
            // The source on its way in counts, else the one that runs.
            let known = runs.map(|source| source.coming().map_or(source.fingerprint, |coming| coming.fingerprint));
            if known == Some(prepared.fingerprint) {
                continue;
            }
            match self.beside(&joined.config, prepared) {
                Ok(next) => started.push(next),
                Err(error) => refused.push(error),
            }
        }
        let patience = patience(&joined.config);
        if refused.is_empty() { Ok(Change { started, clusters, patience }) } else { Err(refused) }
    }

    /// Starts a source that nobody listens to yet.
    pub(super) fn beside(
        &self,
        config: &Config,
        prepared: Prepared,
    ) -> Result<(Next, mpsc::Receiver<Observation>), String> {
        let (sender, receiver) = mpsc::channel(BESIDE);
        Ok((self.next(config, prepared, sender)?, receiver))
    }

    /// Takes a change over: clusters that are gone end, new ones are heard, changed ones are when they are in sync.
    pub(in crate::run) fn apply(&mut self, change: Change) {
        let Change { started, clusters, patience } = change;
        self.clusters.retain(|id, _| clusters.iter().any(|cluster| cluster.id == *id));
        lock(&self.relists).retain(|id, _| self.clusters.contains_key(id));
        for cluster in clusters {
            if let Some(source) = self.clusters.get_mut(&cluster.id) {
                // How it is read changes with its source.
                source.cluster = Cluster { mode: source.cluster.mode, ..cluster };
            }
        }
        for (next, from) in started {
            self.hand_over(next, from, patience);
        }
        #[cfg(feature = "kubernetes")]
        lock(&self.counters).retain(|id, _| self.clusters.contains_key(id));
    }

    /// A source is heard from now on; where another one runs, once it is in sync.
    pub(super) fn hand_over(&mut self, next: Next, from: mpsc::Receiver<Observation>, patience: std::time::Duration) {
        let cluster = &next.prepared.entry.cluster;
        let handover = Handover {
            cluster: cluster.id.clone(),
            generation: next.generation,
            mode: cluster.mode,
            patience,
            from,
            to: self.sender.clone(),
            tell: self.outcomes.clone(),
        };
        let runs = self.clusters.get_mut(&cluster.id);
        self.sources.handle().spawn(handover.run(runs.is_some()));
        match runs {
            Some(source) => (source.next, source.retry) = (Some(next), None),
            None => self.install(next),
        }
    }

    /// A source is in sync: the one before it ends. True when the cluster is read in another mode now.
    pub(in crate::run) fn promote(&mut self, synced: &Outcome) -> bool {
        let Some(source) = self.clusters.get_mut(&synced.cluster) else { return false };
        let Some(mut next) = source.take_next(synced.generation) else { return false };
        let (before, mode) = (source.cluster.mode, next.prepared.entry.cluster.mode);
        next.prepared.entry.cluster = Cluster { mode, ..source.cluster.clone() };
        self.install(next);
        tracing::info!("cluster {}: read as it is configured now; the watches of before have ended", synced.cluster);
        before != mode
    }
}

impl Source {
    /// The source on its way in, if it is of this generation.
    pub(super) fn take_next(&mut self, generation: u64) -> Option<Next> {
        self.next.take_if(|next| next.generation == generation)
    }
}
