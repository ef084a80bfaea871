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

/// Keeps what publishing needs beside the answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PublishTrace {
    pub findings: Vec<Finding>,
    /// Addresses that have a health check; some more than once.
    pub targets: Vec<Target>,
}

impl Trace for PublishTrace {
    fn probe(&mut self, target: impl FnOnce() -> Target) {
        self.targets.push(target());
    }

    fn finding(&mut self, finding: impl FnOnce() -> Finding) {
        self.findings.push(finding());
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

impl Note {
    /// Which rule applies, to all that follows.
    pub(in crate::model) fn rule(reason: impl Into<Cow<'static, str>>) -> Note {
        Note { cluster: None, addresses: Vec::new(), verdict: Verdict::Rule, reason: reason.into(), source: None }
    }

    /// Something of one cluster that is not answered.
    pub(in crate::model) fn left_out(
        cluster: &ClusterId,
        addresses: Vec<IpAddr>,
        reason: impl Into<Cow<'static, str>>,
        source: (Kind, &ObjectKey, &Origin),
    ) -> Note {
        let (kind, key, origin) = source;
        Note {
            cluster: Some(cluster.clone()),
            addresses,
            verdict: Verdict::LeftOut,
            reason: reason.into(),
            source: Some((kind, key.clone(), origin.clone())),
        }
    }
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
