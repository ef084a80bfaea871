//! All objects of all clusters that name one host become one entry.

use super::fact::{DnsEndpointFact, ServiceEntryFact};
use super::vip;
use crate::model::clusterset::{ClusterSet, Member, Slot};
use crate::model::fact::{Kind, ObjectKey, Origin};
use crate::model::finding::{Finding, Place};
use crate::model::policy::OwnPolicy;
use crate::model::trace::{NoTrace, Note, Trace, Verdict};
use std::sync::Arc;

/// One host: the objects of the level that owns it.
#[derive(Debug)]
pub struct HostEntry<'a> {
    pub host: Arc<str>,
    /// By cluster id, then object; all of one kind. Empty: nothing makes the name.
    pub sources: Vec<Source<'a>>,
    /// `name-taken`, `over-limit`, `vip-not-in-api`.
    pub findings: Vec<Finding>,
}

/// One object that names the host.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub slot: Slot,
    pub member: &'a Member,
    pub object: Object<'a>,
}

impl Source<'_> {
    /// The note that the object is not answered.
    pub(in crate::model) fn left_out(&self, reason: &'static str) -> Note {
        Note::left_out(&self.member.cluster().id, Vec::new(), reason, self.object.place())
    }
}

/// The object itself.
#[derive(Debug, Clone, Copy)]
pub enum Object<'a> {
    Entry(&'a ServiceEntryFact),
    Records(&'a DnsEndpointFact),
}

impl<'a> Object<'a> {
    pub fn kind(&self) -> Kind {
        match self {
            Object::Entry(_) => Kind::ServiceEntry,
            Object::Records(_) => Kind::DnsEndpoint,
        }
    }

    pub fn key(&self) -> &'a ObjectKey {
        match self {
            Object::Entry(fact) => &fact.key,
            Object::Records(fact) => &fact.key,
        }
    }

    pub fn own(&self) -> &'a OwnPolicy {
        match self {
            Object::Entry(fact) => &fact.own,
            Object::Records(fact) => &fact.own,
        }
    }

    pub fn origin(&self) -> &'a Origin {
        match self {
            Object::Entry(fact) => &fact.origin,
            Object::Records(fact) => &fact.origin,
        }
    }

    /// Kind, name and place, for notes.
    pub fn place(&self) -> (Kind, &'a ObjectKey, &'a Origin) {
        (self.kind(), self.key(), self.origin())
    }
}

/// Merges what all known clusters say about `host`. ServiceEntries own a name before DNSEndpoints; within a level all
/// objects are united (SOURCES.md 1.3). A host that is not served ([`super::HostSettings::serves`]) has no sources.
pub fn merge_host<'a>(host: &Arc<str>, set: &'a ClusterSet) -> HostEntry<'a> {
    merge_host_traced(host, set, &mut NoTrace)
}

/// As [`merge_host`]; tells what names the host and does not count, and why.
pub fn merge_host_traced<'a>(host: &Arc<str>, set: &'a ClusterSet, trace: &mut impl Trace) -> HostEntry<'a> {
    let mut entry = HostEntry { host: Arc::clone(host), sources: Vec::new(), findings: Vec::new() };
    if !set.settings().hosts.serves(host) {
        return entry;
    }
    let mut found = Vec::new();
    for (slot, member) in set.host_holders(host) {
        if !member.state().is_known() {
            trace.note(|| {
                of_cluster(member, "the cluster has not synced yet: what it says of this host does not count")
            });
            continue;
        }
        if member.is_host_cut(host) {
            entry.findings.push(over_limit(host, member));
            trace.note(|| of_cluster(member, "beyond `limits.cluster.hosts` of the cluster"));
            continue;
        }
        collect(host, slot, member, set.settings().hosts.respect_export_to, &mut found, trace);
    }
    let owner = if found.iter().any(|source| source.object.kind() == Kind::ServiceEntry) {
        Kind::ServiceEntry
    } else {
        Kind::DnsEndpoint
    };
    let (mut sources, losers): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|s: &Source<'_>| s.object.kind() == owner);
    sources.sort_by(|a, b| (&a.member.cluster().id, a.object.key()).cmp(&(&b.member.cluster().id, b.object.key())));
    for loser in &losers {
        entry.findings.push(name_taken(host, loser));
        trace.note(|| loser.left_out("a ServiceEntry owns the name: a DNSEndpoint ranks after it"));
    }
    entry.findings.extend(vip::unseen(host, &sources));
    HostEntry { sources, ..entry }
}

fn collect<'a>(
    host: &str,
    slot: Slot,
    member: &'a Member,
    respect_export_to: bool,
    found: &mut Vec<Source<'a>>,
    trace: &mut impl Trace,
) {
    let facts = member.facts().hosts();
    let objects = facts.entries(host).map(Object::Entry).chain(facts.endpoints(host).map(Object::Records));
    for source in objects.map(|object| Source { slot, member, object }) {
        let hidden = matches!(source.object, Object::Entry(entry) if respect_export_to && !entry.exported);
        if hidden {
            trace.note(|| source.left_out("`exportTo` is not `*`, and `istio.respectExportTo` is set"));
        } else if !member.admits_namespace(source.object.key().namespace()) {
            trace.note(|| source.left_out("`allow.namespaces` of the cluster does not admit its namespace"));
        } else {
            found.push(source);
        }
    }
}

fn of_cluster(member: &Member, reason: &'static str) -> Note {
    Note { cluster: Some(member.cluster().id.clone()), verdict: Verdict::LeftOut, ..Note::rule(reason) }
}

fn name_taken(host: &str, loser: &Source<'_>) -> Finding {
    let message =
        format!("{host} belongs to a ServiceEntry: these records of it are not served; remove one of the two");
    finding("name-taken", loser.member, &loser.object, message)
}

fn over_limit(host: &str, member: &Member) -> Finding {
    Finding {
        code: "over-limit",
        cluster: member.cluster().id.as_str().into(),
        kind: "Host".into(),
        object: host.into(),
        place: None,
        message: "beyond `limits.cluster.hosts` of the cluster: its part is left out; raise the limit or name fewer \
                  hosts"
            .to_owned(),
    }
}

/// A finding about an object, at its place.
pub(super) fn finding(code: &'static str, member: &Member, object: &Object<'_>, message: String) -> Finding {
    let place = match object.origin() {
        Origin::File { path, line } => Some(Place { path: Arc::clone(path), line: *line, column: 0 }),
        Origin::Api { .. } | Origin::Unknown => None,
    };
    let (kind, key) = (object.kind().as_str().into(), object.key().as_str().into());
    Finding { code, cluster: member.cluster().id.as_str().into(), kind, object: key, place, message }
}
