//! The hosts of a global zone that have to do with a name: which objects name them, which of them owns the name, and what
//! became of every address (DNS.md section 2, SOURCES.md 1.3, 3.4, 3.9).

use super::tree::{TreeKind, TreeNode};
use super::{Context, Decision, Node, decisions, source};
use crate::dns::Name;
use crate::model::fact::Kind;
use crate::model::host::{HostAnswer, Source, merge_host_traced};
use crate::model::trace::Recording;
use crate::model::{View, select_host};
use serde::Serialize;
use std::sync::Arc;

/// One host in one view.
#[derive(Debug, Clone, Serialize)]
pub struct HostStory {
    pub host: String,
    /// Kind of the objects of the level that owns the host: `ServiceEntry` before `DNSEndpoint`.
    pub level: Option<&'static str>,
    /// What the host is to the name that was asked.
    pub standing: String,
    /// True for the one host whose records are the answer.
    pub owns: bool,
    /// The objects of that level, cluster by cluster.
    pub sources: Vec<String>,
    /// Decisions in the order in which they fell.
    pub decisions: Vec<Decision>,
    pub findings: Vec<String>,
}

/// How a host may come to own the name that was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    Itself,
    /// `_port._proto` below it.
    Port,
    Wildcard,
}

/// The hosts that name, or would answer, `name`; the owner first.
pub(super) fn stories(name: &Name, tree: Option<&TreeNode>, view: &View, context: &Context<'_>) -> Vec<HostStory> {
    let mut asked = vec![(Claim::Itself, Some(name.clone()))];
    if name.labels().take(2).filter(|label| label.starts_with(b"_")).count() == 2 {
        asked.push((Claim::Port, name.parent().and_then(|parent| parent.parent())));
    }
    if let Some(wildcard) = tree.filter(|tree| tree.kind == TreeKind::Wildcard).and_then(|tree| tree.matched.as_ref()) {
        asked.push((Claim::Wildcard, Name::parse(wildcard).ok()));
    }
    let hosts = asked.into_iter().filter_map(|(claim, host)| Some((claim, text_of(&host?))));
    let mut told: Vec<(Option<u8>, HostStory)> =
        hosts.filter_map(|(claim, host)| story(claim, &host.into(), name, view, context)).collect();
    // The level, then the host, as `publish` ranks owners.
    told.sort_by(|(a, first), (b, second)| (a.is_none(), a, &first.host).cmp(&(b.is_none(), b, &second.host)));
    let mut stories: Vec<HostStory> =
        told.into_iter().map(|(rank, story)| HostStory { owns: rank.is_some(), ..story }).collect();
    let owner = stories.first().filter(|first| first.owns).map(|first| first.host.clone());
    for loser in stories.iter_mut().skip(1).filter(|story| story.owns) {
        loser.owns = false;
        loser.standing = format!("has this name too; {} ranks before it", owner.as_deref().unwrap_or_default());
    }
    stories
}

fn text_of(name: &Name) -> String {
    name.to_string().trim_end_matches('.').to_owned()
}

/// The story, and the rank of the host's level if it has the name in this view; `None` where nothing names the host.
fn story(
    claim: Claim,
    host: &Arc<str>,
    name: &Name,
    view: &View,
    context: &Context<'_>,
) -> Option<(Option<u8>, HostStory)> {
    let mut recording = Recording::default();
    let entry = merge_host_traced(host, context.clusterset, &mut recording);
    let answer = select_host(&entry, view, context.clusterset, &mut recording);
    if entry.sources.is_empty() && recording.notes.is_empty() {
        return None;
    }
    let level = entry.sources.first().map(|source| source.object.kind());
    let has_port = |answer: &HostAnswer| {
        answer.addresses.ports.iter().any(|port| is_port(name, &port.name, port.protocol.label()))
    };
    let has = answer.as_ref().is_some_and(|answer| claim != Claim::Port || has_port(answer));
    let rank = has.then_some(if level == Some(Kind::ServiceEntry) { 0 } else { 1 });
    let served = answer.as_ref().map(|answer| crate::compile::served_targets(&answer.addresses, context.settings));
    let story = HostStory {
        host: host.to_string(),
        level: level.map(Kind::as_str),
        standing: standing(claim, answer.is_some(), has),
        owns: false,
        sources: entry.sources.iter().map(source_line).collect(),
        decisions: decisions(&recording.notes, served),
        findings: entry.findings.iter().chain(&recording.findings).map(ToString::to_string).collect(),
    };
    Some((rank, story))
}

fn standing(claim: Claim, exists: bool, has: bool) -> String {
    match (claim, exists, has) {
        (_, false, _) => "does not exist in this view",
        (Claim::Itself, ..) => "owns the name",
        (Claim::Wildcard, ..) => "answers for the name",
        (Claim::Port, _, true) => "owns the name: it is one of its ports",
        (Claim::Port, _, false) => "has no such port",
    }
    .to_owned()
}

/// True when the first two labels of `name` are this port (RFC 2782).
fn is_port(name: &Name, port: &str, protocol: &str) -> bool {
    let labels = [format!("_{port}"), format!("_{protocol}")];
    name.labels().zip(labels).all(|(label, wanted)| label.eq_ignore_ascii_case(wanted.as_bytes()))
}

fn source_line(named: &Source<'_>) -> String {
    let (kind, key, origin) = named.object.place();
    format!("{}: {}", named.member.cluster().id, source(kind.as_str(), key, origin))
}

/// The node of a name that hosts own, in the place of what the grammar of formed names says.
pub(super) fn node(stories: &[HostStory], name: &Name) -> Option<Node> {
    let owner = stories.first().filter(|story| story.owns)?;
    let text = text_of(name);
    let below = match text == owner.host {
        true => None,
        // A wildcard stands for what is left of the rest of it.
        false => text.strip_suffix(owner.host.trim_start_matches("*.")).map(|below| below.trim_end_matches('.')),
    };
    Some(Node::Host { host: owner.host.clone(), below: below.map(str::to_owned) })
}
