//! The parts that `serve` is put together from: what they share, what reads the clusters, what works beside the publisher.
//!
//! In: the configuration. Out: each part, started.

use super::figures::Live;
use super::handover::Outcome;
use super::identities::Identities;
use super::limits::Memory;
use super::probe::Probing;
use super::registry::{Joined, Registry};
use super::reload::{self, Asked, Origin, Reloader, Views};
use super::renames::Renames;
use super::resolve::Resolving;
use super::serve::Failure;
use super::setup::{brake_limits, setup, times};
use super::snapshot::{self, Keeper, Members};
use super::sources::Running;
use super::uids::Uids;
use crate::config::Config;
use crate::model::Observation;
use crate::publish::task::{Command, Schedule};
use crate::publish::{Figures, Publisher};
use crate::table::{Frame, Table};
use crate::telemetry::counters::Counters;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// What all parts share.
pub(super) struct Base {
    pub(super) epoch: Instant,
    pub(super) table: Arc<Table>,
    pub(super) counters: Arc<Counters>,
    figures: Arc<Figures>,
    snapshot: Arc<snapshot::Figures>,
    reload: Arc<reload::Figures>,
    probes: Arc<crate::probe::Figures>,
    uids: Uids,
}

impl Base {
    pub(super) fn new() -> Self {
        Base {
            epoch: Instant::now(),
            table: Arc::new(Table::new(Frame::default())),
            counters: Arc::default(),
            figures: Arc::default(),
            snapshot: Arc::default(),
            reload: Arc::default(),
            probes: Arc::default(),
            uids: Uids::default(),
        }
    }

    /// With what the snapshot holds.
    pub(super) fn publisher(&self, config: &Config) -> Result<Publisher, Failure> {
        let too_long = |error| Failure::Usage(format!("zones: {error}; choose a shorter zone"));
        let setup = setup(config).map_err(too_long)?;
        let (table, figures) = (Arc::clone(&self.table), Arc::clone(&self.figures));
        let mut publisher = Publisher::new(setup, table, figures, monotonic).map_err(too_long)?;
        publisher.brake_mut().set_limits(brake_limits(config));
        snapshot::restore(config, &mut publisher, &self.table, &self.uids, &self.snapshot);
        Ok(publisher)
    }

    pub(super) fn live(&self, readers: &Readers) -> Live {
        Live {
            publish: Arc::clone(&self.figures),
            table: Arc::clone(&self.table),
            epoch: self.epoch,
            views: Arc::clone(&readers.views),
            watchers: readers.sources.figures(),
            snapshot: Arc::clone(&self.snapshot),
            reload: Arc::clone(&self.reload),
            probes: Arc::clone(&self.probes),
            runtimes: vec![("sources", readers.sources.thread().handle().clone()), ("control", Handle::current())],
            beside: vec![readers.registry.counts(), readers.identities.counts()],
            told: readers.registry.findings(),
        }
    }

    pub(super) fn keeper(
        &self,
        config: &Config,
        members: &Members,
        commands: &mpsc::Sender<Command>,
    ) -> anyhow::Result<Option<Keeper>> {
        let parts = snapshot::Parts {
            table: Arc::clone(&self.table),
            publish: Arc::clone(&self.figures),
            figures: Arc::clone(&self.snapshot),
            commands: commands.clone(),
            members: Arc::clone(members),
            uids: self.uids.clone(),
            epoch: self.epoch,
        };
        Keeper::start(config, parts)
    }
}

/// What reads the clusters.
pub(super) struct Readers {
    joined: Joined,
    sources: Running,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
    identities: Identities,
    registry: Registry,
    views: Views,
    pub(super) members: Members,
}

impl Readers {
    pub(super) fn start(
        config: &Config,
        joined: Joined,
        base: &Base,
        observe: mpsc::Sender<Observation>,
    ) -> Result<Self, String> {
        let (tell, outcomes) = mpsc::unbounded_channel();
        let mut sources = Running::start(config, base.epoch, observe, tell, &base.uids)?;
        let identities = sources.identities();
        let registry = Registry::start(config, &sources)?;
        let views = Arc::new(ArcSwap::from_pointee(joined.config.views()));
        let members = Arc::new(ArcSwap::from_pointee(snapshot::members(&joined.config)));
        Ok(Readers { joined, sources, outcomes, identities, registry, views, members })
    }

    pub(super) fn schedule(&self, epoch: Instant, memory: &Memory) -> Schedule {
        Schedule {
            relist: self.sources.relist(),
            room: Box::new(memory.gauge()),
            registry: self.registry.state(),
            ..Schedule::new(epoch, times(&self.joined.config))
        }
    }

    /// Keeps them as the configuration says, from now on.
    pub(super) fn reload(
        self,
        config: &Config,
        origin: Origin,
        commands: mpsc::Sender<Command>,
        memory: Memory,
        base: &Base,
        asked: mpsc::Receiver<Asked>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let Readers { joined, sources, outcomes, identities, registry, views, members } = self;
        let reloader = Reloader {
            origin,
            joined,
            config: config.clone(),
            told: registry.state(),
            accused: crate::publish::Accused::new(),
            registry,
            identities,
            renames: Renames::default(),
            sources,
            commands,
            views,
            members,
            memory,
            figures: Arc::clone(&base.reload),
        };
        reloader.run(asked, outcomes)
    }
}

/// What works beside the publisher; dropping it ends it.
pub(super) struct Beside {
    resolving: Option<Resolving>,
    #[expect(dead_code, reason = "held: dropping it ends the probes")]
    probing: Probing,
}

impl Beside {
    pub(super) fn start(config: &Config, base: &Base, commands: &mpsc::Sender<Command>) -> anyhow::Result<Self> {
        let (table, figures) = (&base.table, &base.figures);
        let resolving = || Resolving::start(Arc::clone(table), Arc::clone(figures), commands.clone());
        Ok(Beside {
            resolving: config.resolve_hostnames.then(resolving).transpose()?,
            probing: Probing::start(Arc::clone(figures), Arc::clone(&base.probes), commands.clone())?,
        })
    }

    /// Waits for the first look-ups of host names, where there are any.
    pub(super) async fn settle(&self) {
        if let Some(resolving) = &self.resolving {
            resolving.settle().await;
        }
    }
}

/// The monotonic clock, as a duration since the first call.
fn monotonic() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
