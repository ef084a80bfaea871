//! Facts of an earlier process, read back from its snapshot (RESILIENCE.md section 6).

use super::{ClusterFacts, Outcome, Touched, is_read, is_required};
use crate::model::cluster::Mode;
use crate::model::fact::{Fact, Kind};

impl ClusterFacts {
    /// Takes the facts of a snapshot in; every kind that is read counts as complete until its first list replaces it.
    pub fn restore(&mut self, facts: Vec<Fact>, mode: Mode) -> Touched {
        let mut touched = Touched::default();
        for fact in facts.into_iter().filter(|fact| is_read(fact.kind(), mode)) {
            self.apply(fact, &mut touched);
        }
        for kind in Kind::ALL.into_iter().filter(|kind| is_read(*kind, mode)) {
            let outcome = &mut self.status[kind as usize].outcome;
            if *outcome == Outcome::Pending {
                *outcome = Outcome::Restored;
            }
        }
        touched
    }

    /// True while a required kind has not been listed since the restart.
    pub fn rests_on_snapshot(&self, mode: Mode) -> bool {
        let restored = |kind: Kind| self.status(kind).outcome == Outcome::Restored;
        Kind::ALL.into_iter().any(|kind| is_required(kind, mode) && restored(kind))
    }
}
