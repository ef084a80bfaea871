//! Ages the clusters: signs of life in, states out, one log line for each change of state.
//!
//! In: contacts and errors as the observations bring them, the time. Out: states and graces set in the publisher. The machine
//! itself is `model::freshness`; here is what it is fed with.

use super::figures::Doubt;
use super::publisher::Publisher;
use super::reports::Reports;
use crate::model::clusterset::Member;
use crate::model::facts::{Outcome, is_required};
use crate::model::freshness::{self, Clock, Evidence, Freshness, Times, Watched};
use crate::model::{Cluster, ClusterId, Kind, State};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Changes between Fresh and Suspect change no answer: at most one line in this time for each cluster.
const FOLD: Duration = Duration::from_secs(60);

/// What is remembered of one cluster.
#[derive(Debug)]
struct Aged {
    freshness: Freshness,
    /// When the cluster was first seen in the registry.
    known_since: Duration,
    /// When doubt about it was last logged.
    doubted: Option<Duration>,
    /// Doubts that were not logged since.
    folded: u32,
    /// Why it is out of contact, if it is.
    lost: Option<String>,
    /// The configuration drains it, which was logged.
    drained: bool,
}

/// The ages of all clusters.
#[derive(Debug)]
pub(super) struct Ageing {
    clock: Clock,
    times: HashMap<ClusterId, Times>,
    /// Last sign of life per cluster and kind, monotonic time since the epoch.
    contacts: HashMap<(ClusterId, Kind), Duration>,
    clusters: HashMap<ClusterId, Aged>,
    /// Why the gateways of other clusters, or the registry, speak against one.
    reports: HashMap<ClusterId, String>,
    /// The all-dead guard holds clusters back, which was logged.
    guarding: bool,
}

impl Ageing {
    pub(super) fn new(times: HashMap<ClusterId, Times>, tick: Duration) -> Self {
        let (contacts, clusters, reports) = Default::default();
        Ageing { clock: Clock::new(tick), times, contacts, clusters, reports, guarding: false }
    }

    /// Other ages from now on; what is remembered of clusters that are gone is forgotten.
    pub(super) fn set_times(&mut self, times: HashMap<ClusterId, Times>, is_there: impl Fn(&ClusterId) -> bool) {
        self.times = times;
        self.contacts.retain(|(cluster, _), _| is_there(cluster));
        self.clusters.retain(|cluster, _| is_there(cluster));
    }

    /// A kind of a cluster gave a sign of life.
    pub(super) fn heard(&mut self, cluster: &ClusterId, kind: Kind, at: Duration) {
        // What a new watcher held back until it was in sync may be older than what the old one heard meanwhile.
        let last = self.contacts.entry((cluster.clone(), kind)).or_insert(at);
        *last = (*last).max(at);
    }

    /// When a kind of a cluster last gave a sign of life.
    pub(super) fn contact(&self, cluster: &ClusterId, kind: Kind) -> Option<Duration> {
        self.contacts.get(&(cluster.clone(), kind)).copied()
    }

    /// One line per cluster that was synced and is out of contact, for `/ready`.
    pub(super) fn lost(&self) -> Vec<String> {
        let mut lost: Vec<String> = self
            .clusters
            .iter()
            .filter_map(|(id, aged)| Some(format!("cluster {id}: {}", aged.lost.as_ref()?)))
            .collect();
        lost.sort_unstable();
        lost
    }

    /// Takes every cluster to the state that is due at `now` (since the epoch).
    pub(super) fn settle(&mut self, publisher: &mut Publisher, now: Duration) {
        self.clock.tick(now);
        let now = self.clock.at(now);
        let mut members: Vec<(ClusterId, Watched)> =
            publisher.clusterset().members().map(|(_, member)| self.watched(member, now)).collect();
        self.clusters.retain(|cluster, _| members.iter().any(|(id, _)| id == cluster));
        // By what they are themselves, not by what others say of them: two that accuse each other both go on speaking.
        let speak = |(id, watched): &(ClusterId, Watched)| (id.clone(), watched.evidence.is_in_contact(&watched.times));
        let speaking: HashMap<ClusterId, bool> = members.iter().map(speak).collect();
        let reports = Reports::of(publisher.clusterset(), |id| speaking.get(id).copied().unwrap_or_default());
        let accused = publisher.figures().accused.load_full();
        let against = |id: &ClusterId| reports.against(id).or_else(|| accused.get(id).cloned());
        self.reports = members.iter().filter_map(|(id, _)| Some((id.clone(), against(id)?))).collect();
        members.iter_mut().for_each(|(id, watched)| watched.evidence.reported = self.reports.contains_key(id));
        publisher.figures().connections.store(Arc::new(reports.into_connections()));
        let (ids, mut watched): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        let before: Vec<Freshness> = watched.iter().map(|watched| watched.freshness).collect();
        let held = freshness::settle(&mut watched, now);
        for ((id, before), after) in ids.iter().zip(before).zip(&watched) {
            self.enter(publisher, id, before, after, now);
        }
        self.tell_of_guard(held, &ids);
        let figures = publisher.figures();
        figures.guarding.store(held, Ordering::Relaxed);
        let doubted = ids.iter().zip(&watched).filter(|(_, after)| after.freshness.state != State::Fresh);
        let doubts = doubted.map(|(id, after)| (id.clone(), self.doubt(id, after, now)));
        figures.doubts.store(Arc::new(doubts.collect()));
    }

