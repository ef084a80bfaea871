//! ServiceEntries: which of their addresses answer, in which order of rules (SOURCES.md 3.4).

use super::told::{self, ObjectPlace};
use super::{Imported, Offer, bounded, within_limit};
use crate::model::answer::Answer;
use crate::model::cluster::State;
use crate::model::clusterset::Member;
use crate::model::fact::{Ingress, Port};
use crate::model::host::fact::{EntryPort, RecordValues, Resolution, ServiceEntryFact, Workload};
use crate::model::host::{HostRecords, Object, Source, is_virtual};
use crate::model::id::{ClusterId, ServiceKey};
use crate::model::policy::AnswerMode;
use crate::model::select::candidate::{Candidate, Health, pair_families};
use crate::model::select::gateways::toward;
use crate::model::select::policy::TierOrder;
use crate::model::select::reach::{self, warn_mismatch};
use crate::model::select::standing::Context;
use crate::model::trace::{Note, Trace};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Weights are multiples of this, so that a share divided over gateways stays a number.
const SCALE: u32 = 64;

fn entry<'a>(source: &Source<'a>) -> Option<&'a ServiceEntryFact> {
    match source.object {
        Object::Entry(entry) => Some(entry),
        Object::Records(_) => None,
    }
}

/// The first of the rules (1) `spec.addresses`, (2) `status.addresses`, (3) endpoints that gives an address.
pub(super) fn offer<'a>(
    context: &Context<'a>,
    host: &Arc<str>,
    sources: &[Source<'a>],
    trace: &mut impl Trace,
) -> Offer<'a> {
    let stated = |source: &Source<'a>| entry(source).map(|entry| entry.addresses.clone()).unwrap_or_default();
    let allocated = |source: &Source<'a>| entry(source).into_iter().flat_map(|e| e.allocated_to(host)).collect();
    let mut rule = "(1) `spec.addresses` answer";
    let mut candidates =
        bounded(context, sources, trace, |source, cut, trace| vips(context, source, stated(source), cut, trace));
    if candidates.is_empty() {
        rule = "(2) no `spec.addresses`: `status.addresses` answer";
        candidates =
            bounded(context, sources, trace, |source, cut, trace| vips(context, source, allocated(source), cut, trace));
    }
    if !candidates.is_empty() {
        trace.note(|| Note::rule(rule));
        told::unused(sources, "an address of the ServiceEntry itself answers", trace);
        return Offer { candidates, ports: vip_ports(context, sources), imported: Imported::default(), ttl: None };
    }
    trace.note(|| Note::rule("(3) no address of the ServiceEntry itself: its endpoints answer"));
    let mut ports = Ports::new(context);
    let mut candidates = bounded(context, sources, trace, |source, _, trace| {
        let Some(entry) = entry(source).filter(|entry| entry.resolution == Resolution::Endpoints) else {
            told::unused(&[*source], "`resolution: NONE` has no endpoints", trace);
            return Vec::new();
        };
        endpoints(context, source, entry, &mut ports, trace)
    });
    // Weights of one object are scaled: an object without any counts 1 for each endpoint on the same scale.
    if candidates.iter().any(|candidate| candidate.weight.is_some()) {
        candidates.iter_mut().for_each(|candidate| candidate.weight = candidate.weight.or(Some(SCALE)));
    }
    let weighted = candidates.windows(2).any(|pair| pair[0].weight != pair[1].weight);
    let imported = match weighted {
        true => Imported { mode: Some(AnswerMode::Weighted), order: Some(TierOrder::Kept), from: "endpoint weights" },
        false => Imported::default(),
    };
    Offer { candidates, ports: ports.list, imported, ttl: None }
}

/// Virtual addresses of one ServiceEntry, as far as they are admitted and route for this view.
fn vips<'a>(
    context: &Context<'a>,
    source: &Source<'a>,
    addresses: Vec<IpAddr>,
    cut: &mut usize,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    let outside = is_outside(context);
    let admitted = told::admitted(source, addresses, trace);
    let (skipped, routed): (Vec<_>, Vec<_>) = admitted.into_iter().partition(|address| outside && is_virtual(*address));
    let object = source.object.place();
    if !skipped.is_empty() {
        let reason = "a VIP, and the view stands outside the mesh (`istio.meshClusters`)";
        trace.note(|| Note::left_out(&source.member.cluster().id, skipped, reason, object));
    }
    let vip = |pair| Candidate { source: Some(object), ..Candidate::new(source.member, pair) };
    let kept = within_limit(context, source, routed, cut, trace);
    pair_families(kept).into_iter().map(vip).collect()
}

