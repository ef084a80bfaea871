//! The load generator: asks, checks every reply, counts.
//!
//! In: a server's address, questions. Out: a [`Tally`]; its faults make a run fail.

pub mod grpc;
pub mod slots;
pub mod tcp;
pub mod udp;

use crate::echo::RECEIVE_BUFFER;
use crate::expect::Questions;
use crate::process;
use crate::stats::Latencies;
use crate::wire::{fault, fault_in_addresses, fault_in_records, number};
use serde_json::json;
use slots::Slots;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A query without a reply for this long is missing.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Faults after which a run stops early.
const ENOUGH_FAULTS: u64 = 100;

/// What is checked of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Everything that [`crate::expect`] names.
    Answer,
    /// The same but for the order of the records and the other sections: what any server says that holds the zone.
    Records,
    /// The same from a server that has addresses alone: to other questions it may say anything without records.
    Addresses,
    /// The query itself with QR set.
    Echo,
}

/// How to ask.
#[derive(Debug, Clone)]
pub struct Plan {
    pub server: SocketAddr,
    pub check: Check,
    /// Sockets or connections.
    pub sockets: usize,
    /// Queries under way on each; at most 64.
    pub window: usize,
    /// Queries per second in all, sent on time whatever the replies do (open loop); `None`: a new query for each reply.
    pub rate: Option<f64>,
    pub warmup: Duration,
    pub measure: Duration,
    /// Whose CPU time is read at both ends of the measured time.
    pub pids: Vec<u32>,
}

/// 64 where a server may have the receive buffer for 8 sockets of it, else 16: with less room the kernel drops queries.
pub fn default_window() -> usize {
    let most = std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap_or_default();
    if most.trim().parse::<i32>().is_ok_and(|most| most >= RECEIVE_BUFFER) { 64 } else { 16 }
}

impl Plan {
    /// Eight sockets with [`default_window`] queries each, closed loop, for one second after 0.3 s.
    pub fn new(server: SocketAddr, check: Check) -> Self {
        let (warmup, measure) = (Duration::from_millis(300), Duration::from_secs(1));
        Plan { server, check, sockets: 8, window: default_window(), rate: None, warmup, measure, pids: Vec::new() }
    }
}

/// What came of it, the warm-up left out (save for faults).
#[derive(Debug, Default)]
pub struct Tally {
    pub answered: u64,
    pub seconds: f64,
    /// CPU time of [`Plan::pids`].
    pub cpu: Duration,
    pub latencies: Latencies,
    pub wrong: u64,
    pub missing: u64,
    /// The first few faults in words.
    pub faults: Vec<String>,
}

impl Tally {
    /// Nothing wrong, nothing missing, something answered.
    pub fn is_clean(&self) -> bool {
        self.wrong == 0 && self.missing == 0 && self.answered > 0
    }

    /// Replies per second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.seconds.max(1e-9)
    }

    /// Server CPU per reply, in microseconds.
    pub fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.answered.max(1) as f64
    }

    /// For people.
    pub fn text(&self) -> String {
        let micros = |share| self.latencies.quantile(share).as_secs_f64() * 1e6;
        let mut text = format!(
            "{} replies in {:.2} s: {:.0} q/s, p50 {:.0} us, p99 {:.0} us, {} wrong, {} missing",
            self.answered,
            self.seconds,
            self.rate(),
            micros(0.5),
            micros(0.99),
            self.wrong,
            self.missing,
        );
        if !self.cpu.is_zero() {
            text += &format!(", server CPU {:.2} us per reply", self.cpu_micros());
        }
        self.faults.iter().for_each(|fault| text += &format!("\n  {fault}"));
        text
    }

    pub fn json(&self) -> serde_json::Value {
        json!({
            "answered": self.answered,
            "seconds": self.seconds,
            "queries_per_second": self.rate(),
            "cpu_us_per_query": self.cpu_micros(),
            "p50_us": self.latencies.quantile(0.5).as_secs_f64() * 1e6,
            "p99_us": self.latencies.quantile(0.99).as_secs_f64() * 1e6,
            "wrong": self.wrong,
            "missing": self.missing,
            "faults": self.faults,
        })
    }
}

