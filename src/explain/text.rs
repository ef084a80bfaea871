//! An explanation as text, for a terminal.

use super::{Decision, Explanation, HostStory, Node, ServiceStory};
use std::fmt::Write;

/// Lines about the registry.
const REGISTRY: usize = 20;

/// Renders the explanation. Lines are indented by what they belong to.
pub(super) fn render(explanation: &Explanation) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_all(&mut text, explanation);
    text
}

fn write_all(text: &mut String, explanation: &Explanation) -> std::fmt::Result {
    writeln!(text, "name      {}", explanation.name)?;
    let view = if explanation.view.is_empty() { "local" } else { &explanation.view };
    writeln!(text, "view      {view}")?;
    writeln!(text, "zone      {}", explanation.zone.as_deref().unwrap_or("none of ours"))?;
    writeln!(text, "node      {}", node(&explanation.node))?;
    if let Some(tree) = &explanation.tree {
        writeln!(text, "tree      {}", tree.words())?;
    }
    for cluster in &explanation.clusters {
        let age = cluster.age.map(|age| format!(", last sign of life {age} s ago")).unwrap_or_default();
        writeln!(text, "cluster   {}: {}{age}", cluster.cluster, cluster.state)?;
        if let Some(why) = &cluster.why {
            writeln!(text, "          {why}")?;
        }
        for line in cluster.errors.iter().chain(&cluster.held).chain(&cluster.connections) {
            writeln!(text, "          {line}")?;
        }
    }
    if explanation.guarding {
        writeln!(text, "guard     no cluster is in contact: the fault is likely on this side, so none is demoted")?;
    }
    registry(text, &explanation.registry)?;
    if let Some(story) = &explanation.service {
        service(text, story)?;
    }
    for story in &explanation.hosts {
        host(text, story)?;
    }
    if explanation.waiting > 0 {
        writeln!(text, "waiting   {} changes are not published yet; the answer may lag behind", explanation.waiting)?;
    }
    if let Some(client) = &explanation.client {
        writeln!(text, "client    {client}, one that `allowQuery` admits; all others are REFUSED")?;
    }
    for sent in &explanation.answers {
        writeln!(text, "answer    {} {}", sent.rtype, sent.words())?;
        for line in &sent.records {
            writeln!(text, "          {line}")?;
        }
    }
    if !explanation.types.is_empty() {
        writeln!(text, "types     {}", explanation.types.join(", "))?;
    }
    for hint in &explanation.hints {
        writeln!(text, "hint      {hint}")?;
    }
    Ok(())
}

/// At most [`REGISTRY`] lines: it may hold hundreds of objects.
fn registry(text: &mut String, lines: &[String]) -> std::fmt::Result {
    for line in lines.iter().take(REGISTRY) {
        writeln!(text, "registry  {line}")?;
    }
    match lines.len().checked_sub(REGISTRY + 1) {
        Some(more) => writeln!(text, "registry  {} more of the kind, as the log has them", more + 1),
        None => Ok(()),
    }
}

fn node(node: &Node) -> String {
    match node {
        Node::Foreign => "below none of the zones of this server".into(),
        Node::ZoneOwn => "a name of the zone itself".into(),
        Node::Namespace { namespace } => format!("namespace {namespace}"),
        Node::Service { service } => format!("service {service}"),
        Node::Port { service, below } => format!("port {below} of service {service}"),
        Node::Endpoint { service, below, cluster: Some(cluster) } => {
            format!("endpoint {below} of service {service}, cluster {cluster}")
        }
        Node::Endpoint { service, below, cluster: None } => {
            format!("endpoint {below} of service {service}; it ends in the id of no cluster of the registry")
        }
        Node::Zonal { service, below } => format!("zonal name {below} of service {service}"),
        Node::Formed { service, cluster: None } => format!("formed from service {service}"),
        Node::Formed { service, cluster: Some(cluster) } => format!("formed from service {service}, cluster {cluster}"),
        Node::Host { host, below: None } => format!("host {host}"),
        Node::Host { host, below: Some(below) } => format!("{below} of host {host}"),
        Node::Address { address } => format!("address {address}"),
        Node::Other => "fits no grammar of its zone".into(),
    }
}

fn service(text: &mut String, story: &ServiceStory) -> std::fmt::Result {
    let service_type = story.service_type.unwrap_or("does not exist in this view");
    writeln!(text, "service   {}: {service_type}", story.key)?;
    for export in &story.exports {
        writeln!(text, "export    {export}")?;
    }
    if story.conflicts.is_empty() && !story.exports.is_empty() {
        writeln!(text, "conflict  NoConflicts")?;
    }
    for conflict in &story.conflicts {
        writeln!(text, "conflict  {conflict}")?;
    }
    told(text, &story.decisions, &story.findings)
}

fn host(text: &mut String, story: &HostStory) -> std::fmt::Result {
    let level = story.level.unwrap_or("no object that counts");
    writeln!(text, "host      {}: {level}, {}", story.host, story.standing)?;
    for source in &story.sources {
        writeln!(text, "entry     {source}")?;
    }
    told(text, &story.decisions, &story.findings)
}

fn told(text: &mut String, decisions: &[Decision], findings: &[String]) -> std::fmt::Result {
    for made in decisions {
        writeln!(text, "{}", decision(made))?;
    }
    for finding in findings {
        writeln!(text, "finding   {finding}")?;
    }
    Ok(())
}

fn decision(made: &Decision) -> String {
    let mut line = format!("{:<10}", made.verdict);
    if let Some(cluster) = &made.cluster {
        line += &format!("{cluster}: ");
    }
    if !made.addresses.is_empty() {
        line += &format!("{} ", made.addresses.join(" "));
    }
    if let (Some(tier), Some(weight)) = (made.tier, made.weight) {
        let stale = if made.stale { ", stale" } else { "" };
        line += &format!("(tier {tier}, weight {weight}{stale}) ");
    }
    line += &made.reason;
    if let Some(source) = &made.source {
        line += &format!(" [{source}]");
    }
    line
}
