//! Reload: a changed configuration, checked whole before any of it applies (OPERATIONS.md section 3).
//!
//! In: SIGHUP and SIGUSR1, changes of the configuration file and of kubeconfigs with the files they name, sources that are
//! in sync. Out: sources exchanged, the publisher reconfigured; or one error line per finding, and nothing else happens.

use super::changes::Changes;
use super::handover::{Outcome, patience};
use super::identities::Identities;
use super::limits::Memory;
use super::registry::{Joined, Registry};
use super::renames::{self, Renames};
use super::setup::{brake_limits, setup, times};
use super::snapshot::{self, Members};
use super::sources::{Change, Running};
use crate::config::{Config, Diagnostic};
use crate::model::{ClusterId, View};
use crate::publish;
use crate::publish::task::{Command, Reconfiguration};
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// The configuration as it is written at this moment, with warnings.
pub type Load = Box<dyn Fn() -> Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>> + Send>;

/// Where the configuration comes from.
pub struct Origin {
    pub load: Load,
    /// The file that is watched; `None` when all is on the command line.
    pub file: Option<PathBuf>,
}

/// Figures for metrics.
#[derive(Debug)]
pub(super) struct Figures {
    pub failed: AtomicU64,
    pub last_successful: AtomicBool,
    /// Configurations taken into use.
    pub generation: AtomicU64,
}

impl Default for Figures {
    fn default() -> Self {
        Figures { failed: AtomicU64::new(0), last_successful: AtomicBool::new(true), generation: AtomicU64::new(1) }
    }
}

/// The views of now, for those who name them.
pub(super) type Views = Arc<ArcSwap<Vec<View>>>;

/// What a reload works on.
pub(super) struct Reloader {
    pub origin: Origin,
    /// In force.
    pub config: Config,
    /// The same with the clusters of the registry.
    pub joined: Joined,
    pub registry: Registry,
    pub identities: Identities,
    pub renames: Renames,
    /// What the publisher was last told of the registry.
    pub told: publish::task::Registry,
    /// What it was last told against clusters.
    pub accused: publish::Accused,
    pub sources: Running,
    pub commands: mpsc::Sender<Command>,
    pub views: Views,
    pub members: Members,
    pub memory: Memory,
    pub figures: Arc<Figures>,
}

/// A request to reload by a signal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked;

impl Reloader {
    /// Runs until nobody can ask any more; the sources end with it.
    pub(super) async fn run(
        mut self,
        mut asked: mpsc::Receiver<Asked>,
        mut outcomes: mpsc::UnboundedReceiver<Outcome>,
    ) {
        let mut changes = Changes::new();
        changes.watch(self.files());
        loop {
            let (retry, look) = (self.sources.retry_at(), self.renames.look_at());
            tokio::select! {
                told = asked.recv() => {
                    if told.is_none() {
                        return;
                    }
                    tracing::info!("told to reload");
                    self.sources.reread();
                    self.reload().await;
                    self.tell_accused().await;
                }
                () = changes.next() => {
                    tracing::info!("the configuration, a kubeconfig or a file that it names has changed");
                    self.reload().await;
                    self.tell_accused().await;
                }
                () = self.registry.next() => {
                    self.rejoin().await;
                    self.tell_accused().await;
                }
                () = self.identities.next() => {
                    self.identities.decide(&snapshot::members(&self.joined.config));
                    continue;
                }
                Some(outcome) = outcomes.recv() => {
                    self.settle(&outcome).await;
                    continue;
                }
                () = until(look) => {
                    if !self.has_renamed().await {
                        continue;
                    }
                    self.rejoin().await;
                }
                () = until(retry) => {
                    self.sources.retry(&self.joined.config);
                    continue;
                }
            }
            changes.watch(self.files());
        }
    }

