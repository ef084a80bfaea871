//! How a change enters the facts.

use super::findings::key_of;
use super::status::{KindStatus, Outcome};
use super::{ClusterFacts, Touched};
use crate::model::fact::{Fact, Kind, ObjectKey};
use crate::model::observation::Change;
use std::collections::HashSet;

impl ClusterFacts {
    /// Takes one change in; says what must be computed anew.
    pub fn observe(&mut self, change: Change) -> Touched {
        self.observe_keeping(change, HashSet::new())
    }

    /// The same; of a list, the objects of `kept` stay though it lacks them.
    pub fn observe_keeping(&mut self, change: Change, mut kept: HashSet<ObjectKey>) -> Touched {
        let mut touched = Touched::default();
        match change {
            Change::Apply { fact, findings } => {
                self.findings.set(fact.kind(), fact.key(), findings);
                self.apply(fact, &mut touched);
            }
            Change::Delete { kind, key } => {
                self.findings.set(kind, key.clone(), Vec::new());
                self.remove(kind, &key, &mut touched);
            }
            Change::Replace { kind, facts, findings } => {
                // An object that the list holds but that could not be read is known by its finding alone: its last
                // good version stays (RESILIENCE.md rule 11).
                kept.extend(findings.iter().map(key_of));
                self.findings.replace_kind(kind, findings);
                self.replace(kind, facts, &kept, &mut touched);
                self.settle(kind, Outcome::Listed, &mut touched);
            }
            Change::Rejected { kind, key, finding } => self.findings.reject(kind, key, finding),
            Change::Unreadable { findings } => self.findings.replace_documents(findings),
            // A lost permission says nothing about the objects: what was listed stays, with an error.
            Change::Absent { kind, reason } if is_forbidden(&reason) && self.was_listed(kind) => {
                self.status[kind as usize].error = Some(reason.into());
            }
            Change::Absent { kind, reason } => {
                self.findings.replace_kind(kind, Vec::new());
                self.replace(kind, Vec::new(), &HashSet::new(), &mut touched);
                self.settle(kind, Outcome::Absent(reason.into()), &mut touched);
            }
            Change::Contact { kind } => self.status[kind as usize].error = None,
            Change::Failed { kind, error } => self.status[kind as usize].error = Some(error.into()),
        }
        touched
    }

    /// True when the objects of the kind have been listed, now or before a restart.
    fn was_listed(&self, kind: Kind) -> bool {
        matches!(self.status[kind as usize].outcome, Outcome::Listed | Outcome::Restored)
    }

    /// Swaps a kind whole: what the list lacks goes, unless it is to be kept; the rest is applied.
    fn replace(&mut self, kind: Kind, facts: Vec<Fact>, kept: &HashSet<ObjectKey>, touched: &mut Touched) {
        let listed: HashSet<ObjectKey> = facts.iter().map(Fact::key).collect();
        let is_gone = |key: &ObjectKey| !listed.contains(key) && !kept.contains(key);
        let gone: Vec<ObjectKey> = self.keys_of(kind).into_iter().filter(is_gone).collect();
        drop(listed);
        for key in &gone {
            self.remove(kind, key, touched);
        }
        for fact in facts {
            self.apply(fact, touched);
        }
        if !gone.is_empty() {
            self.interner.shrink();
        }
    }

    /// Object keys of everything held of a kind.
    pub(super) fn keys_of(&self, kind: Kind) -> Vec<ObjectKey> {
        let with = |held: fn(&super::ServiceFacts) -> bool| {
            self.services.iter().filter(move |(_, facts)| held(facts)).map(|(key, _)| key.clone()).collect()
        };
        match kind {
            Kind::Namespace => self.presence.documents().map(|name| ObjectKey::new("", name)).collect(),
            Kind::Node => self.nodes.iter().map(|node| ObjectKey::new("", &node.name)).collect(),
            Kind::Service => with(|facts| facts.service.is_some()),
            Kind::EndpointSlice => self.slices.keys().cloned().collect(),
            Kind::ServiceExport => with(|facts| facts.export.is_some()),
            Kind::ServiceImport => with(|facts| facts.import.is_some()),
            Kind::ServiceEntry | Kind::WorkloadEntry | Kind::DnsEndpoint => self.hosts.keys_of(kind),
            Kind::Gateway => self.gateways.keys().cloned().collect(),
        }
    }

    /// Notes the outcome of a list. The first one of Services or slices may turn "unknown" into "absent".
    fn settle(&mut self, kind: Kind, outcome: Outcome, touched: &mut Touched) {
        let first = !self.status[kind as usize].is_synced();
        self.status[kind as usize] = KindStatus { outcome, error: None };
        if first && matches!(kind, Kind::Service | Kind::EndpointSlice) {
            let exported = self.services.iter().filter(|(_, facts)| facts.export.is_some());
            touched.services.extend(exported.map(|(key, _)| key.clone()));
        }
    }
}

/// True for the reason of a kind that may not be listed (as the sources word it: the finding code first).
fn is_forbidden(reason: &str) -> bool {
    reason.starts_with("forbidden")
}
