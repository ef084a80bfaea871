//! Make before break: the observations of a new source wait until it is in sync, then take the place of the old one's
//! (RESILIENCE.md rules 7 and 8).
//!
//! In: the channel of a source that was started beside a running one. Out: everything it said, in order and at once, then
//! whatever comes. Its generation is the larger one: with the first observation the old source is no longer listened to.

use crate::config::Config;
use crate::model::facts::{is_read, is_required};
use crate::model::{Change, ClusterId, Kind, Mode, Observation};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedSender};
use tokio::time::Instant;

/// Changes after the lists that are kept at most; a source that says more before it is in sync is given up.
const MOST: usize = 50_000;
/// How long a source may take where lists have no deadline.
const LONGEST: Duration = Duration::from_secs(600);

/// How long a source may take to be in sync beside the one that it is to replace: two lists of each kind.
pub(super) fn patience(config: &Config) -> Duration {
    config.limits.cluster.list.limit().map_or(LONGEST, |list| list.saturating_mul(2))
}

/// What became of a source on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub cluster: ClusterId,
    pub generation: u64,
    /// In sync: the old one of its cluster can end. `Err`: why it is given up.
    pub result: Result<(), String>,
}

/// One source on its way in.
pub(super) struct Handover {
    pub cluster: ClusterId,
    pub generation: u64,
    pub mode: Mode,
    /// How long it may take to be in sync.
    pub patience: Duration,
    pub from: Receiver<Observation>,
    pub to: Sender<Observation>,
    pub tell: UnboundedSender<Outcome>,
}

impl Handover {
    /// Runs until the source ends. `wait`: there is an old source.
    pub(super) async fn run(mut self, wait: bool) {
        if wait && !self.admit().await {
            return;
        }
        while let Some(observation) = self.from.recv().await {
            if self.to.send(observation).await.is_err() {
                return;
            }
        }
    }

    /// Holds everything back until the source is in sync; false when it ends before or is given up.
    async fn admit(&mut self) -> bool {
        let result = match self.hold().await {
            // It ended: something else takes its place.
            Ok(None) => return false,
            Ok(Some(held)) => {
                for observation in held {
                    if self.to.send(observation).await.is_err() {
                        return false;
                    }
                }
                Ok(())
            }
            Err(reason) => Err(reason),
        };
        let is_synced = result.is_ok();
        // Nobody listens at the end of the process.
        let _ = self.tell.send(Outcome { cluster: self.cluster.clone(), generation: self.generation, result });
        is_synced
    }

    /// What it said until it was in sync; `None` when it ended before.
    async fn hold(&mut self) -> Result<Option<impl Iterator<Item = Observation> + use<>>, String> {
        let (mut held, mut progress) = (Held::default(), Progress::default());
        let deadline = Instant::now() + self.patience;
        while !progress.is_synced(self.mode) {
            let next = tokio::time::timeout_at(deadline, self.from.recv()).await;
            let Ok(observation) = next else { return Err(format!("was not in sync within {:?}", self.patience)) };
            let Some(observation) = observation else { return Ok(None) };
            if let Some((kind, error)) = progress.note(&observation.change) {
                tracing::warn!(
                    "cluster {}: as it is configured now: {}: {error}; it goes on being read as before until that is in sync",
                    self.cluster,
                    kind.as_str()
                );
            }
            held.take(observation);
            if held.changes > MOST {
                return Err(format!("was not in sync after {MOST} changes"));
            }
        }
        Ok(Some(held.into_order(progress)))
    }
}

/// What a source said: of what only counts the last time, the last.
#[derive(Default)]
struct Held {
    /// Lists and changes, in order.
    list: Vec<Observation>,
    /// Those that are no lists.
    changes: usize,
    contacts: BTreeMap<Kind, Observation>,
    failures: BTreeMap<Kind, Observation>,
}

