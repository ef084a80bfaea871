//! Drives the publisher: a channel of observations, a clock, slices of bulk work.
//!
//! In: observations of every source, [`Command`]s. Out: a filled table, [`Readiness`], figures. Runs as one task on a thread of
//! its own, so that bulk work delays nothing else.

use super::ageing::{self, Ageing};
use super::braking;
use super::figures::{ClusterReport, KindReport, Report};
use super::growth;
use super::publisher::{Publisher, Setup};
use crate::model::clusterset::Member;
use crate::model::fact::Kind;
use crate::model::freshness::Times;
use crate::model::{Change, ClusterId, Observation, State};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Bulk work stops this often to look for single changes (DESIGN.md, "Bulk work").
const SLICE: Duration = Duration::from_millis(5);
/// Observations taken in before the next slice of work.
const INTAKE: usize = 1024;
/// Serials, reports, states and graces move this often.
const TICK: Duration = Duration::from_secs(1);

/// Surveys are at least this far apart.
const SURVEY: Duration = Duration::from_secs(5);
/// Memory is measured at most so often.
const MEASURE: Duration = Duration::from_millis(50);

/// What others ask of the publisher.
pub enum Command {
    /// Runs a closure on the publisher between two slices, for `explain` on a running server.
    Ask(Box<dyn FnOnce(&Publisher) + Send>),
    /// The addresses of all looked-up host names.
    Resolved(HashMap<Arc<str>, Vec<std::net::IpAddr>>),
    /// Puts another configuration in force.
    Reconfigure(Box<Reconfiguration>),
}

/// What a changed configuration means for the publisher.
pub struct Reconfiguration {
    /// The zones are those that run.
    pub setup: Setup,
    pub times: HashMap<ClusterId, Times>,
    pub brake: crate::model::brake::Limits,
    pub registry: Registry,
    /// Told when it is in force: from then on new clusters are listened to.
    pub done: oneshot::Sender<()>,
}

/// What is known of the registry, beside the clusters that it gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registry {
    /// Clusters may come that nobody knows of yet: it was not listed, and its grace runs.
    pub awaited: bool,
    /// One line per thing that is missing, for `/ready`.
    pub missing: Vec<String>,
}

/// Whether sockets may open (RESILIENCE.md rule 2), and what is missing if not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readiness {
    pub ready: bool,
    /// One line per thing missing. Also filled when ready: clusters that are not synced.
    pub missing: Vec<String>,
    /// One line per cluster that was synced and is out of contact.
    pub lost: Vec<String>,
}

/// Asks the source of a cluster for another list of a kind.
pub type Relist = Box<dyn Fn(&ClusterId, Kind) + Send>;

/// Measures whether there is memory for new objects.
pub type Room = Box<dyn FnMut() -> bool + Send>;

/// What the task is told at start.
pub struct Schedule {
    /// Zero of all `received_ns`.
    pub epoch: Instant,
    /// The ages of each cluster's data.
    pub times: HashMap<ClusterId, Times>,
    /// How often states are looked at, so that they change no more often.
    pub tick: Duration,
    pub registry: Registry,
    pub relist: Relist,
    /// False while memory is too short for new objects.
    pub room: Room,
}

impl Schedule {
    /// Once a second, with nobody to ask for another list and with room for everything.
    pub fn new(epoch: Instant, times: HashMap<ClusterId, Times>) -> Self {
        Schedule {
            epoch,
            times,
            tick: TICK,
            registry: Registry::default(),
            relist: Box::new(|_, _| {}),
            room: Box::new(|| true),
        }
    }
}