/// True for a view that stands in no cluster of the mesh (`istio.meshClusters`).
fn is_outside(context: &Context<'_>) -> bool {
    let mesh = &context.set.settings().hosts.mesh_clusters;
    !mesh.is_empty() && !context.cluster.is_some_and(|cluster| mesh.contains(cluster))
}

/// Endpoints of one ServiceEntry and of the WorkloadEntries that it selects. Those of another network become its
/// gateways, weighted by the endpoints behind.
fn endpoints<'a>(
    context: &Context<'a>,
    source: &Source<'a>,
    entry: &'a ServiceEntryFact,
    ports: &mut Ports,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    let mut found: Vec<Candidate<'a>> = Vec::new();
    let mut behind: BTreeMap<(Arc<str>, ClusterId), Behind<'a>> = BTreeMap::new();
    for (workload, object) in told::workloads(source, entry) {
        if !workload.ready {
            told::endpoint(source, workload, object, "not ready (condition Healthy is False)", trace);
            continue;
        }
        let place = Place::of(context, source, workload);
        let weight = workload.weight.unwrap_or(1);
        if let Some(network) = elsewhere(context, workload) {
            if !toward(context, network, place.member).is_empty() {
                let group = (Arc::clone(network), place.cluster.clone());
                let group = behind.entry(group).or_insert(Behind { weight: 0, member: place.member });
                group.weight = group.weight.saturating_add(weight);
                ports.add_numbers(entry);
                told::endpoint(source, workload, object, "in another network: its gateways stand for it", trace);
                continue;
            }
            let holder = place.member.unwrap_or(source.member);
            warn_mismatch(context, holder, "endpoints", trace);
        }
        ports.add(entry, workload);
        if let Some(key) = workload.local_service() {
            found.extend(local_service(context, source, workload, &key, object, trace));
            continue;
        }
        found.extend(place.candidate(context, source, workload, object, trace));
    }
    if behind.is_empty() && found.iter().all(|candidate| candidate.weight.is_none()) {
        return found;
    }
    for candidate in &mut found {
        candidate.weight = Some(candidate.weight.unwrap_or(1).saturating_mul(SCALE));
    }
    for ((network, _), Behind { weight, member }) in behind {
        let hops = toward(context, &network, member);
        let share = (weight.saturating_mul(SCALE) / hops.len().max(1) as u32).max(1);
        found.extend(hops.into_iter().map(|hop| Candidate { weight: Some(share), health: Health::Ready, ..hop }));
    }
    found
}

/// `<svc>.<ns>.svc.cluster.local` is the Service of the object's own cluster, reached as an exported one is.
fn local_service<'a>(
    context: &Context<'a>,
    source: &Source<'a>,
    workload: &'a Workload,
    key: &ServiceKey,
    object: ObjectPlace<'a>,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    let Some(facts) = source.member.facts().service(key).filter(|facts| facts.service.is_some()) else {
        told::endpoint(source, workload, object, "the object's cluster has no such Service", trace);
        return Vec::new();
    };
    let mut found = reach::contribute(context, source.member, facts, trace);
    for candidate in &mut found {
        (candidate.weight, candidate.drained) = (workload.weight, workload.draining);
        candidate.hosts.clear();
    }
    found
}

/// The endpoints of one cluster in another network.
struct Behind<'a> {
    weight: u32,
    member: Option<&'a Member>,
}

/// The endpoint's network, where it is known to be another one than the view's.
fn elsewhere<'a>(context: &Context<'_>, workload: &'a Workload) -> Option<&'a Arc<str>> {
    let own = context.network?;
    workload.network.as_ref().filter(|network| *network != own)
}

/// The cluster that an endpoint lies in.
struct Place<'a> {
    cluster: &'a ClusterId,
    member: Option<&'a Member>,
    /// The worse of that cluster's and of the one that says so.
    state: State,
}

impl<'a> Place<'a> {
    fn of(context: &Context<'a>, source: &Source<'a>, workload: &'a Workload) -> Self {
        let told = source.member;
        match workload.cluster.as_ref() {
            None => Place { cluster: &told.cluster().id, member: Some(told), state: told.state() },
            Some(id) => match context.set.called(id) {
                Some((_, member)) => {
                    let state = member.state().max(told.state());
                    Place { cluster: &member.cluster().id, member: Some(member), state }
                }
                None => Place { cluster: id, member: None, state: told.state() },
            },
        }
    }

