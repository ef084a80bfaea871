//! Histograms with fixed bounds, for what happens off the query path.
//!
//! In: seconds or octets, one observation at a time. Out: counts per bucket, for the collector.

use std::sync::{Mutex, PoisonError};

/// Upper bounds of the buckets, ascending; what is above the last counts in the total alone.
pub type Bounds = &'static [f64];

const fn doubling<const N: usize>(first: f64) -> [f64; N] {
    let mut bounds = [first; N];
    let mut at = 1;
    while at < N {
        bounds[at] = bounds[at - 1] * 2.0;
        at += 1;
    }
    bounds
}

/// `dns_request_duration_seconds`: 0.25 ms to 8.2 s, doubling (CoreDNS's buckets).
pub const REQUEST_SECONDS: Bounds = &doubling::<16>(0.00025);
/// `dns_request_size_bytes`, `dns_response_size_bytes` (CoreDNS's buckets).
pub const MESSAGE_BYTES: Bounds =
    &[0.0, 100.0, 200.0, 300.0, 400.0, 511.0, 1023.0, 2047.0, 4095.0, 8291.0, 16e3, 32e3, 48e3, 64e3];
/// `kubernetes_dns_programming_duration_seconds`: 1 ms to 524 s, doubling (CoreDNS's buckets).
pub const PROGRAMMING_SECONDS: Bounds = &doubling::<20>(0.001);
/// `health_request_duration_seconds` (CoreDNS's buckets).
pub const HEALTH_SECONDS: Bounds = &[0.00025, 0.0025, 0.025, 0.25, 2.5];
/// `table_event_to_answer_seconds`, `table_publish_duration_seconds`: 1 us to 16.8 s, doubling, as publish counts them.
pub const LATENCY_SECONDS: Bounds = &doubling::<25>(1e-6);

/// Counts per bucket, their total and sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bounds: Bounds,
    /// Not cumulative; the last one is what is above every bound.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty histogram.
    pub fn new(bounds: Bounds) -> Self {
        Histogram { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// From counts made elsewhere: `counts` per bucket, not cumulative, one more than `bounds` (the rest).
    pub fn from_counts(bounds: Bounds, counts: Vec<u64>, sum: f64) -> Self {
        debug_assert_eq!(counts.len(), bounds.len() + 1, "one count per bucket and one above");
        Histogram { bounds, counts, sum }
    }

    /// Adds one value in the unit of the bounds. A negative one counts as 0 (two clocks may differ).
    pub fn observe(&mut self, value: f64) {
        let value = value.max(0.0);
        let slot = self.bounds.partition_point(|bound| *bound < value);
        self.counts[slot] += 1;
        self.sum += value;
    }

    /// Upper bounds with cumulative counts.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let cumulative = self.counts.iter().scan(0, |total, count| {
            *total += count;
            Some(*total)
        });
        self.bounds.iter().copied().zip(cumulative)
    }

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum of the observations.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}

/// A histogram several tasks observe into.
#[derive(Debug)]
pub struct Shared(Mutex<Histogram>);

impl Shared {
    /// An empty histogram.
    pub fn new(bounds: Bounds) -> Self {
        Shared(Mutex::new(Histogram::new(bounds)))
    }

    /// Adds one value, see [`Histogram::observe`].
    pub fn observe(&self, value: f64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).observe(value);
    }

    /// The counts of this moment.
    pub fn read(&self) -> Histogram {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        for value in [-5.0, 1.0, 1.5, 2.0, 9.0] {
            histogram.observe(value);
        }
        assert_eq!(histogram.buckets().collect::<Vec<_>>(), [(1.0, 2), (2.0, 4)]);
        assert_eq!((histogram.count(), histogram.sum()), (5, 13.5));
    }

    #[test]
    fn bounds_ascend_and_end_where_coredns_ends() {
        for bounds in [REQUEST_SECONDS, MESSAGE_BYTES, PROGRAMMING_SECONDS, HEALTH_SECONDS, LATENCY_SECONDS] {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        }
        assert_eq!(REQUEST_SECONDS.last(), Some(&8.192));
        assert_eq!(PROGRAMMING_SECONDS.last(), Some(&524.288));
    }
}
