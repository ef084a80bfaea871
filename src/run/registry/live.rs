//! The running registry: read from the home cluster, exchanged with the configuration, joined with it.
//!
//! In: messages of `source::kubernetes::registry`. Out: the list of clusters, each time something in it may have changed.

use super::{Counts, Joined, memory};
use crate::config::{self, ClusterEntry, Config, ConfiguredCluster};
use crate::model::{ClusterId, Finding};
use crate::publish::task;
use crate::run::access::access;
use crate::run::feed::contents;
use crate::run::sources::Running;
use crate::source::kubernetes::registry::{Allowed, Collection, Roster, Sort, Spec, Told, Watch, spawn};
use crate::source::kubernetes::{Counters, Limits, Timing};
use crate::source::runtime::Sources;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Messages on their way from the home cluster.
const MESSAGES: usize = 64;
/// How long a reading that could list nothing is waited for again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Until when the first list of everything is waited for; `None`: for ever.
#[derive(Debug, Clone, Copy)]
struct Grace(Option<Instant>);

/// Gives the counters of a cluster.
type CountersOf<'c> = &'c dyn Fn(&ClusterId) -> Arc<Counters>;

/// The registry of one configuration, as it is read.
pub(crate) struct Reading {
    roster: Roster,
    told: mpsc::Receiver<Told>,
    /// Files that the access to the home cluster depends on.
    files: Vec<PathBuf>,
    /// Those with the tokens of access providers.
    token_files: Vec<PathBuf>,
    fingerprint: u64,
    /// From then on what is known counts, listed whole or not; `None`: never (`freshness.grace: 0`).
    due: Option<Instant>,
    #[expect(dead_code, reason = "held: dropping it ends the watches")]
    watch: Watch,
}

/// The registry, whatever the configuration says of it.
pub(crate) struct Registry {
    reading: Option<Reading>,
    /// Of a changed configuration: takes the place of `reading` when it is listed whole.
    next: Option<Reading>,
    /// How long clusters that nobody knows of are waited for; `None`: they are not.
    grace: Option<Grace>,
    /// Clusters that an earlier process knew: they stand until everything is listed.
    remembered: Vec<ClusterEntry>,
    /// Of those, the ones that were logged because they still stand.
    warned: HashSet<String>,
    /// What was written last for the next process.
    written: Option<Vec<ClusterEntry>>,
    /// Findings that were logged and still stand.
    logged: HashSet<Finding>,
    counts: Counts,
}

impl Registry {
    /// Starts reading what the configuration names, if it names anything.
    ///
    /// # Errors
    /// The home cluster cannot be read as configured.
    pub(crate) fn start(config: &Config, sources: &Running) -> Result<Self, String> {
        Registry::start_on(config, sources.thread(), &|home| sources.counters_of(home))
    }

    /// The same on a thread of its own; `counters` gives those of the home cluster.
    ///
    /// # Errors
    /// The home cluster cannot be read as configured.
    pub(crate) fn start_on(config: &Config, thread: &Sources, counters: CountersOf<'_>) -> Result<Self, String> {
        let mut registry = Registry {
            reading: None,
            next: None,
            grace: None,
            remembered: recalled(config),
            warned: HashSet::new(),
            written: None,
            logged: HashSet::new(),
            counts: Counts::default(),
        };
        registry.reading = registry.prepare_on(config, thread, counters)?;
        // The clusters that it may name are waited for at the start only: a reload makes no name unknown.
        registry.grace = registry.reading.as_ref().map(|reading| Grace(reading.due));
        Ok(registry)
    }

    /// The configuration with the clusters that an earlier process knew, for the start.
    pub(crate) fn recall(config: &Config) -> Joined {
        Joined::plain(config.clone()).with_remembered(&recalled(config))
    }

    /// Starts another reading, unheard, where the configuration asks for one.
    ///
    /// # Errors
    /// The home cluster cannot be read as configured; nothing has changed then.
    pub(crate) fn prepare(&self, config: &Config, sources: &Running) -> Result<Option<Reading>, String> {
        self.prepare_on(config, sources.thread(), &|home| sources.counters_of(home))
    }

