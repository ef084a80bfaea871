//! How fresh a cluster is (RESILIENCE.md section 3), as a pure step.
//!
//! In: what was known of a cluster, the evidence at this moment, its times. Out: what is known of it now. [`step`] takes one
//! edge of the drawing for one cluster; [`settle`] moves a whole set, with the all-dead guard. Times are those of a [`Clock`].
//!
//! ```text
//! Unknown --sync--> Fresh --error, no contact--> Suspect --no contact--> Stale --no contact--> Expired
//!                    ^ ^-------- contact ----------'                      |  ^                    |
//!                    '------ contact, then recoverAfter without error ----'  '--- first contact --'
//! ```

mod clock;
#[cfg(test)]
mod tests;

pub use clock::Clock;

use super::cluster::State;
use std::time::Duration;

/// What is known of one cluster at the moment of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Every required kind has been listed by this process (`ClusterSet::is_synced`).
    pub synced: bool,
    /// Age of the oldest contact among the required kinds; `None` before the first of one of them.
    pub contact_age: Option<Duration>,
    /// A required kind shows an error.
    pub failing: bool,
    /// Another system says that it cannot be reached.
    pub reported: bool,
    /// Some cluster is Fresh (the all-dead guard, RESILIENCE.md rule 5).
    pub any_fresh: bool,
    /// Time since the cluster was configured.
    pub known_for: Duration,
}

/// `freshness` of the configuration; zero means never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub grace: Duration,
    pub suspect_after: Duration,
    pub demote_after: Duration,
    pub drop_after: Duration,
    pub recover_after: Duration,
    /// What another system says may demote it (`freshness.evidence: stale`); one that age never demotes is not.
    pub reports_demote: bool,
    /// A demotion so soon after a recovery is a relapse: the next recovery takes twice as long.
    pub relapse_within: Duration,
    /// Longest time that relapses make of `recover_after`.
    pub recover_most: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Times {
            grace: seconds(30),
            suspect_after: seconds(40),
            demote_after: seconds(60),
            drop_after: seconds(15 * 60),
            recover_after: seconds(30),
            reports_demote: false,
            relapse_within: seconds(10 * 60),
            recover_most: seconds(5 * 60),
        }
    }
}

/// State and grace of one cluster, and what recovery depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freshness {
    pub state: State,
    pub grace_over: bool,
    /// When the state was entered.
    since: Duration,
    /// Since when a demoted cluster has been in contact without an error.
    healthy_since: Option<Duration>,
    /// When it last came back from Stale.
    recovered: Option<Duration>,
    relapses: u32,
}

/// One cluster in [`settle`].
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    pub freshness: Freshness,
    /// `any_fresh` is filled in.
    pub evidence: Evidence,
    pub times: Times,
}

impl Freshness {
    /// The freshness of a cluster whose state was set by other means at `now`: a first sync, a snapshot.
    pub fn entered(self, state: State, now: Duration) -> Self {
        Freshness { state, since: now, healthy_since: None, ..self }
    }

    /// How long contact must last before a demoted cluster is trusted again.
    pub fn recovery(&self, times: &Times) -> Duration {
        let doubled = times.recover_after.saturating_mul(1 << self.relapses.min(16));
        doubled.min(times.recover_most.max(times.recover_after))
    }

    /// For how long a demoted cluster has been in contact without an error, if it is.
    pub fn healthy_for(&self, now: Duration) -> Option<Duration> {
        self.healthy_since.filter(|_| self.state.is_stale()).map(|since| now.saturating_sub(since))
    }

    /// Notes whether a demoted cluster is in contact: since its demotion every required kind was heard of, none shows an
    /// error, and none has been silent for too long since.
    fn note_contact(&mut self, evidence: &Evidence, times: &Times, now: Duration) {
        let heard = evidence.contact_age.is_some_and(|age| age < now.saturating_sub(self.since));
        let goes_on = self.healthy_since.is_some();
        let healthy = evidence.synced && (heard || goes_on) && due(evidence, times) == State::Fresh;
        self.healthy_since = if healthy { self.healthy_since.or(Some(now)) } else { None };
    }

    fn demote(&mut self, times: &Times, now: Duration) {
        let relapsed = self.recovered.is_some_and(|at| now.saturating_sub(at) < times.relapse_within);
        self.relapses = if relapsed { self.relapses.saturating_add(1) } else { 0 };
    }
}

