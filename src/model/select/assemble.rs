//! Candidates become an answer: cut, ranked, each address once, weighed.

use super::candidate::{Candidate, WITHHELD};
use super::policy::Policy;
use super::probed;
use super::standing::Context;
use super::thin::{Cover, is_replaced, thin};
use super::tiers::{Rank, rank};
use super::weights::{Share, is_drained, own_weights, shares, weight_of};
use crate::model::answer::{Answer, Host, Target};
use crate::model::fact::{Port, ServiceType};
use crate::model::hashed::Firsts;
use crate::model::id::ClusterId;
use crate::model::policy::AnswerMode;
use crate::model::trace::{Note, Trace, Verdict};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Why `nearest` leaves a candidate out.
const NEARER: &str = "a nearer tier answers (`nearest`)";

/// A candidate with its place.
struct Placed<'a> {
    candidate: Candidate<'a>,
    rank: Rank,
    tier: u8,
    weight: u32,
    /// Addresses that stand at another candidate before this one.
    shared: Vec<IpAddr>,
}

/// Builds the answer. `ports` are those of the service name (ClusterSetIP).
pub(super) fn assemble(
    context: &Context<'_>,
    policy: &Policy<'_>,
    service_type: ServiceType,
    ports: Vec<Port>,
    mut candidates: Vec<Candidate<'_>>,
    trace: &mut impl Trace,
) -> Answer {
    probed::mark(context, policy, &mut candidates, trace);
    thin(context, policy, &mut candidates);
    let mut list: Vec<Placed<'_>> = candidates
        .into_iter()
        .map(|candidate| {
            let rank = rank(context, policy, &candidate);
            Placed { rank, candidate, tier: 0, weight: 1, shared: Vec::new() }
        })
        .collect();
    if policy.mode == AnswerMode::Nearest {
        keep_nearest(context, policy, &mut list);
    }
    list.sort_by(|a, b| {
        (a.rank, a.candidate.cluster, &a.candidate.addresses).cmp(&(
            b.rank,
            b.candidate.cluster,
            &b.candidate.addresses,
        ))
    });
    share_addresses(context, &mut list, trace);
    number_tiers(&mut list);
    weigh(context, policy, &mut list);
    list.iter().for_each(|placed| explain(placed, trace));
    let hosts = hosts(&list);
    let further = further(&list);
    Answer { service_type, mode: policy.mode, ttl: policy.ttl, targets: targets(list), further, ports, hosts }
}

/// `nearest`: only the best tier that is not empty, gateways of that tier included. Where clusters have aged or
/// health checks fail, as many more as it takes to have every family and port that it would have without (RESILIENCE.md rule 4).
fn keep_nearest(context: &Context<'_>, policy: &Policy<'_>, list: &mut [Placed<'_>]) {
    let place = |placed: &Placed<'_>| (placed.rank.ill, placed.rank.stale, placed.rank.tier);
    let is_drained = |placed: &Placed<'_>| is_drained(context, policy, &placed.candidate);
    let was_in = |placed: &&Placed<'_>| placed.candidate.is_in() || is_replaced(&placed.candidate);
    // A drained cluster that is in only because the others expired would not be in without.
    let all_drained = list.iter().filter(was_in).all(is_drained);
    let unaged = || list.iter().filter(was_in).filter(|placed| all_drained || !is_drained(placed));
    let Some(nearest) = unaged().map(|placed| placed.rank.tier).min() else { return };
    let mut wanted = Cover::default();
    unaged().filter(|placed| placed.rank.tier == nearest).for_each(|placed| wanted.add(&placed.candidate));
    let mut places: Vec<_> = list.iter().filter(|placed| placed.candidate.is_in()).map(place).collect();
    places.sort_unstable();
    places.dedup();
    let (mut kept, mut cover) = (0, Cover::default());
    while kept < places.len() && (kept == 0 || !cover.covers(&wanted)) {
        let here = |placed: &&Placed<'_>| placed.candidate.is_in() && place(placed) == places[kept];
        list.iter().filter(here).for_each(|placed| cover.add(&placed.candidate));
        kept += 1;
    }
    for placed in list.iter_mut().filter(|placed| placed.candidate.is_in()) {
        if !places[..kept].contains(&place(placed)) {
            placed.candidate.out = Some(NEARER);
        }
    }
}

/// The same address from two clusters is one record at its first place (SOURCES.md 1.5).
fn share_addresses(context: &Context<'_>, list: &mut [Placed<'_>], trace: &mut impl Trace) {
    let mut seen = Firsts::default();
    for at in 0..list.len() {
        if !list[at].candidate.is_in() {
            continue;
        }
        let mut addresses = std::mem::take(&mut list[at].candidate.addresses);
        let mut shared = Vec::new();
        addresses.retain(|address| {
            let Some(first) = seen.see(*address, at).filter(|first| *first != at) else { return true };
            report_shared(context, &list[first].candidate, &list[at].candidate, *address, trace);
            let note = || list[at].candidate.left_out("the same address is answered before it");
            trace.note(|| Note { addresses: vec![*address], ..note() });
            shared.push(*address);
            false
        });
        list[at].shared = shared;
        list[at].candidate.addresses = addresses;
    }
}

