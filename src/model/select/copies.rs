//! Endpoints beside an Import: the best copy of each source cluster (SOURCES.md 1.3, 1.5).

use super::candidate::{Candidate, Health};
use super::endpoints::{Side, gather};
use super::headless;
use super::standing::Context;
use crate::model::cluster::{Mode, Reach, State};
use crate::model::clusterset::Member;
use crate::model::fact::{ImportFact, Kind, SliceFact, SliceRole};
use crate::model::facts::ServiceFacts;
use crate::model::id::ClusterId;
use crate::model::trace::Trace;
use std::collections::BTreeMap;

/// An Import and the cluster that holds it.
pub(super) struct Held<'a> {
    pub member: &'a Member,
    pub facts: &'a ServiceFacts,
    pub import: &'a ImportFact,
}

/// A source cluster: its own id and registry entry where it is in the registry, else the id as written.
type Sources<'a> = BTreeMap<&'a ClusterId, Option<&'a Member>>;

fn known<'a>(context: &Context<'a>, id: &'a ClusterId) -> (&'a ClusterId, Option<&'a Member>) {
    match context.set.called(id) {
        Some((_, member)) => (&member.cluster().id, Some(member)),
        None => (id, None),
    }
}

fn source_of(slice: &SliceFact) -> Option<&ClusterId> {
    match &slice.role {
        SliceRole::Copy { source } => Some(source),
        SliceRole::Native => None,
    }
}

/// Endpoints of all source clusters. They are those named by copies and, for a Headless Import, by `status.clusters`;
/// if neither names any, all exporters.
pub(super) fn endpoints<'a>(
    context: &Context<'a>,
    held: &[Held<'a>],
    headless: bool,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    let mut sources = Sources::new();
    for held in held {
        let copied = held.facts.copies.iter().filter(|slice| !slice.virtual_address).filter_map(source_of);
        let listed = held.import.source_clusters.iter().filter(|_| headless);
        sources.extend(copied.chain(listed).map(|id| known(context, id)));
    }
    if sources.is_empty() && headless {
        let exporters = context.service.merged_exports().filter_map(|export| context.set.at(export.slot));
        sources.extend(exporters.map(|member| (&member.cluster().id, Some(member))));
    }
    sources.into_iter().flat_map(|(id, member)| of_source(context, held, id, member, trace)).collect()
}

/// The best copy of one source: its native slices once it is known, else what a controller copied.
fn of_source<'a>(
    context: &Context<'a>,
    held: &[Held<'a>],
    id: &'a ClusterId,
    member: Option<&'a Member>,
    trace: &mut impl Trace,
) -> Vec<Candidate<'a>> {
    let copy = best_copy(context, held, id);
    // A controller that bridges networks copies addresses that route here; native ones do not.
    let bridged = |member: &Member| context.is_elsewhere(member) && member.cluster().reach != Reach::Gateway;
    if let Some((member, facts)) = member.and_then(|member| Some((member, native(context, member)?)))
        && (copy.is_none() || !bridged(member))
    {
        let side = Side { cluster: id, member: Some(member), reader: member };
        let endpoints = gather(context, &side, facts.slices.iter(), trace);
        return headless::native(context, member, endpoints, trace);
    }
    let Some(holder) = copy else { return Vec::new() };
    let side = Side { cluster: id, member, reader: holder.member };
    let endpoints = gather(context, &side, copies_of(context, holder, id), trace);
    headless::named(&side, state_of(member, holder), endpoints)
}

/// Native slices of a source, where it is known and has any.
fn native<'a>(context: &Context<'a>, member: &'a Member) -> Option<&'a ServiceFacts> {
    let key = &context.service.key;
    let reads = member.cluster().mode != Mode::Import && !member.is_cut(key);
    member.usable(key).filter(|facts| reads && !facts.slices.is_empty())
}

/// The state of the source where it is known, else that of the cluster the copy lies in.
fn state_of(source: Option<&Member>, holder: &Held<'_>) -> State {
    source.map(Member::state).filter(|state| state.is_known()).unwrap_or(holder.member.state())
}

fn copies_of<'a>(context: &Context<'a>, held: &Held<'a>, id: &ClusterId) -> impl Iterator<Item = &'a SliceFact> {
    let is_of = move |slice: &&'a SliceFact| {
        !slice.virtual_address && source_of(slice).is_some_and(|source| known(context, source).0 == id)
    };
    held.facts.copies.iter().filter(is_of)
}

/// The holder whose copy of the source counts: one in contact before one that is not.
fn best_copy<'h, 'a>(context: &Context<'a>, held: &'h [Held<'a>], id: &ClusterId) -> Option<&'h Held<'a>> {
    let holding = held.iter().filter(|held| copies_of(context, held, id).next().is_some());
    holding.min_by_key(|held| held.member.state().is_stale())
}

/// Lighthouse's virtual endpoints: one address set per source cluster, ready when any of its backends is
/// (SOURCES.md 3.2).
pub(super) fn virtual_endpoints<'a>(context: &Context<'a>, held: &[Held<'a>]) -> Vec<Candidate<'a>> {
    let mut sources: BTreeMap<&ClusterId, Candidate<'a>> = BTreeMap::new();
    for held in held {
        let slices = held.facts.copies.iter().filter(|slice| slice.virtual_address);
        for (slice, source) in slices.filter_map(|slice| Some((slice, source_of(slice)?))) {
            let (id, member) = known(context, source);
            let candidate = sources.entry(id).or_insert_with(|| virtual_endpoint(held, slice, id, member));
            take_in(candidate, held, slice);
        }
    }
    sources.into_values().filter(|candidate| !candidate.addresses.is_empty()).collect()
}

fn virtual_endpoint<'a>(
    held: &Held<'a>,
    slice: &'a SliceFact,
    id: &'a ClusterId,
    member: Option<&'a Member>,
) -> Candidate<'a> {
    let home = member.map(|member| &member.cluster().locality);
    Candidate {
        cluster: Some(id),
        member,
        region: home.and_then(|home| home.region.as_ref()),
        zone: home.and_then(|home| home.zone.as_ref()),
        health: Health::Ill,
        state: state_of(member, held),
        ports: (&slice.ports[..]).into(),
        source: Some((Kind::EndpointSlice, &slice.key, &slice.origin)),
        ..Candidate::new(held.member, Vec::new())
    }
}

fn take_in(candidate: &mut Candidate<'_>, held: &Held<'_>, slice: &SliceFact) {
    for endpoint in slice.endpoints.iter().filter(|endpoint| held.member.admits_address(endpoint.address)) {
        if endpoint.ready {
            candidate.health = Health::Ready;
        }
        if !candidate.addresses.contains(&endpoint.address) {
            candidate.addresses.push(endpoint.address);
            candidate.addresses.sort_unstable();
        }
    }
}
