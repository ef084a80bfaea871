//! One function for every transport: octets of a query in, octets of a reply out.
//!
//! In: the Table, who asks, the query. Out: a [`Verdict`]. No allocation, no lock, no clock.

//!
//! Three phases, so that a batch waits for memory once: [`prepare`] reads and hashes a query, [`find`] looks its name
//! up and touches the Block, [`answer`] writes the reply. [`respond`] is the three in a row.

mod answer;
mod chain;
mod chaos;
mod locate;
mod name_tree;
pub mod outcome;
mod prepare;
mod records;
mod reply;
mod targets;
#[cfg(test)]
mod tests;
mod transfer;
mod zone_copy;

pub use answer::answer;
pub use locate::{Located, Location, locate};
pub use outcome::{NO_ZONE, Outcome, TYPE_NAMES};
pub use prepare::{Found, Prepared, find, prepare};
pub use zone_copy::ZoneCopy;

use crate::table::Pinned;
use std::net::IpAddr;

/// How a query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Udp,
    Tcp,
    Grpc,
}

/// Who asks, and how.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub address: IpAddr,
    pub transport: Transport,
    /// The view of the listener that was asked (`views[].listen`); `None`: chosen by ECS and client prefix.
    pub listener_view: Option<u8>,
    /// From the worker's own generator, fresh for each query: rotation and weighted draws.
    pub random: u64,
}

/// Why a message gets no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// Fewer than 12 octets.
    Short,
    /// QR is set: a response (never answered).
    Response,
}

/// What to do with one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send the first `usize` octets of the reply buffer.
    Reply(usize, Outcome),
    /// A zone transfer that this peer may have: stream the zone of this number (TCP only).
    Transfer(u8),
    /// Send nothing.
    Drop(DropReason),
}

/// Answers one message. `reply` takes the answer: 65,535 octets serve every transport, `udpMaxSize` serves UDP; a
/// smaller buffer truncates. Under 12 octets it cannot hold a header and the message is dropped.
pub fn respond(table: &Pinned<'_>, client: &Client, query: &[u8], reply: &mut [u8]) -> Verdict {
    let mut prepared = Prepared::default();
    prepare(table, client, query, &mut prepared);
    let found = find(table, &prepared);
    answer(table, client, query, &prepared, found, reply)
}
