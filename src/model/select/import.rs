//! Import mode: the answer of ServiceImports (SOURCES.md 1.1, 1.3, rules c and d of section 4).

use super::Selection;
use super::assemble::assemble;
use super::candidate::{Candidate, pair_families};
use super::copies::{self, Held};
use super::direct::direct;
use super::policy::Policy;
use super::standing::Context;
use crate::model::cluster::{Mode, VipScope};
use crate::model::clusterset::Member;
use crate::model::fact::{Kind, ServiceFact, ServiceKind, ServiceType};
use crate::model::id::ServiceKey;
use crate::model::trace::{Note, Trace, Verdict};
use std::collections::BTreeSet;
use std::net::IpAddr;

const CLUSTERSET_RULE: &str = "`spec.ips` of a cluster with `vipScope: clusterset`";

/// The Imports that count in this view: that of its cluster, or those of all clusters for a view without one.
pub(super) fn held<'a>(context: &Context<'a>) -> Vec<Held<'a>> {
    let key = &context.service.key;
    let mut held: Vec<Held<'a>> = match context.own {
        Some(own) => hold(own, key).into_iter().collect(),
        None => context.set.holders(key).filter_map(|(_, member)| hold(member, key)).collect(),
    };
    held.sort_by(|a, b| a.member.cluster().id.cmp(&b.member.cluster().id));
    held
}

fn hold<'a>(member: &'a Member, key: &ServiceKey) -> Option<Held<'a>> {
    let reads =
        member.cluster().mode != Mode::Direct && member.admits_namespace(key.namespace()) && !member.is_cut(key);
    let facts = member.usable(key).filter(|_| reads)?;
    Some(Held { member, facts, import: facts.import.as_deref()? })
}

/// Rule c: a type that is missing is Headless if there are slices and no addresses.
fn service_type(held: &Held<'_>) -> ServiceType {
    held.import.service_type.unwrap_or(match held.import.ips.is_empty() && !held.facts.copies.is_empty() {
        true => ServiceType::Headless,
        false => ServiceType::ClusterSetIp,
    })
}

/// Answers from the Imports of `held`, of which there is at least one.
pub(super) fn answer<'a>(context: &Context<'a>, held: &[Held<'a>], trace: &mut impl Trace) -> Selection {
    match service_type(&held[0]) {
        ServiceType::Headless => headless(context, held, trace),
        ServiceType::ClusterSetIp => cluster_set_ip(context, held, trace),
    }
}

fn headless<'a>(context: &Context<'a>, held: &[Held<'a>], trace: &mut impl Trace) -> Selection {
    let import = held[0].import;
    let policy = Policy::find(context, Some(import), ServiceType::Headless);
    let candidates = copies::endpoints(context, held, true, trace);
    if candidates.is_empty() {
        return Selection::Absent;
    }
    Selection::Present(assemble(context, &policy, ServiceType::Headless, Vec::new(), candidates, trace))
}

fn cluster_set_ip<'a>(context: &Context<'a>, held: &[Held<'a>], trace: &mut impl Trace) -> Selection {
    let mut beside = copies::endpoints(context, held, false, trace);
    beside.iter_mut().for_each(|candidate| candidate.out = Some("the service answers with its own addresses"));
    let (rule, found) = addresses(context, held);
    if found.is_empty() && context.own.is_none_or(|own| own.cluster().mode == Mode::Both) {
        match direct(context, beside, trace) {
            Selection::Absent => {}
            selection => return selection,
        }
        beside = Vec::new();
    }
    explain(&held[0], rule, trace);
    let policy = Policy::find(context, Some(held[0].import), ServiceType::ClusterSetIp);
    beside.extend(found);
    let ports = held[0].import.ports.to_vec();
    Selection::Present(assemble(context, &policy, ServiceType::ClusterSetIp, ports, beside, trace))
}

fn explain(held: &Held<'_>, rule: &'static str, trace: &mut impl Trace) {
    trace.note(|| Note {
        cluster: Some(held.member.cluster().id.clone()),
        addresses: held.import.ips.clone(),
        verdict: Verdict::Rule,
        reason: rule.into(),
        source: Some((Kind::ServiceImport, held.import.key.clone(), held.import.origin.clone())),
    });
}

