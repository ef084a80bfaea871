//! A complete list of one kind on its way into the facts, part by part, so that a long one delays nobody (PERFORMANCE.md).
//!
//! In: a list, and parts of a size that the caller chooses. Out: what each part touched. First all is compared, then what
//! the list has is applied, then what it lacks goes: on the way an object is as it was or as it is, and none is missing.

use super::findings::key_of;
use super::observe::is_forbidden;
use super::omission::Omission;
use super::{ClusterFacts, KindStatus, Outcome, Touched};
use crate::model::fact::{Fact, Kind, ObjectKey};
use crate::model::finding::Finding;
use crate::model::observation::Change;
use std::collections::HashSet;
use std::mem::take;

/// A list that is taken in. Nothing else of its cluster may be taken in meanwhile.
#[derive(Debug)]
pub struct Listing {
    kind: Kind,
    outcome: Outcome,
    /// Those that are not applied yet.
    facts: std::vec::IntoIter<Fact>,
    findings: Vec<Finding>,
    step: Step,
    /// How far the step is.
    at: usize,
    listed: HashSet<ObjectKey>,
    /// What is no longer needed of them, dropped part by part too.
    spent: std::collections::hash_set::IntoIter<ObjectKey>,
    /// Held, but not in the list.
    omitted: HashSet<ObjectKey>,
    /// Those of them that go.
    gone: std::vec::IntoIter<ObjectKey>,
    /// How many of what is held would count as lost.
    of: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The keys of the list are noted.
    Naming,
    /// What is held is looked for among them.
    Comparing,
    Applying,
    /// It is asked what may go.
    Judging,
    Removing,
    Done,
}

impl Listing {
    /// The kind that is listed.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// True when the kind is not served, rather than listed.
    pub fn is_of_absent_kind(&self) -> bool {
        matches!(self.outcome, Outcome::Absent(_))
    }

    /// True when all of it is taken in.
    pub fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    /// Notes the next names. What the list holds but cannot be read is known by its finding: it stays as it was
    /// (RESILIENCE.md rule 11).
    fn note_names(&mut self, count: usize) {
        let facts = self.facts.as_slice();
        let end = self.at.saturating_add(count).min(facts.len());
        if self.at == 0 {
            // At once: to grow a large set takes longer than a part may.
            self.listed.reserve(facts.len() + self.findings.len());
        }
        self.listed.extend(facts[self.at..end].iter().map(Fact::key));
        self.at = end;
        if end == facts.len() {
            self.listed.extend(self.findings.iter().map(key_of));
            (self.step, self.at) = (Step::Comparing, 0);
        }
    }
}

impl ClusterFacts {
    /// The list that the change is, taken out of it; `None` if it is none. A kind that is not served is an empty list.
    pub fn listing(&self, change: &mut Change) -> Option<Listing> {
        let (kind, facts, findings, outcome) = match change {
            Change::Replace { kind, facts, findings } => (*kind, take(facts), take(findings), Outcome::Listed),
            // A lost permission says nothing about the objects: what was listed stays, with an error.
            Change::Absent { kind, reason } if !(is_forbidden(reason) && self.was_listed(*kind)) => {
                (*kind, Vec::new(), Vec::new(), Outcome::Absent(take(reason).into()))
            }
            _ => return None,
        };
        // With nothing held there is nothing to compare: the first list.
        let step = if self.count(kind) == 0 { Step::Applying } else { Step::Naming };
        Some(Listing {
            kind,
            outcome,
            facts: facts.into_iter(),
            findings,
            step,
            at: 0,
            listed: HashSet::new(),
            spent: HashSet::new().into_iter(),
            omitted: HashSet::new(),
            gone: Vec::new().into_iter(),
            of: 0,
        })
    }

    /// How many objects a list has to do with: those it has, and those it is compared with.
    pub fn size_of(&self, listing: &Listing) -> usize {
        let compared = if listing.step == Step::Applying { 0 } else { self.services.len() };
        listing.facts.len() + compared.max(self.count(listing.kind))
    }

    /// Takes in the next `count` objects of a list. `judge` is asked once which of the objects that a list lacks must stay
    /// (the brake, RESILIENCE.md rule 6); not where the kind is not served at all.
    pub fn advance(
        &mut self,
        listing: &mut Listing,
        count: usize,
        judge: impl FnOnce(&Omission<'_>) -> HashSet<ObjectKey>,
    ) -> Touched {
        let mut touched = Touched::default();
        match listing.step {
            Step::Naming => listing.note_names(count),
            Step::Comparing => self.compare(listing, count),
            Step::Applying => {
                listing.facts.by_ref().take(count).for_each(|fact| self.apply(fact, &mut touched));
                listing.spent.by_ref().take(count).for_each(drop);
                if listing.facts.len() + listing.spent.len() == 0 {
                    listing.step = Step::Judging;
                }
            }
            Step::Judging => {
                let kept = match listing.outcome {
                    Outcome::Listed => judge(&self.omission(listing)),
                    _ => HashSet::new(),
                };
                let gone = take(&mut listing.omitted).into_iter().filter(|key| !kept.contains(key));
                listing.gone = gone.collect::<Vec<_>>().into_iter();
                listing.step = Step::Removing;
            }
            Step::Removing => {
                let gone = listing.gone.by_ref().take(count);
                gone.for_each(|key| self.remove(listing.kind, &key, &mut touched));
                if listing.gone.len() == 0 {
                    self.finish(listing, &mut touched);
                }
            }
            Step::Done => {}
        }
        self.touch_users(&mut touched);
        touched
    }

    fn omission<'a>(&'a self, listing: &'a Listing) -> Omission<'a> {
        Omission { facts: self, kind: listing.kind, keys: &listing.omitted, of: listing.of }
    }

    /// Looks for the next objects held among the names of the list. Nothing comes or goes until all are compared, so that
    /// the map keeps its order.
    fn compare(&self, listing: &mut Listing, count: usize) {
        let kind = listing.kind;
        let Listing { listed, spent, omitted, of, at, step, .. } = listing;
        let is_gone = |key: &&ObjectKey| !listed.contains(*key);
        match kind {
            Kind::Service | Kind::ServiceExport | Kind::ServiceImport | Kind::EndpointSlice => {
                for (key, facts) in self.services.iter().skip(*at).take(count) {
                    omitted.extend(facts.keys_of(kind, key).filter(is_gone).cloned());
                    *of += usize::from(self.can_be_lost(kind, key, facts));
                }
                *at = at.saturating_add(count);
                if *at < self.services.len() {
                    return;
                }
            }
            kind => {
                let held = self.keys_of(kind);
                omitted.extend(held.iter().filter(is_gone).cloned());
                *of = held.len();
            }
        }
        *spent = take(listed).into_iter();
        *step = Step::Applying;
    }

    fn finish(&mut self, listing: &mut Listing, touched: &mut Touched) {
        self.interner.shrink();
        let kind = listing.kind;
        if kind == Kind::Namespace {
            self.presence.shrink();
        }
        self.findings.replace_kind(kind, take(&mut listing.findings));
        // The first list of Services or slices may turn "unknown" into "absent".
        let first = !self.status[kind as usize].is_synced();
        touched.all_of_it |= first && matches!(kind, Kind::Service | Kind::EndpointSlice);
        let outcome = take(&mut listing.outcome);
        self.status[kind as usize] = KindStatus { outcome, error: None };
        listing.step = Step::Done;
    }
}
