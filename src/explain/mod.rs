//! Why an answer is what it is: for a name, a type and a view, the tree node, the service, every cluster and address kept or left
//! out and why, conflicts, findings, and the answer as sent.
//!
//! In: the model and the table of a running server, or of one built for the question. Out: an [`Explanation`], as text or
//! JSON. Runs the same `merge`, `select` and `respond` as the server, so that it cannot tell another story. Never on the query path.

mod answer;
mod near;
mod node;
mod text;

pub use answer::{Sent, Status, type_number};
pub use node::Node;

use crate::compile::Zones;
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
    /// Record type number; `None` asks for A and AAAA, and SRV where the name is one.
    pub rtype: Option<u16>,
    /// Number of the view.
    pub view: u8,
}

/// Where the answer comes from.
pub struct Context<'a> {
    pub clusterset: &'a ClusterSet,
    pub views: &'a [View],
    pub zones: &'a Zones,
    pub table: &'a Table,
    /// How long ago each cluster gave a sign of life, if that is known.
    pub age: &'a dyn Fn(&crate::model::ClusterId) -> Option<Duration>,
    /// Deletions that wait for a second list (RESILIENCE.md rule 6).
    pub brake: &'a crate::model::brake::Brake,
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
    pub clusters: Vec<ClusterLine>,
    pub service: Option<ServiceStory>,
    /// One per type asked.
    pub answers: Vec<Sent>,
    /// For a name that does not exist: the nearest ancestor that does, similar names, a misread grammar.
    pub hints: Vec<String>,
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
    /// Deletions that wait for a second list.
    pub held: Vec<String>,
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
    let node = Node::of(&question.name, context.zones, context.clusterset);
    let view = context.views.get(usize::from(question.view));
    let zone = context.zones.list.iter().filter(|zone| question.name.is_within(&zone.name));
    let service = node.service().zip(view).map(|(key, view)| service_story(key, view, context));
    let types = question.rtype.map_or_else(|| node.usual_types(), |rtype| vec![rtype]);
    let answers: Vec<Sent> =
        types.iter().map(|rtype| answer::sent(context.table, &question.name, *rtype, question.view)).collect();
    let absent = answers.iter().all(|sent| matches!(sent.status, Status::Absent | Status::Refused));
    Explanation {
        name: question.name.to_string(),
        view: view.map(|view| view.name.to_string()).unwrap_or_default(),
        zone: zone.max_by_key(|zone| zone.name.label_count()).map(|zone| zone.name.to_string()),
        clusters: context.clusterset.members().map(|(_, member)| cluster_line(member, context)).collect(),
        service,
        hints: if absent { near::hints(&question.name, &node, question.view, context) } else { Vec::new() },
        node,
        answers,
    }
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
        held: context.brake.waiting(id).into_iter().map(held).collect(),
    }
}

fn held((kind, objects): (crate::model::Kind, usize)) -> String {
    format!("{}: {objects} objects that the last list lacks are kept until a second list agrees", kind.as_str())
}

fn service_story(key: &ServiceKey, view: &View, context: &Context<'_>) -> ServiceStory {
    let service = merge(key, context.clusterset);
    let mut recording = Recording::default();
    let selection = select(&service, view, context.clusterset, &mut recording);
    let created =
        |seconds: Option<i64>| seconds.map_or("no creation time".into(), |at| format!("created {}", date::rfc3339(at)));
    let export = |export: &crate::model::service::Export| {
        format!("{} ({}): {}", export.cluster, created(export.created), export.state)
    };
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
        decisions: recording.notes.iter().map(decision).collect(),
        findings: service.findings.iter().chain(&recording.findings).map(ToString::to_string).collect(),
    }
}

fn decision(note: &Note) -> Decision {
    let (verdict, tier, weight, stale) = match note.verdict {
        Verdict::Rule => ("rule", None, None, false),
        Verdict::Kept { tier, weight, stale } => ("kept", Some(tier), Some(weight), stale),
        Verdict::LeftOut => ("left out", None, None, false),
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
