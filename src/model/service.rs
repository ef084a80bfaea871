//! A service as the merge leaves it: what the clusterset agrees on, each cluster's export, and what they disagree on.

use super::clusterset::Slot;
use super::conflict::Conflict;
use super::fact::{Port, ServiceType, Traffic};
use super::finding::Finding;
use super::id::{ClusterId, ServiceKey};
use super::policy::OwnPolicy;
use std::fmt;
use std::sync::Arc;

/// One merged service: the subject of `select`, and what `explain` shows of its exports.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub key: ServiceKey,
    /// What the valid exports agree on; `None` when no export makes a name (an import still may).
    pub merged: Option<Merged>,
    /// Every export of a known cluster, in the order of the merge.
    pub exports: Vec<Export>,
    /// An export waits for a list that has not been seen yet: the name is unknown, not absent.
    pub unknown: bool,
    /// In the order of the table of SOURCES.md section 2; empty is `NoConflicts`.
    pub conflicts: Vec<Conflict>,
    /// `mirror-exported`, `not-allowed`, `over-limit`, `policy-differs`.
    pub findings: Vec<Finding>,
}

/// The merged properties (KEP-1645; SOURCES.md section 2).
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub service_type: ServiceType,
    /// The union, in export order.
    pub ports: Vec<Port>,
    pub traffic: Traffic,
    pub exported_labels: Option<Arc<str>>,
    pub exported_annotations: Option<Arc<str>>,
    /// `answer`, `ttl`, `prefer` and `health` of the oldest export that sets them.
    pub own: OwnPolicy,
}

/// The export of one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub cluster: ClusterId,
    pub slot: Slot,
    pub state: ExportState,
    /// `metadata.creationTimestamp`, Unix seconds.
    pub created: Option<i64>,
    /// The cluster's own weight for this service.
    pub weight: Option<u32>,
    /// Drained by its own annotation.
    pub drain: bool,
}

/// What became of an export (SOURCES.md section 2, second table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportState {
    /// Merged and answered.
    Ready,
    /// Merged; its Service has no clusterIP yet, so it contributes no address.
    Pending,
    /// No Service of that name.
    NoService,
    /// The list of Services has not been seen yet.
    ServiceUnknown,
    /// The Service is ExternalName.
    InvalidServiceType,
    /// Refused by `refuseExports` or `allow`, or the Service is a mirror.
    NotAllowed,
    /// `deletionTimestamp` is set.
    Withdrawn,
    /// Over the limits of its cluster.
    OverLimit,
}

impl ExportState {
    /// True when the export takes part in the merge.
    pub fn is_merged(self) -> bool {
        matches!(self, ExportState::Ready | ExportState::Pending)
    }

    /// The condition `Valid` as KEP-1645 words it: its status and reason.
    pub fn valid(self) -> (bool, &'static str) {
        match self {
            ExportState::Ready | ExportState::Pending => (true, "Valid"),
            ExportState::NoService => (false, "NoService"),
            ExportState::ServiceUnknown => (false, "Pending"),
            ExportState::InvalidServiceType => (false, "InvalidServiceType"),
            ExportState::NotAllowed => (false, "NotAllowed"),
            ExportState::Withdrawn => (false, "Withdrawn"),
            ExportState::OverLimit => (false, "OverLimit"),
        }
    }
}

impl fmt::Display for ExportState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExportState::Ready => "Valid",
            ExportState::Pending => "Pending: the Service has no clusterIP yet",
            ExportState::NoService => "NoService: no Service of that name in this cluster",
            ExportState::ServiceUnknown => "unknown: the cluster's Services have not been listed yet",
            ExportState::InvalidServiceType => "InvalidServiceType: an ExternalName Service is never exported",
            ExportState::NotAllowed => "NotAllowed: refused by `refuseExports` or `allow`, or a mirror",
            ExportState::Withdrawn => "withdrawn: the ServiceExport is being deleted",
            ExportState::OverLimit => "over-limit: dropped, the cluster has more than `limits.cluster` admits",
        })
    }
}

impl Service {
    /// The exports that take part in the merge, in its order.
    pub fn merged_exports(&self) -> impl Iterator<Item = &Export> {
        self.exports.iter().filter(|export| export.state.is_merged())
    }

    /// Reasons of the `Conflict` condition, joined by commas; `NoConflicts` without any.
    pub fn conflict_reasons(&self) -> String {
        if self.conflicts.is_empty() {
            return "NoConflicts".to_owned();
        }
        let reasons: Vec<&str> = self.conflicts.iter().map(|conflict| conflict.reason.as_str()).collect();
        reasons.join(",")
    }
}
