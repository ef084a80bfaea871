//! Drives the book: polls the clusterset for targets, keeps probes going, hands results on.

use super::Prober;
use super::book::Book;
use super::figures::Figures;
use super::lines::Lines;
use crate::model::probe::{Evidence, Target};
use crate::model::remark::Remark;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Targets are looked for, and evidence is handed on, at most so often.
const POLL: Duration = Duration::from_secs(1);
/// Probes begin so often, if any are due.
const TICK: Duration = Duration::from_millis(100);
/// Probes that begin at once: 100 in a second.
const PER_TICK: usize = 10;
/// Probes under way at once.
const CONCURRENT: usize = 64;

/// The writer of the clusterset, as this room sees it.
pub trait Clusterset {
    /// True when targets may have come or gone since the last call.
    fn changed(&mut self) -> bool;
    /// Every target, with a service or host that it is answered for; `None` when the writer is gone.
    fn targets(&mut self) -> impl Future<Output = Option<BTreeMap<Target, Arc<str>>>> + Send;
    /// Hands on the ill targets.
    fn probed(&mut self, evidence: Evidence) -> impl Future<Output = ()> + Send;
}

/// Probes until the writer is gone.
pub async fn run<P: Prober, C: Clusterset>(prober: P, clusterset: C, figures: Arc<Figures>) {
    let (start, book, lines) = (Instant::now(), Book::default(), Lines::default());
    let mut task = Task { prober: Arc::new(prober), clusterset, figures, book, lines, probes: JoinSet::new(), start };
    let (mut poll, mut tick) = (interval(POLL), interval(TICK));
    poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = poll.tick() => if !task.settle().await { return },
            _ = tick.tick(), if !task.book.is_empty() => task.begin(),
            Some(ended) = task.probes.join_next() => task.end(ended),
        }
    }
}

type Ended = (Target, Result<(), String>);

struct Task<P, C> {
    prober: Arc<P>,
    clusterset: C,
    figures: Arc<Figures>,
    book: Book,
    lines: Lines,
    probes: JoinSet<Ended>,
    start: Instant,
}

impl<P: Prober, C: Clusterset> Task<P, C> {
    /// False when the writer is gone.
    async fn settle(&mut self) -> bool {
        let now = self.start.elapsed();
        if self.clusterset.changed() {
            let Some(targets) = self.clusterset.targets().await else { return false };
            let line = self.book.want(targets, now);
            self.say(line);
        }
        if let Some(evidence) = self.book.take_changed() {
            self.clusterset.probed(evidence).await;
        }
        self.figures.set_targets(self.book.counts());
        if let Some(count) = self.lines.take_folded(now) {
            tracing::warn!("health checks: {count} more changes in the last minute; `explain` and /metrics show them");
        }
        true
    }

    fn begin(&mut self) {
        let free = CONCURRENT.saturating_sub(self.probes.len()).min(PER_TICK);
        for target in self.book.begin(self.start.elapsed(), free) {
            let prober = Arc::clone(&self.prober);
            self.probes.spawn(async move {
                let asked = prober.probe(target.clone());
                let result = match tokio::time::timeout(target.check.timeout, asked).await {
                    Ok(result) => result,
                    Err(_) => Err(format!("no answer in {:?}", target.check.timeout)),
                };
                (target, result)
            });
        }
    }

    fn end(&mut self, ended: Result<Ended, JoinError>) {
        match ended {
            Ok((target, result)) => {
                self.figures.count(result.is_ok());
                let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
                let line = self.book.end(&target, &result, unix);
                self.say(line);
            }
            Err(error) => tracing::error!("a health check ended early: {error}; its address is not probed again"),
        }
    }

    fn say(&mut self, line: Option<Remark>) {
        let now = self.start.elapsed();
        match line.filter(|_| self.lines.admit(now)) {
            Some(Remark::Warning(line)) => tracing::warn!("{line}"),
            Some(Remark::Information(line)) => tracing::info!("{line}"),
            None => {}
        }
    }
}
