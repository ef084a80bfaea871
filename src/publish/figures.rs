//! Figures of the writer, for metrics and readiness: counted as it works, read by others without stopping it.
//!
//! In: from the publisher. Out: [`Figures`], shared; plain atomics and one swapped report.

use super::reports::Connection;
use crate::model::fact::Kind;
use crate::model::{ClusterId, State};
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Buckets of a [`Latency`]: upper bounds of 1 us x 2 up to about 34 s, and one for what is longer.
pub const LATENCY_BUCKETS: usize = 26;

/// A histogram of durations with one writer.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [AtomicU64; LATENCY_BUCKETS],
    sum_ns: AtomicU64,
}

impl Latency {
    /// Counts one duration.
    pub fn observe(&self, duration: Duration) {
        let begun = u64::from(!duration.subsec_nanos().is_multiple_of(1000));
        let micros = (duration.as_micros() as u64 + begun).max(1);
        let bucket = (u64::BITS - (micros - 1).leading_zeros()) as usize;
        self.buckets[bucket.min(LATENCY_BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(duration.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Per bucket its upper bound in seconds (infinite for the last) and its own count, and the sum in seconds.
    pub fn snapshot(&self) -> (Vec<(f64, u64)>, f64) {
        let bound =
            |index: usize| if index == LATENCY_BUCKETS - 1 { f64::INFINITY } else { (1u64 << index) as f64 / 1e6 };
        let counts =
            self.buckets.iter().enumerate().map(|(index, count)| (bound(index), count.load(Ordering::Relaxed)));
        (counts.collect(), self.sum_ns.load(Ordering::Relaxed) as f64 / 1e9)
    }
}

/// What the writer has done so far.
#[derive(Debug, Default)]
pub struct Figures {
    /// Services and namespaces published.
    pub publishes: AtomicU64,
    /// Names changed, added or removed.
    pub generation: AtomicU64,
    /// Changes of what has a health check.
    pub probes: AtomicU64,
    pub merge: Latency,
    pub compile: Latency,
    pub apply: Latency,
    /// Panics that were contained.
    pub panics: AtomicU64,
    pub report: ArcSwap<Report>,
    /// What clusters say of each other.
    pub connections: ArcSwap<Vec<Connection>>,
    /// What the registry's objects say against clusters.
    pub accused: ArcSwap<Accused>,
    /// Why clusters are not fresh.
    pub doubts: ArcSwap<BTreeMap<ClusterId, Doubt>>,
    /// The all-dead guard holds clusters back (RESILIENCE.md rule 5).
    pub guarding: AtomicBool,
    /// From the arrival of a change to its answer, per cluster.
    event_to_answer: Mutex<HashMap<ClusterId, Arc<Latency>>>,
}

/// What speaks against clusters, as a cause for the log.
pub type Accused = BTreeMap<ClusterId, String>;

/// Why a cluster is not fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// As in the log.
    pub cause: String,
    /// Another system speaks against it.
    pub reported: bool,
}

impl Figures {
    /// The latencies of one cluster, from the arrival of a change to its answer.
    pub fn event_to_answer(&self, cluster: &ClusterId) -> Arc<Latency> {
        let mut latencies = self.event_to_answer.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(latencies.entry(cluster.clone()).or_default())
    }

    /// How long the required kind of a cluster that was silent longest has been silent, to the second.
    pub fn contact_age(&self, cluster: &ClusterId) -> Option<Duration> {
        let report = self.report.load();
        let cluster = report.clusters.iter().find(|known| known.id == *cluster)?;
        let contacts = cluster.kinds.iter().filter(|(_, kind)| kind.required).filter_map(|(_, kind)| kind.contact_ns);
        contacts.min().map(|contact| Duration::from_nanos(report.at_ns.saturating_sub(contact)))
    }
}

/// The clusters and the table at one moment, renewed at most once a second.
#[derive(Debug, Default)]
pub struct Report {
    pub clusters: Vec<ClusterReport>,
    /// KEP-1645 conflict reason, services that have it.
    pub conflicts: Vec<(&'static str, u64)>,
    pub endpoints: u64,
    /// What waits to be published.
    pub waiting: usize,
    /// When it was made, monotonic nanoseconds of the process.
    pub at_ns: u64,
}

/// One cluster in a [`Report`].
#[derive(Debug, Clone)]
pub struct ClusterReport {
    pub id: ClusterId,
    pub state: State,
    pub synced: bool,
    pub grace_over: bool,
    /// As [`Member::restored`](crate::model::clusterset::Member::restored).
    pub restored: Option<Duration>,
    /// `clusters[].drain`.
    pub drained: bool,
    /// Per kind: last sign of life, monotonic nanoseconds of the process; objects; what keeps it from being read.
    pub kinds: Vec<(Kind, KindReport)>,
    /// Deletions wait for a second list.
    pub brake_active: bool,
    /// How often deletions had to wait.
    pub brake_total: u64,
    /// Code, findings that stand now.
    pub findings: Vec<(&'static str, u64)>,
}

/// One kind of one cluster.
#[derive(Debug, Clone, Default)]
pub struct KindReport {
    pub contact_ns: Option<u64>,
    pub objects: u64,
    pub error: Option<String>,
    pub required: bool,
    pub synced: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_the_bucket_whose_bound_it_does_not_pass() {
        let latency = Latency::default();
        for micros in [0, 1, 2, 3, 4, 5] {
            latency.observe(Duration::from_micros(micros));
        }
        latency.observe(Duration::from_secs(3600));
        let (buckets, sum) = latency.snapshot();
        let counts: Vec<u64> = buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts[..4], [2, 1, 2, 1]);
        assert_eq!(counts[LATENCY_BUCKETS - 1], 1);
        assert!(sum > 3600.0);
    }
}
