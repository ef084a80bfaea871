//! The joint to the responder: what every transport asks for an answer.
//!
//! In: who asks and the octets of a query. Out: a [`Verdict`] and the octets of the reply. A panic while answering is
//! contained here: the query gets SERVFAIL and the worker goes on.

use super::random::Random;
use crate::responder::{Client, NO_ZONE, Outcome, Transport, Verdict};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
    /// Answers one query.
    fn answer(&self, client: &Client, query: &[u8], reply: &mut [u8]) -> Verdict;

    /// Answers all queries of a batch.
    fn answer_batch(&self, slots: &mut [Slot<'_>]) {
        for slot in slots {
            slot.verdict = self.answer(&slot.client, slot.query, slot.reply);
        }
    }

    /// The messages of the zone transfer that [`Verdict::Transfer`] allowed, each whole and at most 65,535 octets.
    /// `None`: no transfers here, the query is refused.
    fn transfer(&self, _client: &Client, _zone: u8, _query: &[u8]) -> Option<TransferMessages> {
        None
    }
}

/// A zone transfer under way: DNS messages in order, made as the peer takes them.
pub type TransferMessages = Box<dyn Iterator<Item = Vec<u8>> + Send>;

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
