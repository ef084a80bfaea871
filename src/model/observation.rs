//! What a source tells the model: one cluster's change, or a sign of life.

use super::fact::{Fact, Kind, ObjectKey};
use super::finding::Finding;
use super::id::ClusterId;

/// One message from a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub cluster: ClusterId,
    /// Of the watcher set that saw it; a smaller one than the cluster's current is ignored (RESILIENCE.md rule 7).
    pub generation: u64,
    /// When the bytes arrived, monotonic nanoseconds since process start.
    pub received_ns: u64,
    pub change: Change,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An object was added or changed; `findings` replace the earlier ones of that object.
    Apply { fact: Fact, findings: Vec<Finding> },
    /// An object is gone, and its findings with it.
    Delete { kind: Kind, key: ObjectKey },
    /// A complete list of one kind: what it lacks goes, part by part where it is long. Findings replace all earlier ones of the kind.
    Replace { kind: Kind, facts: Vec<Fact>, findings: Vec<Finding> },
    /// An object that could not be read: its last good version is kept.
    Rejected { kind: Kind, key: Option<ObjectKey>, finding: Finding },
    /// Documents of a folder that cannot be read, as a whole: replaces the earlier ones.
    Unreadable { findings: Vec<Finding> },
    /// Discovery succeeded and the kind is not served, or permission to list an optional kind is missing:
    /// as an empty list, not an error.
    Absent { kind: Kind, reason: String },
    /// A sign of life of one kind without a change (RESILIENCE.md section 3, "Contact").
    Contact { kind: Kind },
    /// A visible error of one kind; the facts stay.
    Failed { kind: Kind, error: String },
}

impl Change {
    /// The kind that it speaks of; none for documents that cannot be read.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Change::Apply { fact, .. } => Some(fact.kind()),
            Change::Delete { kind, .. }
            | Change::Replace { kind, .. }
            | Change::Rejected { kind, .. }
            | Change::Absent { kind, .. }
            | Change::Contact { kind }
            | Change::Failed { kind, .. } => Some(*kind),
            Change::Unreadable { .. } => None,
        }
    }
}
