//! DNSEndpoints: addresses in their routing sets, and all other records (SOURCES.md 3.9 and section 5).

use super::policy::HostPolicy;
use super::{Imported, Offer, bounded, told, within_limit};
use crate::model::answer::Answer;
use crate::model::cluster::State;
use crate::model::clusterset::Member;
use crate::model::host::fact::{DnsRecord, RecordValues, Routing};
use crate::model::host::{HostRecords, Object, Source};
use crate::model::policy::AnswerMode;
use crate::model::select::candidate::{Candidate, pair_families};
use crate::model::select::policy::TierOrder;
use crate::model::select::standing::Context;
use crate::model::select::tiers::rank;
use crate::model::select::weights::is_drained;
use crate::model::trace::Trace;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

/// Keeps the shares of a set with many addresses apart from zero. The largest weight times this fits 32 bits.
const SCALE: u32 = 65_536;

/// The records of `host` in one object.
fn of_host<'a>(source: &Source<'a>, host: &str) -> std::slice::Iter<'a, DnsRecord> {
    match source.object {
        Object::Records(fact) => fact.of_host(host).iter(),
        Object::Entry(_) => [].iter(),
    }
}

pub(super) fn offer<'a>(
    context: &Context<'a>,
    host: &Arc<str>,
    sources: &[Source<'a>],
    trace: &mut impl Trace,
) -> Offer<'a> {
    let all = || sources.iter().flat_map(|source| of_host(source, host));
    let addresses = || all().filter(|record| matches!(record.values, RecordValues::Addresses(_)));
    let mut candidates =
        bounded(context, sources, trace, |source, cut, trace| addresses_of(context, source, host, cut, trace));
    if candidates.iter().any(|candidate| candidate.weight.is_some()) {
        candidates.iter_mut().for_each(|candidate| candidate.weight = candidate.weight.or(Some(SCALE)));
    }
    let imported = imported(&all().map(|record| &record.routing).collect::<Vec<_>>());
    Offer { candidates, ports: Vec::new(), imported, ttl: addresses().filter_map(|record| record.ttl).min() }
}

/// The first policy of SOURCES.md section 5 that some record brings.
fn imported<'a>(routings: &[&Routing]) -> Imported<'a> {
    let any = |holds: fn(&Routing) -> bool| routings.iter().any(|routing| holds(routing));
    let (mode, order, from) = if any(|routing| routing.failover.is_some()) {
        (AnswerMode::Nearest, TierOrder::Given, "aws/failover")
    } else if any(|routing| routing.weight.is_some()) {
        (AnswerMode::Weighted, TierOrder::One, "aws/weight")
    } else if any(|routing| routing.multi_value) {
        (AnswerMode::Ordered, TierOrder::One, "aws/multi-value-answer")
    } else if any(|routing| routing.region.is_some()) {
        (AnswerMode::Nearest, TierOrder::Default, "aws/region")
    } else {
        return Imported::default();
    };
    Imported { mode: Some(mode), order: Some(order), from }
}

/// The addresses of one object: per routing set and cluster, the n-th IPv4 with the n-th IPv6 address.
fn addresses_of<'a>(
    context: &Context<'a>,
    source: &Source<'a>,
    host: &str,
    cut: &mut usize,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    type Set<'a> = (&'a Routing, Vec<IpAddr>);
    let mut sets: BTreeMap<Option<&'a Arc<str>>, Set<'a>> = BTreeMap::new();
    for record in of_host(source, host) {
        if let RecordValues::Addresses(addresses) = &record.values {
            let set = sets.entry(record.routing.set.as_ref()).or_insert((&record.routing, Vec::new()));
            set.1.extend(told::admitted(source, addresses.clone(), trace));
        }
    }
    let all = sets.values().flat_map(|(_, addresses)| addresses).copied().collect();
    let kept: HashSet<IpAddr> = within_limit(context, source, all, cut, trace).into_iter().collect();
    let mut found = Vec::new();
    for (routing, mut addresses) in sets.into_values() {
        addresses.retain(|address| kept.contains(address));
        found.extend(of_set(context, source, routing, addresses));
    }
    found
}

fn of_set<'a>(
    context: &Context<'a>,
    source: &Source<'a>,
    routing: &'a Routing,
    addresses: Vec<IpAddr>,
) -> Vec<Candidate<'a>> {
    let mut by_cluster: BTreeMap<_, (&'a Member, Vec<IpAddr>)> = BTreeMap::new();
    for address in addresses {
        let owner = owner(context, source, address);
        by_cluster.entry(&owner.cluster().id).or_insert((owner, Vec::new())).1.push(address);
    }
    let mut found: Vec<Candidate<'a>> = Vec::new();
    for (member, addresses) in by_cluster.into_values() {
        let pairs = pair_families(addresses);
        found.extend(pairs.into_iter().map(|pair| candidate(source, member, routing, pair)));
    }
    let count = found.len().max(1) as u32;
    for candidate in &mut found {
        let share = |weight: u32| if weight == 0 { 0 } else { (weight.saturating_mul(SCALE) / count).max(1) };
        candidate.weight = routing.weight.map(share);
        candidate.withhold(context);
    }
    found
}

fn candidate<'a>(
    source: &Source<'a>,
    member: &'a Member,
    routing: &'a Routing,
    addresses: Vec<IpAddr>,
) -> Candidate<'a> {
    let near = Candidate::new(member, addresses);
    let (region, zone) = match &routing.region {
        Some(region) => (Some(region), None),
        None => (near.region, near.zone),
    };
    Candidate {
        region,
        zone,
        tier: routing.failover.unwrap_or(0),
        state: state(member, source.member),
        source: Some(source.object.place()),
        routing: Some(routing),
        ..near
    }
}

