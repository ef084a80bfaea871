//! Zone transfers: from the table to the messages that a connection sends (RFC 5936).
//!
//! In: a granted AXFR or IXFR query. Out: a [`Transfer`], whose messages are made beside the connection as the peer takes
//! them. Few run at a time, as each keeps the Blocks of its moment; the others wait.

#[cfg(test)]
mod tests;

use super::answerer::{SERVFAIL, bare_reply};
use crate::responder::{Outcome, ZoneCopy};
use crate::table::Table;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{Semaphore, mpsc};

/// Transfers at a time, in the whole process.
const AT_A_TIME: usize = 8;
/// Messages made ahead of the peer.
const AHEAD: usize = 4;

static RUNNING: Semaphore = Semaphore::const_new(AT_A_TIME);

/// One step of a transfer.
#[derive(Debug)]
pub enum Part {
    /// A whole message of at most 65,535 octets. The first one says what the transfer counts as, and the octets of its
    /// query.
    Message(Vec<u8>, Option<(Outcome, usize)>),
    /// All messages were sent.
    End,
}

/// A zone transfer under way.
#[derive(Debug)]
pub struct Transfer(mpsc::Receiver<Part>);

impl Transfer {
    /// The next step; `None` when its maker is gone without having ended it.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        self.0.poll_recv(cx)
    }
}

/// A transfer and where its steps go in.
pub fn channel() -> (mpsc::Sender<Part>, Transfer) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    (sender, Transfer(receiver))
}

/// Begins the transfer of a zone in answer to `query`.
pub(super) fn begin(table: Arc<Table>, zone: u8, query: Vec<u8>) -> Transfer {
    let (sender, transfer) = channel();
    tokio::spawn(run(table, zone, query, sender));
    transfer
}

async fn run(table: Arc<Table>, zone: u8, query: Vec<u8>, sender: mpsc::Sender<Part>) {
    let Ok(_running) = RUNNING.acquire().await else { return };
    let length = query.len();
    // The walk over a large table must not delay the other connections of this thread.
    let started = tokio::task::spawn_blocking(move || {
        let copy = table.moment(zone).and_then(|moment| ZoneCopy::new(moment, &query));
        copy.ok_or(query)
    });
    let Ok(copy) = started.await else { return };
    let parts: Box<dyn Iterator<Item = Part> + Send> = match copy {
        Ok(copy) => {
            let mut outcome = Some((copy.outcome(), length));
            Box::new(copy.map(move |message| Part::Message(message, outcome.take())))
        }
        // The zone went away between the question and now.
        Err(query) => Box::new(failure(&query).into_iter()),
    };
    for part in parts.chain([Part::End]) {
        // An error means that the connection is gone.
        if sender.send(part).await.is_err() {
            return;
        }
    }
}

fn failure(query: &[u8]) -> Option<Part> {
    let mut reply = [0; 12];
    let (length, outcome) = bare_reply(query, &mut reply, SERVFAIL)?;
    Some(Part::Message(reply[..length].to_vec(), Some((outcome, query.len()))))
}
