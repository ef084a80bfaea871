//! Clusters that get another id: the old one stays until the one that takes its place is in sync (RESILIENCE.md section 5,
//! "cluster removed; renamed").
//!
//! In: the clusters of before and of now. Out: those of now with the ones that still have to stay. Two ids are one cluster
//! where they are read from the same source.

use super::registry::Joined;
use crate::config::{ClusterEntry, Source};
use crate::model::{ClusterId, View};
use crate::publish::Publisher;
use std::time::Duration;
use tokio::time::Instant;

/// Time between two looks whether the new ones are in sync.
const LOOK: Duration = Duration::from_millis(200);

/// The clusters on their way out.
#[derive(Debug, Clone, Default)]
pub(super) struct Renames(Vec<Leaving>);

/// A cluster whose id is gone, and the one that it has now.
#[derive(Debug, Clone)]
struct Leaving {
    entry: ClusterEntry,
    successor: ClusterId,
    /// Not longer than that.
    until: Instant,
}

impl Renames {
    /// With those that are found when `after` takes the place of `before`; each stays for at most `patience`.
    pub(super) fn with(&self, before: &Joined, after: &Joined, patience: Duration) -> Self {
        let names = |joined: &Joined, name: &str| joined.config.clusters.iter().any(|entry| entry.name == name);
        let mut renames = self.clone();
        renames.0.retain(|leaving| {
            names(after, leaving.successor.as_str())
                && !names(after, &leaving.entry.name)
                && leaving.until > Instant::now()
        });
        for entry in before.config.clusters.iter().filter(|entry| !names(after, &entry.name)) {
            let is_new = |new: &&ClusterEntry| !names(before, &new.name) && before.reads_alike(entry, after, new);
            let Some(new) = after.config.clusters.iter().find(is_new) else { continue };
            tracing::info!(
                "cluster {}: it is cluster {} now; its answers stay until that one is in sync, {patience:?} at most",
                entry.name,
                new.name
            );
            // Nothing new reads it: its watches of before go on.
            let entry = ClusterEntry { source: Source::default(), ..entry.clone() };
            renames.0.push(Leaving { entry, successor: ClusterId::new(&new.name), until: Instant::now() + patience });
        }
        renames
    }

    /// These clusters with those that have to stay.
    pub(super) fn applied(&self, mut joined: Joined) -> Joined {
        joined.config.clusters.extend(self.0.iter().map(|leaving| leaving.entry.clone()));
        joined
    }

    /// Who stands in a new cluster stands in the old one meanwhile.
    pub(super) fn place(&self, views: &mut [View]) {
        for (old, new) in self.successors() {
            let there = views.iter_mut().filter_map(|view| view.cluster.as_mut()).filter(|cluster| **cluster == new);
            there.for_each(|cluster| cluster.clone_from(&old));
        }
    }

    /// Which id takes the place of which.
    pub(super) fn successors(&self) -> Vec<(ClusterId, ClusterId)> {
        self.0.iter().map(|leaving| (ClusterId::new(&leaving.entry.name), leaving.successor.clone())).collect()
    }

    /// When to look again.
    pub(super) fn look_at(&self) -> Option<Instant> {
        (!self.0.is_empty()).then(|| Instant::now() + LOOK)
    }

    /// The new ones.
    pub(super) fn awaited(&self) -> Vec<ClusterId> {
        self.0.iter().map(|leaving| leaving.successor.clone()).collect()
    }

    /// Those in sync are not waited for any more, nor those that took too long; true when there were some.
    pub(super) fn settle(&mut self, synced: &[ClusterId]) -> bool {
        let (before, now) = (self.0.len(), Instant::now());
        self.0.retain(|leaving| !synced.contains(&leaving.successor) && now < leaving.until);
        before != self.0.len()
    }
}

/// Which of these clusters answer from what they said themselves.
pub(super) fn synced(publisher: &Publisher, clusters: &[ClusterId]) -> Vec<ClusterId> {
    let is_synced = |id: &&ClusterId| {
        let member = publisher.clusterset().get(id);
        member.is_some_and(|member| member.state().is_known() && member.restored().is_none())
    };
    clusters.iter().filter(is_synced).cloned().collect()
}