    /// Why a cluster is not fresh, and how far it is on the way back.
    fn doubt(&self, id: &ClusterId, after: &Watched, now: Duration) -> Doubt {
        let report = self.reports.get(id);
        // The errors stand beside it wherever it is shown.
        let mut cause = silence(&after.evidence);
        match report {
            Some(report) if after.evidence.is_in_contact(&after.times) => cause.clone_from(report),
            Some(report) => cause = format!("{report} ({cause})"),
            None => {}
        }
        if let Some(healthy) = after.freshness.healthy_for(now) {
            let needed = after.freshness.recovery(&after.times);
            cause = format!("recovering: in contact without an error for {} s of {needed:?}", healthy.as_secs());
        }
        Doubt { cause, reported: report.is_some() }
    }

    fn watched(&mut self, member: &Member, now: Duration) -> (ClusterId, Watched) {
        let id = member.cluster().id.clone();
        let start = || Aged {
            freshness: Freshness::default(),
            known_since: now,
            doubted: None,
            folded: 0,
            lost: None,
            drained: false,
        };
        let aged = self.clusters.entry(id.clone()).or_insert_with(start);
        if aged.freshness.state != member.state() {
            aged.freshness = aged.freshness.entered(member.state(), now);
        }
        aged.freshness.grace_over = member.grace_over();
        aged.tell_of_drain(member);
        let known_for = now.saturating_sub(aged.known_since);
        let watched = Watched {
            freshness: aged.freshness,
            evidence: self.evidence(member, known_for, now),
            times: self.times.get(&id).copied().unwrap_or_default(),
        };
        (id, watched)
    }

    fn evidence(&self, member: &Member, known_for: Duration, now: Duration) -> Evidence {
        let id = &member.cluster().id;
        let contacts: Option<Vec<Duration>> = required(member).map(|kind| self.contact(id, kind)).collect();
        let oldest = contacts.and_then(|contacts| contacts.into_iter().min());
        Evidence {
            synced: !member.is_restored() && member.facts().is_synced(member.cluster().mode),
            // From a snapshot: since its last contact with the process before, the time in between counted.
            contact_age: match oldest {
                Some(oldest) => Some(now.saturating_sub(self.clock.at(oldest))),
                None => member.restored().map(|age| age.saturating_add(now)),
            },
            failing: required(member).any(|kind| member.facts().status(kind).error.is_some()),
            // Filled in when all are looked at.
            reported: false,
            any_fresh: false,
            known_for,
        }
    }

    fn enter(&mut self, publisher: &mut Publisher, id: &ClusterId, before: Freshness, after: &Watched, now: Duration) {
        let Some(aged) = self.clusters.get_mut(id) else { return };
        aged.freshness = after.freshness;
        if after.freshness.grace_over && !before.grace_over && !after.freshness.state.is_known() {
            tracing::warn!(
                "cluster {id}: not synced within its grace of {:?}; names only it could own are NXDOMAIN from now on",
                after.times.grace
            );
            publisher.end_grace(id);
        }
        let (from, to) = (before.state, after.freshness.state);
        let lost = to.is_stale() || to == State::Suspect && is_silent(after);
        aged.lost = None;
        if let Some(member) = publisher.clusterset().get(id).filter(|_| lost || from != to) {
            let mut cause = cause(member, &after.evidence);
            if let Some(report) = self.reports.get(id) {
                cause = format!("{report} ({cause})");
            }
            if from != to {
                aged.tell(id, from, after, &cause, now);
            }
            aged.lost = lost.then_some(cause);
        }
        if from == to {
            return;
        }
        publisher.set_state(id, to);
    }

    fn tell_of_guard(&mut self, held: bool, ids: &[ClusterId]) {
        if held && !self.guarding {
            let names: Vec<&str> = ids.iter().map(ClusterId::as_str).collect();
            tracing::warn!(
                "no cluster is in contact ({}): the fault is likely on this side, so none is demoted and answers stay as they \
                 are, only older; look at the network of this server",
                names.join(", ")
            );
        }
        self.guarding = held;
    }
}

