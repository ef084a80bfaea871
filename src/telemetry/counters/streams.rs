//! Counters of connections: TCP and gRPC, shared by all workers (never touched per query).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a connection was refused or had to give way (`tcp_refused_total{reason}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The cap on all connections, and none was idle.
    Total,
    /// The cap of one client address, and none of its connections was idle.
    Client,
    /// No file descriptor left.
    Descriptors,
    /// An idle connection closed early to make room.
    GaveWay,
}

/// Metric labels of [`Refusal`], in its order.
pub const REFUSALS: [&str; 4] = ["total", "client", "descriptors", "gave-way"];

/// Which time ran out (`tcp_timeouts_total{kind}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// No query for the idle time.
    Idle,
    /// A message begun and not finished.
    Read,
    /// Replies that the peer does not take.
    Write,
}

/// Metric labels of [`Timeout`], in its order.
pub const TIMEOUTS: [&str; 3] = ["idle", "read", "write"];

/// Counters of one stream transport. Any thread may write.
#[derive(Debug, Default)]
pub struct StreamCounters {
    opened: AtomicU64,
    closed: AtomicU64,
    refused: [AtomicU64; REFUSALS.len()],
    timeouts: [AtomicU64; TIMEOUTS.len()],
}

impl StreamCounters {
    /// One connection was admitted.
    pub fn opened(&self) {
        self.opened.fetch_add(1, Relaxed);
    }

    /// An admitted connection is over.
    pub fn closed(&self) {
        self.closed.fetch_add(1, Relaxed);
    }

    /// One connection was refused, or gave way.
    pub fn refused(&self, reason: Refusal) {
        self.refused[reason as usize].fetch_add(1, Relaxed);
    }

    /// One connection was closed by a time-out.
    pub fn timed_out(&self, kind: Timeout) {
        self.timeouts[kind as usize].fetch_add(1, Relaxed);
    }

    /// Connections open now.
    pub fn open(&self) -> u64 {
        let closed = self.closed.load(Relaxed);
        self.opened.load(Relaxed).saturating_sub(closed)
    }

    /// Refusals so far, in the order of [`REFUSALS`].
    pub fn refusals(&self) -> [u64; REFUSALS.len()] {
        std::array::from_fn(|i| self.refused[i].load(Relaxed))
    }

    /// Time-outs so far, in the order of [`TIMEOUTS`].
    pub fn timeouts(&self) -> [u64; TIMEOUTS.len()] {
        std::array::from_fn(|i| self.timeouts[i].load(Relaxed))
    }
}
