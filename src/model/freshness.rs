//! How fresh a cluster is (RESILIENCE.md section 3), as a pure step.
//!
//! In: the state, the evidence at this moment and the settings. Out: the next state. Today: the first sync.

use super::cluster::State;
use std::time::Duration;

/// What is known of one cluster at the moment of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Every required kind has been listed (`ClusterSet::is_synced`).
    pub synced: bool,
    /// Age of the oldest contact among the required kinds; `None` before the first.
    pub contact_age: Option<Duration>,
    /// A required kind shows an error.
    pub failing: bool,
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
        }
    }
}

/// State and grace of one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Freshness {
    pub state: State,
    pub grace_over: bool,
}

/// The next freshness. An unknown cluster becomes Fresh with its first sync; until then its grace runs.
pub fn step(now: Freshness, evidence: &Evidence, times: &Times) -> Freshness {
    let state = match now.state {
        State::Unknown if evidence.synced => State::Fresh,
        state => state,
    };
    let waited_enough = !times.grace.is_zero() && evidence.known_for >= times.grace;
    Freshness { state, grace_over: now.grace_over || waited_enough }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64, synced: bool) -> Evidence {
        Evidence { synced, known_for: Duration::from_secs(seconds), ..Evidence::default() }
    }

    #[test]
    fn a_first_sync_makes_a_cluster_fresh() {
        let times = Times::default();
        let start = Freshness::default();
        assert_eq!(step(start, &after(1, false), &times), start);
        assert_eq!(step(start, &after(1, true), &times).state, State::Fresh);
    }

    #[test]
    fn the_grace_runs_out_once_and_for_good() {
        let times = Times::default();
        let waited = step(Freshness::default(), &after(30, false), &times);
        assert_eq!(waited, Freshness { state: State::Unknown, grace_over: true });
        assert!(step(waited, &after(1, false), &times).grace_over);
        let never = Times { grace: Duration::ZERO, ..times };
        assert!(!step(Freshness::default(), &after(9999, false), &never).grace_over);
    }
}
