//! What was answered, counted per worker without contention.
//!
//! In: one [`Outcome`] per reply from the worker that sent it. Out: [`Snapshot`], the sum over all workers, for the
//! scrape. Each [`WorkerCounters`] has one writing thread, which loads and stores plainly (no locked instruction); the
//! scrape reads the same words. A cell per (zone, view) is made when the first query reaches it.

mod snapshot;
mod streams;
#[cfg(test)]
mod tests;

pub use snapshot::{CellCounts, ServerCounts, Snapshot, StreamCounts};
pub use streams::{REFUSALS, Refusal, StreamCounters, TIMEOUTS, Timeout};

use crate::responder::{DropReason, NO_ZONE, Outcome, TYPE_NAMES, Transport};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Rows of cells: one per zone number, the last for what reached no zone.
const ZONES: usize = NO_ZONE as usize + 1;
/// Views that are counted apart (DNS.md section 6).
pub const MAX_VIEWS: usize = 64;
/// Rcodes 0..=16; the last slot takes any other.
pub const RCODES: usize = 18;
/// Extended DNS error codes that are counted apart (RFC 8914); the last slot takes any other.
pub const EDE_CODES: usize = 32;
/// Upper bounds of the size histograms, in octets (CoreDNS's); one more bucket takes the rest.
pub const SIZE_BOUNDS: [u64; 14] = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000];
/// Buckets of the duration histogram with an upper bound; one more takes the rest.
pub const DURATION_BUCKETS: usize = 16;

/// Upper bound of the first duration bucket, in nanoseconds; each next one is twice as wide.
const FIRST_DURATION: u64 = 250_000;
/// Upper bounds of the duration histogram, in seconds: 0.25 ms, doubled 15 times.
pub fn duration_bounds() -> [f64; DURATION_BUCKETS] {
    std::array::from_fn(|i| (FIRST_DURATION << i) as f64 / 1e9)
}

/// The bucket of each size up to 511 octets, nearly every message.
const SMALL_SIZES: [u8; 512] = {
    let mut table = [0; 512];
    let mut size = 0;
    while size < 512 {
        table[size] = if size <= 400 { size.div_ceil(100) as u8 } else { 5 };
        size += 1;
    }
    table
};

fn size_bucket(size: usize) -> usize {
    match SMALL_SIZES.get(size) {
        Some(bucket) => *bucket as usize,
        None => SIZE_BOUNDS.partition_point(|bound| *bound < size as u64),
    }
}

/// Why a UDP message got no reply (`udp_dropped_total{reason}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Fewer than 12 octets.
    Short,
    /// A response, not a query.
    Response,
    /// The kernel refused to send the reply.
    Send,
    /// The receive queue was full: the kernel dropped it before we saw it.
    Queue,
}

/// Metric labels of [`Dropped`], in its order.
pub const DROP_REASONS: [&str; 4] = ["short", "response", "send", "queue"];

impl From<DropReason> for Dropped {
    fn from(reason: DropReason) -> Self {
        match reason {
            DropReason::Short => Dropped::Short,
            DropReason::Response => Dropped::Response,
        }
    }
}

/// The address family of a client (metric label `family`: 1 or 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// How long a batch took, with its histogram bucket found once for all its replies.
#[derive(Debug, Clone, Copy)]
pub struct Elapsed {
    nanos: u64,
    bucket: usize,
}

impl From<Duration> for Elapsed {
    fn from(time: Duration) -> Self {
        let nanos = time.as_nanos() as u64;
        let steps = nanos.div_ceil(FIRST_DURATION).max(1).next_power_of_two().trailing_zeros() as usize;
        Elapsed { nanos, bucket: steps.min(DURATION_BUCKETS) }
    }
}

/// Adds to a word that only this thread writes: a load and a store, no locked instruction.
fn add(word: &AtomicU64, amount: u64) {
    word.store(word.load(Relaxed).wrapping_add(amount), Relaxed);
}

/// The counters of one (zone, view).
#[derive(Debug)]
struct Cell {
    requests: [[AtomicU64; TYPE_NAMES.len()]; 2],
    responses: [AtomicU64; RCODES],
    durations: [AtomicU64; DURATION_BUCKETS + 1],
    duration_nanos: AtomicU64,
    request_sizes: [AtomicU64; SIZE_BOUNDS.len() + 1],
    request_octets: AtomicU64,
    response_sizes: [AtomicU64; SIZE_BOUNDS.len() + 1],
    response_octets: AtomicU64,
    dnssec_ok: AtomicU64,
    stale: AtomicU64,
    truncated: AtomicU64,
}

