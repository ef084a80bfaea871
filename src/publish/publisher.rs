//! The writer itself, without a clock or a channel: observations in, Blocks and Frames out.

use super::contain::Lost;
use super::entity::PublishedService;
use super::figures::Figures;
use super::frame::{Awaited, FrameTemplate};
use super::growth::Growth;
use super::hosts::HostRegistry;
use super::lists::{Lists, PART};
use super::probes::Probes;
use super::queue::Queue;
use super::reverse::ReverseRegistry;
use super::sweep::Sweeps;
use super::warnings::Warnings;
use crate::compile::{self, zone_names};
use crate::dns::NameError;
use crate::model::brake::Brake;
use crate::model::clusterset::ClusterSet;
use crate::model::hashed::Map;
use crate::model::{Cluster, ClusterId, Kind, ServiceKey, View};
use crate::table::{Block, Draft, Table, TableChange};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Measures a phase; the real one reads the monotonic clock, tests use none.
pub type Stopwatch = fn() -> Duration;

/// Everything a publisher starts with.
pub struct Setup {
    pub clusters: Vec<Cluster>,
    /// View 0 is `local`; at most 64.
    pub views: Vec<View>,
    pub model: crate::model::clusterset::Settings,
    pub compile: compile::Settings,
    pub frame: FrameTemplate,
}

/// What can be published anew.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Entity {
    Service(ServiceKey),
    Namespace(Arc<str>),
    /// A name in a global zone.
    Host(Arc<str>),
}

/// The only writer of a table.
pub struct Publisher {
    pub(super) clusterset: ClusterSet,
    pub(super) views: Vec<View>,
    pub(super) settings: compile::Settings,
    pub(super) frame: FrameTemplate,
    /// Of a changed configuration: put in force when every Block is compiled by it.
    pub(super) next_frame: Option<FrameTemplate>,
    pub(super) table: Arc<Table>,
    pub(super) figures: Arc<Figures>,
    pub(super) stopwatch: Stopwatch,
    pub(super) services: Map<ServiceKey, PublishedService>,
    /// How many services have each conflict reason.
    pub(super) conflicts: BTreeMap<&'static str, u64>,
    pub(super) endpoints: u64,
    /// Changes of single objects whose answers are not out yet: cluster and time of arrival since the epoch.
    unanswered: Vec<(ClusterId, Duration)>,
    pub(super) namespaces: HashMap<Arc<str>, u64>,
    pub(super) hosts: HostRegistry,
    pub(super) reverse: ReverseRegistry,
    pub(super) probes: Probes,
    pub(super) queue: Queue<Entity>,
    pub(super) sweeps: Sweeps,
    pub(super) lists: Lists,
    /// Lists of more objects are taken in part by part, so many at once.
    pub(super) part: usize,
    /// Zones with a change that their serial does not show yet.
    pub(super) changed_zones: Vec<bool>,
    awaited: Awaited,
    /// Clusters may come that nobody knows of yet.
    awaits_registry: bool,
    pub(super) brake: Brake,
    pub(super) growth: Growth,
    /// What panics swallowed.
    pub(super) lost: Lost,
    /// Called with each observation; a panic in it is one of the publisher.
    #[cfg(test)]
    pub(super) fail_point: fn(&crate::model::Observation),
    pub(super) warnings: Warnings<Entity>,
}

impl Publisher {
    /// Fills the table with the names that the zones have by themselves, and a Frame in which every cluster is awaited.
    /// Fails when a zone leaves no room for them.
    pub fn new(
        setup: Setup,
        table: Arc<Table>,
        figures: Arc<Figures>,
        stopwatch: Stopwatch,
    ) -> Result<Self, NameError> {
        let mut clusterset = ClusterSet::new(setup.model);
        for cluster in setup.clusters {
            clusterset.put_cluster(cluster, 0);
        }
        let mut publisher = Publisher {
            clusterset,
            views: setup.views,
            changed_zones: vec![true; setup.compile.zones.list.len()],
            settings: setup.compile,
            frame: setup.frame,
            next_frame: None,
            table,
            figures,
            stopwatch,
            services: Map::default(),
            conflicts: BTreeMap::new(),
            endpoints: 0,
            unanswered: Vec::new(),
            namespaces: HashMap::new(),
            hosts: HostRegistry::default(),
            reverse: ReverseRegistry::default(),
            probes: Probes::default(),
            queue: Queue::default(),
            sweeps: Sweeps::default(),
            lists: Lists::default(),
            part: PART,
            awaited: Awaited::default(),
            awaits_registry: false,
            brake: Brake::default(),
            growth: Growth::default(),
            lost: Lost::default(),
            #[cfg(test)]
            fail_point: |_| {},
            warnings: Warnings::default(),
        };
        publisher.awaited = publisher.awaited_views();
        publisher.set_frame();
        let zones = &publisher.settings.zones;
        let mut own = Vec::new();
        for zone in &zones.list {
            let put = |draft: &Draft| TableChange::Put(Block::pack(draft));
            let drafts = zone_names(zone, zones)?;
            publisher.table.apply(drafts.iter().map(put));
            own.extend(drafts.into_iter().map(|draft| draft.name));
        }
        publisher.hosts = HostRegistry::new(own);
        Ok(publisher)
    }

    /// All clusters and their facts.
    pub fn clusterset(&self) -> &ClusterSet {
        &self.clusterset
    }

    /// The views, `local` first.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// The settings of compile.
    pub fn compile_settings(&self) -> &compile::Settings {
        &self.settings
    }

    /// The brake on mass deletions.
    pub fn brake(&self) -> &Brake {
        &self.brake
    }

    /// The same, to set its limits or to ask what is due.
    pub fn brake_mut(&mut self) -> &mut Brake {
        &mut self.brake
    }