fn report_shared(
    context: &Context<'_>,
    first: &Candidate<'_>,
    second: &Candidate<'_>,
    address: IpAddr,
    trace: &mut impl Trace,
) {
    let (Some(a), Some(b)) = (first.cluster, second.cluster) else { return };
    if context.is_host() {
        // Objects that say the same in every cluster are the rule there.
        return;
    }
    let network = |candidate: &Candidate<'_>| candidate.member.and_then(|m| m.cluster().locality.network.clone());
    let apart = matches!((network(first), network(second)), (Some(a), Some(b)) if a != b);
    if a != b && !apart {
        context.find(trace, "shared-address", b, || {
            format!("address {address} is also one of cluster {a}: answered once, in the nearer tier")
        });
    }
}

/// Numbers the ranks that hold a target, from 0; what holds none takes the place it would have.
fn number_tiers(list: &mut [Placed<'_>]) {
    let mut ranks: Vec<Rank> = list.iter().filter(|placed| is_target(placed)).map(|placed| placed.rank).collect();
    ranks.dedup();
    for placed in list {
        let before = ranks.iter().filter(|rank| **rank < placed.rank).count();
        placed.tier = u8::try_from(before).unwrap_or(u8::MAX);
    }
}

fn is_target(placed: &Placed<'_>) -> bool {
    placed.candidate.is_in() && !placed.candidate.addresses.is_empty()
}

fn weigh(context: &Context<'_>, policy: &Policy<'_>, list: &mut [Placed<'_>]) {
    let has_weight = |candidate: &Candidate<'_>| {
        candidate.is_in() && (candidate.weight.is_some() || weight_of(context, policy, candidate).is_some())
    };
    if !list.iter().any(|placed| has_weight(&placed.candidate)) {
        // Equal shares, as they stand.
        return;
    }
    let whole = policy.mode == AnswerMode::Weighted;
    let weighed: Vec<usize> = (0..list.len()).filter(|at| list[*at].candidate.is_in()).collect();
    let scopes: Vec<Share<'_>> = weighed
        .iter()
        .map(|at| &list[*at])
        .map(|placed| Share {
            scope: if whole { 0 } else { placed.tier },
            cluster: placed.candidate.cluster,
            weight: weight_of(context, policy, &placed.candidate),
        })
        .collect();
    let own = || weighed.iter().map(|at| list[*at].candidate.weight);
    let weights = match scopes.iter().all(|share| share.weight.is_none()) && own().any(|weight| weight.is_some()) {
        true => own_weights(own()),
        false => shares(&scopes),
    };
    drop(scopes);
    for (at, weight) in weighed.into_iter().zip(weights) {
        list[at].weight = weight;
    }
}

fn explain(placed: &Placed<'_>, trace: &mut impl Trace) {
    let candidate = &placed.candidate;
    if !candidate.withheld.is_empty() {
        trace.note(|| Note { addresses: candidate.withheld.clone(), ..candidate.left_out(WITHHELD) });
    }
    let verdict = Verdict::Kept { tier: placed.tier, weight: placed.weight, stale: placed.rank.stale };
    match candidate.out {
        Some(WITHHELD) => {}
        Some(_) => trace.note(|| candidate.left_out(reason(candidate))),
        // All its addresses stand before it, which was told.
        None if candidate.addresses.is_empty() => {}
        None => trace.note(|| Note { verdict, ..candidate.left_out(reason(candidate)) }),
    }
}

fn reason(candidate: &Candidate<'_>) -> Cow<'static, str> {
    let answered = if candidate.gateway { "answered, through a gateway" } else { "answered" };
    match (candidate.out, &candidate.ill) {
        (Some(reason), None) => reason.into(),
        (Some(reason), Some((why, _))) => format!("{reason} ({why})").into(),
        (None, None) => answered.into(),
        (None, Some((why, _))) => format!("{answered} behind all that are well: {why}").into(),
    }
}

/// Host names by cluster and label; endpoints that share one are one name.
fn hosts(list: &[Placed<'_>]) -> Vec<Host> {
    let mut named: BTreeMap<(&ClusterId, &Arc<str>), Host> = BTreeMap::new();
    for placed in list.iter().filter(|placed| !placed.candidate.hosts.is_empty()) {
        let Some(cluster) = placed.candidate.cluster.filter(|cluster| cluster.is_nameable()) else { continue };
        for (label, addresses) in &placed.candidate.hosts {
            let host = host(placed, cluster, label, addresses);
            match named.get_mut(&(cluster, label)) {
                Some(held) => unite(held, host),
                None => drop(named.insert((cluster, label), host)),
            }
        }
    }
    let mut hosts: Vec<Host> = named.into_values().collect();
    hosts.sort_by(|a, b| (a.tier, &a.cluster, &a.label).cmp(&(b.tier, &b.cluster, &b.label)));
    hosts
}

fn host(placed: &Placed<'_>, cluster: &ClusterId, label: &Arc<str>, addresses: &[IpAddr]) -> Host {
    let ports = if addresses.is_empty() { Vec::new() } else { placed.candidate.ports.to_vec() };
    Host {
        cluster: cluster.clone(),
        label: Arc::clone(label),
        addresses: addresses.to_vec(),
        ports,
        tier: placed.tier,
        weight: placed.weight,
        stale: placed.rank.stale,
        ill: placed.rank.ill,
        restored: placed.candidate.restored,
        in_service: placed.candidate.is_in() && !addresses.is_empty(),
    }
}

fn unite(held: &mut Host, other: Host) {
    held.addresses.extend(other.addresses);
    held.addresses.sort_unstable();
    held.addresses.dedup();
    held.ports.extend(other.ports);
    held.ports.sort();
    held.ports.dedup();
    if other.in_service {
        held.tier = if held.in_service { held.tier.min(other.tier) } else { other.tier };
        held.weight = if held.in_service { held.weight.max(other.weight) } else { other.weight };
        held.ill = if held.in_service { held.ill && other.ill } else { other.ill };
        held.in_service = true;
    }
    held.stale |= other.stale;
    held.restored |= other.restored;
}

fn targets(list: Vec<Placed<'_>>) -> Vec<Target> {
    let owned = |mut placed: Placed<'_>| {
        let addresses = std::mem::take(&mut placed.candidate.addresses);
        Target { addresses, ..target(&placed, placed.tier) }
    };
    list.into_iter().filter(is_target).map(owned).collect()
}

/// What only `nearest` left out, their tiers behind those of the targets, and addresses that stand at another target, in
/// the tier in which they would stand without it.
fn further(list: &[Placed<'_>]) -> Vec<Target> {
    let left_out =
        |placed: &&Placed<'_>| placed.candidate.out == Some(NEARER) && !placed.candidate.addresses.is_empty();
    let mut ranks: Vec<Rank> = list.iter().filter(left_out).map(|placed| placed.rank).collect();
    ranks.dedup();
    let place = |placed: &Placed<'_>| ranks.iter().filter(|rank| **rank < placed.rank).count();
    let tier = |placed: &Placed<'_>| u8::try_from(place(placed) + usize::from(placed.tier)).unwrap_or(u8::MAX);
    let shared = list.iter().filter(|placed| !placed.shared.is_empty());
    let shared = shared.map(|placed| Target { addresses: placed.shared.clone(), ..target(placed, placed.tier) });
    let mut further: Vec<Target> = shared.collect();
    further.extend(list.iter().filter(left_out).map(|placed| target(placed, tier(placed))));
    further.sort_by_key(|target| target.tier);
    further
}

fn target(placed: &Placed<'_>, tier: u8) -> Target {
    Target {
        cluster: placed.candidate.cluster.cloned(),
        addresses: placed.candidate.addresses.clone(),
        tier,
        weight: placed.weight,
        stale: placed.rank.stale,
        restored: placed.candidate.restored,
        zone: placed.candidate.zone.cloned(),
    }
}
