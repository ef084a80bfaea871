//! Direct mode: the answer of the merged exports, without an Import (SOURCES.md 1.2).

use super::Selection;
use super::assemble::assemble;
use super::candidate::{Candidate, Health};
use super::endpoints::{Endpoint, Side, gather};
use super::policy::Policy;
use super::standing::Context;
use super::{headless, reach};
use crate::model::clusterset::Member;
use crate::model::fact::{Kind, Port, ServiceType};
use crate::model::facts::ServiceFacts;
use crate::model::service::{Export, ExportState, Merged};
use crate::model::trace::{Note, Trace, Verdict};
use std::borrow::Cow;

/// Answers from the exports. `beside` are candidates that only lend their host names (copies beside an Import).
pub(super) fn direct<'a>(context: &Context<'a>, beside: Vec<Candidate<'a>>, trace: &mut impl Trace) -> Selection {
    let nothing = || if awaits(context) { Selection::Unknown } else { Selection::Absent };
    let Some(merged) = &context.service.merged else { return nothing() };
    let policy = Policy::find(context, None, merged.service_type);
    let mut candidates = beside;
    for export in &context.service.exports {
        match usable(context, &policy, export) {
            Ok((member, facts)) => {
                let found = contribute(context, merged, member, facts, trace);
                match candidates.is_empty() {
                    true => candidates = found,
                    false => candidates.extend(found),
                }
            }
            Err(reason) => trace.note(|| note(export, reason)),
        }
    }
    if merged.service_type == ServiceType::Headless && candidates.is_empty() {
        return nothing();
    }
    if policy.local_only {
        let ill = candidates.iter_mut().filter(|candidate| candidate.is_in() && candidate.health == Health::Ill);
        ill.for_each(|candidate| candidate.out = Some("`internalTrafficPolicy: Local` and no ready endpoint here"));
    }
    Selection::Present(assemble(context, &policy, merged.service_type, merged.ports.clone(), candidates, trace))
}

/// True while a list that could bring the name into being is awaited.
fn awaits(context: &Context<'_>) -> bool {
    let slices_pending = |export: &Export| {
        context
            .set
            .at(export.slot)
            .is_some_and(|member| !member.grace_over() && !member.facts().status(Kind::EndpointSlice).is_synced())
    };
    context.service.unknown || context.service.merged_exports().any(slices_pending)
}

fn usable<'a>(
    context: &Context<'a>,
    policy: &Policy<'_>,
    export: &Export,
) -> Result<(&'a Member, &'a ServiceFacts), Cow<'static, str>> {
    if export.state != ExportState::Ready {
        return Err(export.state.to_string().into());
    }
    let member = context.set.at(export.slot).ok_or("the cluster has left the set")?;
    if policy.local_only && !context.stands_in(member) {
        return Err("`internalTrafficPolicy: Local`: only the view's own cluster answers".into());
    }
    let facts = member.usable(&context.service.key).ok_or("the cluster is unknown")?;
    Ok((member, facts))
}

fn note(export: &Export, reason: Cow<'static, str>) -> Note {
    let cluster = Some(export.cluster.clone());
    Note { cluster, addresses: Vec::new(), verdict: Verdict::LeftOut, reason, source: None }
}

fn contribute<'a>(
    context: &Context<'a>,
    merged: &Merged,
    member: &'a Member,
    facts: &'a ServiceFacts,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    if merged.service_type == ServiceType::ClusterSetIp {
        return reach::contribute(context, member, facts, trace);
    }
    let side = Side { cluster: &member.cluster().id, member: Some(member), reader: member };
    let mut endpoints = gather(context, &side, facts.slices.iter(), trace);
    let own = facts.service.as_ref().map_or(&[][..], |service| &service.ports);
    endpoints.iter_mut().for_each(|endpoint| keep_merged_ports(endpoint, own, &merged.ports));
    headless::native(context, member, endpoints, trace)
}

/// SRV rows of a port come only from clusters whose Service has its name, protocol and number.
fn keep_merged_ports(endpoint: &mut Endpoint<'_>, own: &[Port], merged: &[Port]) {
    let agreed = |port: &Port| {
        let same = |a: &Port, b: &Port| a.name == b.name && a.protocol == b.protocol;
        own.iter().any(|held| {
            same(held, port) && merged.iter().any(|winner| same(winner, held) && winner.number == held.number)
        })
    };
    if !endpoint.ports.iter().all(agreed) {
        endpoint.ports.to_mut().retain(agreed);
    }
}
