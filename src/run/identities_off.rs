//! A build without Kubernetes has folders only, which have no identity.

use super::registry::Counts;
use crate::model::ClusterId;

/// Nobody claims anything.
pub(super) struct Identities;

impl Identities {
    pub(super) fn counts(&self) -> Counts {
        Counts::default()
    }

    /// Never.
    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }

    pub(super) fn decide(&mut self, _clusters: &[ClusterId]) {}

    pub(super) fn promoted(&mut self, _cluster: &ClusterId, _generation: u64) {}

    pub(super) fn set_successors(&mut self, _successors: Vec<(ClusterId, ClusterId)>) {}

    pub(super) fn retain(&mut self, _clusters: &[ClusterId]) {}
}
