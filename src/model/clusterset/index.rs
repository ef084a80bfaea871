//! Which clusters hold a service, so that the merge asks two clusters and not a hundred.

use super::Slot;
use crate::model::id::ServiceKey;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Service key -> numbers of the clusters that export or import it, ascending.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<ServiceKey, Vec<Slot>>);

impl Index {
    pub(super) fn contains(&self, key: &ServiceKey) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn holders(&self, key: &ServiceKey) -> &[Slot] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn set(&mut self, key: &ServiceKey, slot: Slot, holds: bool) {
        if !holds {
            let Some(slots) = self.0.get_mut(key) else { return };
            slots.retain(|held| *held != slot);
            if slots.is_empty() {
                self.0.remove(key);
            }
            return;
        }
        let slots = self.0.entry(key.clone()).or_insert_with(|| Vec::with_capacity(1));
        if let Err(at) = slots.binary_search(&slot) {
            slots.insert(at, slot);
        }
    }

    pub(super) fn remove_slot(&mut self, slot: Slot) {
        self.0.retain(|_, slots| {
            slots.retain(|held| *held != slot);
            !slots.is_empty()
        });
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &ServiceKey> {
        self.0.keys()
    }

    pub(super) fn keys_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a ServiceKey> {
        let from = ServiceKey::new(namespace, "");
        let range = self.0.range((Bound::Included(from), Bound::Unbounded)).map(|(key, _)| key);
        range.take_while(move |key| key.namespace() == namespace)
    }
}
