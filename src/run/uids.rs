//! The UIDs of the clusters' kube-system Namespaces, carried over a restart with the snapshot (RESILIENCE.md section 6).
//!
//! In: what the snapshot holds, what the clusters say when they are asked. Out: what goes into the next snapshot, and what a
//! cluster that was restored has to be before anything of it is taken in.

use crate::model::ClusterId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by the snapshot, the sources and those who judge identities. By cluster: the UID, and whether the cluster said so
/// itself, in this process.
#[derive(Debug, Clone, Default)]
pub(super) struct Uids(Arc<Mutex<HashMap<ClusterId, (String, bool)>>>);

impl Uids {
    /// A snapshot holds facts of the cluster with this UID.
    pub fn restored(&self, cluster: &ClusterId, uid: &str) {
        if !uid.is_empty() {
            self.lock().insert(cluster.clone(), (uid.to_owned(), false));
        }
    }

    /// The cluster says so itself, and it is read as that.
    #[cfg(feature = "kubernetes")]
    pub fn confirmed(&self, cluster: &ClusterId, uid: &str) {
        self.lock().insert(cluster.clone(), (uid.to_owned(), true));
    }

    /// For the snapshot; empty when it is not known.
    pub fn of(&self, cluster: &ClusterId) -> String {
        self.lock().get(cluster).map(|(uid, _)| uid.clone()).unwrap_or_default()
    }

    /// What a cluster has to be whose facts are those of a snapshot.
    #[cfg(feature = "kubernetes")]
    pub fn expected(&self, cluster: &ClusterId) -> Option<String> {
        self.lock().get(cluster).filter(|(_, confirmed)| !confirmed).map(|(uid, _)| uid.clone())
    }

    /// Only these clusters are left.
    #[cfg(feature = "kubernetes")]
    pub fn retain(&self, clusters: &[ClusterId]) {
        self.lock().retain(|cluster, _| clusters.contains(cluster));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClusterId, (String, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
