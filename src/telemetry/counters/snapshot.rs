//! The sum of all workers' counters at one moment.

use super::{
    Cell, Counters, DROP_REASONS, DURATION_BUCKETS, EDE_CODES, RCODES, REFUSALS, SIZE_BOUNDS, TIMEOUTS, WorkerCounters,
};
use crate::responder::{TYPE_NAMES, Transport};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts of one zone and view on one server and transport. Histograms hold one count per bucket, not cumulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellCounts {
    /// Frame zone number, or [`NO_ZONE`](crate::responder::NO_ZONE) for what reached no zone.
    pub zone: u8,
    /// Frame view number.
    pub view: u8,
    /// By family (IPv4, IPv6) and type slot ([`TYPE_NAMES`]).
    pub requests: [[u64; TYPE_NAMES.len()]; 2],
    /// By rcode.
    pub responses: [u64; RCODES],
    pub durations: [u64; DURATION_BUCKETS + 1],
    pub duration_nanos: u64,
    pub request_sizes: [u64; SIZE_BOUNDS.len() + 1],
    pub request_octets: u64,
    pub response_sizes: [u64; SIZE_BOUNDS.len() + 1],
    pub response_octets: u64,
    /// Queries with DO.
    pub dnssec_ok: u64,
    /// Replies that held rows of a stale cluster.
    pub stale: u64,
    /// Replies with TC.
    pub truncated: u64,
}

/// Counts of one listener and transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCounts {
    /// Metric label, such as `dns://:53`.
    pub server: String,
    pub transport: Transport,
    /// One entry per zone and view that was asked.
    pub cells: Vec<CellCounts>,
    /// Replies by extended error code; slot 0 is unused, the last takes every code above it.
    pub ede: [u64; EDE_CODES],
    /// Messages without a reply, in the order of [`DROP_REASONS`].
    pub dropped: [u64; DROP_REASONS.len()],
    /// FORMERR replies and messages shorter than a header.
    pub malformed: u64,
    /// Contained panics.
    pub panics: u64,
}

/// Counts of one stream transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamCounts {
    /// Connections open now.
    pub connections: u64,
    /// In the order of [`REFUSALS`].
    pub refused: [u64; REFUSALS.len()],
    /// In the order of [`TIMEOUTS`].
    pub timeouts: [u64; TIMEOUTS.len()],
}

/// All counters at one moment (each word is read once; words of one query may fall on either side).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Sorted by server and transport.
    pub servers: Vec<ServerCounts>,
    pub tcp: StreamCounts,
    pub grpc: StreamCounts,
}

fn absorb<const N: usize>(into: &mut [u64; N], from: &[AtomicU64; N]) {
    for (sum, word) in into.iter_mut().zip(from) {
        *sum += word.load(Relaxed);
    }
}

impl CellCounts {
    fn new(zone: u8, view: u8) -> Self {
        CellCounts {
            zone,
            view,
            requests: [[0; TYPE_NAMES.len()]; 2],
            responses: [0; RCODES],
            durations: [0; DURATION_BUCKETS + 1],
            duration_nanos: 0,
            request_sizes: [0; SIZE_BOUNDS.len() + 1],
            request_octets: 0,
            response_sizes: [0; SIZE_BOUNDS.len() + 1],
            response_octets: 0,
            dnssec_ok: 0,
            stale: 0,
            truncated: 0,
        }
    }

    fn absorb(&mut self, cell: &Cell) {
        for (sum, family) in self.requests.iter_mut().zip(&cell.requests) {
            absorb(sum, family);
        }
        absorb(&mut self.responses, &cell.responses);
        absorb(&mut self.durations, &cell.durations);
        absorb(&mut self.request_sizes, &cell.request_sizes);
        absorb(&mut self.response_sizes, &cell.response_sizes);
        self.duration_nanos += cell.duration_nanos.load(Relaxed);
        self.request_octets += cell.request_octets.load(Relaxed);
        self.response_octets += cell.response_octets.load(Relaxed);
        self.dnssec_ok += cell.dnssec_ok.load(Relaxed);
        self.stale += cell.stale.load(Relaxed);
        self.truncated += cell.truncated.load(Relaxed);
    }
}

/// Server label and transport (as a number, to sort by).
type Key = (String, u8);

#[derive(Default)]
struct ServerSum {
    transport: Option<Transport>,
    cells: BTreeMap<(u8, u8), CellCounts>,
    ede: [u64; EDE_CODES],
    dropped: [u64; DROP_REASONS.len()],
    malformed: u64,
    panics: u64,
}

impl ServerSum {
    fn absorb(&mut self, worker: &WorkerCounters) {
        self.transport = Some(worker.transport);
        absorb(&mut self.ede, &worker.ede);
        absorb(&mut self.dropped, &worker.dropped);
        self.malformed += worker.malformed.load(Relaxed);
        self.panics += worker.panics.load(Relaxed);
        for (zone, row) in (0..=u8::MAX).zip(&*worker.rows) {
            let cells = row.get().into_iter().flat_map(|row| (0..=u8::MAX).zip(&row.0));
            for (view, cell) in cells.filter_map(|(view, cell)| Some((view, cell.get()?))) {
                self.cells.entry((zone, view)).or_insert_with(|| CellCounts::new(zone, view)).absorb(cell);
            }
        }
    }

    fn finish(self, server: String) -> Option<ServerCounts> {
        Some(ServerCounts {
            server,
            transport: self.transport?,
            cells: self.cells.into_values().collect(),
            ede: self.ede,
            dropped: self.dropped,
            malformed: self.malformed,
            panics: self.panics,
        })
    }
}

impl Snapshot {
    pub(super) fn sum(workers: &[Arc<WorkerCounters>], counters: &Counters) -> Self {
        let mut sums: BTreeMap<Key, ServerSum> = BTreeMap::new();
        for worker in workers {
            sums.entry((worker.server.clone(), worker.transport as u8)).or_default().absorb(worker);
        }
        let stream = |counters: &super::StreamCounters| StreamCounts {
            connections: counters.open(),
            refused: counters.refusals(),
            timeouts: counters.timeouts(),
        };
        Snapshot {
            servers: sums.into_iter().filter_map(|((server, _), sum)| sum.finish(server)).collect(),
            tcp: stream(&counters.tcp),
            grpc: stream(&counters.grpc),
        }
    }

    /// Contained panics of all workers (`panics_total`, as far as transport goes).
    pub fn panics(&self) -> u64 {
        self.servers.iter().map(|server| server.panics).sum()
    }
}
