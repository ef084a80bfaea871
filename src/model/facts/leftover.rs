//! The facts of a cluster that was removed, given up part by part: to drop hundreds of thousands of objects takes a while.

use super::{ClusterFacts, ServiceFacts};
use crate::model::fact::ObjectKey;
use crate::model::id::ServiceKey;
use std::collections::{BTreeSet, hash_map};
use std::{array, iter, mem};

/// What is left of them.
#[derive(Debug)]
pub struct Leftover {
    services: hash_map::IntoIter<ServiceKey, Box<ServiceFacts>>,
    slices: hash_map::IntoIter<ObjectKey, ServiceKey>,
    /// Of the indexes.
    keys: iter::Flatten<array::IntoIter<BTreeSet<ServiceKey>, 3>>,
    _rest: ClusterFacts,
}

impl ClusterFacts {
    /// To be given up.
    pub fn into_leftover(mut self) -> Leftover {
        let indexes = [&mut self.naming, &mut self.named, &mut self.copied].map(mem::take);
        Leftover {
            services: mem::take(&mut self.services).into_iter(),
            slices: mem::take(&mut self.slices).into_entries(),
            keys: indexes.into_iter().flatten(),
            _rest: self,
        }
    }
}

impl Leftover {
    /// Drops the next `count` services and returns the keys of those that made a name; `None` when nothing was left.
    pub fn drop_some(&mut self, count: usize) -> Option<Vec<ServiceKey>> {
        let was_left = self.services.len() + self.slices.len() > 0;
        let services = self.services.by_ref().take(count);
        let named = services.filter(|(_, facts)| facts.makes_name()).map(|(key, _)| key).collect();
        self.slices.by_ref().take(count).for_each(drop);
        let keys = self.keys.by_ref().take(count).count();
        (was_left || keys > 0).then_some(named)
    }
}
