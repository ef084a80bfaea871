//! Why an answer is what it is: for a name, a type and a view, the tree node, the service or hosts, every cluster and address
//! kept or left out and why, conflicts, findings, and the answer as sent.
//!
//! In: the model and the table of a running server, or of one built for the question. Out: an [`Explanation`], as text or
//! JSON. Runs the same `merge`, `select` and `respond` as the server, so that it cannot tell another story. Never on the query path.

mod answer;
mod grammar;
mod host;
mod near;
mod node;
mod one_cluster;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub use answer::{Sent, Status, type_number};
pub use host::HostStory;
pub use node::Node;
pub use tree::{TreeKind, TreeNode};

use crate::compile;
use crate::dns::Name;
use crate::model::clusterset::ClusterSet;
use crate::model::date;
use crate::model::merge::merge;
use crate::model::select::{Selection, select};
use crate::model::trace::{Note, Recording, Verdict};
use crate::model::{ServiceKey, View};
use crate::table::Table;
use serde::Serialize;
use std::time::Duration;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    pub name: Name,
    /// Record type number; `None` asks for the types that such names usually have, and for every other that this one has.
    pub rtype: Option<u16>,
    /// Number of the view.
    pub view: u8,
}

/// Where the answer comes from.
pub struct Context<'a> {
    pub clusterset: &'a ClusterSet,
    pub views: &'a [View],
    pub settings: &'a compile::Settings,
    pub table: &'a Table,
    /// How long ago each cluster gave a sign of life, if that is known.
    pub age: &'a dyn Fn(&crate::model::ClusterId) -> Option<Duration>,
    /// Deletions that wait for a second list (RESILIENCE.md rule 6).
    pub brake: &'a crate::model::brake::Brake,
    /// Objects of a cluster that were refused for lack of memory (`memoryLimit`).
    pub refused: &'a dyn Fn(&crate::model::ClusterId) -> u64,
    /// What the gateways of other clusters say of their connection to a cluster (SOURCES.md 3.2), a line for each, and what the
    /// registry says against it.
    pub connections: &'a dyn Fn(&crate::model::ClusterId) -> Vec<String>,
    /// Services, namespaces and hosts that wait to be published: until then the answer may lag behind the decisions.
    pub waiting: usize,
}

/// Everything about one name in one view.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    pub name: String,
    /// Empty for the local view.
    pub view: String,
    pub zone: Option<String>,
    /// What the name is by the grammar of its zone.
    pub node: Node,
    /// The node of the tree that answers; `None` outside the zones.
    pub tree: Option<TreeNode>,
    pub clusters: Vec<ClusterLine>,
    pub service: Option<ServiceStory>,
    /// In a global zone: the hosts that have to do with the name, the owner first.
    pub hosts: Vec<HostStory>,
    /// Where `allowQuery` does not admit everyone: the client as which was asked.
    pub client: Option<String>,
    /// One per type asked.
    pub answers: Vec<Sent>,
    /// The types that the name has records of in this view, whatever was asked.
    pub types: Vec<String>,
    /// For a name that does not exist: the nearest ancestor that does, similar names, a misread grammar.
    pub hints: Vec<String>,
    /// What waits to be published, if anything.
    pub waiting: usize,
}

/// One cluster of the registry.
#[derive(Debug, Clone, Serialize)]
pub struct ClusterLine {
    pub cluster: String,
    pub state: &'static str,
    /// Seconds since its last sign of life.
    pub age: Option<u64>,
    /// What keeps a kind from being read.
    pub errors: Vec<String>,
    /// Deletions that wait for a second list; objects for which there was no memory.
    pub held: Vec<String>,
    /// What the gateways of other clusters say of their connection to it, and what the registry says against it.
    pub connections: Vec<String>,
}

/// One service in one view.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceStory {
    pub key: String,
    /// `ClusterSetIP` or `Headless`; `None` when nothing makes it a name here.
    pub service_type: Option<&'static str>,
    /// Every export in the order of the merge.
    pub exports: Vec<String>,
    /// `REASON: text` (KEP-1645); empty is `NoConflicts`.
    pub conflicts: Vec<String>,
    /// Decisions in the order in which they fell.
    pub decisions: Vec<Decision>,
    pub findings: Vec<String>,
}

/// One decision about a cluster or some addresses.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    pub cluster: Option<String>,
    pub addresses: Vec<String>,
    /// `kept`, `left out`, or `rule` for background.
    pub verdict: &'static str,
    pub tier: Option<u8>,
    pub weight: Option<u32>,
    pub stale: bool,
    pub reason: String,
    /// Kind, name and place of the object that says so.
    pub source: Option<String>,
}

