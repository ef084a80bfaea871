//! One service, namespace or host published anew: merged, seen from every view, compiled, put into the table.

use super::changed_zones::mark;
use super::hosts::claims_of;
use super::names::PublishedNames;
use super::publisher::{Entity, Publisher};
use crate::compile::{compile_namespace, compile_reverse, compile_service};
use crate::dns::Name;
use crate::model::conflict::ConflictReasons;
use crate::model::merge::merge;
use crate::model::select::{Selection, namespace_presence, select};
use crate::model::service::Service;
use crate::model::trace::PublishTrace;
use crate::model::{Answer, NoTrace, ServiceKey, View};
use crate::table::{Block, Draft};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is remembered of a published service.
#[derive(Debug, Default, PartialEq)]
pub(super) struct PublishedService {
    names: PublishedNames,
    /// Targets of its first answer.
    endpoints: u32,
    conflicts: ConflictReasons,
}

impl Publisher {
    pub(super) fn publish_service(&mut self, key: &ServiceKey) {
        let start = (self.stopwatch)();
        let service = merge(key, &self.clusterset);
        let mut trace = PublishTrace::default();
        let answers = self.answers(&service, &mut trace);
        let findings = service.findings.into_iter().chain(trace.findings).collect();
        self.warnings.replace(Entity::Service(key.clone()), findings);
        self.probes.replace(Entity::Service(key.clone()), trace.targets, &self.figures);
        let merged = (self.stopwatch)();
        let drafts = compile_service(key, &answers, &self.settings);
        let claims = compile_reverse(key, &answers, &self.settings);
        let reverse = self.reverse.replace(key, claims, &self.settings.zones);
        let blocks: Vec<Block> = drafts.iter().chain(&reverse.drafts).map(Block::pack).collect();
        let compiled = (self.stopwatch)();
        let endpoints = answers.first().map_or(0, |(_, answer)| answer.targets.len() as u32);
        let conflicts = service.conflicts.iter().map(|conflict| conflict.reason).collect();
        let mut vanished = self.remember(key, &drafts, endpoints, conflicts);
        vanished.extend(reverse.vanished);
        self.apply(blocks, vanished);
        let applied = (self.stopwatch)();
        self.figures.merge.observe(merged.saturating_sub(start));
        self.figures.compile.observe(compiled.saturating_sub(merged));
        self.figures.apply.observe(applied.saturating_sub(compiled));
        self.figures.publishes.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what was published and returns the names of the time before that are not in it.
    fn remember(
        &mut self,
        key: &ServiceKey,
        drafts: &[Draft],
        endpoints: u32,
        conflicts: ConflictReasons,
    ) -> Vec<(u8, Name)> {
        let zones = &self.settings.zones;
        if let Some(held) = self.services.get_mut(key)
            && held.conflicts == conflicts
            && !drafts.is_empty()
            && held.names.are_of(key, drafts, zones)
        {
            // The usual change: other addresses at the same names.
            self.endpoints = self.endpoints + u64::from(endpoints) - u64::from(held.endpoints);
            held.endpoints = endpoints;
            return Vec::new();
        }
        let published = PublishedService { names: PublishedNames::of(key, drafts, zones), endpoints, conflicts };
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

    pub(super) fn publish_namespace(&mut self, namespace: &Arc<str>) {
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

    pub(super) fn publish_host(&mut self, host: &Arc<str>) {
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
        let (zones, marks) = (&self.settings.zones, &mut self.changed_zones);
        let mut changes = 0;
        self.table.update(blocks, vanished.iter().map(|(_, name)| name), |block| {
            mark(marks, zones, block.zone(), block.name());
            changes += 1;
        });
        self.figures.generation.fetch_add(changes, Ordering::Relaxed);
    }
}
