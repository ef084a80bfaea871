//! Which clusters hold a service, so that the merge asks two clusters and not a hundred.

use super::Slot;
use crate::model::hashed::Map;
use crate::model::id::ServiceKey;
use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::ops::Bound;

/// Service key -> numbers of the clusters that export or import it, ascending.
///
/// A change asks for its key several times, and each step down a sorted map of strings is one more read of memory that no
/// cache holds: what is asked for by key is hashed, and the order is kept beside it.
#[derive(Debug, Default)]
pub(super) struct Index {
    holders: Map<ServiceKey, Holders>,
    sorted: BTreeSet<ServiceKey>,
}

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

    fn with(&self, slot: Slot) -> Self {
        let mut slots: Vec<Slot> = self.slots().iter().copied().chain([slot]).collect();
        slots.sort_unstable();
        Holders::Many(slots.into())
    }

    /// `None` when none is left.
    fn without(&self, slot: Slot) -> Option<Self> {
        let rest: Vec<Slot> = self.slots().iter().copied().filter(|held| *held != slot).collect();
        match rest[..] {
            [] => None,
            [one] => Some(Holders::One(one)),
            _ => Some(Holders::Many(rest.into())),
        }
    }
}

impl Index {
    pub(super) fn contains(&self, key: &ServiceKey) -> bool {
        self.holders.contains_key(key)
    }

    pub(super) fn holders(&self, key: &ServiceKey) -> &[Slot] {
        self.holders.get(key).map_or(&[], Holders::slots)
    }

    /// Says whether a cluster holds the service; true when some cluster does, or did until now.
    pub(super) fn set(&mut self, key: &ServiceKey, slot: Slot, holds: bool) -> bool {
        let mut entry = match self.holders.entry(key.clone()) {
            Entry::Occupied(entry) => entry,
            Entry::Vacant(_) if !holds => return false,
            Entry::Vacant(entry) => {
                entry.insert(Holders::One(slot));
                self.sorted.insert(key.clone());
                return true;
            }
        };
        if entry.get().slots().contains(&slot) == holds {
            return true;
        }
        let rest = if holds { Some(entry.get().with(slot)) } else { entry.get().without(slot) };
        match rest {
            Some(holders) => *entry.get_mut() = holders,
            None => {
                entry.remove();
                self.sorted.remove(key);
            }
        }
        true
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &ServiceKey> {
        self.sorted.iter()
    }

    pub(super) fn keys_after(&self, after: Option<&ServiceKey>) -> impl Iterator<Item = &ServiceKey> {
        self.sorted.range::<ServiceKey, _>((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
    }
}
