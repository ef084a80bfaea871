//! Drives the publisher: a channel of observations, a clock, slices of bulk work.
//!
//! In: observations of every source, [`Command`]s. Out: a filled table, [`Readiness`], figures. Runs as one task on a thread of
//! its own, so that bulk work delays nothing else.

mod ends;
mod observing;
mod report;

pub use ends::{Command, Ends, Readiness, Reconfiguration, Registry, Relist, Room, Schedule};

use super::ageing::Ageing;
use super::publisher::Publisher;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, watch};

/// Bulk work stops this often to look for single changes (DESIGN.md, "Bulk work", says 5 ms).
const SLICE: Duration = Duration::from_millis(2);
/// Observations taken in before the next slice of work.
const INTAKE: usize = 256;
/// Serials, reports, states and graces move this often.
const TICK: Duration = Duration::from_secs(1);

/// Surveys are at least this far apart.
const SURVEY: Duration = Duration::from_secs(5);
/// Memory is measured at most so often.
const MEASURE: Duration = Duration::from_millis(50);

/// Runs until told to stop or until every source has hung up and nothing waits.
pub async fn run(publisher: Publisher, schedule: Schedule, ends: Ends) {
    let Ends { mut observations, mut commands, readiness, serials, mut stop } = ends;
    let Schedule { epoch, times, tick, registry, relist, room } = schedule;
    let mut driver = Driver {
        publisher,
        registry: Registry::default(),
        epoch,
        relist,
        room,
        measured: None,
        readiness,
        ageing: Ageing::new(times, tick),
        serials_at: None,
        serials,
        surveyed_at: None,
    };
    driver.set_registry(registry);
    let mut tick = tokio::time::interval(tick);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut idle = true;
    loop {
        tokio::select! {
            biased;
            _ = &mut stop => break,
            // Before the observations: a flood of them must not stop the clock.
            _ = tick.tick() => driver.tick(),
            Some(observation) = observations.recv(), if driver.publisher.has_room() => driver.take_in(observation, &mut observations),
            Some(command) = commands.recv() => driver.obey(command),
            // With work left, this branch is always ready: the others are only looked at.
            () = std::future::ready(()), if !idle => {}
        }
        idle = driver.work();
        if !idle {
            tokio::task::yield_now().await;
        }
    }
}

struct Driver {
    publisher: Publisher,
    registry: Registry,
    epoch: Instant,
    relist: Relist,
    room: Room,
    /// When memory was last measured, and whether there was room.
    measured: Option<(Instant, bool)>,
    readiness: watch::Sender<Readiness>,
    ageing: Ageing,
    serials_at: Option<Instant>,
    serials: Arc<Notify>,
    surveyed_at: Option<Instant>,
}

impl Driver {
    /// When nothing waits: the survey walks over all hosts.
    fn settle_survey(&mut self) {
        if self.publisher.waiting() == 0 && self.surveyed_at.is_none_or(|at| at.elapsed() >= SURVEY) {
            self.publisher.survey();
            self.tell_findings();
            self.surveyed_at = Some(Instant::now());
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Ask(question) => question(&self.publisher),
            Command::Reconfigure(next) => self.reconfigure(*next),
            Command::Resolved(resolved) => self.publisher.set_resolved(resolved),
            Command::Accused(accused) => self.publisher.figures().accused.store(Arc::new(accused)),
            Command::Probed(probed) => self.publisher.set_probed(probed),
        }
    }

    fn reconfigure(&mut self, next: Reconfiguration) {
        let late = self.readiness.borrow().ready;
        self.publisher.brake_mut().set_limits(next.brake);
        self.publisher.reconfigure(next.setup, late);
        self.set_registry(next.registry);
        let clusterset = self.publisher.clusterset();
        self.ageing.set_times(next.times, |cluster| clusterset.get(cluster).is_some());
        // The series of a removed cluster end here.
        let report = self.report();
        self.publisher.figures().report.store(Arc::new(report));
        // Whoever asked may have gone.
        let _ = next.done.send(());
    }

    fn set_registry(&mut self, registry: Registry) {
        self.publisher.set_awaits_registry(registry.awaited);
        self.registry = registry;
    }

    /// One slice of work; true when nothing is left.
    fn work(&mut self) -> bool {
        let until = Instant::now() + SLICE;
        let done = self.publisher.work(|| Instant::now() < until);
        self.tell_what_happened();
        self.publisher.settle_answered(self.epoch.elapsed());
        if done {
            self.settle_serials();
            self.settle_readiness();
        }
        done
    }

    fn tick(&mut self) {
        let now = self.epoch.elapsed();
        self.ageing.settle(&mut self.publisher, now);
        self.settle_growth();
        for (cluster, kind) in self.publisher.due_lists(now) {
            (self.relist)(&cluster, kind);
        }
        self.settle_serials();
        self.settle_readiness();
        self.settle_survey();
        let report = self.report();
        self.publisher.figures().report.store(Arc::new(report));
    }

    /// New objects are refused while memory is short; what was refused is listed again later, in `tick`.
    fn settle_growth(&mut self) {
        if self.measured.is_some_and(|(at, _)| at.elapsed() < MEASURE) {
            return;
        }
        let had_room = self.measured.is_none_or(|(_, room)| room);
        let has_room = (self.room)();
        self.measured = Some((Instant::now(), has_room));
        match (had_room, has_room) {
            (true, false) => self.publisher.growth_mut().stop(),
            (false, true) => self.publisher.growth_mut().resume(self.epoch.elapsed()),
            _ => {}
        }
    }

    /// At most once a second, to the wall clock (DNS.md section 4).
    fn settle_serials(&mut self) {
        if self.serials_at.is_some_and(|at| at.elapsed() < TICK) {
            return;
        }
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.publisher.bump_serials(unix as u32) {
            self.serials_at = Some(Instant::now());
            self.serials.notify_one();
        }
    }
}