impl Held {
    fn take(&mut self, observation: Observation) {
        match observation.change {
            Change::Contact { kind } => drop(self.contacts.insert(kind, observation)),
            Change::Failed { kind, .. } => drop(self.failures.insert(kind, observation)),
            Change::Replace { kind, .. } | Change::Absent { kind, .. } => {
                self.list.retain(|before| kind_of(&before.change) != Some(kind));
                self.list.push(observation);
                self.changes = self.list.iter().filter(|held| !is_list(&held.change)).count();
            }
            _ => {
                self.list.push(observation);
                self.changes += 1;
            }
        }
    }

    /// Everything in order; a fault that a later list has mended says nothing any more.
    fn into_order(self, progress: Progress) -> impl Iterator<Item = Observation> {
        let stands = move |(kind, failure)| (!progress.listed.contains(&kind)).then_some(failure);
        let failures = self.failures.into_iter().filter_map(stands);
        failures.chain(self.list).chain(self.contacts.into_values())
    }
}

/// The kind of which a list says everything.
fn kind_of(change: &Change) -> Option<Kind> {
    match change {
        Change::Apply { fact, .. } => Some(fact.kind()),
        Change::Delete { kind, .. }
        | Change::Replace { kind, .. }
        | Change::Rejected { kind, .. }
        | Change::Absent { kind, .. } => Some(*kind),
        _ => None,
    }
}

fn is_list(change: &Change) -> bool {
    matches!(change, Change::Replace { .. } | Change::Absent { .. })
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

    fn handover(from: Receiver<Observation>, to: Sender<Observation>, tell: UnboundedSender<Outcome>) -> Handover {
        let patience = Duration::from_secs(60);
        Handover { cluster: ClusterId::new("west"), generation: 2, mode: Mode::Both, patience, from, to, tell }
    }

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    #[test]
    fn one_that_never_gets_in_sync_held_everything_for_ever() {
        run(async {
            let ((source, from), (to, mut out), (tell, mut told)) = (channel(64), channel(64), unbounded_channel());
            let patience = Duration::from_millis(20);
            let running = tokio::spawn(Handover { patience, ..handover(from, to, tell) }.run(true));
            source.send(observation(list(Kind::Service))).await.unwrap();
            let reason = told.recv().await.unwrap().result.unwrap_err();
            assert_eq!(reason, "was not in sync within 20ms");
            running.await.unwrap();
            assert!(out.try_recv().is_err() && source.is_closed());
        });
    }

    #[test]
    fn of_what_is_held_only_the_last_counts_and_changes_are_bounded() {
        run(async {
            let ((source, from), (to, _out), (tell, mut told)) = (channel(64), channel(64), unbounded_channel());
            tokio::spawn(handover(from, to, tell).run(true));
            let deleted = || Change::Delete { kind: Kind::Node, key: crate::model::ServiceKey::new("", "n") };
            // Far more than is kept, of which a list and signs of life say the rest.
            for round in 0..3 {
                for _ in 0..MOST / 2 {
                    source.send(observation(deleted())).await.unwrap();
                    source.send(observation(Change::Contact { kind: Kind::Node })).await.unwrap();
                }
                assert!(told.try_recv().is_err(), "{round}");
                source.send(observation(list(Kind::Node))).await.unwrap();
            }
            for _ in 0..=MOST {
                // It may have been given up meanwhile.
                let _ = source.send(observation(deleted())).await;
            }
            let reason = told.recv().await.unwrap().result.unwrap_err();
            assert_eq!(reason, "was not in sync after 50000 changes");
        });
    }

    #[test]
    fn nothing_passes_before_every_kind_is_decided_then_everything_in_order() {
        run(async {
            let (source, from) = channel(64);
            let (to, mut out) = channel(64);
            let (tell, mut told) = unbounded_channel();
            let handover = handover(from, to, tell);
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
            assert_eq!(told.recv().await.unwrap().result, Ok(()));
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