fn zeros<const N: usize>() -> [AtomicU64; N] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

impl Cell {
    fn new() -> Box<Self> {
        Box::new(Cell {
            requests: [zeros(), zeros()],
            responses: zeros(),
            durations: zeros(),
            duration_nanos: AtomicU64::new(0),
            request_sizes: zeros(),
            request_octets: AtomicU64::new(0),
            response_sizes: zeros(),
            response_octets: AtomicU64::new(0),
            dnssec_ok: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            truncated: AtomicU64::new(0),
        })
    }
}

/// The cells of one zone, by view.
#[derive(Debug)]
struct Row([OnceLock<Box<Cell>>; MAX_VIEWS]);

impl Row {
    fn new() -> Box<Self> {
        Box::new(Row([const { OnceLock::new() }; MAX_VIEWS]))
    }
}

/// The counters of one worker on one listener. One thread writes; padded so that no two workers share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub struct WorkerCounters {
    server: String,
    transport: Transport,
    rows: Box<[OnceLock<Box<Row>>; ZONES]>,
    ede: [AtomicU64; EDE_CODES],
    dropped: [AtomicU64; DROP_REASONS.len()],
    malformed: AtomicU64,
    panics: AtomicU64,
}

impl WorkerCounters {
    fn new(server: &str, transport: Transport) -> Self {
        WorkerCounters {
            server: server.to_owned(),
            transport,
            rows: Box::new([const { OnceLock::new() }; ZONES]),
            ede: zeros(),
            dropped: zeros(),
            malformed: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        }
    }

    /// Counts one reply of `reply` octets to a query of `query` octets. Call from the worker's own thread only: of two
    /// writers one would lose counts.
    pub fn record(&self, outcome: Outcome, family: Family, query: usize, reply: usize, elapsed: Elapsed) {
        let row = self.rows[usize::from(outcome.zone())].get_or_init(Row::new);
        let cell = row.0[usize::from(outcome.view()).min(MAX_VIEWS - 1)].get_or_init(Cell::new);
        let kind = usize::from(outcome.type_slot()).min(TYPE_NAMES.len() - 1);
        add(&cell.requests[family as usize][kind], 1);
        add(&cell.responses[usize::from(outcome.rcode()).min(RCODES - 1)], 1);
        add(&cell.durations[elapsed.bucket], 1);
        add(&cell.duration_nanos, elapsed.nanos);
        add(&cell.request_sizes[size_bucket(query)], 1);
        add(&cell.request_octets, query as u64);
        add(&cell.response_sizes[size_bucket(reply)], 1);
        add(&cell.response_octets, reply as u64);
        add(&cell.dnssec_ok, u64::from(outcome.dnssec_ok()));
        add(&cell.stale, u64::from(outcome.stale()));
        add(&cell.truncated, u64::from(outcome.truncated()));
        if outcome.ede() != 0 {
            add(&self.ede[usize::from(outcome.ede()).min(EDE_CODES - 1)], 1);
        }
        if outcome.malformed() {
            add(&self.malformed, 1);
        }
    }

    /// Counts `messages` that get no reply. Same thread as [`Self::record`].
    pub fn drop_messages(&self, reason: Dropped, messages: u64) {
        add(&self.dropped[reason as usize], messages);
        if reason == Dropped::Short {
            add(&self.malformed, messages);
        }
    }

    /// Counts a panic that was contained. Same thread as [`Self::record`].
    pub fn panicked(&self) {
        add(&self.panics, 1);
    }
}

/// Every worker's counters, and those of the stream transports.
#[derive(Debug, Default)]
pub struct Counters {
    workers: Mutex<Vec<Arc<WorkerCounters>>>,
    /// Connections, refusals and time-outs of TCP.
    pub tcp: StreamCounters,
    /// The same of gRPC.
    pub grpc: StreamCounters,
}

impl Counters {
    /// The counters of one more worker; `server` is the metric label, such as `dns://:53`.
    pub fn worker(&self, server: &str, transport: Transport) -> Arc<WorkerCounters> {
        let worker = Arc::new(WorkerCounters::new(server, transport));
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&worker));
        worker
    }

    /// The sum over all workers, for the scrape.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::sum(&self.workers.lock().unwrap_or_else(PoisonError::into_inner), self)
    }
}
