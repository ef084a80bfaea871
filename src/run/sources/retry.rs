//! Changed sources that did not get in sync: ended, and tried again later; the ones of before go on meanwhile.
//!
//! In: the outcome of a handover. Out: another try, after pauses that grow.

use super::Running;
use crate::config::Config;
use crate::run::feed::Prepared;
use crate::run::handover::{Outcome, patience};
use std::time::Duration;
use tokio::time::Instant;

/// Longest pause between two tries.
const MOST: Duration = Duration::from_secs(600);

/// What is to be tried again.
pub(super) struct Retry {
    pub prepared: Prepared,
    tries: u32,
    due: Instant,
}

impl Running {
    /// A source did not get in sync: it ends, and is tried again after a pause.
    pub(in crate::run) fn give_up(&mut self, outcome: &Outcome, reason: &str, config: &Config) {
        let Some(source) = self.clusters.get_mut(&outcome.cluster) else { return };
        let Some(next) = source.take_next(outcome.generation) else { return };
        let tries = next.tries.saturating_add(1);
        let pause = (patience(config) / 20).saturating_mul(1 << tries.min(16)).min(MOST);
        tracing::warn!(
            "cluster {}: as it is configured now {reason}; it goes on being read as before, and the change is tried again in \
             {pause:?}; look at the errors above, or take the change back",
            outcome.cluster
        );
        source.retry = Some(Retry { prepared: next.prepared, tries, due: Instant::now() + pause });
    }

    /// When something is to be tried again.
    pub(in crate::run) fn retry_at(&self) -> Option<Instant> {
        self.clusters.values().filter_map(|source| Some(source.retry.as_ref()?.due)).min()
    }

    /// Tries again what is due.
    pub(in crate::run) fn retry(&mut self, config: &Config) {
        let now = Instant::now();
        self.generation += 1;
        let due: Vec<Retry> =
            self.clusters.values_mut().filter_map(|source| source.retry.take_if(|retry| retry.due <= now)).collect();
        for Retry { prepared, tries, .. } in due {
            match self.beside(config, prepared) {
                Ok((mut next, from)) => {
                    next.tries = tries;
                    self.hand_over(next, from, patience(config));
                }
                Err(error) => tracing::error!("{error}; it goes on being read as before; a reload tries it again"),
            }
        }
    }
}