    fn candidate(
        &self,
        context: &Context<'a>,
        source: &Source<'a>,
        workload: &'a Workload,
        object: ObjectPlace<'a>,
        trace: &mut impl Trace,
    ) -> Vec<Candidate<'a>> {
        let found: Vec<IpAddr> = match &workload.address {
            Ingress::Ip(address) => vec![*address],
            Ingress::Host(name) => context.set.settings().resolved.get(name).cloned().unwrap_or_default(),
        };
        if found.is_empty() {
            told::endpoint(source, workload, object, "no address of this host name is known", trace);
        }
        let admitted = told::admitted_of(source, object, found, trace);
        let home = self.member.map(|member| &member.cluster().locality);
        let (region, zone) = match &workload.region {
            Some(region) => (Some(region), workload.zone.as_ref()),
            None => (home.and_then(|home| home.region.as_ref()), home.and_then(|home| home.zone.as_ref())),
        };
        let candidate = |addresses| Candidate {
            cluster: Some(self.cluster),
            member: self.member,
            addresses,
            region,
            zone,
            gateway: false,
            health: Health::Ready,
            weight: workload.weight,
            tier: 0,
            balanced: false,
            ill: None,
            drained: workload.draining,
            state: self.state,
            restored: source.member.is_restored(),
            ports: Cow::Borrowed(&[]),
            hosts: Vec::new(),
            out: None,
            source: Some(object),
            routing: None,
            withheld: Vec::new(),
        };
        let mut candidates: Vec<Candidate<'a>> = pair_families(admitted).into_iter().map(candidate).collect();
        candidates.iter_mut().for_each(|candidate| candidate.withhold(context));
        candidates
    }
}

fn vip_ports(context: &Context<'_>, sources: &[Source<'_>]) -> Vec<Port> {
    let mut ports = Ports::new(context);
    sources.iter().filter_map(entry).for_each(|entry| ports.add_numbers(entry));
    ports.list
}

/// The ports of the SRV names, each once, within `limits.cluster.ports`.
struct Ports {
    list: Vec<Port>,
    limit: usize,
}

impl Ports {
    fn new(context: &Context<'_>) -> Self {
        Ports { list: Vec::new(), limit: context.set.settings().limits.ports }
    }

    /// By `ports[].number`.
    fn add_numbers(&mut self, entry: &ServiceEntryFact) {
        entry.ports.iter().for_each(|port| self.push(port, port.number));
    }

    /// By the endpoint's own numbers, then `targetPort`, then `number`.
    fn add(&mut self, entry: &ServiceEntryFact, workload: &Workload) {
        for port in &entry.ports {
            let own = workload.ports.iter().find(|(name, _)| *name == port.name).map(|(_, number)| *number);
            self.push(port, own.or(port.target_port).unwrap_or(port.number));
        }
    }

    fn push(&mut self, port: &EntryPort, number: u16) {
        let port = Port { name: Arc::clone(&port.name), protocol: port.protocol, number, app_protocol: None };
        if self.list.len() < self.limit && !self.list.contains(&port) {
            self.list.push(port);
        }
    }
}

/// With `resolveHostnames` off, a host whose only target is a host name is an alias of it (SOURCES.md 1.2).
pub(super) fn alias(
    context: &Context<'_>,
    sources: &[Source<'_>],
    answer: &Answer,
    trace: &mut impl Trace,
) -> Option<HostRecords> {
    if context.set.settings().hosts.resolve_hostnames || !answer.targets.is_empty() {
        return None;
    }
    let mut only = None;
    let mut stale = false;
    for source in sources {
        let entry = entry(source).filter(|entry| entry.resolution == Resolution::Endpoints);
        let Some(entry) = entry else { continue };
        for (workload, _) in told::workloads(source, entry).filter(|(workload, _)| workload.ready) {
            let Ingress::Host(name) = &workload.address else { return None };
            if workload.local_service().is_some() {
                return None;
            }
            if only.is_some_and(|only| only != name) {
                return None;
            }
            only = Some(name);
            stale |= source.member.state().is_stale();
        }
    }
    let target = only?;
    trace.note(|| Note::rule(format!("CNAME {target}: the only target, and `resolveHostnames` is off")));
    Some(HostRecords { ttl: answer.ttl, stale, values: RecordValues::Alias(Arc::clone(target)) })
}
