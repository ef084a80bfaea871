//! Figures of one cluster's watches, for metrics: atomics that the loop adds to and telemetry reads.

use super::course::Reason;
use super::fault::CODES;
use super::kinds::TABLE;
use crate::model::Kind;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a request is for: the label `verb` of `cluster_requests_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Discover,
    List,
    Watch,
    /// `limit=1` after a fault.
    Check,
    /// `limit=1` once a minute.
    Probe,
}

impl Verb {
    pub const ALL: [Verb; 5] = [Verb::Discover, Verb::List, Verb::Watch, Verb::Check, Verb::Probe];

    /// The label in metrics and the word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Discover => "discover",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Check => "check",
            Verb::Probe => "probe",
        }
    }
}

const VERBS: usize = Verb::ALL.len();
const KINDS: usize = TABLE.len();
const REASONS: usize = Reason::ALL.len();

/// The counters of one cluster. They outlive its watcher, so that a rebuilt one goes on counting.
#[derive(Debug, Default)]
pub struct Counters {
    requests: [[AtomicU64; CODES.len()]; VERBS],
    syncs: [[AtomicU64; REASONS]; KINDS],
    watch_errors: [[AtomicU64; CODES.len()]; KINDS],
    auth_failures: AtomicU64,
    panics: AtomicU64,
}

impl Counters {
    /// `cluster_requests_total{verb,code}`; series that never counted are left out.
    pub fn requests(&self) -> impl Iterator<Item = (Verb, &'static str, u64)> {
        Verb::ALL.into_iter().zip(&self.requests).flat_map(|(verb, row)| {
            row.iter().zip(CODES).map(move |(count, code)| (verb, code, load(count))).filter(|entry| entry.2 > 0)
        })
    }

    /// `cluster_syncs_total{kind,reason}`: whole lists handed over.
    pub fn syncs(&self) -> impl Iterator<Item = (Kind, &'static str, u64)> {
        TABLE.iter().zip(&self.syncs).flat_map(|(row, counts)| {
            let reasons = counts.iter().zip(Reason::ALL);
            reasons.map(|(count, reason)| (row.kind, reason.as_str(), load(count))).filter(|entry| entry.2 > 0)
        })
    }

    /// `cluster_watch_errors_total{kind,code}`: faults of lists and watches.
    pub fn watch_errors(&self) -> impl Iterator<Item = (Kind, &'static str, u64)> {
        TABLE.iter().zip(&self.watch_errors).flat_map(|(row, counts)| {
            counts.iter().zip(CODES).map(|(count, code)| (row.kind, code, load(count))).filter(|entry| entry.2 > 0)
        })
    }

    /// `cluster_auth_failures_total`: 401 and 403.
    pub fn auth_failures(&self) -> u64 {
        load(&self.auth_failures)
    }

    /// Tasks of this cluster that panicked and were started again.
    pub fn panics(&self) -> u64 {
        load(&self.panics)
    }

    pub(super) fn request(&self, verb: Verb, code: &str) {
        add(&self.requests[verb as usize][code_slot(code)]);
        if matches!(code, "401" | "403") {
            add(&self.auth_failures);
        }
    }

    pub(super) fn sync(&self, kind: Kind, reason: Reason) {
        add(&self.syncs[kind_slot(kind)][reason as usize]);
    }

    pub(super) fn watch_error(&self, kind: Kind, code: &str) {
        add(&self.watch_errors[kind_slot(kind)][code_slot(code)]);
    }

    pub(super) fn panicked(&self) {
        add(&self.panics);
    }
}

fn kind_slot(kind: Kind) -> usize {
    TABLE.iter().position(|row| row.kind == kind).unwrap_or(0)
}

/// Codes without a slot of their own count in the last one, `other`.
fn code_slot(code: &str) -> usize {
    CODES.iter().position(|known| *known == code).unwrap_or(CODES.len() - 1)
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_label_and_leaves_out_what_never_happened() {
        let counters = Counters::default();
        counters.request(Verb::List, "200");
        counters.request(Verb::List, "200");
        counters.request(Verb::Watch, "403");
        counters.request(Verb::Watch, "418");
        counters.sync(Kind::Service, Reason::Backwards);
        counters.watch_error(Kind::EndpointSlice, "cut");
        let requests: Vec<_> = counters.requests().collect();
        assert_eq!(requests, [(Verb::List, "200", 2), (Verb::Watch, "403", 1), (Verb::Watch, "other", 1)]);
        assert_eq!(counters.syncs().collect::<Vec<_>>(), [(Kind::Service, "backwards", 1)]);
        assert_eq!(counters.watch_errors().collect::<Vec<_>>(), [(Kind::EndpointSlice, "cut", 1)]);
        assert_eq!(counters.auth_failures(), 1);
    }

    #[test]
    fn slots_are_in_the_order_of_their_tables() {
        assert!(Verb::ALL.iter().enumerate().all(|(slot, verb)| *verb as usize == slot));
        assert!(Reason::ALL.iter().enumerate().all(|(slot, reason)| *reason as usize == slot));
    }
}
