//! `serve`: everything started in order, kept until a signal, stopped in order (RESILIENCE.md section 7).

use super::admin::Admin;
use super::limits::{self, Memory};
use super::parts::{Base, Beside, Readers};
use super::registry::Registry;
use super::reload::{Asked, Origin};
use super::setup::listen_settings;
use super::signals::{Signals, Told};
use super::snapshot::Keeper;
use super::startup;
use crate::config::Config;
use crate::publish::Publisher;
use crate::publish::task::{self, Command, Ends, Readiness, Schedule};
use crate::table::Table;
use crate::telemetry::counters::Counters;
use crate::transport::Listeners;
use crate::transport::notify::Notifying;
use anyhow::Context;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
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
    let base = Base::new();
    let (readiness, ready) = watch::channel(Readiness::default());
    let (commands, command_end) = mpsc::channel(16);
    let (observe, observations) = mpsc::channel(OBSERVATIONS);
    let (stop, stopped) = oneshot::channel();
    let joined = Registry::recall(config);
    let publisher = base.publisher(&joined.config)?;
    // Kubeconfigs are read before anything listens: one that cannot be used stops the start.
    let readers = Readers::start(config, joined, &base, observe).map_err(Failure::Usage)?;
    let live = base.live(&readers);
    let admin = Admin::start(config, live, Arc::clone(&base.counters), ready.clone(), commands.clone()).await?;
    limits::check_descriptors(config);
    let memory = Memory::new(config);
    let serials = Arc::new(Notify::new());
    let ends = Ends { observations, commands: command_end, readiness, serials: Arc::clone(&serials), stop: stopped };
    let writer = publish_thread(publisher, readers.schedule(base.epoch, &memory), ends)?;
    let beside = Beside::start(config, &base, &commands)?;
    let keeper = base.keeper(config, &readers.members, &commands)?;
    let (ask, asked) = mpsc::channel(1);
    let reloader = tokio::spawn(readers.reload(config, origin, commands.clone(), memory, &base, asked));
    let (table, counters) = (Arc::clone(&base.table), Arc::clone(&base.counters));
    let mut server = Server { config, table, counters, admin, commands, ask, keeper, signals };
    if server.opened(ready).await {
        beside.settle().await;
        let _notifying = Notifying::start(&config.transfer.notify, &server.table, serials);
        server.serve_dns().await?;
    }
    drop(beside);
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
