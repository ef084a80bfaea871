//! The writer itself, without a clock or a channel: observations in, Blocks and Frames out.

use super::changed_zones::mark;
use super::figures::Figures;
use super::frame::{Awaited, FrameTemplate};
use super::hosts::{HostRegistry, claims_of};
use super::names::PublishedNames;
use super::probes::Probes;
use super::queue::Queue;
use super::reverse::ReverseRegistry;
use super::warnings::Warnings;
use crate::compile::{self, compile_namespace, compile_reverse, compile_service, zone_names};
use crate::dns::{Name, NameError};
use crate::model::brake::Brake;
use crate::model::clusterset::{ClusterSet, Member};
use crate::model::conflict::ConflictReasons;
use crate::model::fact::ObjectKey;
use crate::model::facts::Touched;
use crate::model::merge::merge;
use crate::model::select::{Selection, namespace_presence, select};
use crate::model::service::Service;
use crate::model::trace::PublishTrace;
use crate::model::{Answer, Cluster, ClusterId, Fact, NoTrace, Observation, ServiceKey, State, View};
use crate::table::{Block, Draft, Table, TableChange};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
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

/// What is remembered of a published service.
#[derive(Debug, Default, PartialEq)]
struct PublishedService {
    names: PublishedNames,
    /// Targets of its first answer.
    endpoints: u32,
    conflicts: ConflictReasons,
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
    figures: Arc<Figures>,
    stopwatch: Stopwatch,
    services: HashMap<ServiceKey, PublishedService>,
    /// How many services have each conflict reason.
    conflicts: BTreeMap<&'static str, u64>,
    endpoints: u64,
    /// Changes of single objects whose answers are not out yet: cluster and time of arrival since the epoch.
    unanswered: Vec<(ClusterId, Duration)>,
    namespaces: HashMap<Arc<str>, u64>,
    hosts: HostRegistry,
    reverse: ReverseRegistry,
    pub(super) probes: Probes,
    pub(super) queue: Queue<Entity>,
    /// Zones with a change that their serial does not show yet.
    changed_zones: Vec<bool>,
    awaited: Awaited,
    brake: Brake,
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
            services: HashMap::new(),
            conflicts: BTreeMap::new(),
            endpoints: 0,
            unanswered: Vec::new(),
            namespaces: HashMap::new(),
            hosts: HostRegistry::default(),
            reverse: ReverseRegistry::default(),
            probes: Probes::default(),
            queue: Queue::default(),
            awaited: Awaited::default(),
            brake: Brake::default(),
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

    /// Takes one observation in and queues what it touched. A cluster's first complete sync makes it known.
    pub fn observe(&mut self, observation: Observation) {
        let cluster = observation.cluster.clone();
        let single = !matches!(observation.change, crate::model::Change::Replace { .. });
        let was_restored = self.is_restored(&cluster);
        let kept = self.judge(&observation);
        self.warnings.survey_due |= super::survey::looks_at(&observation.change);
        let touched = self.clusterset.observe_keeping(observation, kept);
        if self.state(&cluster) == State::Unknown {
            // Its facts do not count yet; when they do, everything is touched.
            if self.clusterset.is_synced(&cluster) {
                self.set_state(&cluster, State::Fresh);
            }
            return;
        }
        self.touch(touched, single);
        // One that was demoted meanwhile recovers in its own time.
        if was_restored && !self.is_restored(&cluster) && self.state(&cluster) == State::Suspect {
            self.set_state(&cluster, State::Fresh);
        }
    }

    /// Gives a cluster the facts of a snapshot; `age` is that of its last contact. Call before it is observed.
    pub fn restore(&mut self, cluster: &ClusterId, facts: Vec<Fact>, age: Duration) {
        let touched = self.clusterset.restore(cluster, facts, age);
        self.touch(touched, false);
    }

    fn is_restored(&self, cluster: &ClusterId) -> bool {
        self.clusterset.get(cluster).is_some_and(Member::is_restored)
    }

    /// What must stay of what the observation would take away at once.
    fn judge(&mut self, observation: &Observation) -> HashSet<ObjectKey> {
        let Observation { cluster, generation, received_ns, change } = observation;
        let member = self.clusterset.get(cluster).filter(|member| *generation >= member.generation());
        let received = Duration::from_nanos(*received_ns);
        member.map_or_else(HashSet::new, |member| self.brake.judge(cluster, member.facts(), change, received))
    }

    /// The brake on mass deletions.
    pub fn brake(&self) -> &Brake {
        &self.brake
    }

    /// The same, to set its limits or to ask what is due.
    pub fn brake_mut(&mut self) -> &mut Brake {
        &mut self.brake
    }

    fn state(&self, cluster: &ClusterId) -> State {
        self.clusterset.get(cluster).map_or(State::Unknown, |member| member.state())
    }

