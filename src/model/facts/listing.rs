//! A complete list of one kind on its way into the facts, part by part, so that a long one delays nobody (PERFORMANCE.md).
//!
//! In: a list, and parts of a size that the caller chooses. Out: what each part touched. First all is compared, then what
//! the list has is applied, then what it lacks goes: on the way an object is as it was or as it is, and none is missing.

use super::findings::key_of;
use super::observe::is_forbidden;
use super::omission::{Judge, Loss, Omission};
use super::{ClusterFacts, KindStatus, Outcome, Touched};
use crate::model::fact::{Fact, Kind, ObjectKey};
use crate::model::finding::Finding;
use crate::model::observation::Change;
use std::collections::{HashSet, hash_set};
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
    spent: hash_set::IntoIter<ObjectKey>,
    /// Held, but not in the list.
    omitted: HashSet<ObjectKey>,
    /// What is lost with them.
    loss: Loss,
    /// How many of them earlier lists lacked, and agree on.
    before: usize,
    agreed: usize,
    /// Those that are not dealt with yet.
    judged: hash_set::IntoIter<ObjectKey>,
    /// Whether those stay that no earlier list agrees on.
    is_held: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The keys of the list are noted.
    Naming,
    /// What is held is looked for among them.
    Comparing,
    Applying,
    /// It is counted what is lost with the omitted ones.
    Weighing,
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
    fn note_names(&mut self, count: usize, judge: &mut impl Judge) {
        let facts = self.facts.as_slice();
        let end = self.at.saturating_add(count).min(facts.len());
        if self.at == 0 {
            // At once: to grow a large set takes longer than a part may.
            self.listed.reserve(facts.len() + self.findings.len());
        }
        self.listed.extend(facts[self.at..end].iter().map(Fact::key));
        self.at = end;
        if end == facts.len() {
            let unreadable = self.findings.iter().map(key_of);
            self.listed.extend(unreadable.inspect(|key| judge.returned(key)));
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
            loss: Loss::default(),
            before: 0,
            agreed: 0,
            judged: HashSet::new().into_iter(),
            is_held: false,
        })
    }

    /// How many objects a list has to do with: those it has, and those it is compared with.
    pub fn size_of(&self, listing: &Listing) -> usize {
        let compared = if listing.step == Step::Applying { 0 } else { self.services.len() };
        listing.facts.len() + compared.max(self.count(listing.kind))
    }

    /// Takes in the next `count` objects of a list. `judge` says which of the objects that a list lacks must stay; all go where
    /// the kind is not served at all.
    pub fn advance(&mut self, listing: &mut Listing, count: usize, judge: &mut impl Judge) -> Touched {
        let mut touched = Touched::default();
        match listing.step {
            Step::Naming => listing.note_names(count, judge),
            Step::Comparing => self.compare(listing, count),
            Step::Applying => {
                for fact in listing.facts.by_ref().take(count) {
                    judge.returned(&fact.key());
                    self.apply(fact, &mut touched);
                }
                listing.spent.by_ref().take(count).for_each(drop);
                if listing.facts.len() + listing.spent.len() == 0 {
                    (listing.step, listing.at) = (Step::Weighing, 0);
                }
            }
            Step::Weighing => self.weigh(listing, count, judge),
            Step::Removing => {
                for key in listing.judged.by_ref().take(count) {
                    if listing.is_held && judge.agrees(&key) != Some(true) {
                        judge.stays(&key);
                    } else {
                        judge.goes(&key);
                        self.remove(listing.kind, &key, &mut touched);
                    }
                }
                if listing.judged.len() == 0 {
                    self.finish(listing, &mut touched);
                }
            }
            Step::Done => {}
        }
        touched
    }

    /// Counts what is lost with the next omitted objects; after the last of them the verdict is asked for.
    fn weigh(&self, listing: &mut Listing, count: usize, judge: &mut impl Judge) {
        let Listing { kind, omitted, loss, before, agreed, at, .. } = listing;
        for key in omitted.iter().skip(*at).take(count) {
            loss.lost += usize::from(self.loses(*kind, key, omitted));
            let noted = judge.agrees(key);
            *before += usize::from(noted.is_some());
            *agreed += usize::from(noted == Some(true));
        }
        *at = at.saturating_add(count);
        if *at < omitted.len() {
            return;
        }
        let omission = Omission { keys: omitted, before: *before, agreed: *agreed, loss: *loss };
        listing.is_held = listing.outcome == Outcome::Listed && judge.judge(&omission);
        listing.judged = take(omitted).into_iter();
        listing.step = Step::Removing;
    }

    /// Looks for the next objects held among the names of the list. Nothing comes or goes until all are compared, so that
    /// the map keeps its order.
    fn compare(&self, listing: &mut Listing, count: usize) {
        let kind = listing.kind;
        let Listing { listed, spent, omitted, loss: Loss { of, .. }, at, step, .. } = listing;
        if *at == 0 {
            omitted.reserve(self.count(kind).saturating_sub(listed.len()));
        }
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
        self.findings.replace_kind(kind, take(&mut listing.findings));
        // The first list of Services or slices may turn "unknown" into "absent".
        let first = !self.status[kind as usize].is_synced();
        touched.all_of_it |= first && matches!(kind, Kind::Service | Kind::EndpointSlice);
        let outcome = take(&mut listing.outcome);
        self.status[kind as usize] = KindStatus { outcome, error: None };
        listing.step = Step::Done;
    }
}
