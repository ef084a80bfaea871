//! Follows one kind of one cluster: runs the steps of its [`Course`] against the API server.
//!
//! In: lists and watch events. Out: `Change`s of the kind, every fault as `Change::Failed`, signs of life as
//! `Change::Contact`.

use super::backoff::{Backoff, jitter};
use super::client::Deadline;
use super::cluster::{Closed, Shared};
use super::counters::Verb;
use super::course::{Course, Met, Move, Pause, Reason, Report, Step};
use super::fault::{Fault, Stop};
use super::kinds::{Need, Row};
use super::pulse::Pulse;
use super::watch::{self, Line, Lines};
use super::{discovery, list};
use crate::model::{Change, Kind};
use crate::source::object::{Decoded, Event, Outcome};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// One kind of one cluster.
pub(super) struct Follower {
    row: &'static Row,
    shared: Arc<Shared>,
    course: Course,
    backoff: Backoff,
    /// Of the collection, at the version that is served.
    path: String,
    /// The resourceVersion reached.
    version: u64,
    watch_started: Option<Instant>,
    pulse: Pulse,
}

impl Follower {
    pub fn new(row: &'static Row, shared: Arc<Shared>) -> Self {
        let optional = row.need(shared.mode) == Need::Optional;
        Follower {
            row,
            course: Course::new(row.discovered, optional),
            backoff: Backoff::new(shared.connection.timing().backoff, shared.backoff.clone()),
            path: row.path(row.versions[0]),
            version: 0,
            watch_started: None,
            pulse: Pulse::new(row.kind, shared.clone()),
            shared,
        }
    }

    /// Goes on until the receiver is gone.
    pub async fn run(mut self) {
        while self.turn().await.is_ok() {}
    }

    async fn turn(&mut self) -> Result<(), Closed> {
        if let Some(fail) = &self.shared.fail_point {
            fail(self.row.kind);
        }
        let step = self.course.step();
        let result = match step {
            Step::Discover => self.discover().await,
            Step::List(reason) => self.list(reason).await,
            Step::Watch => self.watch().await,
            Step::Check => self.check().await,
        };
        let (met, fault) = match result {
            Ok(met) => (met, None),
            Err(Stop::Fault(fault)) => (Met::Fault(fault.class()), Some(fault)),
            Err(Stop::Closed) => return Err(Closed),
        };
        if let Some(fault) = &fault {
            self.pulse.missed();
            self.shared.counters.watch_error(self.row.kind, fault.code());
        }
        self.healthy_moments(step, met);
        let go = self.course.meet(met);
        let delay = self.delay(go.pause, fault.as_ref());
        self.report(step, go, fault.as_ref(), delay).await?;
        tokio::time::sleep(delay).await;
        Ok(())
    }

    /// A clean end, or a watch that lived long: the delays start over.
    fn healthy_moments(&mut self, step: Step, met: Met) {
        let healthy = self.shared.connection.timing().healthy;
        let lived = step == Step::Watch && self.watch_started.is_some_and(|start| start.elapsed() >= healthy);
        if lived || met == Met::Ended {
            self.backoff.reset();
            self.course.healthy();
        }
    }

    fn delay(&mut self, pause: Pause, fault: Option<&Fault>) -> Duration {
        let timing = self.shared.connection.timing();
        match pause {
            Pause::None => Duration::ZERO,
            Pause::Backoff => self.backoff.fail(Instant::now(), fault.and_then(Fault::retry_after), jitter()),
            Pause::Reprobe => timing.reprobe,
            Pause::Confirm => timing.confirm,
        }
    }

    async fn report(&self, step: Step, go: Move, fault: Option<&Fault>, delay: Duration) -> Result<(), Closed> {
        let fault = fault.unwrap_or(&Fault::NotServed);
        let (verb, resource, kind) = (verb(step).as_str(), self.row.resource(), self.row.kind);
        let change = match go.report {
            Report::Nothing => return Ok(()),
            Report::Failed => {
                let kept = if self.course.is_synced() { "the last data is kept" } else { "nothing is known of it yet" };
                let error = format!("{verb} {resource}: {fault}; {kept}, it is tried again{}", fault.advice());
                Change::Failed { kind, error }
            }
            Report::Absent if *fault == Fault::NotServed => {
                let versions = self.row.versions.join(", ");
                let reason = format!(
                    "not-served: discovery lists {resource} at none of {versions}; looked for again in {delay:?}"
                );
                Change::Absent { kind, reason }
            }
            Report::Absent => {
                let reason = format!("forbidden: {verb} {resource}: {fault}; served without it{}", fault.advice());
                Change::Absent { kind, reason }
            }
        };
        self.shared.send(change, Instant::now()).await
    }