    /// What is refused for lack of memory.
    pub fn growth(&self) -> &Growth {
        &self.growth
    }

    /// The same, as memory comes and goes.
    pub fn growth_mut(&mut self) -> &mut Growth {
        &mut self.growth
    }

    /// The lists to ask for at `now` (since the epoch): a second opinion on deletions, what was refused for lack of memory,
    /// what a panic swallowed. Each once; a pause lies between two of one cause.
    pub fn due_lists(&mut self, now: Duration) -> BTreeSet<(ClusterId, Kind)> {
        let Publisher { brake, growth, lost, .. } = self;
        [brake.due(now), growth.due(now), lost.due(now)].into_iter().flatten().collect()
    }

    /// How much waits; a sweep, a long list and a cluster that leaves count as one, however far they still have to go.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.sweeps.len() + self.lists.len() + usize::from(self.clusterset.is_leaving())
    }

    /// False when so much waits behind long lists that nothing more should be observed for now.
    pub fn has_room(&self) -> bool {
        self.lists.have_room()
    }

    /// Publishes what waits until nothing does or `go_on` says stop, single changes first. True when nothing is left.
    pub fn work(&mut self, mut go_on: impl FnMut() -> bool) -> bool {
        while self.work_once() {
            if !go_on() {
                // Single changes without end must not keep a list from ever coming in.
                if self.queue.has_single() {
                    self.work_on_lists();
                }
                break;
            }
        }
        let done = self.waiting() == 0;
        if done {
            // Only now: while Blocks of a cluster are missing, its absent names must stay SERVFAIL.
            self.settle_frame();
        }
        done
    }

    /// One piece of work, some tens of microseconds; false when there is none.
    fn work_once(&mut self) -> bool {
        if let Some(entity) = self.queue.pop_single() {
            self.publish(&entity);
            return true;
        }
        // What is known comes before what is made of it, so that little is compiled twice.
        if !self.queue.is_full() && (self.let_go() || self.work_on_lists()) {
            return true;
        }
        let Some(entity) = self.queue.pop_bulk() else { return self.sweep() };
        self.publish(&entity);
        true
    }

    /// Gives up a part of a cluster that was removed.
    fn let_go(&mut self) -> bool {
        let Some(gone) = self.clusterset.let_go(self.part) else { return false };
        gone.into_iter().for_each(|key| self.push(Entity::Service(key), false));
        true
    }

    /// Whether clusters may come that nobody knows of yet: any name may be theirs (RESILIENCE.md rule 2).
    pub fn set_awaits_registry(&mut self, awaits: bool) {
        self.awaits_registry = awaits;
        self.settle_frame();
    }

    /// The views that await a cluster which could own any name.
    fn awaited_views(&self) -> Awaited {
        if self.awaits_registry {
            return Awaited { services: u64::MAX, hosts: u64::MAX };
        }
        let awaits = self.views.iter().enumerate().filter(|(_, view)| self.clusterset.awaits(view));
        let services = awaits.fold(0, |mask, (number, _)| mask | 1 << number);
        Awaited { services, hosts: if self.clusterset.awaits_hosts() { u64::MAX } else { 0 } }
    }

    pub(super) fn settle_frame(&mut self) {
        let awaited = self.awaited_views();
        if self.waiting() == 0
            && let Some(frame) = self.next_frame.take()
        {
            (self.frame, self.awaited) = (frame, awaited);
            self.set_frame();
        }
        // A view stops waiting only when everything known stands in the table.
        if awaited != self.awaited && (self.waiting() == 0 || awaited.adds_to(self.awaited)) {
            self.awaited = awaited;
            self.set_frame();
        }
    }

    fn set_frame(&self) {
        let settings = &self.settings;
        let is_there = |id: &ClusterId| self.clusterset.get(id).is_some();
        self.table.set_frame(self.frame.frame(&settings.zones, &settings.columns, is_there, self.awaited));
    }

    /// Moves the serial of every zone that changed since the last call. Call at most once a second (DNS.md section 4).
    /// True when one moved.
    pub fn bump_serials(&mut self, unix_seconds: u32) -> bool {
        let mut moved = false;
        for (zone, changed) in (0u8..).zip(&mut self.changed_zones) {
            if std::mem::take(changed) {
                self.table.bump_serial(zone, unix_seconds);
                moved = true;
            }
        }
        moved
    }

    /// How many services have each conflict reason, sorted by reason.
    pub fn conflict_counts(&self) -> Vec<(&'static str, u64)> {
        self.conflicts.iter().filter(|(_, count)| **count > 0).map(|(reason, count)| (*reason, *count)).collect()
    }

    /// Endpoints and virtual addresses behind all service names, each service in the first view that sees it.
    pub fn endpoint_count(&self) -> u64 {
        self.endpoints
    }

    /// A single object changed at `received` (since the epoch); its latency counts when its answers are out.
    pub fn await_answer(&mut self, cluster: ClusterId, received: Duration) {
        self.unanswered.push((cluster, received));
    }

    /// What single changes touched is published at `now` (since the epoch), but for those that wait behind a long list.
    pub fn settle_answered(&mut self, now: Duration) {
        if self.queue.has_single() {
            return;
        }
        let waits = |(cluster, _): &(ClusterId, Duration)| self.lists.delay(cluster);
        let (waiting, answered) = std::mem::take(&mut self.unanswered).into_iter().partition(waits);
        self.unanswered = waiting;
        let answered: Vec<(ClusterId, Duration)> = answered;
        for (cluster, received) in answered {
            self.figures.event_to_answer(&cluster).observe(now.saturating_sub(received));
        }
    }

    /// The figures it keeps.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }
}
