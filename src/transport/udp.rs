//! UDP workers: plain threads, each with a socket of its own (SO_REUSEPORT), answering in batches.
//!
//! In: datagrams. Out: replies from the address that was asked, and counts. The time is read once before and once after
//! a batch. A panic costs the query that caused it, never the batch or the thread.

#[cfg(test)]
mod tests;

use super::answerer::{Answerer, Asked, REFUSED, SERVFAIL, Slot, answer_contained, bare_reply};
use super::mmsg::{Batch, Calls, queue_drops};
use super::random::Random;
use crate::responder::{Client, DropReason, Outcome, Transport, Verdict};
use crate::telemetry::counters::{Dropped, Elapsed, Family, WorkerCounters};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The most datagrams of one batch.
pub const BATCH_MAX: usize = 32;
/// How long a worker waits for a datagram before it looks whether it shall stop.
pub const WAKE: Duration = Duration::from_millis(250);
/// After so many batches under load the kernel's drop counter is read.
const DROP_CHECK: u32 = 1024;
/// Batches still answered when told to stop, so that a flood cannot hold the end up.
const LAST_BATCHES: usize = 64;
/// The pause after a socket error that waiting may cure.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// One UDP worker, ready to run.
pub struct Worker<A> {
    /// Blocking, with [`WAKE`] as receive time-out.
    pub socket: UdpSocket,
    /// Bound to a wildcard and set to tell the asked address.
    pub with_destination: bool,
    /// Datagrams per call; 1 uses the plain calls, and still answers together what waits.
    pub batch: usize,
    pub reply_size: usize,
    pub view: Option<u8>,
    pub answerer: Arc<A>,
    pub counters: Arc<WorkerCounters>,
    /// Set to end the worker: it answers what has arrived, then closes its socket.
    pub stop: Arc<AtomicBool>,
}

/// A reply to send from its slot, and what to count for it.
#[derive(Clone, Copy)]
struct Answered {
    slot: usize,
    outcome: Outcome,
    family: Family,
    query: usize,
    reply: usize,
}

/// What a worker keeps from batch to batch.
struct Round<A: Answerer> {
    batch: Batch,
    scratch: A::Scratch,
    answered: Vec<Answered>,
    random: Random,
}