    /// Other addresses of looked-up host names: what uses one that changed is queued.
    pub fn set_resolved(&mut self, resolved: HashMap<Arc<str>, Vec<std::net::IpAddr>>) {
        let touched = self.clusterset.set_resolved(resolved);
        self.touch(touched, true);
    }

    /// Sets how much is known of a cluster.
    pub fn set_state(&mut self, cluster: &ClusterId, state: State) {
        let touched = self.clusterset.set_state(cluster, state);
        self.touch(touched, false);
    }

    /// The time to wait for a cluster's first sync has run out: names it might own are absent from now on.
    pub fn end_grace(&mut self, cluster: &ClusterId) {
        let touched = self.clusterset.set_grace_over(cluster, true);
        self.touch(touched, false);
        self.settle_frame();
    }

    pub(super) fn touch(&mut self, touched: Touched, single: bool) {
        self.warnings.survey_due |= touched.everything || !touched.namespaces.is_empty();
        let mut push = |entity| if single { self.queue.push_single(entity) } else { self.queue.push_bulk(entity) };
        for namespace in touched.namespaces {
            for key in self.clusterset.services_in(&namespace) {
                push(Entity::Service(key.clone()));
            }
            push(Entity::Namespace(namespace));
        }
        for key in touched.services {
            push(Entity::Service(key));
        }
        for host in touched.hosts {
            push(Entity::Host(host));
        }
        if touched.everything {
            self.touch_everything();
        }
    }

    pub(super) fn touch_everything(&mut self) {
        let namespaces = self.clusterset.namespaces();
        for namespace in namespaces.into_iter().chain(self.namespaces.keys().cloned()) {
            self.queue.push_bulk(Entity::Namespace(namespace));
        }
        for key in self.clusterset.services().chain(self.services.keys()) {
            self.queue.push_bulk(Entity::Service(key.clone()));
        }
        for host in self.clusterset.hosts().chain(self.hosts.hosts()) {
            self.queue.push_bulk(Entity::Host(Arc::clone(host)));
        }
    }

    /// How much waits.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Publishes what waits until nothing does or `go_on` says stop, single changes first. True when nothing is left.
    pub fn work(&mut self, mut go_on: impl FnMut() -> bool) -> bool {
        while let Some(entity) = self.queue.pop() {
            match entity {
                Entity::Service(key) => self.publish_service(&key),
                Entity::Namespace(namespace) => self.publish_namespace(&namespace),
                Entity::Host(host) => self.publish_host(&host),
            }
            if !go_on() {
                break;
            }
        }
        let done = self.queue.len() == 0;
        if done {
            // Only now: while Blocks of a cluster are missing, its absent names must stay SERVFAIL.
            self.settle_frame();
        }
        done
    }

