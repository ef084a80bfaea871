//! The probe: once a minute one consistent list with `limit=1`.
//!
//! With etcd stopped and the API server alive, quiet watches restart cleanly for ever while nothing can change; only
//! a read that goes through etcd shows it. While the probe fails, the cluster sends no signs of life, so it ages.

use super::backoff::{Backoff, SharedBackoff, jitter};
use super::client::Deadline;
use super::cluster::{Closed, Shared};
use super::counters::Verb;
use super::fault::Fault;
use super::kinds::Row;
use super::list;
use crate::model::{Change, Kind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The kind that every cluster must serve.
const KIND: Kind = Kind::EndpointSlice;

/// The probe of one cluster.
pub(super) struct Probe {
    shared: Arc<Shared>,
    backoff: Backoff,
    path: String,
}

impl Probe {
    pub fn new(shared: Arc<Shared>) -> Self {
        let row = Row::of(KIND);
        // Its own delays: a failing probe must not slow down the watches.
        let backoff = Backoff::new(shared.connection.timing().backoff, SharedBackoff::default());
        Probe { path: row.path(row.versions[0]), backoff, shared }
    }

    /// Goes on until the receiver is gone. The first probe comes early by chance, so that those of many clusters spread.
    pub async fn run(mut self) {
        let every = self.shared.connection.timing().probe.0;
        let mut wait = every.mul_f64(1.0 - jitter() / 2.0);
        loop {
            tokio::time::sleep(wait).await;
            wait = match self.turn().await {
                Ok(wait) => wait,
                Err(Closed) => return,
            };
        }
    }

    /// One probe; how long to wait for the next.
    async fn turn(&mut self) -> Result<Duration, Closed> {
        let Shared { connection, limits, slice_version, .. } = &*self.shared;
        let (every, limit) = connection.timing().probe;
        // Read before the request: what the watch reaches meanwhile may be newer than the reply.
        let reached = slice_version.load(Ordering::Relaxed);
        if reached == 0 {
            return Ok(every);
        }
        let deadline = Deadline::after(limit);
        let request = list::newest(connection, Verb::Probe, &self.path, limits, deadline);
        match deadline.bound(request).await {
            Ok(newest) => {
                self.backoff.reset();
                self.shared.doubtful.store(false, Ordering::Relaxed);
                if newest < reached {
                    self.shared.relist(None);
                }
                Ok(every)
            }
            Err(fault) => self.failed(&fault, every).await,
        }
    }

    async fn failed(&mut self, fault: &Fault, every: Duration) -> Result<Duration, Closed> {
        self.shared.doubtful.store(true, Ordering::Relaxed);
        self.shared.counters.watch_error(KIND, fault.code());
        let wait = self.backoff.fail(Instant::now(), fault.retry_after(), jitter()).min(every);
        let resource = Row::of(KIND).resource();
        let error = format!(
            "probe {resource}: {fault}; watches alone cannot tell whether the data is current, so it ages; it is \
             tried again{}",
            fault.advice()
        );
        self.shared.send(Change::Failed { kind: KIND, error }, Instant::now()).await?;
        Ok(wait)
    }
}
