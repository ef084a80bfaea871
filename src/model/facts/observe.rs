//! How a change enters the facts.

use super::omission::NoBrake;
use super::{ClusterFacts, Outcome, Touched};
use crate::model::fact::{Kind, ObjectKey};
use crate::model::observation::Change;

impl ClusterFacts {
    /// Takes one change in whole, a list too, of which nothing is held back; says what must be computed anew.
    pub fn observe(&mut self, mut change: Change) -> Touched {
        let mut touched = Touched::default();
        if let Some(mut listing) = self.listing(&mut change) {
            while !listing.is_done() {
                touched.extend(self.advance(&mut listing, usize::MAX, &mut NoBrake));
            }
            return touched;
        }
        match change {
            Change::Apply { fact, findings } => {
                self.findings.set(fact.kind(), fact.key(), findings);
                self.apply(fact, &mut touched);
            }
            Change::Delete { kind, key } => {
                self.findings.set(kind, key.clone(), Vec::new());
                self.remove(kind, &key, &mut touched);
            }
            Change::Rejected { kind, key, finding } => self.findings.reject(kind, key, finding),
            Change::Unreadable { findings } => self.findings.replace_documents(findings),
            // Of the lists only one is left: that of a kind that may not be listed any more.
            Change::Absent { kind, reason } => self.status[kind as usize].error = Some(reason.into()),
            Change::Contact { kind } => self.status[kind as usize].error = None,
            Change::Failed { kind, error } => self.status[kind as usize].error = Some(error.into()),
            Change::Replace { .. } => {}
        }
        touched
    }

    /// True when the objects of the kind have been listed, now or before a restart.
    pub(super) fn was_listed(&self, kind: Kind) -> bool {
        matches!(self.status[kind as usize].outcome, Outcome::Listed | Outcome::Restored)
    }

    /// Object keys of everything held of a kind that makes no services.
    pub(super) fn keys_of(&self, kind: Kind) -> Vec<ObjectKey> {
        match kind {
            Kind::Namespace => self.presence.documents().map(|name| ObjectKey::new("", name)).collect(),
            Kind::Node => self.nodes.iter().map(|node| ObjectKey::new("", &node.name)).collect(),
            Kind::Gateway => self.gateways.keys().cloned().collect(),
            kind => self.hosts.keys_of(kind),
        }
    }
}

/// True for the reason of a kind that may not be listed (as the sources word it: the finding code first).
pub(super) fn is_forbidden(reason: &str) -> bool {
    reason.starts_with("forbidden")
}
