//! What the watchers of API servers count, for metrics.

use super::Running;
#[cfg(feature = "kubernetes")]
use super::lock;
#[cfg(feature = "kubernetes")]
use crate::model::ClusterId;
use crate::telemetry::figures::ClusterFigures;
#[cfg(feature = "kubernetes")]
use std::sync::Arc;

/// Adds what the watchers of API servers count to the figures of a cluster.
pub(in crate::run) type WatcherFigures = Box<dyn Fn(&str, &mut ClusterFigures) + Send + Sync>;

impl Running {
    /// What the watchers count, by cluster.
    #[cfg(feature = "kubernetes")]
    pub(in crate::run) fn figures(&self) -> WatcherFigures {
        let counters = Arc::clone(&self.counters);
        Box::new(move |cluster, figures| {
            let Some(counters) = lock(&counters).get(&ClusterId::new(cluster)).cloned() else { return };
            figures.requests =
                counters.requests().map(|(verb, code, n)| (verb.as_str(), code.to_string(), n)).collect();
            figures.syncs = counters.syncs().map(|(kind, reason, n)| (kind.as_str(), reason, n)).collect();
            figures.watch_errors =
                counters.watch_errors().map(|(kind, code, n)| (kind.as_str(), code.to_string(), n)).collect();
            figures.auth_failures = counters.auth_failures();
            figures.panics = counters.panics();
        })
    }

    /// What the watchers count: there are none in this build.
    #[cfg(not(feature = "kubernetes"))]
    pub(in crate::run) fn figures(&self) -> WatcherFigures {
        Box::new(|_, _| {})
    }
}