    /// A changed source is in sync, or is given up for now.
    async fn settle(&mut self, outcome: &Outcome) {
        if let Err(reason) = &outcome.result {
            self.sources.give_up(outcome, reason, &self.joined.config);
            return;
        }
        self.identities.promoted(&outcome.cluster, outcome.generation);
        if self.sources.promote(outcome) {
            self.reconfigure().await;
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        self.origin.file.iter().cloned().chain(self.sources.files()).chain(self.registry.files()).collect()
    }

    /// Everything, or nothing.
    async fn reload(&mut self) {
        match self.take_over() {
            Ok(change) => {
                self.reconfigure().await;
                // Not before: of a cluster that the publisher does not know nothing is taken in.
                self.sources.apply(change);
                self.figures.last_successful.store(true, Ordering::Relaxed);
                let generation = self.figures.generation.fetch_add(1, Ordering::Relaxed) + 1;
                tracing::info!("reloaded: configuration {generation} is in force");
            }
            Err(lines) => {
                lines.iter().for_each(|line| tracing::error!("reload refused: {line}"));
                tracing::error!("the configuration of before stays in force, nothing of the new one was taken over");
                self.figures.failed.fetch_add(1, Ordering::Relaxed);
                self.figures.last_successful.store(false, Ordering::Relaxed);
            }
        }
    }

    /// Checks everything and starts what is needed, unheard; then the configuration is the new one.
    fn take_over(&mut self) -> Result<Change, Vec<String>> {
        let (written, warnings) = (self.origin.load)().map_err(|found| errors(&found))?;
        let next = written.carried_over(&self.config);
        setup(&next).map_err(|error| vec![format!("zones: {error}; choose a shorter zone")])?;
        let reading = self.registry.prepare(&next, &self.sources).map_err(|error| vec![error])?;
        // What the registry says now, of the new configuration.
        let joined = self.registry.join(&next);
        let renames = self.renames.with(&self.joined, &joined, patience(&next));
        let change = self.sources.prepare(&renames.applied(joined))?;
        for warning in warnings {
            tracing::warn!("{}", warning.to_string().trim_start_matches("warning"));
        }
        for key in written.restart_keys(&self.config) {
            tracing::warn!(
                "{key}: the change needs a restart; the value of the start stays in force, the rest is taken over"
            );
        }
        self.memory.set(&next);
        self.registry.commit(&next, reading);
        self.renames = renames;
        self.joined = self.renames.applied(self.registry.join(&next));
        self.config = next;
        Ok(change)
    }

    /// Objects of the registry may say something else against clusters.
    async fn tell_accused(&mut self) {
        let accused = self.registry.accused(&self.config);
        // Without a publisher the process is ending.
        if accused != self.accused && self.commands.send(Command::Accused(accused.clone())).await.is_ok() {
            self.accused = accused;
        }
    }

    /// The registry may name other clusters now.
    async fn rejoin(&mut self) {
        let (joined, state) = (self.registry.join(&self.config), self.registry.state());
        let renames = self.renames.with(&self.joined, &joined, patience(&self.config));
        let joined = renames.applied(joined);
        let told = self.joined.config == joined.config && self.told == state;
        if told && self.joined.reaches_as(&joined) {
            return;
        }
        match self.sources.prepare_learned(&joined) {
            Ok(change) => {
                (self.joined, self.renames) = (joined, renames);
                if !told {
                    self.reconfigure().await;
                }
                self.sources.apply(change);
            }
            Err(lines) => lines.iter().for_each(|line| {
                tracing::error!("registry: {line}; the clusters of before stay as they are");
            }),
        }
    }

    /// True when a cluster that got another id is in sync under it, or was waited for long enough.
    async fn has_renamed(&mut self) -> bool {
        let (awaited, (reply, told)) = (self.renames.awaited(), oneshot::channel());
        let ask = move |publisher: &publish::Publisher| {
            // This task waits for it.
            let _ = reply.send(renames::synced(publisher, &awaited));
        };
        // Without a publisher the process is ending.
        if self.commands.send(Command::Ask(Box::new(ask))).await.is_err() {
            return false;
        }
        self.renames.settle(&told.await.unwrap_or_default())
    }

    /// Tells the publisher and everyone who names views or clusters.
    async fn reconfigure(&mut self) {
        let config = &self.joined.config;
        let Ok(mut setup) = setup(config) else { return };
        for cluster in &mut setup.clusters {
            // A cluster that is still read in another mode is merged as it is read.
            cluster.mode = self.sources.mode_of(&cluster.id).unwrap_or(cluster.mode);
        }
        self.renames.place(&mut setup.views);
        self.views.store(Arc::new(config.views()));
        let members: Vec<ClusterId> = snapshot::members(config);
        self.identities.set_successors(self.renames.successors());
        self.identities.retain(&members);
        self.members.store(Arc::new(members));
        let (done, told) = oneshot::channel();
        let (times, brake) = (times(config), brake_limits(config));
        self.told = self.registry.state();
        let next = Reconfiguration { setup, times, brake, registry: self.told.clone(), done };
        // Without a publisher the process is ending.
        if self.commands.send(Command::Reconfigure(Box::new(next))).await.is_ok() {
            let _ = told.await;
        }
    }
}

/// Waits for a moment; for ever where there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn errors(found: &[Diagnostic]) -> Vec<String> {
    let only_errors = found.iter().filter(|found| found.is_error());
    only_errors.map(|error| error.to_string().trim_start_matches("error").to_owned()).collect()
}
