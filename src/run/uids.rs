//! The UIDs of the clusters' kube-system Namespaces, carried over a restart with the snapshot (RESILIENCE.md section 6).
//!
//! In: what the snapshot holds, what the clusters say when they are asked. Out: what goes into the next snapshot, and what a
//! cluster that was restored has to be before anything of it is taken in.

use crate::model::ClusterId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by the snapshot, the sources and those who judge identities.
#[derive(Debug, Clone, Default)]
pub(super) struct Uids(Arc<Mutex<HashMap<ClusterId, Known>>>);

#[derive(Debug)]
struct Known {
    uid: String,
    /// By the cluster itself, in this process.
    confirmed: bool,
}

impl Uids {
    /// A snapshot holds facts of the cluster with this UID.
    pub fn restored(&self, cluster: &ClusterId, uid: &str) {
        if !uid.is_empty() {
            self.lock().insert(cluster.clone(), Known { uid: uid.to_owned(), confirmed: false });
        }
    }

    /// The cluster says so itself, and it is read as that.
    #[cfg(feature = "kubernetes")]
    pub fn confirmed(&self, cluster: &ClusterId, uid: &str) {
        self.lock().insert(cluster.clone(), Known { uid: uid.to_owned(), confirmed: true });
    }

    /// For the snapshot; empty when it is not known.
    pub fn of(&self, cluster: &ClusterId) -> String {
        self.lock().get(cluster).map(|known| known.uid.clone()).unwrap_or_default()
    }

    /// What a cluster has to be whose facts are those of a snapshot.
    #[cfg(feature = "kubernetes")]
    pub fn expected(&self, cluster: &ClusterId) -> Option<String> {
        self.lock().get(cluster).filter(|known| !known.confirmed).map(|known| known.uid.clone())
    }

    /// Only these clusters are left.
    #[cfg(feature = "kubernetes")]
    pub fn retain(&self, clusters: &[ClusterId]) {
        self.lock().retain(|cluster, _| clusters.contains(cluster));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClusterId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
