//! What the probes count, for metrics.

use crate::model::ClusterId;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counts of this room; one writer.
#[derive(Debug, Default)]
pub struct Figures {
    succeeded: AtomicU64,
    failed: AtomicU64,
    clusters: Mutex<BTreeMap<ClusterId, (u64, u64)>>,
}

impl Figures {
    /// Probes that succeeded and that failed since the start.
    pub fn results(&self) -> (u64, u64) {
        (self.succeeded.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// The targets of a cluster: well ones and ill ones.
    pub fn targets(&self, cluster: &ClusterId) -> (u64, u64) {
        let clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        clusters.get(cluster).copied().unwrap_or_default()
    }

    pub(super) fn count(&self, success: bool) {
        let counter = if success { &self.succeeded } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_targets(&self, clusters: BTreeMap<ClusterId, (u64, u64)>) {
        *self.clusters.lock().unwrap_or_else(PoisonError::into_inner) = clusters;
    }
}
