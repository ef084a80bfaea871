//! Lists that are too long to be taken in at once, and what their clusters say meanwhile, which waits behind them: a cluster
//! of many objects delays itself, and nobody else.
//!
//! In: lists and observations, one cluster's in order. Out: the same, part by part, between single changes.

use super::publisher::Publisher;
use crate::model::facts::Listing;
use crate::model::{ClusterId, Observation};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

/// Objects of one part: less than a millisecond.
pub(super) const PART: usize = 512;
/// Observations that waited and are taken in at once.
const WAITED: usize = 32;

/// Observations that wait before no more are taken from the sources.
const MOST: usize = 4096;

/// A list on its way in.
#[derive(Debug)]
pub(super) struct Entering {
    pub listing: Listing,
    /// When its octets arrived, since the epoch.
    pub received: Duration,
}

/// What one cluster waits for.
#[derive(Debug, Default)]
struct Waiting {
    list: Option<Entering>,
    behind: VecDeque<Observation>,
}

/// Long lists, by cluster.
#[derive(Debug, Default)]
pub(super) struct Lists {
    waiting: BTreeMap<ClusterId, Waiting>,
    /// The cluster that had its turn last.
    last: Option<ClusterId>,
}

impl Lists {
    /// Keeps an observation back while its cluster waits; else it is handed back.
    pub(super) fn hold(&mut self, observation: Observation) -> Option<Observation> {
        match self.waiting.get_mut(&observation.cluster) {
            Some(waiting) => waiting.behind.push_back(observation),
            None => return Some(observation),
        }
        None
    }

    fn begin(&mut self, cluster: ClusterId, list: Entering) {
        self.waiting.entry(cluster).or_default().list = Some(list);
    }

    /// The cluster whose turn it is: each in turn.
    fn next(&mut self) -> Option<ClusterId> {
        let behind = self.last.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut following = self.waiting.range((behind, Bound::Unbounded)).chain(&self.waiting);
        self.last = following.next().map(|(cluster, _)| cluster.clone());
        self.last.clone()
    }

    /// False when so much waits that the sources have to.
    pub(super) fn have_room(&self) -> bool {
        self.len() < MOST
    }

    /// Forgets clusters that are gone.
    pub(super) fn retain(&mut self, exists: impl Fn(&ClusterId) -> bool) {
        self.waiting.retain(|cluster, _| exists(cluster));
    }

    /// True while something of the cluster waits.
    pub(super) fn delay(&self, cluster: &ClusterId) -> bool {
        self.waiting.contains_key(cluster)
    }

    /// How much waits; a list counts as one.
    pub(super) fn len(&self) -> usize {
        self.waiting.values().map(|waiting| usize::from(waiting.list.is_some()) + waiting.behind.len()).sum()
    }
}

impl Publisher {
    /// Takes a list in: a short one at once, of a long one the first part.
    pub(super) fn enter_list(&mut self, cluster: ClusterId, mut entering: Entering) {
        let size = self.clusterset.get(&cluster).map_or(0, |member| member.facts().size_of(&entering.listing));
        if size > self.part {
            return self.lists.begin(cluster, entering);
        }
        while !self.advance(&cluster, &mut entering, usize::MAX) {}
    }

    /// One part of the next list, or some of what waited behind it; false when nothing waits.
    pub(super) fn work_on_lists(&mut self) -> bool {
        let Some(cluster) = self.lists.next() else { return false };
        let list = self.lists.waiting.get_mut(&cluster).and_then(|waiting| waiting.list.take());
        if let Some(mut entering) = list {
            let done = self.contained(&cluster, Some(entering.listing.kind()), entering.received, |publisher| {
                publisher.advance(&cluster, &mut entering, publisher.part)
            });
            // What panicked is lost; its list is asked for anew.
            if done == Some(false) {
                self.lists.begin(cluster, entering);
            }
            return true;
        }
        for _ in 0..WAITED {
            let Some(waiting) = self.lists.waiting.get_mut(&cluster).filter(|waiting| waiting.list.is_none()) else {
                break;
            };
            match waiting.behind.pop_front() {
                Some(observation) => self.enter_contained(observation),
                None => drop(self.lists.waiting.remove(&cluster)),
            }
        }
        true
    }

    /// Takes the next objects of a list in; true when that was the last of it.
    fn advance(&mut self, cluster: &ClusterId, entering: &mut Entering, count: usize) -> bool {
        let was_restored = self.is_restored(cluster);
        let Entering { listing, received } = entering;
        let mut judge = self.brake.of(cluster, listing.kind(), *received);
        let touched = self.clusterset.advance(cluster, listing, count, &mut judge);
        self.follow(cluster, touched, false, was_restored);
        let done = listing.is_done();
        if done {
            if listing.is_of_absent_kind() {
                self.brake.absent(cluster, listing.kind());
            }
            self.recover(&(cluster.clone(), listing.kind()));
        }
        done
    }
}