/// One run: the clock, the window in which replies count, the next question, the tally.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) questions: &'a mut Questions,
    pub(crate) tally: Tally,
    start: Instant,
    next: usize,
    sent: u64,
    /// Time and CPU at the start of the measured part; `None` during the warm-up.
    measuring: Option<(Instant, Duration)>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(plan: &'a Plan, questions: &'a mut Questions) -> Self {
        Run { plan, questions, tally: Tally::default(), start: Instant::now(), next: 0, sent: 0, measuring: None }
    }

    /// Nanoseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Moves from warm-up to measuring to the end; false at the end.
    pub(crate) fn goes_on(&mut self) -> bool {
        let cpu = |plan: &Plan| plan.pids.iter().map(|pid| process::cpu(*pid)).sum::<Duration>();
        if self.tally.wrong + self.tally.missing >= ENOUGH_FAULTS {
            return false;
        }
        match self.measuring {
            None if self.start.elapsed() >= self.plan.warmup => {
                self.measuring = Some((Instant::now(), cpu(self.plan)));
                true
            }
            Some((since, cpu_before)) if since.elapsed() >= self.plan.measure => {
                self.tally.seconds = since.elapsed().as_secs_f64();
                self.tally.cpu = cpu(self.plan).saturating_sub(cpu_before);
                self.measuring = None;
                false
            }
            _ => true,
        }
    }

    /// How many queries may be sent now, at most `most`.
    pub(crate) fn allowance(&self, most: usize) -> usize {
        let Some(rate) = self.plan.rate else { return most };
        let due = (self.now() as f64 / 1e9 * rate) as u64;
        most.min(due.saturating_sub(self.sent) as usize)
    }

    /// Takes the next question into a free slot: its index, with the id written into it.
    pub(crate) fn next_question(&mut self, slots: &mut Slots, now: u64) -> Option<usize> {
        // In the open loop a query counts from when it was due, so that a stalled server cannot hide its stall.
        let due = self.plan.rate.map_or(now, |rate| (self.sent as f64 / rate * 1e9) as u64);
        let id = slots.take(self.next as u32, due, now)?;
        let index = self.next;
        self.questions.set_id(index, id);
        self.next = (index + 1) % self.questions.len();
        self.sent += 1;
        Some(index)
    }

    /// Checks one reply and frees its slot.
    pub(crate) fn reply(&mut self, slots: &mut Slots, reply: &[u8], now: u64) {
        let Some((question, due)) = slots.give_back(number(reply, 0)) else {
            return self.wrong("a reply to no query of ours (late, or twice)".to_owned());
        };
        let index = question as usize;
        let query = self.questions.query(index);
        let found = match self.plan.check {
            Check::Answer => fault(query, reply, self.questions.expected(index)),
            Check::Records => fault_in_records(query, reply, self.questions.expected(index)),
            Check::Addresses => fault_in_addresses(query, reply, self.questions.expected(index)),
            Check::Echo => (!is_echo(query, reply)).then(|| "no echo of the query".to_owned()),
        };
        match found {
            Some(found) => {
                let name = presentation(query);
                self.wrong(format!("{name} type {}: {found}", number(query, query_type_at(query))));
            }
            None if self.measuring.is_some() => {
                self.tally.answered += 1;
                self.tally.latencies.record(now.saturating_sub(due));
            }
            None => {}
        }
    }

    /// Counts the queries that have waited too long.
    pub(crate) fn expire(&mut self, slots: &mut Slots, patience: Duration) {
        let now = self.now();
        for question in slots.expire(now.saturating_sub(patience.as_nanos() as u64)) {
            self.tally.missing += 1;
            let name = presentation(self.questions.query(question as usize));
            self.note(format!("{name}: no reply within {} s", PATIENCE.as_secs()));
        }
    }

    fn wrong(&mut self, text: String) {
        self.tally.wrong += 1;
        self.note(text);
    }

    fn note(&mut self, text: String) {
        if self.tally.faults.len() < 5 {
            self.tally.faults.push(text);
        }
    }
}

/// The id is checked by the slot already.
fn is_echo(query: &[u8], reply: &[u8]) -> bool {
    reply.len() == query.len() && reply[2] == query[2] | 0x80 && reply[3..] == query[3..]
}

fn query_type_at(query: &[u8]) -> usize {
    query[12..].iter().position(|octet| *octet == 0).map_or(0, |length| 12 + length + 1)
}

fn presentation(query: &[u8]) -> String {
    let (mut text, mut at) = (String::new(), 12);
    while let Some(&length) = query.get(at).filter(|length| **length > 0) {
        let end = (at + 1 + usize::from(length)).min(query.len());
        text += &String::from_utf8_lossy(&query[at + 1..end]);
        text.push('.');
        at = end;
    }
    text
}

#[cfg(test)]
mod tests;