impl Explanation {
    /// The text form, for people.
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    /// The JSON form, same content.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The status of the first answer; the exit code follows from it.
    pub fn status(&self) -> Status {
        self.answers.iter().map(|sent| sent.status).min().unwrap_or(Status::Refused)
    }
}

/// Explains one name.
pub fn explain(question: &Question, context: &Context<'_>) -> Explanation {
    let name = &question.name;
    let zones = &context.settings.zones;
    let view = context.views.get(usize::from(question.view));
    let tree = tree::node(name, question.view, context);
    let zone = zones.list.iter().filter(|zone| name.is_within(&zone.name)).max_by_key(|zone| zone.name.label_count());
    let is_global = zone.is_some_and(|zone| zone.kind == compile::ZoneKind::Global);
    let hosts = view.filter(|_| is_global).map_or_else(Vec::new, |v| host::stories(name, tree.as_ref(), v, context));
    let by_grammar = Node::of(name, zones, context.clusterset);
    let node = host::node(&hosts, name).unwrap_or_else(|| by_grammar.clone());
    let service = node.service().zip(view).map(|(key, view)| service_story(key, &node, view, context));
    let held = answer::held(context.table, name, question.view);
    let types = question.rtype.map_or_else(|| usual_types(&node, &held), |rtype| vec![rtype]);
    let answers: Vec<Sent> =
        types.iter().map(|rtype| answer::sent(context.table, name, *rtype, question.view)).collect();
    let absent = answers.iter().all(|sent| matches!(sent.status, Status::Absent | Status::Refused));
    let mut explanation = Explanation {
        name: name.to_string(),
        view: view.map(|view| view.name.to_string()).unwrap_or_default(),
        zone: zone.map(|zone| zone.name.to_string()),
        clusters: context.clusterset.members().map(|(_, member)| cluster_line(member, context)).collect(),
        service,
        hosts,
        hints: if absent { near::hints(name, &node, question.view, context) } else { Vec::new() },
        waiting: context.waiting,
        client: answer::client(context.table),
        node,
        tree,
        types: held.into_iter().map(answer::type_name).collect(),
        answers,
    };
    explanation.hints.extend(alias(&explanation.answers));
    explanation.hints.extend(outranked(&by_grammar, &explanation, context));
    explanation
}

fn usual_types(node: &Node, held: &[u16]) -> Vec<u16> {
    let mut types = node.usual_types();
    let further: Vec<u16> = held.iter().copied().filter(|rtype| !types.contains(rtype)).collect();
    types.extend(further);
    types
}

/// The addresses behind a CNAME have a story of their own.
fn alias(answers: &[Sent]) -> Option<String> {
    let mut targets = answers.iter().flat_map(|sent| &sent.records).filter_map(|record| record.split_once(" CNAME "));
    targets.next().map(|(_, target)| format!("the CNAME leads to {target}: explain that name for what answers there"))
}

/// A service would form the name that a host owns.
fn outranked(by_grammar: &Node, explanation: &Explanation, context: &Context<'_>) -> Option<String> {
    let (Node::Formed { service, .. }, Node::Host { host, .. }) = (by_grammar, &explanation.node) else { return None };
    let level = explanation.hosts.first().and_then(|story| story.level).unwrap_or("host");
    let exists = context.clusterset.names(service);
    exists.then(|| format!("{host} belongs to a {level}: the name formed from service {service} ranks after it"))
}

fn cluster_line(member: &crate::model::clusterset::Member, context: &Context<'_>) -> ClusterLine {
    let id = &member.cluster().id;
    let error = |kind: crate::model::Kind| {
        let error = member.facts().status(kind).error.clone()?;
        Some(format!("{}: {error}", kind.as_str()))
    };
    ClusterLine {
        cluster: id.to_string(),
        state: match member.state() {
            _ if member.is_restored() => "restored from a snapshot",
            crate::model::State::Unknown if member.grace_over() => "unknown, grace over",
            crate::model::State::Unknown => "unknown",
            crate::model::State::Fresh => "fresh",
            crate::model::State::Suspect => "suspect",
            crate::model::State::Stale => "stale",
            crate::model::State::Expired => "expired",
        },
        age: (context.age)(id).map(|age| age.as_secs()),
        errors: crate::model::Kind::ALL.into_iter().filter_map(error).collect(),
        held: context.brake.waiting(id).into_iter().map(held).chain(refused((context.refused)(id))).collect(),
        connections: (context.connections)(id),
    }
}

