//! What waits to be published: single changes first, bulk work behind them, each key once.

use crate::model::hashed::Set;
use std::collections::VecDeque;
use std::hash::Hash;

/// Bulk work beyond this is made later, by whoever makes it step by step.
const FULL: usize = 4096;

/// A queue of keys with two lanes. A key waits at most once; a single change moves a bulk key to the front lane.
#[derive(Debug)]
pub(super) struct Queue<K> {
    single: VecDeque<K>,
    bulk: VecDeque<K>,
    in_single: Set<K>,
    in_bulk: Set<K>,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Queue { single: VecDeque::new(), bulk: VecDeque::new(), in_single: Set::default(), in_bulk: Set::default() }
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    /// Adds a key that one change touched.
    pub(super) fn push_single(&mut self, key: K) {
        // Left in the bulk lane too, where `pop` passes over it: a VecDeque cannot drop from its middle cheaply.
        self.in_bulk.remove(&key);
        if self.in_single.insert(key.clone()) {
            self.single.push_back(key);
        }
    }

    /// Adds a key that a list, a cluster's state or a view touched.
    pub(super) fn push_bulk(&mut self, key: K) {
        if !self.in_single.contains(&key) && self.in_bulk.insert(key.clone()) {
            self.bulk.push_back(key);
        }
    }

    /// The next key that a single change touched.
    pub(super) fn pop_single(&mut self) -> Option<K> {
        let key = self.single.pop_front()?;
        self.in_single.remove(&key);
        Some(key)
    }

    /// The next key of the bulk work.
    pub(super) fn pop_bulk(&mut self) -> Option<K> {
        while let Some(key) = self.bulk.pop_front() {
            if self.in_bulk.remove(&key) {
                return Some(key);
            }
        }
        self.bulk.shrink_to(1024);
        self.in_bulk.shrink_to(1024);
        None
    }

    /// True when so much bulk work waits that no more should be made for now: to grow the queue takes time too.
    pub(super) fn is_full(&self) -> bool {
        self.in_bulk.len() >= FULL
    }

    /// True while something waits that a single change touched.
    pub(super) fn has_single(&self) -> bool {
        !self.single.is_empty()
    }

    /// How many keys wait.
    pub(super) fn len(&self) -> usize {
        self.in_single.len() + self.in_bulk.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_changes_go_before_bulk_work_and_each_key_waits_once() {
        let mut queue = Queue::default();
        for key in ["a", "b", "c", "b"] {
            queue.push_bulk(key);
        }
        queue.push_single("c");
        queue.push_single("z");
        queue.push_bulk("z");
        assert_eq!(queue.len(), 4);
        let order: Vec<&str> = std::iter::from_fn(|| queue.pop_single().or_else(|| queue.pop_bulk())).collect();
        assert_eq!(order, ["c", "z", "a", "b"]);
        assert_eq!(queue.len(), 0);
    }
}
