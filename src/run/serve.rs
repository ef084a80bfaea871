//! `serve`: everything started in order, kept until a signal, stopped in order (RESILIENCE.md section 7).

use super::admin::Admin;
use super::figures::Live;
use super::limits::{self, Memory};
use super::probe::Probing;
use super::registry::Registry;
use super::reload::{self, Asked, Origin, Reloader};
use super::renames::Renames;
use super::resolve::Resolving;
use super::setup::{brake_limits, listen_settings, setup, times};
use super::snapshot::{self, Keeper};
use super::sources::Running;
use super::startup;
use super::uids::Uids;
use crate::config::Config;
use crate::publish::task::{self, Command, Ends, Readiness, Schedule};
use crate::publish::{Figures, Publisher};
use crate::table::{Frame, Table};
use crate::telemetry::counters::Counters;
use crate::transport::Listeners;
use crate::transport::notify::Notifying;
use anyhow::Context;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Observations on their way to the publisher; a source that is faster waits.
const OBSERVATIONS: usize = 4096;
/// How long queries that were read may take to be answered at the end.
const DRAIN: Duration = Duration::from_secs(10);

/// Why `serve` ended before it was told to.
#[derive(Debug)]
pub enum Failure {
    /// Something in the configuration or a kubeconfig cannot be used: exit code 2.
    Usage(String),
    /// Something failed while running: exit code 1.
    Running(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Running(error)
    }
}

/// Serves until SIGTERM or SIGINT; a second one ends at once.
///
/// # Errors
/// The configuration or a kubeconfig cannot be used, or something failed.
pub fn serve(config: &Config, origin: Origin) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().thread_name("control").build();
    let runtime = runtime.context("starting the control threads")?;
    runtime.block_on(run(config, origin))
}

async fn run(config: &Config, origin: Origin) -> Result<(), Failure> {
    let signals = Signals::new().context("catching signals")?;
    let epoch = Instant::now();
    let table = Arc::new(Table::new(Frame::default()));
    let counters = Arc::new(Counters::default());
    let figures = Arc::new(Figures::default());
    let (readiness, ready) = watch::channel(Readiness::default());
    let (commands, command_end) = mpsc::channel(16);
    let (observe, observations) = mpsc::channel(OBSERVATIONS);
    let (stop, stopped) = oneshot::channel();
    let joined = Registry::recall(config);
    let mut publisher = publisher(&joined.config, &table, &figures)?;
    let snapshot = Arc::new(snapshot::Figures::default());
    let uids = Uids::default();
    snapshot::restore(&joined.config, &mut publisher, &table, &uids, &snapshot);
    // Kubeconfigs are read before anything listens: one that cannot be used stops the start.
    let (tell, synced) = mpsc::unbounded_channel();
    let mut sources = Running::start(config, epoch, observe, tell, &uids).map_err(Failure::Usage)?;
    let identities = sources.identities();
    let registry = Registry::start(config, &sources).map_err(Failure::Usage)?;
    let views = Arc::new(ArcSwap::from_pointee(joined.config.views()));
    let reload = Arc::new(reload::Figures::default());
    let probes = Arc::new(crate::probe::Figures::default());
    let live = Live {
        publish: Arc::clone(&figures),
        table: Arc::clone(&table),
        epoch,
        views: Arc::clone(&views),
        watchers: sources.figures(),
        snapshot: Arc::clone(&snapshot),
        reload: Arc::clone(&reload),
        probes: Arc::clone(&probes),
        beside: vec![registry.counts(), identities.counts()],
    };
    let admin = Admin::start(config, live, Arc::clone(&counters), ready.clone(), commands.clone()).await?;
    limits::check_descriptors(config);
    let memory = Memory::new(config);
    let schedule = Schedule {
        relist: sources.relist(),
        room: Box::new(memory.gauge()),
        registry: registry.state(),
        ..Schedule::new(epoch, times(&joined.config))
    };
    let serials = Arc::new(Notify::new());
    let ends = Ends { observations, commands: command_end, readiness, serials: Arc::clone(&serials), stop: stopped };
    let writer = publish_thread(publisher, schedule, ends)?;
    let resolving = config
        .resolve_hostnames
        .then(|| Resolving::start(Arc::clone(&table), Arc::clone(&figures), commands.clone()))
        .transpose()?;
    let probing = Probing::start(Arc::clone(&figures), probes, commands.clone())?;
    let members = Arc::new(ArcSwap::from_pointee(snapshot::members(&joined.config)));
    let parts = snapshot::Parts {
        table: Arc::clone(&table),
        publish: Arc::clone(&figures),
        figures: snapshot,
        commands: commands.clone(),
        members: Arc::clone(&members),
        uids,
        epoch,
    };
    let keeper = Keeper::start(config, parts)?;
    let (ask, asked) = mpsc::channel(1);
    let (config_now, of_reloader) = (config.clone(), commands.clone());
    let reloader = Reloader {
        origin,
        joined,
        config: config_now,
        told: registry.state(),
        registry,
        identities,
        renames: Renames::default(),
        sources,
        commands: of_reloader,
        views,
        members,
        memory,
        figures: reload,
    };
    let reloader = tokio::spawn(reloader.run(asked, synced));
    let mut server = Server { config, table, counters, admin, commands, ask, keeper, signals };
    if server.opened(ready).await {
        if let Some(resolving) = &resolving {
            resolving.settle().await;
        }
        let _notifying = Notifying::start(&config.transfer.notify, &server.table, serials);
        server.serve_dns().await?;
    }
    drop((resolving, probing));
    let Server { admin, ask, .. } = server;
    // With nobody to ask it the reloader ends, and the sources with it.
    drop(ask);
    let _ = reloader.await;
    // The publisher may be gone already, which is what is wanted.
    let _ = stop.send(());
    let _ = writer.join();
    admin.stop().await;
    Ok(())
}

