//! Active health checks as evidence (CONFIG.md `health`): which candidates are probed, and which of them are ill.
//!
//! The probes go out from this server, so that they prove something only where clients take the same way.

use super::candidate::Candidate;
use super::policy::Policy;
use super::standing::{Context, own};
use crate::model::clusterset::Member;
use crate::model::probe::{Check, Target};
use crate::model::trace::Trace;
use std::sync::Arc;

/// Names the targets of every candidate to `trace`, and marks the ill ones. An endpoint is ill when all its addresses
/// are: this server may lack one family.
pub(super) fn mark(
    context: &Context<'_>,
    policy: &Policy<'_>,
    candidates: &mut [Candidate<'_>],
    trace: &mut impl Trace,
) {
    let settings = context.set.settings();
    let local = || settings.views.first().and_then(|view| own(context.set, view));
    for candidate in candidates.iter_mut().filter(|candidate| candidate.is_in()) {
        let Some(check) = check(context, policy, candidate) else { continue };
        let (Some(cluster), true) = (candidate.cluster, speaks_for(context, local(), candidate)) else { continue };
        let target = |address| Target { cluster: cluster.clone(), address, check: Arc::clone(&check) };
        candidate.addresses.iter().for_each(|address| trace.probe(|| target(*address)));
        let mut evidence = candidate.addresses.iter().map(|address| settings.probed.get(&target(*address)));
        let first = evidence.next().flatten().cloned();
        if let Some(why) = first.filter(|_| evidence.all(|ill| ill.is_some())) {
            candidate.ill = Some((why, check.action));
        }
    }
}

/// The check of a candidate: that of the policy, else of its cluster. Without either nothing is asked, whatever an annotation
/// says: what a cluster writes makes this server connect nowhere by itself. With one, an annotation says what is asked; times,
/// thresholds and action stay those of the configuration.
fn check(context: &Context<'_>, policy: &Policy<'_>, candidate: &Candidate<'_>) -> Option<Arc<Check>> {
    let member = candidate.member.filter(|_| !context.is_host());
    let configured = policy.check.or(member.and_then(|member| member.cluster().health.as_ref()))?;
    Some(match &policy.request {
        Some(request) => Arc::new(Check { request: request.clone(), ..(**configured).clone() }),
        None => Arc::clone(configured),
    })
}

/// True where a probe from this server, which stands in `local`, says something about the client's way: not for pods and
/// clusterIPs of another network, nor for those of a cluster in the eyes of its own clients, unless it is ours too.
fn speaks_for(context: &Context<'_>, local: Option<&Member>, candidate: &Candidate<'_>) -> bool {
    let Some(member) = candidate.member else { return false };
    let is_local = local.is_some_and(|local| local.cluster().id == member.cluster().id);
    if candidate.gateway || candidate.balanced || is_local {
        return true;
    }
    let network = |view: &crate::model::View| view.locality.network.clone();
    let ours = context.set.settings().views.first().and_then(network);
    let ours = ours.or(local.and_then(|local| local.cluster().locality.network.clone()));
    let theirs = member.cluster().locality.network.as_ref();
    let elsewhere = matches!((ours.as_ref(), theirs), (Some(ours), Some(theirs)) if ours != theirs);
    !elsewhere && !context.stands_in(member)
}
