//! Which policy applies to a host (SOURCES.md section 5): own annotations, then `policies` of the configuration, then
//! what its objects imply, then the default.

use super::Offer;
use crate::model::host::Source;
use crate::model::policy::PolicyRule;
use crate::model::probe::Request;
use crate::model::select::policy::{Policy, TierOrder};
use crate::model::select::standing::Context;
use crate::model::view::glob_matches;

/// The policy, and the TTL that it forces on every record.
pub(super) struct HostPolicy<'a> {
    pub policy: Policy<'a>,
    /// Seconds; `None`: each set has the TTL of its records.
    pub forced_ttl: Option<u32>,
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
    let prefer = own().find_map(|own| own.prefer.as_deref()).or(rule.and_then(|rule| rule.prefer.as_deref()));
    let order = match prefer {
        Some(prefer) => TierOrder::Prefer(prefer),
        None => offer.imported.order.unwrap_or(TierOrder::Default),
    };
    let mode = own().find_map(|own| own.answer).or(rule.and_then(|rule| rule.answer)).or(offer.imported.mode);
    let forced_ttl = own().filter_map(|own| own.ttl).min().or(rule.and_then(|rule| rule.ttl));
    let policy = Policy {
        mode: mode.unwrap_or(policies.answer),
        ttl: forced_ttl.or(offer.ttl).unwrap_or(policies.ttl),
        order,
        local_only: false,
        check: rule.and_then(|rule| rule.health.as_ref()),
        request: own().find_map(|own| own.health.as_deref()).and_then(Request::parse),
        weights: rule.map_or(&[], |rule| &rule.weights),
    };
    HostPolicy { policy, forced_ttl }
}

/// True when the rule matches the host: by `hosts`, or because it names nothing at all.
fn matches(rule: &PolicyRule, host: &str) -> bool {
    if rule.hosts.is_empty() {
        return rule.namespaces.is_empty() && rule.names.is_empty();
    }
    rule.hosts.iter().any(|glob| glob_matches(glob, host))
}
