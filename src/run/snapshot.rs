//! Keeps the snapshot: loads it at the start, writes it on a thread of its own.
//!
//! In: the publisher's facts, asked for in parts between its slices of work. Out: the file of the room `snapshot`, and
//! figures. A disk that is full, gone or hanging costs the snapshot, nothing else.

use super::uids::Uids;
use crate::config::{Config, SourceSpec};
use crate::dns::Name;
use crate::model::fact::{NamespaceFact, Origin};
use crate::model::{ClusterId, Fact, ServiceKey};
use crate::publish::Publisher;
use crate::publish::task::Command;
use crate::snapshot::{Draft, Ignored, UnixMillis, load};
use crate::table::Table;
use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};

/// Objects and addresses that the publisher copies at a time.
const PART: usize = 2_000;
/// Without a publish it is written once in so many periods, so that the last contacts in it stay true.
const QUIET_PERIODS: u32 = 10;
/// The same warning is not logged more often.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// How long the end of the process waits for a disk.
const LAST: Duration = Duration::from_secs(5);

/// Figures for metrics.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub write_failures: AtomicU64,
    /// Octets of the last one written.
    pub octets: AtomicU64,
    /// Clusters restored at the start.
    pub loaded: AtomicU64,
}

/// The ids of clusters that belong into a snapshot: those behind API servers. A folder is its own copy.
pub(super) type Members = Arc<ArcSwap<Vec<ClusterId>>>;

/// Of a configuration.
pub(super) fn members(config: &Config) -> Vec<ClusterId> {
    let clusters = config.clusters().into_iter();
    let by_api = clusters.filter(|entry| !matches!(entry.source, SourceSpec::Manifests { .. }));
    by_api.map(|entry| entry.cluster.id).collect()
}

/// Gives the publisher what the snapshot of an earlier process holds, if there is one.
pub(super) fn restore(config: &Config, publisher: &mut Publisher, table: &Table, uids: &Uids, figures: &Figures) {
    let Some(folder) = config.snapshot.path.get() else { return };
    let (members, now) = (members(config), unix_millis());
    let loaded = match load(folder, |id| members.contains(id), now, config.snapshot.max_age.limit()) {
        Ok(loaded) => loaded,
        Err(Ignored::Missing) => return tracing::info!("snapshot: {}: there is none yet", folder.display()),
        Err(why) => {
            tracing::warn!("snapshot: {}: ignored: {why}; every cluster is waited for", folder.display());
            return;
        }
    };
    for (zone, serial) in &loaded.serials {
        if let Ok(zone) = Name::parse(zone) {
            table.raise_serial(&zone, *serial);
        }
    }
    for cluster in &loaded.damaged {
        tracing::warn!("snapshot: {}: cluster {cluster}: its section is damaged and ignored", folder.display());
    }
    for section in loaded.sections {
        let age = Duration::from_millis(now.saturating_sub(section.contact));
        let (cluster, objects) = (&section.cluster, section.facts.len());
        tracing::info!(
            "cluster {cluster}: {objects} objects restored from the snapshot, last contact {} s ago; answered with EDE 3 \
             until it is in sync",
            age.as_secs()
        );
        uids.restored(cluster, &section.uid);
        publisher.restore(cluster, section.facts, age);
        figures.loaded.fetch_add(1, Ordering::Relaxed);
    }
}

/// The running writer.
pub(super) struct Keeper {
    tell: Sender<oneshot::Sender<()>>,
}

/// What a writer is made of.
pub(super) struct Parts {
    pub table: Arc<Table>,
    pub publish: Arc<crate::publish::Figures>,
    pub figures: Arc<Figures>,
    pub commands: mpsc::Sender<Command>,
    pub members: Members,
    pub uids: Uids,
    pub epoch: Instant,
}

impl Keeper {
    /// Starts the writer; `None` when no snapshot is configured.
    pub(super) fn start(config: &Config, parts: Parts) -> anyhow::Result<Option<Self>> {
        let Some(folder) = config.snapshot.path.get() else { return Ok(None) };
        let every = config.snapshot.every.duration().max(Duration::from_secs(1));
        let (tell, told) = channel();
        let writer = Writer { folder: folder.to_owned(), every, parts, warned: None, written: None };
        let run = move || writer.run(&told);
        std::thread::Builder::new().name("snapshot".into()).spawn(run).context("starting the writer of snapshots")?;
        Ok(Some(Keeper { tell }))
    }

    /// Writes the last one; a disk that hangs is not waited for.
    pub(super) async fn finish(self) {
        let (done, written) = oneshot::channel();
        if self.tell.send(done).is_ok() && tokio::time::timeout(LAST, written).await.is_err() {
            tracing::warn!("snapshot: the disk did not take it within {LAST:?}; the file of before stays");
        }
    }
}

struct Writer {
    folder: PathBuf,
    every: Duration,
    parts: Parts,
    warned: Option<(String, Instant)>,
    /// The last one: when, and how many publishes there had been.
    written: Option<(Instant, u64)>,
}

