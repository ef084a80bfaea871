//! Names that answer the addresses of one cluster: `<svc>.<ns>.svc.<cluster>.G`, and `<cluster>.<svc>...` under `clusterNames`.
//!
//! In: decisions about the service name. Out: the same about the name of one cluster, which answers more of that cluster (the cut to
//! the nearest tier is none for it, and an address that another cluster has too is its own) and nothing of others.

use super::{BEYOND, Context, Decision, KEPT, LEFT_OUT, Node};
use crate::model::{ClusterId, Target};
use std::collections::HashMap;

/// The cluster whose addresses alone the name answers.
pub(super) fn named<'a>(node: &Node, context: &Context<'a>) -> Option<&'a ClusterId> {
    let named = match node {
        Node::Formed { cluster: Some(cluster), .. } => cluster,
        Node::Endpoint { cluster: Some(cluster), below, .. } if below == cluster && context.settings.cluster_names => {
            cluster
        }
        _ => return None,
    };
    context.clusterset.members().map(|(_, member)| &member.cluster().id).find(|id| id.as_str() == named)
}

/// Makes the decisions those of the name of `cluster`, which answers `targets`.
pub(super) fn keep_to(cluster: &ClusterId, targets: &[&Target], decisions: &mut [Decision]) {
    let mut answered = HashMap::new();
    for target in targets {
        for address in &target.addresses {
            answered.entry(address.to_string()).or_insert(*target);
        }
    }
    let is_here = |decision: &Decision| decision.cluster.as_deref() == Some(cluster.as_str());
    for decision in decisions.iter_mut().filter(|decision| decision.verdict == KEPT) {
        if !is_here(decision) {
            decision.leave_out(&format!("the name asks for cluster {cluster} alone"));
        } else if decision.addresses.iter().any(|address| answered.remove(address).is_none()) {
            decision.leave_out(BEYOND);
        }
    }
    for decision in decisions.iter_mut().filter(|made| made.verdict == LEFT_OUT && is_here(made)) {
        let first = decision.addresses.first().and_then(|address| answered.get(address).copied());
        let Some(target) = first.filter(|_| decision.addresses.iter().all(|address| answered.contains_key(address)))
        else {
            continue;
        };
        answered.retain(|address, _| !decision.addresses.contains(address));
        decision.verdict = KEPT;
        (decision.tier, decision.weight, decision.stale) = (Some(target.tier), Some(target.weight), target.stale);
        decision.reason = format!("answered; at the service name: {}", decision.reason);
    }
}
