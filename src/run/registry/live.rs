//! The running registry: read from the home cluster, exchanged with the configuration, joined with it.
//!
//! In: messages of `source::kubernetes::registry`. Out: the list of clusters, each time something in it may have changed.

use super::memory::Memory;
use super::reading::{CountersOf, Reading, collections, receive, take, wanted};
use super::{Accused, Counts, Findings, Joined};
use crate::config::Config;
use crate::model::{ClusterId, Finding};
use crate::publish::task;
use crate::run::sources::Running;
use crate::source::kubernetes::registry::Allowed;
use crate::source::runtime::Sources;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a reading that could list nothing is waited for again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Until when the first list of everything is waited for; `None`: for ever.
#[derive(Debug, Clone, Copy)]
struct Grace(Option<Instant>);

/// The registry, whatever the configuration says of it.
pub(crate) struct Registry {
    reading: Option<Reading>,
    /// Of a changed configuration: takes the place of `reading` when it is listed whole.
    next: Option<Reading>,
    /// How long clusters that nobody knows of are waited for; `None`: they are not.
    grace: Option<Grace>,
    memory: Memory,
    /// Since when ClusterProfiles cannot be read.
    deaf: Option<Instant>,
    /// Findings that were logged and still stand.
    logged: HashSet<Finding>,
    counts: Counts,
    findings: Findings,
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
            memory: recalled(config),
            deaf: None,
            logged: HashSet::new(),
            counts: Counts::default(),
            findings: Findings::default(),
        };
        registry.reading = Reading::start(config, thread, counters, None)?;
        // The clusters that it may name are waited for at the start only: a reload makes no name unknown.
        registry.grace = registry.reading.as_ref().map(|reading| Grace(reading.due));
        Ok(registry)
    }

    /// The configuration with the clusters that an earlier process knew, for the start.
    pub(crate) fn recall(config: &Config) -> Joined {
        let mut memory = recalled(config);
        // They are told of when the registry is joined first.
        memory.refuse(&allowed(config));
        Joined::plain(config.clone()).with_remembered(memory.clusters())
    }

    /// Starts another reading, unheard, where the configuration asks for one.
    ///
    /// # Errors
    /// The home cluster cannot be read as configured; nothing has changed then.
    pub(crate) fn prepare(&self, config: &Config, sources: &Running) -> Result<Option<Reading>, String> {
        let newest = self.next.as_ref().or(self.reading.as_ref());
        Reading::start(config, sources.thread(), &|home| sources.counters_of(home), newest)
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
        self.next.as_ref().or(self.reading.as_ref()).map(Reading::files).unwrap_or_default()
    }

    /// Waits until the clusters may be others. Nothing is lost when it is not waited for to the end.
    pub(crate) async fn next(&mut self) {
        let (grace, due) = (self.grace.and_then(|grace| grace.0), self.next.as_ref().and_then(|next| next.due));
        let lapse = self.lapse().filter(|lapse| *lapse > Instant::now());
        tokio::select! {
            told = receive(&mut self.reading) => take(&mut self.reading, told),
            told = receive(&mut self.next) => {
                take(&mut self.next, told);
                self.exchange();
            }
            () = until(due) => self.exchange(),
            // Who hears of this asks anew what speaks against clusters.
            () = until(lapse) => {}
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
        self.deaf = match &self.reading {
            Some(reading) if reading.roster.is_deaf_to_profiles() => self.deaf.or_else(|| Some(Instant::now())),
            _ => None,
        };
    }

    /// When what ClusterProfiles said of health is no evidence any more: home was silent for as long as makes a cluster
    /// suspect, and who is out of contact is no witness.
    fn lapse(&self) -> Option<Instant> {
        let patience = self.reading.as_ref()?.suspect_after;
        self.deaf.filter(|_| !patience.is_zero()).map(|since| since + patience)
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
        for entry in self.memory.refuse(&allowed(config)) {
            tracing::warn!(
                "registry: cluster {}: its server is not listed in registry.allowServers any more; nothing of it is answered; \
                 list it, or remove what describes it",
                entry.name
            );
        }
        let listed = self.reading.as_ref().filter(|reading| reading.roster.is_listed());
        if let Some(reading) = listed {
            let is_read = |id: &ClusterId| joined.learned.contains_key(id);
            self.memory.keep(|id| !is_read(id) && reading.roster.may_name(id));
        }
        let joined = joined.with_remembered(self.memory.clusters());
        if listed.is_some() {
            self.memory.write(&joined);
        }
        joined
    }

    /// The same with its findings, of what is known at this moment.
    pub(crate) fn joined(&self, config: &Config) -> (Joined, Vec<Finding>) {
        let configured: Vec<ClusterId> = config.clusters.iter().map(|entry| ClusterId::new(&entry.name)).collect();
        let allowed = allowed(config);
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
        let shown = |finding: &Finding| finding.to_string().trim_start_matches("warning").to_owned();
        self.findings.store(Arc::new(findings.iter().map(shown).collect()));
        self.logged = findings.into_iter().collect();
        self.counts.store(Arc::new(vec![(home, counts.into_iter().collect())]));
    }

    /// What the publisher and `/ready` are told.
    pub(crate) fn state(&self) -> task::Registry {
        let missing = self.reading.as_ref().map(|reading| reading.roster.missing()).unwrap_or_default();
        task::Registry { awaited: self.grace.is_some(), missing }
    }

    /// What its objects say against clusters, while they can be read.
    pub(crate) fn accused(&self, config: &Config) -> Accused {
        if self.lapse().is_some_and(|lapse| lapse <= Instant::now()) {
            return Accused::new();
        }
        let learned = self.joined(config).0.learned;
        learned.into_iter().filter_map(|(id, learned)| Some((id, learned.ill?))).collect()
    }

    /// For `explain`.
    pub(crate) fn findings(&self) -> Findings {
        Arc::clone(&self.findings)
    }

    /// For metrics.
    pub(crate) fn counts(&self) -> Counts {
        Arc::clone(&self.counts)
    }
}

/// What an earlier process knew, where a registry and a snapshot are configured.
fn recalled(config: &Config) -> Memory {
    match (wanted(config), config.snapshot.path.get()) {
        (Some(_), Some(folder)) => Memory::read(folder),
        _ => Memory::default(),
    }
}

/// What this configuration allows, whatever a reading was started with.
fn allowed(config: &Config) -> Allowed {
    Allowed::new(&config.registry.allow_servers, &collections(&config.registry))
}

/// Waits for a moment; for ever where there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
