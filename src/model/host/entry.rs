//! All objects of all clusters that name one host become one entry.

use super::fact::{DnsEndpointFact, ServiceEntryFact};
use crate::model::clusterset::{ClusterSet, Member, Slot};
use crate::model::fact::{Kind, ObjectKey, Origin};
use crate::model::finding::{Finding, Place};
use crate::model::policy::OwnPolicy;
use std::sync::Arc;

/// One host: the objects of the level that owns it.
#[derive(Debug)]
pub struct HostEntry<'a> {
    pub host: Arc<str>,
    /// By cluster id, then object; all of one kind. Empty: nothing makes the name.
    pub sources: Vec<Source<'a>>,
    /// `name-taken`, `over-limit`.
    pub findings: Vec<Finding>,
}

/// One object that names the host.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub slot: Slot,
    pub member: &'a Member,
    pub object: Object<'a>,
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
}

/// Merges what all known clusters say about `host`. ServiceEntries own a name before DNSEndpoints; within a level all
/// objects are united (SOURCES.md 1.3). A host that is not served ([`super::HostSettings::serves`]) has no sources.
pub fn merge_host<'a>(host: &Arc<str>, set: &'a ClusterSet) -> HostEntry<'a> {
    let mut entry = HostEntry { host: Arc::clone(host), sources: Vec::new(), findings: Vec::new() };
    if !set.settings().hosts.serves(host) {
        return entry;
    }
    let mut found = Vec::new();
    for (slot, member) in set.host_holders(host).filter(|(_, member)| member.state().is_known()) {
        if member.is_host_cut(host) {
            entry.findings.push(over_limit(host, member));
            continue;
        }
        collect(host, slot, member, set.settings().hosts.respect_export_to, &mut found);
    }
    let owner = if found.iter().any(|source| source.object.kind() == Kind::ServiceEntry) {
        Kind::ServiceEntry
    } else {
        Kind::DnsEndpoint
    };
    let (mut sources, losers): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|s: &Source<'_>| s.object.kind() == owner);
    sources.sort_by(|a, b| (&a.member.cluster().id, a.object.key()).cmp(&(&b.member.cluster().id, b.object.key())));
    entry.findings.extend(losers.iter().map(|loser| name_taken(host, loser)));
    HostEntry { sources, ..entry }
}

fn collect<'a>(host: &str, slot: Slot, member: &'a Member, respect_export_to: bool, found: &mut Vec<Source<'a>>) {
    let facts = member.facts().hosts();
    let entries = facts.entries(host).filter(|entry| entry.exported || !respect_export_to).map(Object::Entry);
    let objects = entries.chain(facts.endpoints(host).map(Object::Records));
    let admitted = objects.filter(|object| member.admits_namespace(object.key().namespace()));
    found.extend(admitted.map(|object| Source { slot, member, object }));
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