    fn publish_service(&mut self, key: &ServiceKey) {
        let start = (self.stopwatch)();
        let service = merge(key, &self.clusterset);
        let mut trace = PublishTrace::default();
        let answers = self.answers(&service, &mut trace);
        let findings = service.findings.iter().cloned().chain(trace.findings).collect();
        self.warnings.replace(Entity::Service(key.clone()), findings);
        self.probes.replace(Entity::Service(key.clone()), trace.targets, &self.figures);
        let merged = (self.stopwatch)();
        let drafts = compile_service(key, &answers, &self.settings);
        let claims = compile_reverse(key, &answers, &self.settings);
        let reverse = self.reverse.replace(key, claims, &self.settings.zones);
        let blocks: Vec<Block> = drafts.iter().chain(&reverse.drafts).map(Block::pack).collect();
        let compiled = (self.stopwatch)();
        let published = PublishedService {
            names: PublishedNames::of(key, &drafts, &self.settings.zones),
            endpoints: answers.first().map_or(0, |(_, answer)| answer.targets.len() as u32),
            conflicts: service.conflicts.iter().map(|conflict| conflict.reason).collect(),
        };
        let mut vanished = self.remember(key, published);
        vanished.extend(reverse.vanished);
        self.apply(blocks, vanished);
        let applied = (self.stopwatch)();
        self.figures.merge.observe(merged.saturating_sub(start));
        self.figures.compile.observe(compiled.saturating_sub(merged));
        self.figures.apply.observe(applied.saturating_sub(compiled));
        self.figures.publishes.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what was published and returns the names of the time before that are not in it.
    fn remember(&mut self, key: &ServiceKey, published: PublishedService) -> Vec<(u8, Name)> {
        self.endpoints += u64::from(published.endpoints);
        for reason in published.conflicts.iter() {
            *self.conflicts.entry(reason.as_str()).or_insert(0) += 1;
        }
        let before = self.services.remove(key).unwrap_or_default();
        self.endpoints -= u64::from(before.endpoints);
        for reason in before.conflicts.iter() {
            self.conflicts.entry(reason.as_str()).and_modify(|count| *count -= 1);
        }
        let vanished = before.names.vanished(key, &published.names, &self.settings.zones);
        if published != PublishedService::default() {
            self.services.insert(key.clone(), published);
        }
        vanished
    }

    /// The distinct answers with the views that see them.
    fn answers(&self, service: &Service, trace: &mut PublishTrace) -> Vec<(u64, Answer)> {
        let mut answers: Vec<(u64, Answer)> = Vec::new();
        for (number, view) in self.views.iter().enumerate() {
            let Selection::Present(answer) = select(service, view, &self.clusterset, trace) else { continue };
            match answers.iter_mut().find(|(_, other)| *other == answer) {
                Some((mask, _)) => *mask |= 1 << number,
                None => answers.push((1 << number, answer)),
            }
        }
        answers
    }

    fn publish_namespace(&mut self, namespace: &Arc<str>) {
        let knows = |view: &View| namespace_presence(&self.clusterset, namespace, view);
        let presence =
            self.views.iter().enumerate().filter(|(_, view)| knows(view)).fold(0, |mask, (v, _)| mask | 1 << v);
        let drafts = compile_namespace(namespace, presence, &self.settings);
        if presence == 0 {
            self.namespaces.remove(namespace);
            self.apply(Vec::new(), drafts.into_iter().map(|draft| (draft.zone, draft.name)).collect());
        } else {
            self.namespaces.insert(Arc::clone(namespace), presence);
            self.apply(drafts.iter().map(Block::pack).collect(), Vec::new());
        }
        self.figures.publishes.fetch_add(1, Ordering::Relaxed);
    }

    fn publish_host(&mut self, host: &Arc<str>) {
        let start = (self.stopwatch)();
        let (clusterset, views, settings) = (&self.clusterset, &self.views, &self.settings);
        let mut trace = PublishTrace::default();
        let (level, claims, found) = claims_of(host, clusterset, views, settings, &mut trace);
        let recompile = |other: &Arc<str>| claims_of(other, clusterset, views, settings, &mut NoTrace).1;
        self.warnings.replace(Entity::Host(Arc::clone(host)), found.into_iter().chain(trace.findings).collect());
        self.probes.replace(Entity::Host(Arc::clone(host)), trace.targets, &self.figures);
        let changes = self.hosts.replace(host, level, claims, recompile);
        let blocks = changes.drafts.iter().map(Block::pack).collect();
        let compiled = (self.stopwatch)();
        self.apply(blocks, changes.vanished);
        let applied = (self.stopwatch)();
        self.figures.compile.observe(compiled.saturating_sub(start));
        self.figures.apply.observe(applied.saturating_sub(compiled));
        self.figures.publishes.fetch_add(1, Ordering::Relaxed);
    }

    /// Puts the Blocks that differ from what stands in the table, then takes the vanished names out.
    pub(super) fn apply(&mut self, blocks: Vec<Block>, vanished: Vec<(u8, Name)>) {
        let mut changes = Vec::with_capacity(blocks.len() + vanished.len());
        {
            let pinned = self.table.pin();
            for block in blocks {
                if pinned.lookup(block.name()) != Some(&block) {
                    mark(&mut self.changed_zones, &self.settings.zones, block.zone(), block.name());
                    changes.push(TableChange::Put(block));
                }
            }
            for (zone, name) in vanished {
                if pinned.lookup(name.wire()).is_some() {
                    mark(&mut self.changed_zones, &self.settings.zones, zone, name.wire());
                    changes.push(TableChange::Remove(name));
                }
            }
        }
        self.figures.generation.fetch_add(changes.len() as u64, Ordering::Relaxed);
        self.table.apply(changes);
    }

    /// The views that await a cluster which could own any name.
    fn awaited_views(&self) -> Awaited {
        let awaits = self.views.iter().enumerate().filter(|(_, view)| self.clusterset.awaits(view));
        let services = awaits.fold(0, |mask, (number, _)| mask | 1 << number);
        Awaited { services, hosts: if self.clusterset.awaits_hosts() { u64::MAX } else { 0 } }
    }

    pub(super) fn settle_frame(&mut self) {
        let awaited = self.awaited_views();
        if self.queue.len() == 0
            && let Some(frame) = self.next_frame.take()
        {
            (self.frame, self.awaited) = (frame, awaited);
            self.set_frame();
        }
        // A view stops waiting only when everything known stands in the table.
        if awaited != self.awaited && (self.queue.len() == 0 || awaited.adds_to(self.awaited)) {
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

    /// A single object changed at `received` (since the epoch); its latency counts when everything is published.
    pub fn await_answer(&mut self, cluster: ClusterId, received: Duration) {
        self.unanswered.push((cluster, received));
    }

    /// Everything queued is published at `now` (since the epoch).
    pub fn answered(&mut self, now: Duration) {
        for (cluster, received) in self.unanswered.drain(..) {
            self.figures.event_to_answer(&cluster).observe(now.saturating_sub(received));
        }
    }

    /// The figures it keeps.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }
}