    fn prepare_on(
        &self,
        config: &Config,
        thread: &Sources,
        counters: CountersOf<'_>,
    ) -> Result<Option<Reading>, String> {
        let Some(home) = wanted(config) else { return Ok(None) };
        let error = |reason: String| format!("registry: cluster {}: {reason}", home.cluster.id);
        let access = access(config, &home).map_err(error)?;
        let files = access.files.clone();
        let collections = collections(&config.registry);
        let token_files = token_files(&collections);
        let fingerprint = fingerprint(config, &home, &files, &token_files);
        let newest = self.next.as_ref().or(self.reading.as_ref());
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
        Ok(Some(Reading { roster, told, files, token_files, fingerprint, due, watch }))
    }

    /// Takes over what was prepared for this configuration.
    pub(crate) fn commit(&mut self, config: &Config, reading: Option<Reading>) {
        if wanted(config).is_none() {
            (self.reading, self.next, self.grace) = (None, None, None);
        } else if let Some(reading) = reading {
            self.next = Some(reading);
        }
    }

    /// Files by which the home cluster is reached.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let Some(reading) = self.next.as_ref().or(self.reading.as_ref()) else { return Vec::new() };
        // Token files that are there rotate by themselves.
        let missing = reading.token_files.iter().filter(|file| !is_there(file));
        reading.files.iter().chain(missing).cloned().collect()
    }

    /// Waits until the clusters may be others. Nothing is lost when it is not waited for to the end.
    pub(crate) async fn next(&mut self) {
        let (grace, due) = (self.grace.and_then(|grace| grace.0), self.next.as_ref().and_then(|next| next.due));
        tokio::select! {
            told = receive(&mut self.reading) => take(&mut self.reading, told),
            told = receive(&mut self.next) => {
                take(&mut self.next, told);
                self.exchange();
            }
            () = until(due) => self.exchange(),
            () = until(grace) => {
                tracing::warn!(
                    "registry: not listed within its grace; names only its clusters could own are NXDOMAIN from now on"
                );
                self.grace = None;
            }
        }
        if self.reading.as_ref().is_some_and(|reading| reading.roster.is_listed()) {
            self.grace = None;
        }
    }

    /// The next reading takes its place once it knows everything, or was waited for long enough.
    fn exchange(&mut self) {
        let now = Instant::now();
        let known = self.reading.as_ref().is_some_and(|reading| reading.roster.has_listed());
        let counts = |next: &mut Reading| {
            let late = next.due.is_some_and(|due| due <= now);
            // Clusters that are known do not go because home does not answer: the next reading is waited for on.
            if late && known && !next.roster.has_listed() {
                next.due = Some(now + PATIENCE);
                return false;
            }
            late || next.roster.is_listed()
        };
        if let Some(mut next) = self.next.take_if(counts) {
            if let Some(before) = &self.reading {
                next.roster.inherit(&before.roster);
            }
            self.reading = Some(next);
        }
    }

    /// The configuration with the clusters of the registry; findings are logged, each once, and counted.
    pub(crate) fn join(&mut self, config: &Config) -> Joined {
        let Some(reading) = self.reading.as_ref().filter(|_| wanted(config).is_some()) else {
            self.tell(String::new(), Vec::new());
            return Joined::plain(config.clone());
        };
        let home = reading.roster.home().to_string();
        let (joined, findings) = self.joined(config);
        self.tell(home, findings);
        // Not before everything is listed: a collection that is still missing may give an id to another cluster.
        let joined = if self.grace.is_some() { Joined::plain(config.clone()) } else { joined };
        let is_listed = self.reading.as_ref().is_some_and(|reading| reading.roster.is_listed());
        if is_listed {
            self.forget(&joined);
        }
        let joined = joined.with_remembered(&self.remembered);
        if is_listed {
            self.remember(&joined);
        }
        joined
    }

    /// Of the clusters that an earlier process knew only those stay whose objects are there and cannot be used now.
    fn forget(&mut self, joined: &Joined) {
        let Some(reading) = &self.reading else { return };
        let stays = |entry: &ClusterEntry| {
            let id = ClusterId::new(&entry.name);
            !joined.learned.contains_key(&id) && reading.roster.may_name(&id)
        };
        self.remembered.retain(stays);
        for entry in &self.remembered {
            if self.warned.insert(entry.name.clone()) {
                tracing::warn!(
                    "registry: cluster {}: what describes it cannot be used; it is answered as the snapshot has it until that \
                     is mended or removed",
                    entry.name
                );
            }
        }
    }

    /// Writes the clusters for the next process, where a snapshot is kept and they are others than before.
    fn remember(&mut self, joined: &Joined) {
        let Some(folder) = joined.config.snapshot.path.get() else { return };
        let learned = |entry: &&ClusterEntry| {
            joined.learned.contains_key(&ClusterId::new(&entry.name)) || self.remembered.contains(entry)
        };
        let clusters: Vec<&ClusterEntry> = joined.config.clusters.iter().filter(learned).collect();
        if self.written.as_ref().is_some_and(|written| written.iter().eq(clusters.iter().copied())) {
            return;
        }
        if let Err(error) = memory::write(folder, &clusters) {
            tracing::warn!(
                "registry: {}: its clusters cannot be remembered for a restart: {error}; answers are not affected",
                folder.display()
            );
            return;
        }
        self.written = Some(clusters.into_iter().cloned().collect());
    }

    /// The same with its findings, of what is known at this moment.
    pub(crate) fn joined(&self, config: &Config) -> (Joined, Vec<Finding>) {
        let configured: Vec<ClusterId> = config.clusters.iter().map(|entry| ClusterId::new(&entry.name)).collect();
        // Of this configuration, whatever the reading was started with.
        let allowed = Allowed::new(&config.registry.allow_servers, &collections(&config.registry));
        let reading = self.reading.as_ref();
        let (clusters, findings) =
            reading.map(|reading| reading.roster.clusters(&configured, &allowed)).unwrap_or_default();
        (Joined::new(config.clone(), clusters), findings)
    }

    /// True when there is nothing to wait for: everything is listed, or cannot be.
    pub(crate) fn is_complete(&self) -> bool {
        self.reading.as_ref().is_none_or(|reading| reading.roster.is_decided())
    }

    fn tell(&mut self, home: String, findings: Vec<Finding>) {
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        for finding in &findings {
            *counts.entry(finding.code).or_default() += 1;
            if !self.logged.contains(finding) {
                tracing::warn!("{}", finding.to_string().trim_start_matches("warning"));
            }
        }
        self.logged = findings.into_iter().collect();
        self.counts.store(Arc::new(vec![(home, counts.into_iter().collect())]));
    }

    /// What the publisher and `/ready` are told.
    pub(crate) fn state(&self) -> task::Registry {
        let missing = self.reading.as_ref().map(|reading| reading.roster.missing()).unwrap_or_default();
        task::Registry { awaited: self.grace.is_some(), missing }
    }

    /// For metrics.
    pub(crate) fn counts(&self) -> Counts {
        Arc::clone(&self.counts)
    }
}

