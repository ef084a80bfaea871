//! Why an answer is what it is: notes that `select` leaves for whoever listens.
//!
//! In: closures, called only when a listener is there. Out: [`Note`]s for `explain`, [`Finding`]s for `publish`.

use super::fact::{Kind, ObjectKey, Origin};
use super::finding::Finding;
use super::id::ClusterId;
use super::probe::Target;
use std::borrow::Cow;
use std::net::IpAddr;

/// A listener. Every method does nothing by default, and the closures are then never called.
pub trait Trace {
    /// A decision about the service, a cluster or some addresses.
    fn note(&mut self, _note: impl FnOnce() -> Note) {}

    /// An address of the answer that has a health check, whether or not it is answered in the end.
    fn probe(&mut self, _target: impl FnOnce() -> Target) {}

    /// A warning that depends on the view (`network-mismatch`, `no-gateway`, `reach-unproven`, `shared-address`,
    /// `view-cluster-unknown`).
    fn finding(&mut self, _finding: impl FnOnce() -> Finding) {}
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTrace;

impl Trace for NoTrace {}

/// Keeps the findings only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FindingTrace(pub Vec<Finding>);

impl Trace for FindingTrace {
    fn finding(&mut self, finding: impl FnOnce() -> Finding) {
        self.0.push(finding());
    }
}

/// Keeps the addresses to probe only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TargetTrace(pub Vec<Target>);

impl Trace for TargetTrace {
    fn probe(&mut self, target: impl FnOnce() -> Target) {
        self.0.push(target());
    }
}

/// Keeps everything, for `explain`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    pub notes: Vec<Note>,
    pub findings: Vec<Finding>,
}

impl Trace for Recording {
    fn note(&mut self, note: impl FnOnce() -> Note) {
        self.notes.push(note());
    }

    fn finding(&mut self, finding: impl FnOnce() -> Finding) {
        self.findings.push(finding());
    }
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// `None`: about the service as a whole.
    pub cluster: Option<ClusterId>,
    /// Empty: about the cluster as a whole.
    pub addresses: Vec<IpAddr>,
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: Cow<'static, str>,
    /// The object that says so.
    pub source: Option<(Kind, ObjectKey, Origin)>,
}

/// What became of the subject of a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Background: which rule applies.
    Rule,
    /// Answered, at this place.
    Kept { tier: u8, weight: u32, stale: bool },
    /// Not answered.
    LeftOut,
}
