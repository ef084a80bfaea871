//! Which policy applies to a service in a view (SOURCES.md section 5): own annotations, then `policies` of the
//! configuration, then the one imported policy, then the default.

use super::standing::Context;
use crate::model::fact::{ImportFact, ServiceType};
use crate::model::policy::{AnswerMode, PolicyRule, Preference};
use crate::model::probe::{Check, Request};
use crate::model::view::glob_matches;
use std::sync::Arc;

/// The policy in force.
pub(super) struct Policy<'a> {
    pub mode: AnswerMode,
    /// Seconds.
    pub ttl: u32,
    pub order: TierOrder<'a>,
    /// `internalTrafficPolicy: Local`: only the view's own cluster answers.
    pub local_only: bool,
    /// Health check of the configuration.
    pub check: Option<&'a Arc<Check>>,
    /// What an annotation has asked.
    pub request: Option<Request>,
    /// Weights by cluster from the configuration.
    pub weights: &'a [(Arc<str>, u32)],
}

/// What makes the tiers.
#[derive(Clone, Copy)]
pub(super) enum TierOrder<'a> {
    /// Cluster, zone, region, rest (DNS.md section 3).
    Default,
    /// `trafficDistribution`: zone of any cluster, cluster, region, rest.
    Zone,
    /// [`TierOrder::Default`], also where weights apply.
    Kept,
    /// One tier.
    One,
    /// The tier of each candidate.
    Given,
    /// What is named in this order; the rest behind it in default order.
    Prefer(&'a [Preference]),
}

impl<'a> Policy<'a> {
    /// `import`: the Import that answers; `None` for the direct merge.
    pub fn find(context: &Context<'a>, import: Option<&'a ImportFact>, service_type: ServiceType) -> Self {
        let policies = &context.set.settings().policies;
        let rule = policies.rules.iter().find(|rule| matches(rule, context));
        let merged = context.service.merged.as_ref();
        let imported = import.map(|import| &*import.own);
        let own = || imported.into_iter().chain(merged.map(|merged| &merged.own));
        let traffic = import.map(|import| &*import.traffic).or(merged.map(|merged| &merged.traffic));
        let local_only = import.is_none()
            && service_type == ServiceType::ClusterSetIp
            && context.own.is_some()
            && traffic.is_some_and(|traffic| traffic.internal_traffic_policy.as_deref() == Some("Local"));
        let by_zone = !local_only && traffic.is_some_and(|traffic| is_zonal(traffic.traffic_distribution.as_deref()));
        let imported_mode = match (local_only, by_zone) {
            (true, _) => Some(AnswerMode::Nearest),
            (_, true) => Some(AnswerMode::Ordered),
            _ => None,
        };
        let prefer = own().find_map(|own| own.prefer.as_deref()).or(rule.and_then(|rule| rule.prefer.as_deref()));
        let order = match prefer {
            Some(prefer) => TierOrder::Prefer(prefer),
            None if by_zone => TierOrder::Zone,
            None => TierOrder::Default,
        };
        let mode = own().find_map(|own| own.answer).or(rule.and_then(|rule| rule.answer)).or(imported_mode);
        let ttl = own().filter_map(|own| own.ttl).min().or(rule.and_then(|rule| rule.ttl));
        Policy {
            mode: mode.unwrap_or(policies.answer),
            ttl: ttl.unwrap_or(policies.ttl),
            order,
            local_only,
            check: rule.and_then(|rule| rule.health.as_ref()),
            request: own().find_map(|own| own.health.as_deref()).and_then(Request::parse),
            weights: rule.map_or(&[], |rule| &rule.weights),
        }
    }
}

fn is_zonal(distribution: Option<&str>) -> bool {
    matches!(distribution, Some("PreferSameZone" | "PreferClose" | "PreferSameNode"))
}

/// True when the rule matches the service. One that names only `hosts` is about global names.
fn matches(rule: &PolicyRule, context: &Context<'_>) -> bool {
    let key = &context.service.key;
    let hits = |globs: &[Arc<str>], text: &str| globs.is_empty() || globs.iter().any(|glob| glob_matches(glob, text));
    let hosts_only = !rule.hosts.is_empty() && rule.namespaces.is_empty() && rule.names.is_empty();
    !hosts_only && hits(&rule.namespaces, key.namespace()) && hits(&rule.names, key.name())
}