/// The next freshness: at most one edge further. Call it until nothing changes.
pub fn step(before: &Freshness, evidence: &Evidence, times: &Times, now: Duration) -> Freshness {
    let mut next = *before;
    next.grace_over |= !times.grace.is_zero() && evidence.known_for >= times.grace;
    if before.state.is_stale() {
        next.note_contact(evidence, times, now);
    }
    let Some(state) = edge(&next, evidence, times, now) else { return next };
    let healthy_since = next.healthy_since.filter(|_| state == State::Stale);
    next = Freshness { healthy_since, ..next.entered(state, now) };
    match (before.state, state) {
        (State::Suspect, State::Stale) => next.demote(times, now),
        (State::Stale, State::Fresh) => next.recovered = Some(now),
        _ => {}
    }
    next
}

/// The edge that is to be taken.
fn edge(at: &Freshness, evidence: &Evidence, times: &Times, now: Duration) -> Option<State> {
    let due = due(evidence, times);
    // Restored from a snapshot: it has its grace before its age counts.
    let restoring = !evidence.synced && !times.grace.is_zero() && evidence.known_for < times.grace;
    match at.state {
        State::Unknown => evidence.synced.then_some(State::Fresh),
        State::Fresh => (due != State::Fresh).then_some(State::Suspect),
        State::Suspect if due == State::Fresh => evidence.synced.then_some(State::Fresh),
        State::Suspect => (due >= State::Stale && evidence.any_fresh && !restoring).then_some(State::Stale),
        State::Stale => match at.healthy_since {
            Some(since) => (now.saturating_sub(since) >= at.recovery(times)).then_some(State::Fresh),
            None => (due == State::Expired && evidence.any_fresh).then_some(State::Expired),
        },
        State::Expired => at.healthy_since.map(|_| State::Stale),
    }
}

/// The state that age and errors alone speak for. A later time that is the shorter brings the states before it along.
fn due(evidence: &Evidence, times: &Times) -> State {
    let age = evidence.contact_age.unwrap_or(evidence.known_for);
    let over = |limit: Duration| !limit.is_zero() && age >= limit;
    match () {
        () if over(times.drop_after) => State::Expired,
        () if over(times.demote_after) => State::Stale,
        () if evidence.reported && times.reports_demote && !times.demote_after.is_zero() => State::Stale,
        () if over(times.suspect_after) || evidence.failing || evidence.reported => State::Suspect,
        () => State::Fresh,
    }
}

impl Evidence {
    /// What it is by its own signs of life, whatever others say of it: in sync, heard of, without an error.
    pub fn is_in_contact(&self, times: &Times) -> bool {
        self.synced && due(&Evidence { reported: false, ..*self }, times) == State::Fresh
    }
}

/// Moves every cluster as far as the evidence goes. True when the guard held one back: no cluster is Fresh, so the fault is
/// likely ours and none becomes Stale or Expired (RESILIENCE.md rule 5).
///
/// Losses and recoveries come first: two clusters lost in one moment must not vouch for each other.
pub fn settle(clusters: &mut [Watched], now: Duration) -> bool {
    clusters.iter_mut().for_each(|cluster| cluster.advance(false, now));
    let any_fresh = clusters.iter().any(|cluster| cluster.freshness.state == State::Fresh);
    clusters.iter_mut().for_each(|cluster| cluster.advance(any_fresh, now));
    !any_fresh && clusters.iter().any(|cluster| cluster.is_held(now))
}

impl Watched {
    fn advance(&mut self, any_fresh: bool, now: Duration) {
        self.evidence.any_fresh = any_fresh;
        // No walk is longer than the drawing.
        for _ in 0..5 {
            let next = step(&self.freshness, &self.evidence, &self.times, now);
            if std::mem::replace(&mut self.freshness, next).state == next.state {
                return;
            }
        }
    }

    /// True when only the guard keeps the cluster where it is.
    fn is_held(&self, now: Duration) -> bool {
        let free = Evidence { any_fresh: true, ..self.evidence };
        step(&self.freshness, &free, &self.times, now).state > self.freshness.state
            && matches!(self.freshness.state, State::Suspect | State::Stale)
    }
}