/// The cluster whose ranges hold `address`, or a Service of which has it: the object's own before others, then by id; else the object's.
fn owner<'a>(context: &Context<'a>, source: &Source<'a>, address: IpAddr) -> &'a Member {
    let holds = |member: &Member| {
        let mut ranges = member.ranges().chain(&member.cluster().routable);
        ranges.any(|range| range.contains(address)) || context.set.is_service_address(member, address)
    };
    if holds(source.member) {
        return source.member;
    }
    let holders = context.set.members().map(|(_, member)| member).filter(|member| holds(member));
    holders.min_by(|a, b| a.cluster().id.cmp(&b.cluster().id)).unwrap_or(source.member)
}

/// The worse of the cluster that an address lies in and of the one that says so. One that was never heard says
/// nothing about its health.
fn state(place: &Member, told: &Member) -> State {
    place.state().max(told.state())
}

/// Everything that is no address. An alias only where there is no address (SOURCES.md section 7).
pub(super) fn records(
    context: &Context<'_>,
    policy: &HostPolicy<'_>,
    host: &str,
    sources: &[Source<'_>],
    answer: &Answer,
    trace: &mut impl Trace,
) -> Vec<HostRecords> {
    let mut found: Vec<HostRecords> = Vec::new();
    if answer.targets.is_empty() {
        found.extend(alias(context, policy, host, sources, trace));
    } else {
        let aliases = sources.iter().filter(|source| of_host(source, host).any(is_alias));
        aliases.for_each(|source| trace.note(|| source.left_out("CNAME: the host has addresses")));
    }
    let of_type: [fn(&RecordValues) -> bool; 3] = [
        |values| matches!(values, RecordValues::Texts(_)),
        |values| matches!(values, RecordValues::Services(_)),
        |values| matches!(values, RecordValues::Pointers(_)),
    ];
    found.extend(of_type.into_iter().filter_map(|is| united(context, policy, host, sources, is, trace)));
    found
}

/// The union of one type over all sources; those of expired clusters only where no other has the type.
fn united(
    context: &Context<'_>,
    policy: &HostPolicy<'_>,
    host: &str,
    sources: &[Source<'_>],
    is: fn(&RecordValues) -> bool,
    trace: &mut impl Trace,
) -> Option<HostRecords> {
    let rows = || {
        let of = |source| of_host(source, host).map(move |record| (source, record));
        sources.iter().flat_map(of).filter(|(_, record)| is(&record.values))
    };
    let expired = |source: &Source<'_>| source.member.state() == State::Expired;
    let all_expired = rows().all(|(source, _)| expired(source));
    let kept = || rows().filter(|(source, _)| all_expired || !expired(source));
    let mut values = None;
    kept().for_each(|(_, record)| unite(&mut values, &record.values));
    for (source, record) in rows() {
        let out = (!all_expired && expired(source)).then_some("expired, and a cluster in contact has this type");
        trace.note(|| told::record(source, record, out));
    }
    let ttl = policy.ttl(kept().filter_map(|(_, record)| record.ttl).min(), context.set.settings().policies.ttl);
    let stale = kept().any(|(source, _)| source.member.state().is_stale());
    Some(HostRecords { ttl, stale, values: values? })
}

fn unite(into: &mut Option<RecordValues>, from: &RecordValues) {
    fn add<T: Clone + Eq + Hash>(into: &mut Vec<T>, from: &[T]) {
        let mut seen: HashSet<T> = into.iter().cloned().collect();
        into.extend(from.iter().filter(|value| seen.insert((*value).clone())).cloned());
    }
    match (into.as_mut(), from) {
        (None, from) => *into = Some(from.clone()),
        (Some(RecordValues::Texts(into)), RecordValues::Texts(from)) => add(into, from),
        (Some(RecordValues::Services(into)), RecordValues::Services(from)) => add(into, from),
        (Some(RecordValues::Pointers(into)), RecordValues::Pointers(from)) => add(into, from),
        _ => {}
    }
}

fn is_alias(record: &DnsRecord) -> bool {
    matches!(record.values, RecordValues::Alias(_))
}

/// The one CNAME: the nearest that is not drained, then the heaviest, then by text.
fn alias(
    context: &Context<'_>,
    policy: &HostPolicy<'_>,
    host: &str,
    sources: &[Source<'_>],
    trace: &mut impl Trace,
) -> Option<HostRecords> {
    let rows = sources.iter().flat_map(|source| of_host(source, host).map(move |record| (source, record)));
    let aliases = rows.filter_map(|(source, record)| match &record.values {
        RecordValues::Alias(target) => Some((source, record, target)),
        _ => None,
    });
    let ranked = aliases.map(|(source, record, target)| {
        let place = Candidate {
            weight: record.routing.weight,
            ..candidate(source, source.member, &record.routing, Vec::new())
        };
        let drained = is_drained(context, &policy.policy, &place);
        let rank = rank(context, &policy.policy, &place);
        ((drained, rank, Reverse(record.routing.weight), target), source, record)
    });
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0));
    for (at, (_, source, record)) in ranked.iter().enumerate() {
        let out = (at > 0).then_some("a name has one CNAME, and another is nearer, heavier or first by its text");
        trace.note(|| told::record(source, record, out));
    }
    let ((_, _, _, target), source, record) = ranked.into_iter().next()?;
    Some(HostRecords {
        ttl: policy.ttl(record.ttl, context.set.settings().policies.ttl),
        stale: source.member.state().is_stale(),
        values: RecordValues::Alias(Arc::clone(target)),
    })
}
