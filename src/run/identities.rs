//! Which cluster is which: no kube-system UID is read under two ids (RESILIENCE.md section 5, `same-cluster-twice`).
//!
//! In: claims of the watches, the clusters in order. Out: yes, or the cluster that is read with this UID already. The one
//! that stands first in the configuration gets it when both ask at the start, else the one that came first.

use super::registry::Counts;
use super::uids::Uids;
use crate::model::ClusterId;
use crate::source::kubernetes::Claim;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// At the start a claim waits so long for those of clusters before it.
const START: Duration = Duration::from_secs(2);
/// A claim that got no is made again, after a minute at most: an older one is of a watch that has ended.
const LASTS: Duration = Duration::from_secs(150);
/// Code of the finding.
const CODE: &str = "same-cluster-twice";

/// All claims.
pub(super) struct Identities {
    claims: mpsc::UnboundedReceiver<Claim>,
    /// By UID: who has it, and by which watcher set.
    holders: HashMap<String, (ClusterId, u64)>,
    waiting: Vec<Claim>,
    start_over: Option<Instant>,
    /// Clusters that got no.
    refused: BTreeSet<ClusterId>,
    /// What they asked for, and when.
    wanted: HashMap<ClusterId, Wanted>,
    uids: Uids,
    /// Ids on their way out, and those that take their place.
    successors: Vec<(ClusterId, ClusterId)>,
    counts: Counts,
}

/// A claim that got no.
struct Wanted {
    uid: String,
    generation: u64,
    at: Instant,
}

