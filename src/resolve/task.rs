//! Drives the book: polls the clusterset for names, keeps lookups going, hands results on.

use super::book::Book;
use super::{Lookup, own_addresses};
use crate::model::clusterset::NamedBy;
use crate::model::remark::Remark;
use crate::table::Table;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// New names are looked for this often, if anything changed.
const POLL: Duration = Duration::from_secs(1);
/// Lookups under way at once.
const CONCURRENT: usize = 16;

/// Asks for a sign that every name wanted now was looked up once. The room ends when its sender is dropped.
pub type Settle = oneshot::Sender<()>;

/// The writer of the clusterset, as this room sees it.
pub trait Clusterset {
    /// True when names may have come or gone since the last call.
    fn changed(&mut self) -> bool;
    /// The names to look up; `None` when the writer is gone.
    fn host_names(&mut self) -> impl Future<Output = Option<BTreeMap<Arc<str>, NamedBy>>>;
    /// Hands on the addresses of all names.
    fn resolved(&mut self, resolved: HashMap<Arc<str>, Vec<IpAddr>>) -> impl Future<Output = ()>;
}

/// Looks names up until the sender of `settle` is dropped or the writer is gone.
pub async fn run<L: Lookup, C: Clusterset>(
    lookup: L,
    clusterset: C,
    table: Arc<Table>,
    mut settle: mpsc::Receiver<Settle>,
) {
    let (lookup, lookups) = (Arc::new(lookup), JoinSet::new());
    let mut task =
        Task { lookup, clusterset, table, book: Book::default(), lookups, start: Instant::now(), waiting: Vec::new() };
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = poll.tick() => {
                if task.clusterset.changed() && !task.collect().await { return }
                task.hand_on().await;
            }
            Some(ended) = task.lookups.join_next() => task.end(ended),
            request = settle.recv() => match request {
                Some(request) => {
                    task.waiting.push(request);
                    if !task.collect().await { return }
                }
                None => return,
            },
        }
        task.go_on().await;
    }
}

type Found = (Arc<str>, Result<Vec<IpAddr>, String>);

struct Task<L, C> {
    lookup: Arc<L>,
    clusterset: C,
    table: Arc<Table>,
    book: Book,
    lookups: JoinSet<Found>,
    start: Instant,
    waiting: Vec<Settle>,
}

impl<L: Lookup, C: Clusterset> Task<L, C> {
    /// False when the writer is gone.
    async fn collect(&mut self) -> bool {
        let Some(names) = self.clusterset.host_names().await else { return false };
        self.book.want(names);
        true
    }

    /// Begins what is due, hands on what was found.
    async fn go_on(&mut self) {
        loop {
            let free = CONCURRENT.saturating_sub(self.lookups.len());
            let due = self.book.begin(self.start.elapsed(), free);
            if due.is_empty() {
                break;
            }
            due.into_iter().for_each(|name| self.begin(name));
        }
        // Not after each of many first lookups: the addresses are handed on whole.
        if self.lookups.is_empty() || self.book.is_settled() {
            self.hand_on().await;
        }
        if self.book.is_settled() {
            // Who asked may have given up.
            for request in self.waiting.drain(..) {
                let _ = request.send(());
            }
        }
    }

    async fn hand_on(&mut self) {
        if let Some(resolved) = self.book.take_changed() {
            self.clusterset.resolved(resolved).await;
        }
    }

    fn begin(&mut self, name: Arc<str>) {
        if let Some(result) = own_addresses(&self.table, &name) {
            return self.ended(&name, result);
        }
        let lookup = Arc::clone(&self.lookup);
        self.lookups.spawn(async move {
            let result = lookup.addresses(Arc::clone(&name)).await.map_err(|error| error.to_string());
            (name, result)
        });
    }

    fn end(&mut self, ended: Result<Found, tokio::task::JoinError>) {
        match ended {
            Ok((name, result)) => self.ended(&name, result),
            Err(error) => tracing::error!("a lookup of a host name ended early: {error}; it is not repeated"),
        }
    }

    fn ended(&mut self, name: &Arc<str>, result: Result<Vec<IpAddr>, String>) {
        match self.book.end(name, result, self.start.elapsed()) {
            Some(Remark::Warning(line)) => tracing::warn!("{line}"),
            Some(Remark::Information(line)) => tracing::info!("{line}"),
            None => {}
        }
    }
}
