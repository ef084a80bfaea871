//! How near a target is to a view (DNS.md section 3, SOURCES.md section 5).

use super::candidate::Candidate;
use super::policy::{Policy, TierOrder};
use super::standing::Context;
use crate::model::policy::{AnswerMode, Preference};
use std::sync::Arc;

/// The place of a target in an answer; the smallest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// What fails its health check goes behind everything else.
    pub ill: bool,
    /// A stale cluster goes behind every fresh one.
    pub stale: bool,
    pub tier: u8,
    /// Behind what is reached directly, inside the tier.
    pub gateway: bool,
}

/// Ranks one candidate.
pub(super) fn rank(context: &Context<'_>, policy: &Policy<'_>, candidate: &Candidate<'_>) -> Rank {
    let weighted = policy.mode == AnswerMode::Weighted;
    let tier = match policy.order {
        TierOrder::Default if weighted => 0,
        TierOrder::One => 0,
        TierOrder::Given => candidate.tier,
        TierOrder::Default | TierOrder::Kept => nearness(context, candidate, [0, 1, 2, 3]),
        TierOrder::Zone => nearness(context, candidate, [1, 0, 2, 3]),
        TierOrder::Prefer(list) => preferred(context, candidate, list),
    };
    Rank {
        ill: candidate.ill.is_some(),
        stale: candidate.state.is_stale(),
        tier,
        gateway: candidate.gateway && !weighted,
    }
}

/// The smallest of `tiers` (same cluster, same zone, same region, anywhere) that holds.
fn nearness(context: &Context<'_>, candidate: &Candidate<'_>, tiers: [u8; 4]) -> u8 {
    let same = |a: Option<&Arc<str>>, b: Option<&Arc<str>>| a.is_some() && a == b;
    let same_region = same(context.region, candidate.region);
    // Zones of different regions may share a name.
    let regions_clash = context.region.is_some() && candidate.region.is_some() && !same_region;
    // A record that names another region lies there, whichever cluster's object says so.
    let is_away = regions_clash && candidate.routing.is_some_and(|routing| routing.region.is_some());
    let same_cluster = candidate.cluster.is_none() || candidate.cluster == context.cluster && !is_away;
    let same_zone = same(context.zone, candidate.zone) && !regions_clash;
    let holds = [same_cluster, same_zone, same_region, true];
    tiers.into_iter().zip(holds).filter(|(_, holds)| *holds).map(|(tier, _)| tier).min().unwrap_or(tiers[3])
}

/// Position of the first preference that fits; unnamed candidates follow in default order.
fn preferred(context: &Context<'_>, candidate: &Candidate<'_>, list: &[Preference]) -> u8 {
    let is = |place: Option<&Arc<str>>, name: &Arc<str>| place == Some(name);
    let fits = |preference: &Preference| match preference {
        Preference::Cluster(name) => candidate.cluster.is_some_and(|cluster| *cluster.as_str() == **name),
        Preference::Region(name) => is(candidate.region, name),
        Preference::Zone(name) => is(candidate.zone, name),
    };
    let position = list.iter().position(fits);
    let tier = position.unwrap_or_else(|| list.len() + usize::from(nearness(context, candidate, [0, 1, 2, 3])));
    u8::try_from(tier).unwrap_or(u8::MAX)
}
