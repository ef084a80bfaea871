//! What one view sees of one host in a global zone (SOURCES.md 3.4, 3.9).
//!
//! In: a [`HostEntry`], a view, the facts of all clusters. Out: a [`HostAnswer`], or none where the name does not exist.
//! The steps of a service do the rest: readiness, tiers, weights and the answer are one code.

mod entries;
mod policy;
mod records;
#[cfg(test)]
mod tests;
mod told;

use super::assemble::assemble;
use super::candidate::Candidate;
use super::policy::TierOrder;
use super::standing::{self, Context};
use crate::model::clusterset::ClusterSet;
use crate::model::fact::{Kind, Port, ServiceType};
use crate::model::host::{HostAnswer, HostEntry, HostRecords, Source};
use crate::model::id::ServiceKey;
use crate::model::policy::AnswerMode;
use crate::model::service::{Export, ExportState, Service};
use crate::model::trace::{Note, Trace};
use crate::model::view::View;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Why a limit leaves an address out.
const BEYOND: &str = "over-limit: beyond `limits.cluster.addressesPerHost`";

/// What the sources of a host offer a view.
struct Offer<'a> {
    candidates: Vec<Candidate<'a>>,
    ports: Vec<Port>,
    imported: Imported<'a>,
    /// The smallest TTL that the records bring along, seconds.
    ttl: Option<u32>,
}

/// The policy that the objects imply; own annotations and the configuration rank before it.
#[derive(Default)]
struct Imported<'a> {
    mode: Option<AnswerMode>,
    order: Option<TierOrder<'a>>,
    /// Which property of the objects implies it.
    from: &'static str,
}

/// Selects what `view` sees of `entry`, which is the merge of the same `set`. `None`: the name does not exist there.
pub fn select_host(entry: &HostEntry<'_>, view: &View, set: &ClusterSet, trace: &mut impl Trace) -> Option<HostAnswer> {
    let visible = |source: &&Source<'_>| view.namespaces.admits(source.object.key().namespace());
    let sources: Vec<Source<'_>> = entry.sources.iter().filter(visible).copied().collect();
    for hidden in entry.sources.iter().filter(|source| !visible(source)) {
        trace.note(|| hidden.left_out("the view does not admit its namespace"));
    }
    let kind = sources.first()?.object.kind();
    standing::warn_unknown(set, view, trace);
    let service = stand_in(&entry.host, &sources);
    let context = Context::new(&service, view, set);
    let offer = match kind {
        Kind::ServiceEntry => entries::offer(&context, &entry.host, &sources, trace),
        _ => records::offer(&context, &entry.host, &sources, trace),
    };
    let policy = policy::find(&context, &entry.host, &sources, &offer);
    told::policy(&policy, trace);
    let ports = offer.ports;
    let addresses = assemble(&context, &policy.policy, ServiceType::ClusterSetIp, ports, offer.candidates, trace);
    let records = match kind {
        Kind::ServiceEntry => entries::alias(&context, &sources, &addresses, trace).into_iter().collect(),
        _ => records::records(&context, &policy, &entry.host, &sources, &addresses, trace),
    };
    Some(HostAnswer { addresses, records: alias_alone(records) })
}

/// A CNAME stands alone (RFC 1034 section 3.6.2).
fn alias_alone(mut records: Vec<HostRecords>) -> Vec<HostRecords> {
    use crate::model::host::fact::RecordValues;
    let is_alias = |records: &HostRecords| matches!(records.values, RecordValues::Alias(_));
    if records.iter().any(is_alias) {
        records.retain(is_alias);
    }
    records
}

/// The host as a service: each cluster that names it with the weight and the drain of its own annotations.
fn stand_in(host: &Arc<str>, sources: &[Source<'_>]) -> Service {
    let export = |of_cluster: &[Source<'_>]| Export {
        cluster: of_cluster[0].member.cluster().id.clone(),
        slot: of_cluster[0].slot,
        state: ExportState::Ready,
        created: None,
        weight: of_cluster.iter().find_map(|source| source.object.own().weight),
        drain: of_cluster.iter().all(|source| source.object.own().drain),
    };
    Service {
        key: ServiceKey::new("", host),
        merged: None,
        exports: sources.chunk_by(|a, b| a.slot == b.slot).map(export).collect(),
        unknown: false,
        conflicts: Vec::new(),
        findings: Vec::new(),
    }
}

/// Gathers the candidates of all sources, of each cluster no more addresses than `limits.cluster.addressesPerHost`: the
/// excess goes in sorted order (RESILIENCE.md rule 9). `gather` counts what it left out by itself.
fn bounded<'a, T: Trace>(
    context: &Context<'a>,
    sources: &[Source<'a>],
    trace: &mut T,
    mut gather: impl FnMut(&Source<'a>, &mut usize, &mut T) -> Vec<Candidate<'a>>,
) -> Vec<Candidate<'a>> {
    let limit = context.set.settings().limits.addresses_per_host;
    let mut all = Vec::new();
    for of_cluster in sources.chunk_by(|a, b| a.slot == b.slot) {
        let mut count = 0;
        let mut found: Vec<Candidate<'a>> =
            of_cluster.iter().flat_map(|source| gather(source, &mut count, trace)).collect();
        count += found.iter().map(|candidate| candidate.addresses.len()).sum::<usize>();
        if count > limit {
            context.find(trace, "over-limit", &of_cluster[0].member.cluster().id, || {
                format!("{count} addresses, `limits.cluster.addressesPerHost` is {limit}: the rest is left out")
            });
            found.sort_by(|a, b| a.addresses.cmp(&b.addresses));
            let mut room = limit;
            found.retain(|candidate| {
                let fits = candidate.addresses.len() <= room;
                room = if fits { room - candidate.addresses.len() } else { 0 };
                if !fits {
                    trace.note(|| candidate.left_out(BEYOND));
                }
                fits
            });
        }
        all.extend(found);
    }
    all
}

/// Of the addresses of one object, each once, those that a host may have of each family: the first in sorted order. What is left
/// out is added to `cut`. So an object of any size costs no more than reading it once.
fn within_limit(
    context: &Context<'_>,
    source: &Source<'_>,
    addresses: Vec<IpAddr>,
    cut: &mut usize,
    trace: &mut impl Trace,
) -> Vec<IpAddr> {
    let limit = context.set.settings().limits.addresses_per_host;
    if addresses.len() <= limit {
        return addresses;
    }
    let mut seen = HashSet::new();
    let (mut v4, mut v6): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().copied().filter(|address| seen.insert(*address)).partition(IpAddr::is_ipv4);
    let mut beyond = HashSet::new();
    for family in [&mut v4, &mut v6].into_iter().filter(|family| family.len() > limit) {
        family.sort_unstable();
        beyond.extend(family.drain(limit..));
    }
    if !beyond.is_empty() {
        *cut += beyond.len();
        let cluster = &source.member.cluster().id;
        trace.note(|| Note::left_out(cluster, beyond.iter().copied().collect(), BEYOND, source.object.place()));
    }
    addresses.into_iter().filter(|address| !beyond.contains(address)).collect()
}
