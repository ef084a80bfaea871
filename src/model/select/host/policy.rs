//! Which policy applies to a host (SOURCES.md section 5): own annotations, then `policies` of the configuration, then
//! what its objects imply, then the default.

use super::Offer;
use crate::model::host::Source;
use crate::model::policy::PolicyRule;
use crate::model::probe::Request;
use crate::model::select::policy::{Policy, TierOrder};
use crate::model::select::standing::Context;
use crate::model::view::glob_matches;

const ANNOTATION: &str = "own annotation";
const RULE: &str = "`policies` of the configuration";
const DEFAULT: &str = "default";

/// The policy, and the TTL that it forces on every record.
pub(super) struct HostPolicy<'a> {
    pub policy: Policy<'a>,
    /// Seconds; `None`: each set has the TTL of its records.
    pub forced_ttl: Option<u32>,
    /// What decided the mode, in words.
    pub mode_from: &'static str,
    /// What decided the tiers, in words.
    pub tiers_from: &'static str,
}

impl HostPolicy<'_> {
    /// TTL of a set whose records have `own` as their smallest.
    pub fn ttl(&self, own: Option<u32>, default: u32) -> u32 {
        self.forced_ttl.or(own).unwrap_or(default)
    }
}

pub(super) fn find<'a>(context: &Context<'a>, host: &str, sources: &[Source<'a>], offer: &Offer<'a>) -> HostPolicy<'a> {
    let policies = &context.set.settings().policies;
    let rule = policies.rules.iter().find(|rule| matches(rule, host));
    let own = || sources.iter().map(|source| source.object.own());
    let imported = &offer.imported;
    let (order, tiers_from) = first([
        (own().find_map(|own| own.prefer.as_deref()).map(TierOrder::Prefer), ANNOTATION),
        (rule.and_then(|rule| rule.prefer.as_deref()).map(TierOrder::Prefer), RULE),
        (imported.order, imported.from),
        (Some(TierOrder::Default), DEFAULT),
    ]);
    let (mode, mode_from) = first([
        (own().find_map(|own| own.answer), ANNOTATION),
        (rule.and_then(|rule| rule.answer), RULE),
        (imported.mode, imported.from),
        (Some(policies.answer), DEFAULT),
    ]);
    let forced_ttl = own().filter_map(|own| own.ttl).min().or(rule.and_then(|rule| rule.ttl));
    let policy = Policy {
        mode: mode.unwrap_or(policies.answer),
        ttl: forced_ttl.or(offer.ttl).unwrap_or(policies.ttl),
        order: order.unwrap_or(TierOrder::Default),
        local_only: false,
        check: rule.and_then(|rule| rule.health.as_ref()),
        request: own().find_map(|own| own.health.as_deref()).and_then(Request::parse),
        weights: rule.map_or(&[], |rule| &rule.weights),
    };
    HostPolicy { policy, forced_ttl, mode_from, tiers_from }
}

/// The first that says something, and who it is.
fn first<T, const N: usize>(ranked: [(Option<T>, &'static str); N]) -> (Option<T>, &'static str) {
    ranked.into_iter().find(|(value, _)| value.is_some()).unwrap_or((None, DEFAULT))
}

/// True when the rule matches the host: by `hosts`, or because it names nothing at all.
fn matches(rule: &PolicyRule, host: &str) -> bool {
    if rule.hosts.is_empty() {
        return rule.namespaces.is_empty() && rule.names.is_empty();
    }
    rule.hosts.iter().any(|glob| glob_matches(glob, host))
}