impl Identities {
    pub(super) fn new(claims: mpsc::UnboundedReceiver<Claim>, uids: Uids) -> Self {
        Identities {
            claims,
            holders: HashMap::new(),
            waiting: Vec::new(),
            start_over: Some(Instant::now() + START),
            refused: BTreeSet::new(),
            wanted: HashMap::new(),
            uids,
            successors: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// For metrics.
    pub(super) fn counts(&self) -> Counts {
        Arc::clone(&self.counts)
    }

    /// Waits for something to [decide](Identities::decide).
    pub(super) async fn next(&mut self) {
        let over = self.start_over;
        let start = async {
            match over {
                Some(over) => sleep_until(over).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            claim = self.claims.recv() => match claim {
                Some(claim) => self.waiting.push(claim),
                // No watch can ask any more.
                None => std::future::pending().await,
            },
            () = start => self.start_over = None,
        }
    }

    /// Answers every claim that can be answered. `clusters`: those that make claims, in order.
    pub(super) fn decide(&mut self, clusters: &[ClusterId]) {
        let place = |id: &ClusterId| clusters.iter().position(|known| known == id).unwrap_or(usize::MAX);
        self.waiting.sort_by_key(|claim| place(&claim.cluster));
        for claim in std::mem::take(&mut self.waiting) {
            let decided =
                |id: &ClusterId| self.refused.contains(id) || self.holders.values().any(|(holder, _)| holder == id);
            let open = clusters.iter().take(place(&claim.cluster)).any(|before| !decided(before));
            match open && self.start_over.is_some() {
                true => self.waiting.push(claim),
                false => self.answer(claim),
            }
        }
        let found = |cluster: &ClusterId| (cluster.to_string(), vec![(CODE, 1)]);
        self.counts.store(Arc::new(self.refused.iter().map(found).collect()));
    }

    fn answer(&mut self, claim: Claim) {
        let Claim { cluster, generation, uid, reply } = claim;
        let is_same = |holder: &ClusterId| {
            *holder == cluster || self.successors.iter().any(|(old, new)| old == holder && *new == cluster)
        };
        let holder = self.holders.get(&uid).map(|(holder, _)| holder.clone()).filter(|holder| !is_same(holder));
        let wanted = Wanted { uid: uid.clone(), generation, at: Instant::now() };
        let circle = holder.as_ref().and_then(|_| self.circle(&cluster, &uid));
        let answer = match (holder, circle) {
            (Some(holder), None) => {
                self.refused.insert(cluster.clone());
                self.wanted.insert(cluster, wanted);
                Err(holder)
            }
            (_, others) => {
                for (other, wanted) in others.into_iter().flatten() {
                    self.grant(other, wanted);
                }
                self.grant(cluster, wanted);
                Ok(())
            }
        };
        // The watch may have ended.
        let _ = reply.send(answer);
    }

    fn grant(&mut self, cluster: ClusterId, Wanted { uid, generation, .. }: Wanted) {
        self.refused.remove(&cluster);
        self.wanted.remove(&cluster);
        self.holders.retain(|_, (held, by)| *held != cluster || *by != generation);
        self.uids.confirmed(&cluster, &uid);
        self.holders.insert(uid, (cluster, generation));
    }

    /// The clusters that wait for each other in a circle which this claim closes, as when the contents of two Secrets are
    /// exchanged: with what they wait for. `None`: some holder on the way is not on the move.
    fn circle(&mut self, cluster: &ClusterId, uid: &str) -> Option<Vec<(ClusterId, Wanted)>> {
        self.wanted.retain(|_, wanted| wanted.at.elapsed() < LASTS);
        let (mut others, mut uid) = (Vec::new(), uid.to_owned());
        loop {
            let (holder, by) = self.holders.get(&uid)?.clone();
            if holder == *cluster {
                let take = |id: ClusterId| Some((id.clone(), self.wanted.remove(&id)?));
                return others.into_iter().map(take).collect();
            }
            let next = self.wanted.get(&holder).filter(|next| next.generation > by && !others.contains(&holder))?;
            uid.clone_from(&next.uid);
            others.push(holder);
        }
    }

    /// Clusters that get another id: the new one may be read beside the old one.
    pub(super) fn set_successors(&mut self, successors: Vec<(ClusterId, ClusterId)>) {
        self.successors = successors;
    }

    /// A watcher set took the place of those before it.
    pub(super) fn promoted(&mut self, cluster: &ClusterId, generation: u64) {
        self.holders.retain(|_, (held, by)| held != cluster || *by >= generation);
    }

    /// Only these clusters are left; what the others held is free.
    pub(super) fn retain(&mut self, clusters: &[ClusterId]) {
        self.holders.retain(|_, (held, _)| clusters.contains(held));
        self.refused.retain(|cluster| clusters.contains(cluster));
        self.wanted.retain(|cluster, _| clusters.contains(cluster));
        self.uids.retain(clusters);
        self.decide(clusters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    struct World {
        identities: Identities,
        send: mpsc::UnboundedSender<Claim>,
        ids: Vec<ClusterId>,
    }

    impl World {
        fn new() -> Self {
            let (send, claims) = mpsc::unbounded_channel();
            let ids = ["east", "west", "north"].map(ClusterId::new).into();
            World { identities: Identities::new(claims, Uids::default()), send, ids }
        }

        /// Claims; the answer may come later.
        async fn claim(
            &mut self,
            cluster: &str,
            generation: u64,
            uid: &str,
        ) -> oneshot::Receiver<Result<(), ClusterId>> {
            let (reply, told) = oneshot::channel();
            self.send.send(Claim { cluster: ClusterId::new(cluster), generation, uid: uid.into(), reply }).unwrap();
            self.identities.next().await;
            self.identities.decide(&self.ids);
            told
        }
    }

    /// `yes`, the holder, or `waits`.
    fn shown(told: &mut oneshot::Receiver<Result<(), ClusterId>>) -> String {
        match told.try_recv() {
            Ok(Ok(())) => "yes".to_owned(),
            Ok(Err(holder)) => holder.to_string(),
            Err(_) => "waits".to_owned(),
        }
    }

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    #[test]
    fn at_the_start_the_first_of_the_configuration_gets_it_whoever_asks_first() {
        run(async {
            let mut world = World::new();
            let mut west = world.claim("west", 1, "a").await;
            assert_eq!(shown(&mut west), "waits");
            assert_eq!(shown(&mut world.claim("east", 1, "a").await), "yes");
            assert_eq!(shown(&mut west), "east");
            assert_eq!(world.identities.counts().load()[0], ("west".to_owned(), vec![(CODE, 1)]));
            assert_eq!(shown(&mut world.claim("north", 1, "c").await), "yes");
        });
    }

    #[test]
    fn later_the_first_to_come_keeps_it_until_it_is_gone() {
        run(async {
            let mut world = World::new();
            world.identities.start_over = None;
            assert_eq!(shown(&mut world.claim("west", 1, "a").await), "yes");
            assert_eq!(shown(&mut world.claim("east", 1, "a").await), "west");
            world.identities.retain(&[ClusterId::new("east"), ClusterId::new("north")]);
            assert_eq!(shown(&mut world.claim("east", 1, "a").await), "yes");
            assert!(world.identities.counts().load().is_empty());
        });
    }

    #[test]
    fn a_cluster_that_moves_frees_what_it_had_once_it_is_in_sync() {
        run(async {
            let mut world = World::new();
            world.identities.start_over = None;
            assert_eq!(shown(&mut world.claim("west", 1, "a").await), "yes");
            assert_eq!(shown(&mut world.claim("west", 2, "b").await), "yes");
            assert_eq!(shown(&mut world.claim("north", 1, "a").await), "west");
            world.identities.promoted(&ClusterId::new("west"), 2);
            assert_eq!(shown(&mut world.claim("north", 1, "a").await), "yes");
            assert_eq!(shown(&mut world.claim("east", 1, "b").await), "west");
            // Another cluster behind the same URL, confirmed.
            assert_eq!(shown(&mut world.claim("west", 2, "d").await), "yes");
            assert_eq!(shown(&mut world.claim("east", 1, "b").await), "yes");
        });
    }

    #[test]
    fn clusters_that_exchange_what_they_are_blocked_each_other() {
        run(async {
            let mut world = World::new();
            world.identities.start_over = None;
            for (cluster, uid) in [("east", "a"), ("west", "b"), ("north", "c")] {
                assert_eq!(shown(&mut world.claim(cluster, 1, uid).await), "yes");
            }
            // East takes the place of west, west that of north, and north that of east.
            assert_eq!(shown(&mut world.claim("east", 2, "b").await), "west");
            assert_eq!(shown(&mut world.claim("west", 2, "c").await), "north");
            assert_eq!(shown(&mut world.claim("north", 2, "a").await), "yes");
            assert_eq!(shown(&mut world.claim("east", 2, "b").await), "yes");
            assert_eq!(shown(&mut world.claim("west", 2, "c").await), "yes");
            assert!(world.identities.counts().load().is_empty());
            // One that only wants what another keeps gets no, also when it was wanted itself before.
            assert_eq!(shown(&mut world.claim("north", 3, "b").await), "east");
            assert_eq!(shown(&mut world.claim("east", 2, "b").await), "yes");
            assert_eq!(shown(&mut world.claim("north", 3, "b").await), "east");
        });
    }
}
