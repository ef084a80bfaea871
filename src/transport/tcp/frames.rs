//! Length-prefixed messages (RFC 1035 section 4.2.2): octets read in, octets to write out.
//!
//! Works in buffers of the thread, so that a connection needs none while nothing is left over.

use super::TcpService;
use crate::responder::{Outcome, Verdict};
use crate::telemetry::counters::{Elapsed, Family, WorkerCounters};
use crate::transport::answerer::{Answerer, REFUSED, SERVFAIL, answer_contained, bare_reply};
use crate::transport::random::Random;
use crate::transport::transfer::{Part, Transfer};
use std::cell::RefCell;
use std::net::IpAddr;
use std::task::{Context, Poll};

/// Length prefix and the longest message.
pub const FRAME_MAX: usize = 2 + 65_535;
/// Octets read at once, beyond what was left over.
const READ_SIZE: usize = 64 * 1024;

/// Buffers of one stream worker's thread.
pub struct Scratch {
    pub input: Box<[u8]>,
    /// Replies to write: the first `filled` octets. Never cleared, as that would cost more than answering.
    output: Vec<u8>,
    filled: usize,
    answered: Vec<(Outcome, usize, usize)>,
    random: Random,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        input: vec![0; FRAME_MAX + READ_SIZE].into_boxed_slice(),
        output: Vec::new(),
        filled: 0,
        answered: Vec::new(),
        random: Random::seeded(),
    });
}

/// Lends the thread's buffers; `work` must not call this again.
pub fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(work)
}

/// How answering a stretch of input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every complete frame is answered.
    NeedInput,
    /// Enough replies are waiting: whole frames or transfer messages are left.
    BufferFull,
    /// The next message of a transfer is not made yet; the task is woken when it is.
    AwaitTransfer,
    /// The peer sent what no client sends; close after the replies so far.
    Offended,
}

impl Scratch {
    /// Answers frames of `self.input[..end]`, and first goes on with a transfer, adding replies until they fill
    /// the buffer limit. Octets consumed, and why it stopped.
    pub fn answer<A: Answerer>(
        &mut self,
        end: usize,
        service: &TcpService<A>,
        peer: IpAddr,
        transfer: &mut Option<Transfer>,
        cx: &mut Context<'_>,
    ) -> (usize, Stopped) {
        let mut position = 0;
        if self.output.len() < service.limits.buffer + FRAME_MAX {
            self.output.resize(service.limits.buffer + FRAME_MAX, 0);
        }
        loop {
            if self.filled >= service.limits.buffer {
                return (position, Stopped::BufferFull);
            }
            if let Some(under_way) = transfer {
                match under_way.poll(cx) {
                    Poll::Ready(Some(Part::Message(message, outcome))) => self.push_frame(&message, outcome),
                    Poll::Ready(Some(Part::End)) => *transfer = None,
                    Poll::Ready(None) => {
                        // Whoever made the messages panicked: only a close says that the zone is not whole.
                        service.counters.panicked();
                        return (position, Stopped::Offended);
                    }
                    Poll::Pending => return (position, Stopped::AwaitTransfer),
                }
                continue;
            }
            let Some(length) = whole_frame(&self.input[position..end]) else { return (position, Stopped::NeedInput) };
            let query = position + 2..position + 2 + length;
            position = query.end;
            if !self.answer_one(query, service, peer, transfer) {
                return (position, Stopped::Offended);
            }
        }
    }

    /// False when the peer has sent what no client sends.
    fn answer_one<A: Answerer>(
        &mut self,
        query: std::ops::Range<usize>,
        service: &TcpService<A>,
        peer: IpAddr,
        transfer: &mut Option<Transfer>,
    ) -> bool {
        let client = service.asked.client(peer, &mut self.random);
        let query = &self.input[query];
        let (prefix, reply) = self.output[self.filled..self.filled + FRAME_MAX].split_at_mut(2);
        let answered = match answer_contained(&*service.answerer, &client, query, reply) {
            Some(Verdict::Reply(length, outcome)) => Some((length, outcome)),
            Some(Verdict::Drop(reason)) => {
                service.counters.drop_messages(reason.into(), 1);
                None
            }
            Some(Verdict::Transfer(zone)) => match service.answerer.transfer(zone, query) {
                Some(begun) => {
                    *transfer = Some(begun);
                    return true;
                }
                None => bare_reply(query, reply, REFUSED),
            },
            None => {
                service.counters.panicked();
                bare_reply(query, reply, SERVFAIL)
            }
        };
        let Some((length, outcome)) = answered else { return false };
        prefix.copy_from_slice(&(length as u16).to_be_bytes());
        self.filled += 2 + length;
        self.answered.push((outcome, query.len(), length));
        true
    }

    /// Appends a message of a transfer. The first one says what the transfer counts as, with the octets of its query.
    fn push_frame(&mut self, message: &[u8], outcome: Option<(Outcome, usize)>) {
        let message = &message[..message.len().min(FRAME_MAX - 2)];
        let (prefix, rest) = self.output[self.filled..self.filled + FRAME_MAX].split_at_mut(2);
        prefix.copy_from_slice(&(message.len() as u16).to_be_bytes());
        rest[..message.len()].copy_from_slice(message);
        self.filled += 2 + message.len();
        self.answered.extend(outcome.map(|(outcome, query)| (outcome, query, message.len())));
    }

    /// The replies made since the last call.
    pub fn take_output(&mut self) -> &[u8] {
        let filled = std::mem::take(&mut self.filled);
        &self.output[..filled]
    }

    /// Counts what was answered since the last call.
    pub fn count(&mut self, counters: &WorkerCounters, family: Family, elapsed: Elapsed) {
        for (outcome, query, reply) in self.answered.drain(..) {
            counters.record(outcome, family, query, reply, elapsed);
        }
    }
}

/// The length of the message that starts here, if it is here whole.
fn whole_frame(octets: &[u8]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([*octets.first()?, *octets.get(1)?]));
    (octets.len() >= 2 + length).then_some(length)
}