/// The kinds by which a cluster is in contact (RESILIENCE.md section 3): the required ones that are served.
pub(super) fn required(member: &Member) -> impl Iterator<Item = Kind> {
    let served = |kind: &Kind| !matches!(member.facts().status(*kind).outcome, Outcome::Absent(_));
    Kind::ALL.into_iter().filter(|kind| is_required(*kind, member.cluster().mode)).filter(served)
}

/// True when a cluster was not heard of for longer than it may be, whatever else keeps it where it is.
fn is_silent(after: &Watched) -> bool {
    let limit = after.times.suspect_after;
    !limit.is_zero() && after.evidence.contact_age.is_some_and(|age| age >= limit)
}

fn silence(evidence: &Evidence) -> String {
    match evidence.contact_age {
        Some(age) => format!("no contact for {} s", age.as_secs()),
        None => "no contact yet".to_owned(),
    }
}

/// What speaks against the cluster: its first error, else its silence.
fn cause(member: &Member, evidence: &Evidence) -> String {
    let error = |kind: Kind| Some(format!("{}: {}", kind.as_str(), member.facts().status(kind).error.as_deref()?));
    let silence = silence(evidence);
    match required(member).find_map(error) {
        Some(error) => format!("{silence} ({error})"),
        None => silence,
    }
}

impl Aged {
    fn tell_of_drain(&mut self, member: &Member) {
        let Cluster { id, drain, .. } = member.cluster();
        if *drain == self.drained {
            return;
        }
        self.drained = *drain;
        match drain {
            true => tracing::info!(
                "cluster {id}: drained (`clusters[].drain`): its addresses are left out where another cluster can answer"
            ),
            false => tracing::info!("cluster {id}: not drained any more: its addresses are back in their place"),
        }
    }

    /// One line: cluster, what happened, what is served meanwhile, what to do.
    fn tell(&mut self, id: &ClusterId, from: State, after: &Watched, cause: &str, now: Duration) {
        let to = after.freshness.state;
        if (from, to) == (State::Suspect, State::Fresh) && self.folded > 0 {
            return;
        }
        let mut again = String::new();
        if to == State::Suspect {
            if self.doubted.is_some_and(|at| now.saturating_sub(at) < FOLD) {
                self.folded += 1;
                return;
            }
            self.doubted = Some(now);
            again = match std::mem::take(&mut self.folded) {
                0 => again,
                count => format!(" ({count} times more since the last such line)"),
            };
        }
        let line = words(from, after, &format!("{cause}{again}"));
        if to > from { tracing::warn!("cluster {id}: {line}") } else { tracing::info!("cluster {id}: {line}") }
    }
}

/// The line of one change.
fn words(from: State, after: &Watched, cause: &str) -> String {
    let Watched { freshness, times, .. } = after;
    match (from, freshness.state) {
        (_, State::Suspect) => {
            let then = next(times.demote_after, "its addresses go behind those of other clusters");
            format!(
                "suspect: {cause}; answers stay as they are{then}; look at its API server or folder, and the way there"
            )
        }
        (State::Expired, _) => format!(
            "in contact again: its addresses come last until it was heard of for {:?} without an error",
            freshness.recovery(times)
        ),
        (_, State::Stale) => {
            let then = next(times.drop_after, "they are left out where another cluster can answer");
            format!(
                "stale: {cause}; its addresses are answered behind those of every cluster in contact, with EDE 3{then}; look \
                 at its API server or folder, and the way there"
            )
        }
        (_, State::Expired) => format!(
            "expired: {cause}; its addresses are left out where a cluster in contact has ready ones of the same family and \
             port, and come last elsewhere; repair it, or remove it from `clusters`"
        ),
        (State::Stale, _) => "fresh again: its addresses are back in their place".to_owned(),
        _ => "fresh: it is in contact; its answers never changed".to_owned(),
    }
}

/// What comes next, and when.
fn next(after: Duration, what: &str) -> String {
    if after.is_zero() { String::new() } else { format!("; after {after:?} without contact {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_new_watcher_held_back_set_the_contact_back() {
        let mut ageing = Ageing::new(HashMap::new(), Duration::from_secs(1));
        let west = ClusterId::new("west");
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        ageing.heard(&west, Kind::Service, minutes(20));
        ageing.heard(&west, Kind::Service, minutes(1));
        assert_eq!(ageing.contact(&west, Kind::Service), Some(minutes(20)));
        ageing.heard(&west, Kind::Service, minutes(21));
        assert_eq!(ageing.contact(&west, Kind::Service), Some(minutes(21)));
    }
}