    async fn discover(&mut self) -> Result<Met, Stop> {
        match discovery::version(&self.shared.connection, self.row).await? {
            Some(version) => {
                self.path = self.row.path(version);
                Ok(Met::Served)
            }
            None => Ok(Met::NotServed),
        }
    }

    async fn list(&mut self, reason: Reason) -> Result<Met, Stop> {
        let request = list::Request {
            connection: &self.shared.connection,
            path: &self.path,
            kind: self.row.kind,
            context: &self.shared.context,
            limits: &self.shared.limits,
        };
        let began = Instant::now();
        let whole = {
            let _shared = self.shared.context.interner.lasting();
            request.whole(&self.pulse).await?
        };
        self.shared.confirm(began).await?;
        self.reach(whole.version, true);
        self.shared.counters.sync(self.row.kind, reason);
        let change = Change::Replace { kind: self.row.kind, facts: whole.facts, findings: whole.findings };
        self.shared.send(change, Instant::now()).await?;
        Ok(Met::Listed)
    }

    async fn check(&mut self) -> Result<Met, Stop> {
        let Shared { connection, limits, .. } = &*self.shared;
        self.shared.confirm(Instant::now()).await?;
        let deadline = Deadline::after(connection.timing().probe.1);
        let newest = list::newest(connection, Verb::Check, &self.path, limits, deadline).await?;
        Ok(Met::Checked { backwards: newest < self.version })
    }

    async fn watch(&mut self) -> Result<Met, Stop> {
        self.pace().await;
        let shared = self.shared.clone();
        // One question serves the watches of a cluster that start at about the same time.
        let lately = shared.connection.timing().watch / 2;
        shared.confirm(Instant::now().checked_sub(lately).unwrap_or_else(Instant::now)).await?;
        let mut lines = Lines::start(&shared.connection, &self.path, self.version, &shared.limits).await?;
        self.pulse.beat().await?;
        let asked = shared.asked(self.row.kind);
        loop {
            let line = tokio::select! {
                line = lines.next() => line?,
                () = asked.notified() => return Ok(Met::Asked),
            };
            match line {
                Line::Whole(range) => {
                    let event = watch::event(&shared.connection, self.row.kind, lines.line(range), &shared.context)?;
                    self.take(event, lines.arrived()).await?;
                }
                Line::Part => self.pulse.beat().await?,
                Line::End => {
                    self.pulse.beat().await?;
                    return Ok(Met::Ended);
                }
            }
        }
    }

    /// At most one start of a watch per second.
    async fn pace(&mut self) {
        if let Some(last) = self.watch_started {
            tokio::time::sleep_until((last + self.shared.connection.timing().pace).into()).await;
        }
        self.watch_started = Some(Instant::now());
    }

    async fn take(&mut self, event: Event, arrived: Instant) -> Result<(), Closed> {
        let change = match event {
            Event::Applied(decoded) => {
                self.reach(decoded.resource_version, false);
                applied(self.row.kind, decoded)
            }
            Event::Deleted(decoded) => {
                self.reach(decoded.resource_version, false);
                decoded.identity().1.map(|key| Change::Delete { kind: self.row.kind, key })
            }
            Event::Bookmark(version) => {
                self.reach(version, false);
                None
            }
            // Errors are faults by now.
            Event::Error(_) => None,
        };
        match change {
            Some(change) => self.shared.send(change, arrived).await,
            None => self.pulse.beat().await,
        }
    }

    /// Notes the resourceVersion reached; 0 is none. Only a new list may take it back.
    fn reach(&mut self, version: u64, listed: bool) {
        if version != 0 && (listed || version > self.version) {
            self.version = version;
            if self.row.kind == Kind::EndpointSlice {
                self.shared.slice_version.store(version, Ordering::Relaxed);
            }
        }
    }
}

fn verb(step: Step) -> Verb {
    match step {
        Step::Discover => Verb::Discover,
        Step::List(_) => Verb::List,
        Step::Watch => Verb::Watch,
        Step::Check => Verb::Check,
    }
}

fn applied(kind: Kind, decoded: Decoded) -> Option<Change> {
    match decoded.outcome {
        Outcome::Object { fact, findings } => Some(Change::Apply { fact, findings }),
        Outcome::Rejected { key, finding, .. } => Some(Change::Rejected { kind, key, finding }),
        // What it said before, as a mirror or before it became one, no longer holds.
        Outcome::Ignored { object } => object.map(|(kind, key)| Change::Delete { kind, key }),
    }
}
