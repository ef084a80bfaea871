//! The room `resolve`, wired to the publisher: on a thread of its own, because a lookup of the system blocks a thread for as
//! long as its name servers are silent, and nothing may wait for that at the end.

use crate::model::clusterset::NamedBy;
use crate::publish::task::Command;
use crate::publish::{Figures, Publisher};
use crate::resolve::{self, Clusterset, Settle, System};
use crate::table::Table;
use anyhow::Context;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long the opening of sockets waits for the first lookups.
const PATIENCE: Duration = Duration::from_secs(5);

/// The running lookups; dropping it ends them.
pub(super) struct Resolving(mpsc::Sender<Settle>);

impl Resolving {
    /// Starts looking up.
    pub(super) fn start(
        table: Arc<Table>,
        figures: Arc<Figures>,
        commands: mpsc::Sender<Command>,
    ) -> anyhow::Result<Self> {
        let (sender, requests) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().thread_name("resolve").build();
        let runtime = runtime.context("starting the lookup of host names")?;
        let writer = Writer { commands, figures, publishes: None };
        let run = move || {
            runtime.block_on(resolve::run(System, writer, table, requests));
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("resolve".into()).spawn(run).context("starting the lookup of host names")?;
        Ok(Resolving(sender))
    }

    /// Waits until every host name known now was looked up once, but not long: sockets should open with the addresses of
    /// load balancers and gateways in place.
    pub(super) async fn settle(&self) {
        let (sender, settled) = oneshot::channel();
        let first = async {
            if self.0.send(sender).await.is_ok() {
                // An error means that the thread has ended: there is nothing to wait for.
                let _ = settled.await;
            }
        };
        if tokio::time::timeout(PATIENCE, first).await.is_err() {
            tracing::warn!(
                "serving before all host names were looked up: the resolver of this machine has been silent for {PATIENCE:?}; \
                 their addresses follow"
            );
        }
    }
}

/// The publisher behind its channel of commands.
struct Writer {
    commands: mpsc::Sender<Command>,
    figures: Arc<Figures>,
    /// Its count of publishes when the names were asked for last: no name comes or goes without one.
    publishes: Option<u64>,
}

impl Clusterset for Writer {
    fn changed(&mut self) -> bool {
        self.publishes != Some(self.figures.publishes.load(Ordering::Relaxed))
    }

    async fn host_names(&mut self) -> Option<BTreeMap<Arc<str>, NamedBy>> {
        self.publishes = Some(self.figures.publishes.load(Ordering::Relaxed));
        let (reply, told) = oneshot::channel();
        let ask = move |publisher: &Publisher| {
            // The asker may have gone.
            let _ = reply.send(publisher.clusterset().host_names());
        };
        self.commands.send(Command::Ask(Box::new(ask))).await.ok()?;
        told.await.ok()
    }

    async fn resolved(&mut self, resolved: HashMap<Arc<str>, Vec<IpAddr>>) {
        // A publisher that has gone is noticed by the next question.
        let _ = self.commands.send(Command::Resolved(resolved)).await;
    }
}