fn refused(objects: u64) -> Option<String> {
    let line = "were refused for lack of memory (memoryLimit): what they would add is missing from answers";
    (objects > 0).then(|| format!("{objects} new objects {line}"))
}

fn held((kind, objects): (crate::model::Kind, usize)) -> String {
    format!("{}: {objects} objects that the last list lacks are kept until a second list agrees", kind.as_str())
}

fn service_story(key: &ServiceKey, node: &Node, view: &View, context: &Context<'_>) -> ServiceStory {
    let service = merge(key, context.clusterset);
    let mut recording = Recording::default();
    let selection = select(&service, view, context.clusterset, &mut recording);
    let one = one_cluster::named(node, context);
    let served = selection.answer().filter(|_| one.is_none());
    let served = served.map(|answer| compile::served_targets(answer, context.settings));
    let created =
        |seconds: Option<i64>| seconds.map_or("no creation time".into(), |at| format!("created {}", date::rfc3339(at)));
    let export = |export: &crate::model::service::Export| {
        format!("{} ({}): {}", export.cluster, created(export.created), export.state)
    };
    let mut decisions = decisions(&recording.notes, served);
    if let (Some(cluster), Some(answer)) = (one, selection.answer()) {
        let targets = compile::targets_by_cluster(answer, context.settings).remove(cluster).unwrap_or_default();
        one_cluster::keep_to(cluster, &targets, &mut decisions);
    }
    ServiceStory {
        key: key.to_string(),
        service_type: match selection {
            Selection::Present(answer) => Some(match answer.service_type {
                crate::model::fact::ServiceType::ClusterSetIp => "ClusterSetIP",
                crate::model::fact::ServiceType::Headless => "Headless",
            }),
            Selection::Absent | Selection::Unknown => None,
        },
        exports: service.exports.iter().map(export).collect(),
        conflicts: service.conflicts.iter().map(|c| format!("{}: {c}", c.reason.as_str())).collect(),
        decisions,
        findings: service.findings.iter().chain(&recording.findings).map(ToString::to_string).collect(),
    }
}

/// Notes as decisions. `served`: how many of the kept targets get records, where there is an answer.
fn decisions(notes: &[Note], served: Option<usize>) -> Vec<Decision> {
    let mut decisions: Vec<Decision> = notes.iter().map(decision).collect();
    let targets = decisions.iter_mut().filter(|made| made.verdict == KEPT && !made.addresses.is_empty());
    for target in targets.skip(served.unwrap_or(usize::MAX)) {
        target.leave_out(BEYOND);
    }
    decisions
}

const BEYOND: &str = "beyond `maxAnswerRecords`, or what one message holds";
const KEPT: &str = "kept";
const LEFT_OUT: &str = "left out";

impl Decision {
    fn leave_out(&mut self, reason: &str) {
        (self.verdict, self.tier, self.weight, self.stale) = (LEFT_OUT, None, None, false);
        reason.clone_into(&mut self.reason);
    }
}

fn decision(note: &Note) -> Decision {
    let (verdict, tier, weight, stale) = match note.verdict {
        Verdict::Rule => ("rule", None, None, false),
        // Records that are no addresses have no place among targets.
        Verdict::Kept { stale, .. } if note.addresses.is_empty() => (KEPT, None, None, stale),
        Verdict::Kept { tier, weight, stale } => (KEPT, Some(tier), Some(weight), stale),
        Verdict::LeftOut => (LEFT_OUT, None, None, false),
    };
    Decision {
        cluster: note.cluster.as_ref().map(ToString::to_string),
        addresses: note.addresses.iter().map(ToString::to_string).collect(),
        verdict,
        tier,
        weight,
        stale,
        reason: note.reason.to_string(),
        source: note.source.as_ref().map(|(kind, key, origin)| source(kind.as_str(), key, origin)),
    }
}

fn source(kind: &str, key: &crate::model::fact::ObjectKey, origin: &crate::model::fact::Origin) -> String {
    use crate::model::fact::Origin;
    match origin {
        Origin::Api { resource_version } => format!("{kind} {key}, resourceVersion {resource_version}"),
        Origin::File { path, line } => format!("{kind} {key}, {path}:{line}"),
        Origin::Unknown => format!("{kind} {key}"),
    }
}