/// The task's ends of its channels.
pub struct Ends {
    pub observations: mpsc::Receiver<Observation>,
    pub commands: mpsc::Receiver<Command>,
    pub readiness: watch::Sender<Readiness>,
    /// Told after the serial of some zone moved.
    pub serials: Arc<Notify>,
    /// Resolves at shutdown.
    pub stop: oneshot::Receiver<()>,
}

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
            Some(observation) = observations.recv() => driver.take_in(observation, &mut observations),
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
    fn take_in(&mut self, first: Observation, more: &mut mpsc::Receiver<Observation>) {
        self.settle_growth();
        self.observe(first);
        for _ in 1..INTAKE {
            let Ok(observation) = more.try_recv() else { break };
            self.observe(observation);
        }
    }

    fn observe(&mut self, observation: Observation) {
        let received = Duration::from_nanos(observation.received_ns);
        if let Some(kind) = contact_of(&observation.change) {
            self.ageing.heard(&observation.cluster, kind, received);
        }
        for finding in findings_of(&observation.change) {
            self.publisher.warnings.tell(finding);
        }
        if let Change::Failed { kind, error } = &observation.change {
            self.failed(&observation.cluster, *kind, error);
        }
        let cluster = observation.cluster.clone();
        let counts = matches!(observation.change, Change::Apply { .. } | Change::Delete { .. });
        self.publisher.take_in(observation);
        if counts {
            self.publisher.await_answer(cluster, received);
        }
        self.publisher.brake_mut().take_events().iter().for_each(braking::tell);
        self.tell_findings();
    }

    fn tell_findings(&mut self) {
        for line in self.publisher.warnings.take_lines() {
            tracing::warn!("{line}");
        }
    }

    /// When nothing waits: the survey walks over all hosts.
    fn settle_survey(&mut self) {
        if self.publisher.waiting() == 0 && self.surveyed_at.is_none_or(|at| at.elapsed() >= SURVEY) {
            self.publisher.survey();
            self.tell_findings();
            self.surveyed_at = Some(Instant::now());
        }
    }

    /// One line when a kind begins to fail, and when it fails in another way; one for all kinds that fail alike.
    fn failed(&self, cluster: &ClusterId, kind: Kind, error: &str) {
        let member = self.publisher.clusterset().get(cluster);
        let stands = |kind| member.is_some_and(|member| member.facts().status(kind).error.as_deref() == Some(error));
        if !Kind::ALL.into_iter().any(stands) {
            let kept = member.is_some_and(|member| member.state().is_known());
            let meanwhile = if kept { "its data is kept and served" } else { "nothing of it is served yet" };
            tracing::warn!("cluster {cluster}: {}: {error}; {meanwhile}", kind.as_str());
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Ask(question) => question(&self.publisher),
            Command::Reconfigure(next) => self.reconfigure(*next),
            Command::Resolved(resolved) => self.publisher.set_resolved(resolved),
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
        self.tell_findings();
        if done {
            self.publisher.answered(self.epoch.elapsed());
            self.settle_serials();
            self.settle_readiness();
        }
        done
    }

    fn tick(&mut self) {
        let now = self.epoch.elapsed();
        self.ageing.settle(&mut self.publisher, now);
        for (cluster, kind) in self.publisher.brake_mut().due(now) {
            (self.relist)(&cluster, kind);
        }
        self.settle_growth();
        self.settle_serials();
        self.settle_readiness();
        self.settle_survey();
        let report = self.report();
        self.publisher.figures().report.store(Arc::new(report));
    }

    /// New objects are refused while memory is short; what was refused is listed again later.
    fn settle_growth(&mut self) {
        if self.measured.is_some_and(|(at, _)| at.elapsed() < MEASURE) {
            return;
        }
        let had_room = self.measured.is_none_or(|(_, room)| room);
        let has_room = (self.room)();
        self.measured = Some((Instant::now(), has_room));
        match (had_room, has_room) {
            (true, false) => self.publisher.growth_mut().stop(),
            (false, true) => {
                for (cluster, kind) in self.publisher.growth_mut().resume() {
                    (self.relist)(&cluster, kind);
                }
            }
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

    fn settle_readiness(&self) {
        let clusterset = self.publisher.clusterset();
        let decided = |member: &Member| member.state().is_known() || member.grace_over();
        let all = clusterset.members().all(|(_, member)| decided(member));
        let one = clusterset.is_empty() || clusterset.members().any(|(_, member)| member.state().is_known());
        let unknown = clusterset.members().filter(|(_, m)| !m.state().is_known()).map(|(_, m)| missing(m));
        let missing = unknown.chain(self.registry.missing.iter().cloned()).collect();
        let ready = all && one && !self.registry.awaited && self.publisher.waiting() == 0;
        let now = Readiness { ready, missing, lost: self.ageing.lost() };
        // Once open, sockets stay open.
        let next = Readiness { ready: now.ready || self.readiness.borrow().ready, ..now };
        if *self.readiness.borrow() == next {
            return;
        }
        // Whoever reads the figures on hearing of this must find them so.
        self.publisher.figures().report.store(Arc::new(self.report()));
        self.readiness.send_replace(next);
    }

    fn report(&self) -> Report {
        let members = self.publisher.clusterset().members();
        Report {
            clusters: members.map(|(_, member)| self.cluster_report(member)).collect(),
            conflicts: self.publisher.conflict_counts(),
            endpoints: self.publisher.endpoint_count(),
            waiting: self.publisher.waiting(),
            at_ns: self.epoch.elapsed().as_nanos() as u64,
        }
    }

    /// Findings about objects, and about what they are together.
    fn findings_of(&self, member: &Member) -> Vec<(&'static str, u64)> {
        let mut counts = member.facts().findings().counts();
        for (code, count) in self.publisher.warnings.counts_of(member.cluster().id.as_str()) {
            *counts.entry(code).or_default() += count as usize;
        }
        let counts = counts.into_iter().map(|(code, count)| (code, count as u64));
        let refused = self.publisher.growth.refused(&member.cluster().id);
        counts.chain((refused > 0).then_some((growth::CODE, refused))).collect()
    }

    fn cluster_report(&self, member: &Member) -> ClusterReport {
        let (cluster, facts) = (member.cluster(), member.facts());
        let kind = |kind: Kind| {
            let status = facts.status(kind);
            let report = KindReport {
                contact_ns: self.ageing.contact(&cluster.id, kind).map(|at| at.as_nanos() as u64),
                objects: facts.count(kind) as u64,
                error: status.error.as_deref().map(String::from),
                required: ageing::required(member).any(|required| required == kind),
                synced: status.is_synced(),
            };
            (kind, report)
        };
        let read = Kind::ALL.into_iter().filter(|kind| crate::model::facts::is_read(*kind, cluster.mode));
        ClusterReport {
            id: cluster.id.clone(),
            state: member.state(),
            synced: member.state() != State::Unknown && !member.is_restored(),
            restored: member.restored(),
            grace_over: member.grace_over(),
            kinds: read.map(kind).collect(),
            brake_active: !self.publisher.brake().waiting(&cluster.id).is_empty(),
            brake_total: self.publisher.brake().total(&cluster.id),
            findings: self.findings_of(member),
        }
    }
}

fn findings_of(change: &Change) -> &[crate::model::Finding] {
    match change {
        Change::Apply { findings, .. } | Change::Replace { findings, .. } | Change::Unreadable { findings } => findings,
        Change::Rejected { finding, .. } => std::slice::from_ref(finding),
        _ => &[],
    }
}

/// The kind that an observation is a sign of life of.
fn contact_of(change: &Change) -> Option<Kind> {
    match change {
        Change::Apply { fact, .. } => Some(fact.kind()),
        Change::Delete { kind, .. }
        | Change::Replace { kind, .. }
        | Change::Contact { kind }
        | Change::Absent { kind, .. } => Some(*kind),
        Change::Rejected { kind, .. } => Some(*kind),
        Change::Failed { .. } | Change::Unreadable { .. } => None,
    }
}

/// `cluster west: not synced: EndpointSlice: 403 Forbidden` (OPERATIONS.md section 1).
fn missing(member: &Member) -> String {
    let (cluster, facts) = (member.cluster(), member.facts());
    let reason = |kind: Kind| {
        let status = facts.status(kind);
        if status.is_synced() {
            return None;
        }
        Some(match &status.error {
            Some(error) => format!("{}: {error}", kind.as_str()),
            None => format!("{}: no complete list yet", kind.as_str()),
        })
    };
    let required = Kind::ALL.into_iter().filter(|kind| crate::model::facts::is_required(*kind, cluster.mode));
    let reasons: Vec<String> = required.filter_map(reason).collect();
    format!("cluster {}: not synced: {}", cluster.id, reasons.join("; "))
}
