//! The joint to the responder: what every transport asks for an answer.
//!
//! In: who asks and the octets of a query. Out: a [`Verdict`] and the octets of the reply. A panic while answering is
//! contained here: the query gets SERVFAIL and the worker goes on.

#[cfg(test)]
mod tests;

use super::random::Random;
use super::transfer::Transfer;
use super::udp::BATCH_MAX;
use crate::responder::{Client, Found, NO_ZONE, Outcome, Prepared, Transport, Verdict, answer, find, prepare, respond};
use crate::table::Table;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// One query of a batch.
pub struct Slot<'a> {
    pub client: Client,
    pub query: &'a [u8],
    pub reply: &'a mut [u8],
    /// The result; [`Verdict::Drop`] until answered.
    pub verdict: Verdict,
}

/// What answers: the Table through the responder, and in tests a stub. Dispatched statically.
pub trait Answerer: Send + Sync + 'static {
    /// What a worker keeps for [`Self::answer_batch`] from batch to batch.
    type Scratch: Default;

    /// Answers one query.
    fn answer(&self, client: &Client, query: &[u8], reply: &mut [u8]) -> Verdict;

    /// Answers all queries of a batch.
    fn answer_batch(&self, scratch: &mut Self::Scratch, slots: &mut [Slot<'_>]);

    /// Begins the zone transfer that [`Verdict::Transfer`] allowed; called on a tokio runtime. `None`: no transfers
    /// here, the query is refused.
    fn transfer(self: &Arc<Self>, _zone: u8, _query: &[u8]) -> Option<Transfer> {
        None
    }
}

impl Answerer for Table {
    type Scratch = Vec<Prepared>;

    #[inline]
    fn answer(&self, client: &Client, query: &[u8], reply: &mut [u8]) -> Verdict {
        respond(&self.pin(), client, query, reply)
    }

    /// One guard for the batch, and three phases, so that the batch waits for memory once (PERFORMANCE.md 12).
    #[inline]
    fn answer_batch(&self, scratch: &mut Vec<Prepared>, slots: &mut [Slot<'_>]) {
        if scratch.len() < slots.len() {
            scratch.resize(slots.len(), Prepared::default());
        }
        let table = self.pin();
        for (slot, prepared) in slots.iter().zip(&mut *scratch) {
            prepare(&table, &slot.client, slot.query, prepared);
        }
        let mut found = [Found::default(); BATCH_MAX];
        for (found, prepared) in found.iter_mut().zip(scratch.iter().take(slots.len())) {
            *found = find(&table, prepared);
        }
        for ((slot, prepared), found) in slots.iter_mut().zip(&*scratch).zip(found) {
            slot.verdict = answer(&table, &slot.client, slot.query, prepared, found, slot.reply);
        }
    }

    fn transfer(self: &Arc<Self>, zone: u8, query: &[u8]) -> Option<Transfer> {
        Some(super::transfer::begin(Arc::clone(self), zone, query.to_vec()))
    }
}

/// What one listener knows about each of its queries.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub transport: Transport,
    pub view: Option<u8>,
}

impl Asked {
    /// The client at `address` (IPv4-mapped addresses count as IPv4).
    pub fn client(self, address: IpAddr, random: &mut Random) -> Client {
        Client {
            address: address.to_canonical(),
            transport: self.transport,
            listener_view: self.view,
            random: random.next(),
        }
    }
}

/// Answers one query; `None` when that panicked.
pub fn answer_contained(answerer: &impl Answerer, client: &Client, query: &[u8], reply: &mut [u8]) -> Option<Verdict> {
    catch_unwind(AssertUnwindSafe(|| answerer.answer(client, query, reply))).ok()
}

/// A header-only reply with `rcode` to a query that cannot be answered otherwise; `None` for what is never answered.
pub fn bare_reply(query: &[u8], reply: &mut [u8], rcode: u8) -> Option<(usize, Outcome)> {
    const HEADER: usize = 12;
    let flags = *query.get(2)?;
    if query.len() < HEADER || reply.len() < HEADER || flags & 0x80 != 0 {
        return None;
    }
    reply[..HEADER].fill(0);
    reply[..2].copy_from_slice(&query[..2]);
    reply[2] = 0x80 | flags & 0x79;
    reply[3] = rcode;
    Some((HEADER, Outcome::new(NO_ZONE, 0, (crate::responder::TYPE_NAMES.len() - 1) as u8, rcode)))
}

/// SERVFAIL: answering failed.
pub const SERVFAIL: u8 = 2;
/// REFUSED: a transfer without a source of zones.
pub const REFUSED: u8 = 5;
