//! The room `probe`, wired to the publisher.

use crate::model::probe::{Evidence, Target};
use crate::probe::{self, Clusterset, Network};
use crate::publish::task::Command;
use crate::publish::{Figures, Publisher};
use anyhow::Context;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

/// The running health checks; dropping it ends them.
pub(super) struct Probing(AbortHandle);

impl Probing {
    /// Starts looking for targets. Without any, it does nothing else: a reload or an annotation may bring some.
    pub(super) fn start(
        figures: Arc<Figures>,
        counts: Arc<probe::Figures>,
        commands: mpsc::Sender<Command>,
    ) -> anyhow::Result<Self> {
        let network = Network::new().context("starting the health checks")?;
        let writer = Writer { commands, figures, seen: 0 };
        Ok(Probing(tokio::spawn(probe::run(network, writer, counts)).abort_handle()))
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The publisher behind its channel of commands.
struct Writer {
    commands: mpsc::Sender<Command>,
    figures: Arc<Figures>,
    /// Its count of changes when the targets were asked for last.
    seen: u64,
}

impl Clusterset for Writer {
    fn changed(&mut self) -> bool {
        self.seen != self.figures.probes.load(Ordering::Relaxed)
    }

    async fn targets(&mut self) -> Option<BTreeMap<Target, Arc<str>>> {
        self.seen = self.figures.probes.load(Ordering::Relaxed);
        let (reply, told) = oneshot::channel();
        let ask = move |publisher: &Publisher| {
            // The asker may have gone.
            let _ = reply.send(publisher.probe_targets());
        };
        self.commands.send(Command::Ask(Box::new(ask))).await.ok()?;
        told.await.ok()
    }

    async fn probed(&mut self, evidence: Evidence) {
        // A publisher that has gone is noticed by the next question.
        let _ = self.commands.send(Command::Probed(evidence)).await;
    }
}
