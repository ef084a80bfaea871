//! What `explain` is told of a host beside its candidates: the policy and its origin, what was refused, skipped or not needed.
//!
//! In: the sources of a host. Out: notes; nothing is built where nobody listens.

use super::policy::HostPolicy;
use crate::model::fact::{Ingress, Kind, ObjectKey, Origin};
use crate::model::host::fact::{DnsRecord, RecordValues, ServiceEntryFact, SrvValue, Workload};
use crate::model::host::{Object, Source};
use crate::model::policy::AnswerMode;
use crate::model::select::policy::TierOrder;
use crate::model::trace::{Note, Trace, Verdict};
use std::net::IpAddr;

/// Kind, name and place of an object.
pub(super) type ObjectPlace<'a> = (Kind, &'a ObjectKey, &'a Origin);

/// Keeps the addresses that `allow.cidrs` of the source's cluster admits, and tells of the others.
pub(super) fn admitted(source: &Source<'_>, addresses: Vec<IpAddr>, trace: &mut impl Trace) -> Vec<IpAddr> {
    admitted_of(source, source.object.place(), addresses, trace)
}

/// The same of another object that the source leads to.
pub(super) fn admitted_of(
    source: &Source<'_>,
    object: ObjectPlace<'_>,
    addresses: Vec<IpAddr>,
    trace: &mut impl Trace,
) -> Vec<IpAddr> {
    let (kept, refused): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| source.member.admits_address(*address));
    if !refused.is_empty() {
        trace.note(|| Note::left_out(&source.member.cluster().id, refused, "`allow.cidrs` refuses it", object));
    }
    kept
}

/// Every endpoint of a ServiceEntry: its own, and the WorkloadEntries that it selects.
pub(super) fn workloads<'a>(
    source: &Source<'a>,
    entry: &'a ServiceEntryFact,
) -> impl Iterator<Item = (&'a Workload, ObjectPlace<'a>)> {
    let inline = entry.endpoints.iter().map(|workload| (workload, (Kind::ServiceEntry, &entry.key, &entry.origin)));
    let selected = source.member.facts().hosts().selected(entry);
    inline.chain(selected.map(|fact| (&fact.workload, (Kind::WorkloadEntry, &fact.key, &fact.origin))))
}

/// Tells of every endpoint of the sources that it is not asked, and why.
pub(super) fn unused<'a>(sources: &[Source<'a>], reason: &'static str, trace: &mut impl Trace) {
    for source in sources {
        let Object::Entry(entry) = source.object else { continue };
        workloads(source, entry).for_each(|(workload, object)| endpoint(source, workload, object, reason, trace));
    }
}

/// Tells why one endpoint does not answer.
pub(super) fn endpoint(
    source: &Source<'_>,
    workload: &Workload,
    object: ObjectPlace<'_>,
    reason: &str,
    trace: &mut impl Trace,
) {
    trace.note(|| {
        let (addresses, reason) = match &workload.address {
            Ingress::Ip(address) => (vec![*address], reason.to_owned()),
            Ingress::Host(name) => (Vec::new(), format!("{name}: {reason}")),
        };
        Note::left_out(&source.member.cluster().id, addresses, reason, object)
    });
}

/// Tells which policy applies, and where each part of it comes from.
pub(super) fn policy(found: &HostPolicy<'_>, trace: &mut impl Trace) {
    trace.note(|| {
        let mode = match found.policy.mode {
            AnswerMode::Ordered => "ordered",
            AnswerMode::Nearest => "nearest",
            AnswerMode::Weighted => "weighted",
        };
        let tiers = match found.policy.order {
            TierOrder::Default if found.policy.mode == AnswerMode::Weighted => "one tier",
            TierOrder::Default | TierOrder::Kept => "cluster, zone, region, rest",
            TierOrder::Zone => "zone, cluster, region, rest",
            TierOrder::One => "one tier",
            TierOrder::Given => "PRIMARY, SECONDARY",
            TierOrder::Prefer(_) => "as `prefer` lists them",
        };
        let (mode_from, tiers_from) = (found.mode_from, found.tiers_from);
        Note::rule(format!(
            "policy: answer {mode} ({mode_from}), tiers {tiers} ({tiers_from}), TTL {}",
            found.policy.ttl
        ))
    });
}

/// One record of a DNSEndpoint that is no address; `out`: why it is not answered.
pub(super) fn record(source: &Source<'_>, record: &DnsRecord, out: Option<&'static str>) -> Note {
    let routing = record.routing.to_string();
    let set = if routing.is_empty() { String::new() } else { format!("; {routing}") };
    let what = format!("{}: {}{set}", told_values(&record.values), out.unwrap_or("answered"));
    let cluster = &source.member.cluster().id;
    let stale = source.member.state().is_stale();
    let verdict = if out.is_some() { Verdict::LeftOut } else { Verdict::Kept { tier: 0, weight: 1, stale } };
    Note { verdict, ..Note::left_out(cluster, Vec::new(), what, source.object.place()) }
}

fn told_values(values: &RecordValues) -> String {
    match values {
        RecordValues::Addresses(addresses) => format!("{} addresses", addresses.len()),
        RecordValues::Alias(target) => format!("CNAME {target}"),
        RecordValues::Texts(texts) => format!("TXT {:?}", texts.iter().map(|parts| parts.concat()).collect::<Vec<_>>()),
        RecordValues::Pointers(targets) => format!("PTR {}", targets.join(" ")),
        RecordValues::Services(rows) => {
            let row = |row: &SrvValue| format!("{} {} {} {}", row.priority, row.weight, row.port, row.target);
            format!("SRV {}", rows.iter().map(row).collect::<Vec<_>>().join(", "))
        }
    }
}