impl Writer {
    fn run(mut self, told: &Receiver<oneshot::Sender<()>>) {
        loop {
            match told.recv_timeout(self.every) {
                Err(RecvTimeoutError::Timeout) if self.is_due() => self.save(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(done) => {
                    self.save();
                    // Whoever asked may have stopped waiting.
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn publishes(&self) -> u64 {
        self.parts.publish.publishes.load(Ordering::Relaxed)
    }

    fn is_due(&self) -> bool {
        let Some((at, publishes)) = self.written else { return true };
        publishes != self.publishes() || at.elapsed() >= self.every * QUIET_PERIODS
    }

    fn save(&mut self) {
        let publishes = self.publishes();
        match self.write() {
            Ok(octets) => {
                self.parts.figures.octets.store(octets, Ordering::Relaxed);
                self.written = Some((Instant::now(), publishes));
                if self.warned.take().is_some() {
                    tracing::info!("snapshot: {}: can be written again", self.folder.display());
                }
            }
            Err(error) => {
                self.parts.figures.write_failures.fetch_add(1, Ordering::Relaxed);
                self.warn(format!("{error:#}"));
            }
        }
    }

    /// One line for a fault that lasts; another fault is told once a minute at most.
    fn warn(&mut self, error: String) {
        let told = self.warned.as_ref();
        if told.is_some_and(|(before, at)| *before == error || at.elapsed() < WARN_EVERY) {
            return;
        }
        tracing::warn!(
            "snapshot: {}: cannot be written: {error}; answers are not affected, the file of before stays; make the \
             folder writable, or name another in snapshot.path",
            self.folder.display()
        );
        self.warned = Some((error, Instant::now()));
    }

    fn write(&self) -> anyhow::Result<u64> {
        let frame = self.parts.table.frame();
        let serials: Vec<(String, u32)> =
            frame.zones().iter().map(|zone| (zone.name.to_string(), zone.state.serial())).collect();
        let mut draft = Draft::create(&self.folder, unix_millis(), &serials)?;
        for cluster in self.parts.members.load().iter() {
            self.section(&mut draft, cluster)?;
        }
        Ok(draft.finish()?)
    }

    /// One cluster, in parts: objects that come or go meanwhile may or may not be in it, each is whole.
    fn section(&self, draft: &mut Draft, cluster: &ClusterId) -> anyhow::Result<()> {
        let (id, running) = (cluster.clone(), self.parts.epoch.elapsed());
        let Some(outline) = self.ask(move |publisher| Outline::of(publisher, &id, running))? else { return Ok(()) };
        let encoder = draft.encoder();
        encoder.begin(cluster, &self.parts.uids.of(cluster))?;
        encoder.add(&outline.facts)?;
        let (keys, mut at) = (Arc::new(outline.keys), 0);
        while at < keys.len() {
            let (id, list) = (cluster.clone(), Arc::clone(&keys));
            let Some((facts, next)) = self.ask(move |publisher| part(publisher, &id, &list, at))? else {
                return Ok(encoder.abandon()?);
            };
            encoder.add(&facts)?;
            at = next;
        }
        let age = u64::try_from(outline.age.as_millis()).unwrap_or(u64::MAX);
        Ok(encoder.end(unix_millis().saturating_sub(age))?)
    }

    /// What the publisher says between two slices of its work.
    fn ask<T: Send + 'static>(&self, question: impl FnOnce(&Publisher) -> T + Send + 'static) -> anyhow::Result<T> {
        let (reply, told) = oneshot::channel();
        let ask = move |publisher: &Publisher| {
            // This thread waits for it.
            let _ = reply.send(question(publisher));
        };
        let gone = || anyhow!("the publisher has stopped");
        self.parts.commands.blocking_send(Command::Ask(Box::new(ask))).map_err(|_| gone())?;
        told.blocking_recv().map_err(|_| gone())
    }
}

/// What a section begins with.
struct Outline {
    /// Namespaces, nodes and the objects of global zones.
    facts: Vec<Fact>,
    keys: Vec<ServiceKey>,
    /// Since the last contact.
    age: Duration,
}

impl Outline {
    /// `None` for a cluster that is gone or of which nothing is known. `running`: since the start of the process.
    fn of(publisher: &Publisher, cluster: &ClusterId, running: Duration) -> Option<Self> {
        let member = publisher.clusterset().get(cluster).filter(|member| member.state().is_known())?;
        let facts = member.facts();
        let namespace = |name: &Arc<str>| {
            Fact::Namespace(NamespaceFact { name: Arc::clone(name), origin: Origin::Api { resource_version: 0 } })
        };
        let namespaces = facts.presence().documents().map(namespace);
        Some(Outline {
            facts: namespaces
                .chain(facts.nodes().iter().cloned().map(Fact::Node))
                .chain(facts.hosts().facts())
                .collect(),
            keys: facts.services().map(|(key, _)| key.clone()).collect(),
            age: match member.restored() {
                Some(age) => age + running,
                None => publisher.figures().contact_age(cluster).unwrap_or_default(),
            },
        })
    }
}

/// The facts of the services from `at` on, and where the next part begins; `None` when the cluster is gone.
fn part(publisher: &Publisher, cluster: &ClusterId, keys: &[ServiceKey], at: usize) -> Option<(Vec<Fact>, usize)> {
    let held = publisher.clusterset().get(cluster)?.facts();
    let (mut facts, mut size, mut next) = (Vec::new(), 0, at);
    while size < PART
        && let Some(key) = keys.get(next)
    {
        next += 1;
        size += 1;
        let Some(service) = held.service(key) else { continue };
        size += service.endpoint_count();
        facts.extend(service.service.clone().map(Fact::Service));
        facts.extend(service.export.clone().map(Fact::Export));
        facts.extend(service.import.clone().map(Fact::Import));
        facts.extend(
            service.slices.iter().chain(service.copies.iter()).cloned().map(|slice| Fact::Slice(Box::new(slice))),
        );
    }
    Some((facts, next))
}

fn unix_millis() -> UnixMillis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