/// What an earlier process knew, where a registry and a snapshot are configured.
fn recalled(config: &Config) -> Vec<ClusterEntry> {
    match (wanted(config), config.snapshot.path.get()) {
        (Some(_), Some(folder)) => memory::read(folder),
        _ => Vec::new(),
    }
}

/// The next message; for ever where nothing is read.
async fn receive(reading: &mut Option<Reading>) -> Option<Told> {
    match reading {
        Some(reading) => match reading.told.recv().await {
            Some(told) => Some(told),
            // The watches ended, which they do not while they are held.
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Waits for a moment; for ever where there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Takes a message in and all that wait behind it, so that a list is joined once.
fn take(reading: &mut Option<Reading>, told: Option<Told>) {
    let Some(reading) = reading else { return };
    let mut told = told;
    while let Some(message) = told {
        // A reason is a finding too, which is logged.
        let _ = reading.roster.take(message);
        told = reading.told.try_recv().ok();
    }
}

/// The home cluster, where something is to be read there.
fn wanted(config: &Config) -> Option<ConfiguredCluster> {
    if collections(&config.registry).is_empty() {
        return None;
    }
    let home = config.registry_home()?;
    config.clusters().into_iter().find(|entry| entry.cluster.id.as_str() == home)
}

fn collections(registry: &config::Registry) -> Vec<Collection> {
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
        let sort = Sort::Profiles { tokens: profiles.tokens.iter().filter_map(file).collect() };
        Collection { namespace: profiles.namespace.clone(), sort }
    }));
    collections
}

/// The files with the tokens of access providers.
fn token_files(collections: &[Collection]) -> Vec<PathBuf> {
    let files = |collection: &Collection| match &collection.sort {
        Sort::Profiles { tokens } => tokens.values().cloned().collect(),
        Sort::Secrets { .. } => Vec::new(),
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