impl<A: Answerer> Worker<A> {
    /// Answers until told to stop.
    pub fn run(self) {
        let (calls, capacity) =
            if self.batch <= 1 { (Calls::Single, BATCH_MAX) } else { (Calls::Batched, self.batch.min(BATCH_MAX)) };
        let mut round = Round {
            batch: Batch::new(capacity, self.reply_size, self.with_destination, calls),
            scratch: A::Scratch::default(),
            answered: Vec::with_capacity(BATCH_MAX),
            random: Random::seeded(),
        };
        let (mut drops, mut failing) = (QueueDrops::default(), false);
        while !self.stop.load(Ordering::Relaxed) {
            match round.batch.receive(self.socket.as_fd(), true) {
                Ok(received) => {
                    failing = false;
                    self.answer(&mut round, received);
                    drops.after_batch(&self);
                }
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => drops.check(&self),
                    _ => self.pause_after(&error, &mut failing),
                },
            }
        }
        for _ in 0..LAST_BATCHES {
            match round.batch.receive(self.socket.as_fd(), false) {
                Ok(received) => self.answer(&mut round, received),
                Err(_) => break,
            }
        }
    }

    fn pause_after(&self, error: &std::io::Error, failing: &mut bool) {
        if !*failing {
            let address =
                self.socket.local_addr().map_or_else(|_| "a socket".to_owned(), |address| address.to_string());
            tracing::error!("UDP on {address}: cannot receive: {error}; trying again every 100 ms");
        }
        *failing = true;
        thread::sleep(ERROR_PAUSE);
    }

    fn answer(&self, round: &mut Round<A>, received: usize) {
        let start = Instant::now();
        round.answered.clear();
        // Few slots are cheap to make, and at low rates most batches hold one query.
        match received {
            0..=1 => self.answer_slots::<1>(round, received),
            2..=8 => self.answer_slots::<8>(round, received),
            _ => self.answer_slots::<BATCH_MAX>(round, received),
        }
        for answered in &round.answered {
            round.batch.queue(answered.slot, answered.reply);
        }
        let refused = round.batch.send(self.socket.as_fd());
        let elapsed = Elapsed::from(start.elapsed());
        for answered in &round.answered {
            self.counters.record(answered.outcome, answered.family, answered.query, answered.reply, elapsed);
        }
        if refused > 0 {
            self.counters.drop_messages(Dropped::Send, refused as u64);
        }
    }

    fn answer_slots<const SLOTS: usize>(&self, round: &mut Round<A>, received: usize) {
        let asked = Asked { transport: Transport::Udp, view: self.view };
        let Round { batch, scratch, answered, random } = round;
        let mut datagrams = batch.datagrams();
        let mut slots: [Slot<'_>; SLOTS] = std::array::from_fn(|_| match datagrams.next() {
            Some(datagram) => Slot {
                client: asked.client(datagram.peer.ip(), random),
                query: datagram.query,
                reply: datagram.reply,
                verdict: Verdict::Drop(DropReason::Short),
            },
            None => empty_slot(),
        });
        let slots = &mut slots[..received.min(SLOTS)];
        if catch_unwind(AssertUnwindSafe(|| self.answerer.answer_batch(scratch, slots))).is_err() {
            self.answer_apart(slots);
        }
        for (number, slot) in slots.iter_mut().enumerate() {
            if let Some((reply, outcome)) = self.judge(slot) {
                let (family, query) = (family(slot.client.address), slot.query.len());
                answered.push(Answered { slot: number, outcome, family, query, reply });
            }
        }
    }

    /// After a panic in a batch: each query by itself, so that only the one that panics goes without an answer.
    fn answer_apart(&self, slots: &mut [Slot<'_>]) {
        for slot in slots {
            slot.verdict = match answer_contained(&*self.answerer, &slot.client, slot.query, slot.reply) {
                Some(verdict) => verdict,
                None => {
                    self.counters.panicked();
                    let bare = bare_reply(slot.query, slot.reply, SERVFAIL);
                    bare.map_or(Verdict::Drop(DropReason::Short), |(length, outcome)| Verdict::Reply(length, outcome))
                }
            };
        }
    }

    /// The length and outcome of the reply to send, if any.
    fn judge(&self, slot: &mut Slot<'_>) -> Option<(usize, Outcome)> {
        match slot.verdict {
            Verdict::Reply(length, outcome) => Some((length, outcome)),
            Verdict::Drop(reason) => {
                self.counters.drop_messages(reason.into(), 1);
                None
            }
            // Transfers are for TCP; the responder refuses them here, so this is only a second guard.
            Verdict::Transfer(_) => bare_reply(slot.query, slot.reply, REFUSED),
        }
    }
}

fn empty_slot<'a>() -> Slot<'a> {
    let client = Client {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        transport: Transport::Udp,
        listener_view: None,
        random: 0,
    };
    Slot { client, query: &[], reply: &mut [], verdict: Verdict::Drop(DropReason::Short) }
}

/// The family of an address that is no longer IPv4-mapped.
pub fn family(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

/// Follows the kernel's count of datagrams lost to a full receive queue.
#[derive(Default)]
struct QueueDrops {
    seen: u64,
    batches: u32,
}

impl QueueDrops {
    fn after_batch<A>(&mut self, worker: &Worker<A>) {
        self.batches += 1;
        if self.batches >= DROP_CHECK {
            self.check(worker);
        }
    }

    fn check<A>(&mut self, worker: &Worker<A>) {
        self.batches = 0;
        if let Some(now) = queue_drops(worker.socket.as_fd())
            && now != self.seen
        {
            // The kernel's counter has 32 bits and may wrap.
            worker.counters.drop_messages(Dropped::Queue, u64::from((now as u32).wrapping_sub(self.seen as u32)));
            self.seen = now;
        }
    }
}