fn publisher(config: &Config, table: &Arc<Table>, figures: &Arc<Figures>) -> Result<Publisher, Failure> {
    let too_long = |error| Failure::Usage(format!("zones: {error}; choose a shorter zone"));
    let setup = setup(config).map_err(too_long)?;
    let mut publisher = Publisher::new(setup, Arc::clone(table), Arc::clone(figures), monotonic).map_err(too_long)?;
    publisher.brake_mut().set_limits(brake_limits(config));
    Ok(publisher)
}

/// The monotonic clock, as a duration since the first call.
fn monotonic() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// The publisher on a thread of its own: bulk work must not delay TCP, and they must not delay it.
fn publish_thread(publisher: Publisher, schedule: Schedule, ends: Ends) -> anyhow::Result<JoinHandle<()>> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the publisher")?;
    let run = move || runtime.block_on(task::run(publisher, schedule, ends));
    std::thread::Builder::new().name("publish".into()).spawn(run).context("starting the publisher")
}

/// What runs until the end.
struct Server<'c> {
    config: &'c Config,
    table: Arc<Table>,
    counters: Arc<Counters>,
    admin: Admin,
    commands: mpsc::Sender<Command>,
    ask: mpsc::Sender<Asked>,
    keeper: Option<Keeper>,
    signals: Signals,
}

impl Server<'_> {
    /// Waits until sockets may open (RESILIENCE.md rule 2); false when told to stop before.
    async fn opened(&mut self, mut ready: watch::Receiver<Readiness>) -> bool {
        let mut remind = tokio::time::interval(Duration::from_secs(10));
        remind.tick().await;
        let state = ready.clone();
        loop {
            tokio::select! {
                opened = ready.wait_for(|state| state.ready) => return opened.is_ok(),
                told = self.signals.next() => match told {
                    Told::Stop => return false,
                    Told::Reload => self.reload(),
                },
                _ = remind.tick() => {
                    for line in &state.borrow().missing {
                        tracing::warn!("not serving yet: {line}");
                    }
                }
            }
        }
    }

    /// A full channel holds a request already.
    fn reload(&self) {
        let _ = self.ask.try_send(Asked);
    }

    async fn serve_dns(&mut self) -> Result<(), Failure> {
        let bound = Listeners::bind(&listen_settings(self.config)).map_err(anyhow::Error::from)?;
        let addresses = bound.local_addresses();
        for note in bound.notes() {
            tracing::warn!("{note}");
        }
        let (table, counters) = (Arc::clone(&self.table), Arc::clone(&self.counters));
        let serving = bound.start(table, counters).await.map_err(anyhow::Error::from)?;
        self.admin.open();
        startup::print(self.config, &addresses, &self.admin, &self.commands).await;
        while self.signals.next().await == Told::Reload {
            self.reload();
        }
        self.admin.drain();
        let lameduck = self.config.lameduck.duration();
        tracing::info!(
            "stopping: /ready is 503, answering on for {lameduck:?} (lameduck); a second signal ends at once"
        );
        let keeper = self.keeper.take();
        let orderly = async {
            tokio::time::sleep(lameduck).await;
            // Answering on: what is written is the last that was answered.
            if let Some(keeper) = keeper {
                keeper.finish().await;
            }
            serving.drain(DRAIN).await;
        };
        tokio::select! {
            () = orderly => tracing::info!("stopped"),
            () = self.signals.stop() => tracing::warn!("stopped at once by a second signal"),
        }
        Ok(())
    }
}

/// The signals that are obeyed.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }

    /// The next one.
    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
            _ = self.user.recv() => Told::Reload,
        }
    }

    /// The next SIGTERM or SIGINT; others are passed over.
    async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// SIGTERM, SIGINT.
    Stop,
    /// SIGHUP, SIGUSR1.
    Reload,
}
