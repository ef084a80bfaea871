//! Weights: what share of the traffic each target should get (SOURCES.md section 5).

use super::candidate::Candidate;
use super::policy::Policy;
use super::standing::Context;
use crate::model::hashed::{Map, Set};
use crate::model::id::ClusterId;
use crate::model::service::Export;

/// Weight of a cluster without one beside clusters with one.
const DEFAULT_WEIGHT: u32 = 100;
/// Keeps the shares of a cluster with many endpoints apart from zero.
const SCALE: u32 = 65_536;

fn export<'a>(context: &Context<'a>, candidate: &Candidate<'_>) -> Option<&'a Export> {
    context.service.exports.iter().find(|export| Some(&export.cluster) == candidate.cluster)
}

/// The weight of the candidate's cluster: its own annotation, else that of the configuration.
pub(super) fn weight_of(context: &Context<'_>, policy: &Policy<'_>, candidate: &Candidate<'_>) -> Option<u32> {
    let cluster = candidate.cluster?;
    let configured = || policy.weights.iter().find(|(name, _)| **name == *cluster.as_str()).map(|(_, weight)| *weight);
    export(context, candidate).and_then(|export| export.weight).or_else(configured)
}

/// True when the cluster is drained, by its registry entry, its annotation or a weight of 0.
pub(super) fn is_drained(context: &Context<'_>, policy: &Policy<'_>, candidate: &Candidate<'_>) -> bool {
    candidate.member.is_some_and(|member| member.cluster().drain)
        || export(context, candidate).is_some_and(|export| export.drain)
        || candidate.drained
        || candidate.weight == Some(0)
        || weight_of(context, policy, candidate) == Some(0)
}

/// One target to be weighed.
pub(super) struct Share<'a> {
    /// Shares are divided among the targets of one scope: a tier, or the whole answer.
    pub scope: u8,
    pub cluster: Option<&'a ClusterId>,
    /// Weight of its whole cluster.
    pub weight: Option<u32>,
}

/// The weight of each target: its cluster's divided over the cluster's targets in the scope. Targets of a scope
/// without any weight are equal; so are those of one in which every weight is 0.
pub(super) fn shares(list: &[Share<'_>]) -> Vec<u32> {
    if list.iter().all(|share| share.weight.is_none()) {
        return vec![1; list.len()];
    }
    let mut counts: Map<(u8, Option<&ClusterId>), u32> = Map::default();
    for share in list {
        *counts.entry((share.scope, share.cluster)).or_default() += 1;
    }
    let weighted: Set<u8> = list
        .iter()
        .filter(|share| share.weight.is_some())
        .map(|share| share.scope)
        .filter(|scope| list.iter().any(|share| share.scope == *scope && share.weight != Some(0)))
        .collect();
    let raw = |share: &Share<'_>| {
        if !weighted.contains(&share.scope) {
            return 1;
        }
        match share.weight.unwrap_or(DEFAULT_WEIGHT) {
            0 => 0,
            weight => (weight * SCALE / counts[&(share.scope, share.cluster)]).max(1),
        }
    };
    let mut weights: Vec<u32> = list.iter().map(raw).collect();
    for scope in &weighted {
        reduce(list, &mut weights, *scope);
    }
    weights
}

/// The weights of targets that have their own; one without has 1. All zero is equal.
pub(super) fn own_weights(list: impl Iterator<Item = Option<u32>>) -> Vec<u32> {
    let mut weights: Vec<u32> = list.map(|weight| weight.unwrap_or(1)).collect();
    match weights.iter().copied().fold(0, gcd) {
        0 => weights.fill(1),
        divisor => weights.iter_mut().for_each(|weight| *weight /= divisor),
    }
    weights
}

/// Divides the weights of a scope by their greatest common divisor, so that equal shares read 1.
fn reduce(list: &[Share<'_>], weights: &mut [u32], scope: u8) {
    let of_scope = |at: &usize| list[*at].scope == scope;
    let divisor = (0..list.len()).filter(of_scope).fold(0, |divisor, at| gcd(divisor, weights[at]));
    if divisor > 1 {
        (0..list.len()).filter(of_scope).for_each(|at| weights[at] /= divisor);
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clusters_weight_is_divided_over_its_targets() {
        let (east, west) = (ClusterId::new("east"), ClusterId::new("west"));
        let share = |cluster, weight| Share { scope: 0, cluster: Some(cluster), weight };
        let table: [(&str, Vec<Share<'_>>, &[u32]); 4] = [
            ("none has a weight", vec![share(&east, None), share(&west, None)], &[1, 1]),
            (
                "80 over two, 20 over one",
                vec![share(&east, Some(80)), share(&east, Some(80)), share(&west, Some(20))],
                &[2, 2, 1],
            ),
            ("the others take 100", vec![share(&east, Some(50)), share(&west, None)], &[1, 2]),
            ("all zero is equal", vec![share(&east, Some(0)), share(&west, Some(0))], &[1, 1]),
        ];
        for (case, list, want) in table {
            assert_eq!(shares(&list), want, "{case}");
        }
    }
}
