//! The registry of one configuration, as it is read from the home cluster.
//!
//! In: the configuration, messages of `source::kubernetes::registry`. Out: a [`Roster`] of what is known.

use crate::config::{self, Config, ConfiguredCluster};
use crate::model::ClusterId;
use crate::run::access::access;
use crate::run::feed::contents;
use crate::source::kubernetes::registry::{Collection, Profiles, Roster, Sort, Spec, Told, Watch, spawn};
use crate::source::kubernetes::{Counters, Limits, Timing};
use crate::source::runtime::Sources;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Messages on their way from the home cluster.
const MESSAGES: usize = 64;
/// Gives the counters of a cluster.
pub(super) type CountersOf<'c> = &'c dyn Fn(&ClusterId) -> Arc<Counters>;

/// The watches of one configuration and what they told.
pub(crate) struct Reading {
    pub(super) roster: Roster,
    told: mpsc::Receiver<Told>,
    /// Files that the access to the home cluster depends on.
    files: Vec<PathBuf>,
    /// Those with the tokens of access providers.
    token_files: Vec<PathBuf>,
    fingerprint: u64,
    /// From then on what is known counts, listed whole or not; `None`: never (`freshness.grace: 0`).
    pub(super) due: Option<Instant>,
    /// Silence of the home cluster that makes it suspect; 0: none does.
    pub(super) suspect_after: Duration,
    #[expect(dead_code, reason = "held: dropping it ends the watches")]
    watch: Watch,
}

impl Reading {
    /// Starts what the configuration asks for; `None` where that is nothing, or what `newest` reads already.
    ///
    /// # Errors
    /// The home cluster cannot be read as configured.
    pub(super) fn start(
        config: &Config,
        thread: &Sources,
        counters: CountersOf<'_>,
        newest: Option<&Reading>,
    ) -> Result<Option<Self>, String> {
        let Some(home) = wanted(config) else { return Ok(None) };
        let error = |reason: String| format!("registry: cluster {}: {reason}", home.cluster.id);
        let access = access(config, &home).map_err(error)?;
        let files = access.files.clone();
        let collections = collections(&config.registry);
        let token_files = token_files(&collections);
        let fingerprint = fingerprint(config, &home, &files, &token_files);
        if newest.is_some_and(|reading| reading.fingerprint == fingerprint) {
            return Ok(None);
        }
        let times = &home.freshness;
        let spec = Spec {
            access,
            timing: Timing::for_freshness(times.suspect_after.duration(), times.demote_after.duration()),
            counters: counters(&home.cluster.id),
            collections: collections.clone(),
            allow_servers: config.registry.allow_servers.clone(),
            limits: Limits { page_octets: config.limits.cluster.page.get() as usize, ..Limits::default() },
            confirm: config.brake.confirm_after.duration(),
        };
        let (sender, told) = mpsc::channel(MESSAGES);
        let watch = spawn(thread, &spec, &sender).map_err(error)?;
        let roster = Roster::new(home.cluster.id.clone(), collections);
        let due = config.freshness.grace.limit().map(|grace| Instant::now() + grace);
        let suspect_after = times.suspect_after.duration();
        Ok(Some(Reading { roster, told, files, token_files, fingerprint, due, suspect_after, watch }))
    }

    /// Files that make another reading when they change.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        // Token files that are there rotate by themselves.
        let missing = self.token_files.iter().filter(|file| !is_there(file));
        self.files.iter().chain(missing).cloned().collect()
    }
}

/// The next message; for ever where nothing is read.
pub(super) async fn receive(reading: &mut Option<Reading>) -> Option<Told> {
    match reading {
        Some(reading) => match reading.told.recv().await {
            Some(told) => Some(told),
            // The watches ended, which they do not while they are held.
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Takes a message in and all that wait behind it, so that a list is joined once.
pub(super) fn take(reading: &mut Option<Reading>, told: Option<Told>) {
    let Some(reading) = reading else { return };
    let mut told = told;
    while let Some(message) = told {
        // A reason is a finding too, which is logged.
        let _ = reading.roster.take(message);
        told = reading.told.try_recv().ok();
    }
}

/// The home cluster, where something is to be read there.
pub(super) fn wanted(config: &Config) -> Option<ConfiguredCluster> {
    if collections(&config.registry).is_empty() {
        return None;
    }
    let home = config.registry_home()?;
    config.clusters().into_iter().find(|entry| entry.cluster.id.as_str() == home)
}

pub(super) fn collections(registry: &config::Registry) -> Vec<Collection> {
    let mut collections = Vec::new();
    if let Some(secrets) = &registry.secrets {
        for namespace in &secrets.namespaces {
            let sort = |label: &String| Sort::Secrets { label: label.clone() };
            let collection = |label| Collection { namespace: namespace.clone(), sort: sort(label) };
            collections.extend(secrets.labels.iter().map(collection));
        }
    }
    collections.extend(registry.cluster_profiles.as_ref().map(|profiles| {
        let file = |(name, path): (&String, &config::value::FilePath)| Some((name.clone(), path.get()?.to_owned()));
        let tokens = profiles.tokens.iter().filter_map(file).collect();
        let sort = Sort::Profiles(Profiles { tokens, manager: profiles.cluster_manager.clone() });
        Collection { namespace: profiles.namespace.clone(), sort }
    }));
    let in_set = registry.cluster_profiles.as_ref().filter(|profiles| !profiles.cluster_set.is_empty());
    collections.extend(in_set.map(|profiles| {
        let sort = Sort::Namespace { set: profiles.cluster_set.clone() };
        Collection { namespace: profiles.namespace.clone(), sort }
    }));
    collections
}

/// The files with the tokens of access providers.
fn token_files(collections: &[Collection]) -> Vec<PathBuf> {
    let files = |collection: &Collection| match &collection.sort {
        Sort::Profiles(profiles) => profiles.tokens.values().cloned().collect(),
        Sort::Secrets { .. } | Sort::Namespace { .. } => Vec::new(),
    };
    collections.iter().flat_map(files).collect()
}

fn is_there(file: &PathBuf) -> bool {
    std::fs::File::open(file).is_ok()
}

fn fingerprint(config: &Config, home: &ConfiguredCluster, files: &[PathBuf], token_files: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?} {:?} {:?}", config.registry, config.brake, home.freshness).hash(&mut hasher);
    config.limits.cluster.page.get().hash(&mut hasher);
    let entry = config.clusters.iter().find(|entry| entry.name == home.cluster.id.as_str());
    entry.map(|entry| (entry.allow_insecure, entry.system_roots, &entry.proxy)).hash(&mut hasher);
    (&home.source, contents(files)).hash(&mut hasher);
    // What they hold is read when it is needed; an object that names a missing one has to be read again.
    token_files.iter().map(is_there).for_each(|is_there| is_there.hash(&mut hasher));
    hasher.finish()
}