/// The addresses of a ClusterSetIP Import: its VIPs; those of a derived Service; virtual endpoints; VIPs that are
/// valid in the whole clusterset.
fn addresses<'a>(context: &Context<'a>, held: &[Held<'a>]) -> (&'static str, Vec<Candidate<'a>>) {
    let agreed = agreed_ips(held);
    if !agreed.is_empty() {
        return ("the Import's `spec.ips`", vips(&held[0], agreed));
    }
    if context.own.is_some() {
        let derived = derived(&held[0]);
        if !derived.is_empty() {
            return ("the clusterIPs of the Import's derived Service", derived);
        }
    }
    let virtual_endpoints = copies::virtual_endpoints(context, held);
    if !virtual_endpoints.is_empty() {
        return ("the virtual endpoints beside the Import", virtual_endpoints);
    }
    match clusterset_holder(context) {
        Some(holder) => (CLUSTERSET_RULE, vips(&holder, usable_ips(&holder))),
        None => ("the Import has no usable address", Vec::new()),
    }
}

fn usable_ips(held: &Held<'_>) -> Vec<IpAddr> {
    held.import.ips.iter().copied().filter(|address| held.member.admits_address(*address)).collect()
}

/// The VIPs, if all Imports name the same ones.
fn agreed_ips(held: &[Held<'_>]) -> Vec<IpAddr> {
    let first = usable_ips(&held[0]);
    let as_set = |ips: &[IpAddr]| ips.iter().copied().collect::<BTreeSet<_>>();
    let wanted = as_set(&first);
    if held[1..].iter().all(|other| as_set(&usable_ips(other)) == wanted) { first } else { Vec::new() }
}

fn vips<'a>(held: &Held<'a>, ips: Vec<IpAddr>) -> Vec<Candidate<'a>> {
    let source = Some((Kind::ServiceImport, &held.import.key, &held.import.origin));
    pair_families(ips).into_iter().map(|pair| Candidate { source, ..Candidate::vip(held.member, pair) }).collect()
}

/// Rule d: the clusterIPs of the Services that the Import names, else of `derived-<service>`.
fn derived<'a>(held: &Held<'a>) -> Vec<Candidate<'a>> {
    let key = &held.import.key;
    let service = |name: &str| {
        let facts = held.member.usable(&ServiceKey::new(key.namespace(), name))?;
        facts.service.as_deref().filter(|service| service.kind == ServiceKind::ClusterIp)
    };
    let of = |service: &'a ServiceFact| {
        let admitted = service.cluster_ips.iter().copied().filter(|address| held.member.admits_address(*address));
        let source = Some((Kind::Service, &service.key, &service.origin));
        let vip = |pair| Candidate { source, ..Candidate::vip(held.member, pair) };
        pair_families(admitted).into_iter().map(vip).collect::<Vec<_>>()
    };
    let named: Vec<_> = held.import.derived_services.iter().filter_map(|name| service(name)).flat_map(of).collect();
    if !named.is_empty() {
        return named;
    }
    service(&format!("derived-{}", key.name())).map(of).unwrap_or_default()
}

/// The Import of the first cluster that declares its VIPs valid everywhere (`vipScope: clusterset`).
fn clusterset_holder<'a>(context: &Context<'a>) -> Option<Held<'a>> {
    let key = &context.service.key;
    let declared = context.set.holders(key).filter(|(_, member)| member.cluster().vip_scope == VipScope::Clusterset);
    declared
        .filter_map(|(_, member)| hold(member, key))
        .filter(|held| service_type(held) == ServiceType::ClusterSetIp && !usable_ips(held).is_empty())
        .min_by(|a, b| a.member.cluster().id.cmp(&b.member.cluster().id))
}

/// The answer of a view whose cluster has no Import, from VIPs that are valid everywhere.
pub(super) fn from_clusterset_vips<'a>(context: &Context<'a>, trace: &mut impl Trace) -> Option<Selection> {
    let held = clusterset_holder(context)?;
    explain(&held, CLUSTERSET_RULE, trace);
    let policy = Policy::find(context, Some(held.import), ServiceType::ClusterSetIp);
    let (ports, found) = (held.import.ports.to_vec(), vips(&held, usable_ips(&held)));
    Some(Selection::Present(assemble(context, &policy, ServiceType::ClusterSetIp, ports, found, trace)))
}
