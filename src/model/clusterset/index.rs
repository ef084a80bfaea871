//! Which clusters hold a service, so that the merge asks two clusters and not a hundred.

use super::Slot;
use crate::model::id::ServiceKey;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Service key -> numbers of the clusters that export or import it, ascending.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<ServiceKey, Holders>);

/// Most services have one holder: no allocation for that.
#[derive(Debug)]
enum Holders {
    One(Slot),
    Many(Box<[Slot]>),
}

impl Holders {
    fn slots(&self) -> &[Slot] {
        match self {
            Holders::One(slot) => std::slice::from_ref(slot),
            Holders::Many(slots) => slots,
        }
    }

    /// `None` when the list is empty.
    fn of(mut slots: Vec<Slot>) -> Option<Self> {
        slots.sort_unstable();
        slots.dedup();
        match slots[..] {
            [] => None,
            [one] => Some(Holders::One(one)),
            _ => Some(Holders::Many(slots.into())),
        }
    }
}

impl Index {
    pub(super) fn contains(&self, key: &ServiceKey) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn holders(&self, key: &ServiceKey) -> &[Slot] {
        self.0.get(key).map_or(&[], Holders::slots)
    }

    pub(super) fn set(&mut self, key: &ServiceKey, slot: Slot, holds: bool) {
        let held = self.0.get(key).map_or(&[][..], Holders::slots);
        if held.contains(&slot) == holds {
            return;
        }
        let slots = match holds {
            true => held.iter().copied().chain([slot]).collect(),
            false => held.iter().copied().filter(|other| *other != slot).collect(),
        };
        match Holders::of(slots) {
            Some(holders) => drop(self.0.insert(key.clone(), holders)),
            None => drop(self.0.remove(key)),
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &ServiceKey> {
        self.0.keys()
    }

    pub(super) fn keys_after(&self, after: Option<&ServiceKey>) -> impl Iterator<Item = &ServiceKey> {
        self.0
            .range::<ServiceKey, _>((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
            .map(|(key, _)| key)
    }
}
