//! Make before break: the observations of a new source wait until it is in sync, then take the place of the old one's
//! (RESILIENCE.md rules 7 and 8).
//!
//! In: the channel of a source that was started beside a running one. Out: everything it said, in order and at once, then
//! whatever comes. Its generation is the larger one: with the first observation the old source is no longer listened to.

use crate::model::facts::{is_read, is_required};
use crate::model::{Change, ClusterId, Kind, Mode, Observation};
use std::collections::HashSet;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedSender};

/// Changes kept at most; a source that says more before it is in sync is given up.
const MOST: usize = 500_000;

/// A source is in sync: the old one of its cluster can end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Synced {
    pub cluster: ClusterId,
    pub generation: u64,
}

/// One source on its way in.
pub(super) struct Handover {
    pub cluster: ClusterId,
    pub generation: u64,
    pub mode: Mode,
    pub from: Receiver<Observation>,
    pub to: Sender<Observation>,
    pub tell: UnboundedSender<Synced>,
}

impl Handover {
    /// Runs until the source ends. `wait`: there is an old source.
    pub(super) async fn run(mut self, wait: bool) {
        if wait && !self.hold().await {
            return;
        }
        while let Some(observation) = self.from.recv().await {
            if self.to.send(observation).await.is_err() {
                return;
            }
        }
    }

    /// Holds everything back until the source is in sync; false when it ends before.
    async fn hold(&mut self) -> bool {
        let (mut held, mut progress) = (Vec::new(), Progress::default());
        while !progress.is_synced(self.mode) {
            let Some(observation) = self.from.recv().await else { return false };
            if let Some((kind, error)) = progress.note(&observation.change) {
                tracing::warn!(
                    "cluster {}: as it is configured now: {}: {error}; it goes on being read as before until that is in sync",
                    self.cluster,
                    kind.as_str()
                );
            }
            held.push(observation);
            if held.len() > MOST {
                tracing::warn!(
                    "cluster {}: not in sync after {MOST} changes; it goes on being read as before",
                    self.cluster
                );
                return false;
            }
        }
        for observation in held {
            // A fault that a later list has mended says nothing any more.
            let mended = |kind| progress.listed.contains(&kind);
            if matches!(&observation.change, Change::Failed { kind, .. } if mended(*kind)) {
                continue;
            }
            if self.to.send(observation).await.is_err() {
                return false;
            }
        }
        let synced = Synced { cluster: self.cluster.clone(), generation: self.generation };
        // Nobody listens at the end of the process.
        let _ = self.tell.send(synced);
        true
    }
}

/// Which kinds have been listed.
#[derive(Debug, Default)]
struct Progress {
    listed: HashSet<Kind>,
    failed: HashSet<(Kind, String)>,
}

impl Progress {
    /// Notes a change; an error that is met for the first time is returned.
    fn note<'c>(&mut self, change: &'c Change) -> Option<(Kind, &'c str)> {
        match change {
            Change::Replace { kind, .. } | Change::Absent { kind, .. } => drop(self.listed.insert(*kind)),
            Change::Failed { kind, error } => {
                return self.failed.insert((*kind, error.clone())).then_some((*kind, error));
            }
            _ => {}
        }
        None
    }

    /// Every required kind is complete, every other one complete or known to fail.
    fn is_synced(&self, mode: Mode) -> bool {
        let failed = |kind: Kind| !is_required(kind, mode) && self.failed.iter().any(|(of, _)| *of == kind);
        let decided = |kind: Kind| self.listed.contains(&kind) || failed(kind);
        Kind::ALL.into_iter().filter(|kind| is_read(*kind, mode)).all(decided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::{channel, unbounded_channel};

    fn observation(change: Change) -> Observation {
        Observation { cluster: ClusterId::new("west"), generation: 2, received_ns: 0, change }
    }

    fn list(kind: Kind) -> Change {
        Change::Replace { kind, facts: Vec::new(), findings: Vec::new() }
    }

    #[test]
    fn nothing_passes_before_every_kind_is_decided_then_everything_in_order() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (source, from) = channel(64);
            let (to, mut out) = channel(64);
            let (tell, mut told) = unbounded_channel();
            let (cluster, generation, mode) = (ClusterId::new("west"), 2, Mode::Both);
            let handover = Handover { cluster: cluster.clone(), generation, mode, from, to, tell };
            let running = tokio::spawn(handover.run(true));
            let failed = |kind| Change::Failed { kind, error: "403".to_owned() };
            let mut sent = vec![failed(Kind::Service), failed(Kind::Node)];
            sent.extend(Kind::ALL.into_iter().filter(|kind| *kind != Kind::Node).map(list));
            let last = sent.pop().unwrap();
            for change in sent.clone() {
                source.send(observation(change)).await.unwrap();
            }
            tokio::task::yield_now().await;
            assert!(out.try_recv().is_err() && told.try_recv().is_err());
            source.send(observation(last.clone())).await.unwrap();
            assert_eq!(told.recv().await, Some(Synced { cluster, generation: 2 }));
            // The mended fault of Service is passed over.
            sent.remove(0);
            sent.extend([last, Change::Contact { kind: Kind::Service }]);
            source.send(observation(Change::Contact { kind: Kind::Service })).await.unwrap();
            for expected in sent {
                assert_eq!(out.recv().await.unwrap().change, expected);
            }
            drop(source);
            running.await.unwrap();
        });
    }
}
