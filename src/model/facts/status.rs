//! Sync status of each kind of one cluster (RESILIENCE.md section 3).

use crate::model::cluster::Mode;
use crate::model::fact::Kind;
use std::sync::Arc;

/// What is known of one kind of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KindStatus {
    pub outcome: Outcome,
    /// The last visible error; a list or a contact clears it.
    pub error: Option<Arc<str>>,
}

/// The best that has happened to a kind so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outcome {
    /// No complete list yet.
    #[default]
    Pending,
    /// Complete as a snapshot has it; the cluster itself has not said anything yet.
    Restored,
    /// Listed whole at least once.
    Listed,
    /// Not served, or an optional kind that may not be listed; the text says which.
    Absent(Arc<str>),
}

impl KindStatus {
    /// True when a list, a refusal or an error has been seen.
    pub fn is_decided(&self) -> bool {
        self.is_synced() || self.error.is_some()
    }

    /// True when the facts of the kind are complete: listed once or restored, or not served.
    pub fn is_synced(&self) -> bool {
        self.outcome != Outcome::Pending
    }
}

/// True for a kind without which the cluster is not synced (RESILIENCE.md section 3, "Contact").
/// An MCS kind that is not served reports itself absent, which counts as synced.
pub fn is_required(kind: Kind, mode: Mode) -> bool {
    match kind {
        Kind::EndpointSlice => true,
        Kind::Service | Kind::ServiceExport => mode != Mode::Import,
        Kind::ServiceImport => mode != Mode::Direct,
        Kind::Namespace | Kind::Node | Kind::ServiceEntry | Kind::WorkloadEntry | Kind::DnsEndpoint | Kind::Gateway => {
            false
        }
    }
}

/// True for a kind that is read in this mode; the others are not waited for.
pub fn is_read(kind: Kind, mode: Mode) -> bool {
    match kind {
        Kind::ServiceExport => mode != Mode::Import,
        Kind::ServiceImport => mode != Mode::Direct,
        _ => true,
    }
}
