//! Hints for a name that does not exist: its nearest ancestor, similar names, a grammar misread.

use super::{Context, Node, grammar};
use crate::dns::Name;
use crate::model::{ClusterId, ServiceKey};
use crate::responder::{Located, locate};

/// At most so many similar names.
pub(super) const SIMILAR: usize = 3;

pub(super) fn hints(name: &Name, node: &Node, view: u8, context: &Context<'_>) -> Vec<String> {
    let mut hints = Vec::new();
    if *node == Node::Foreign {
        let zones: Vec<String> = context.settings.zones.list.iter().map(|zone| zone.name.to_string()).collect();
        hints.push(format!("this server answers only for {}", zones.join(" and ")));
        hints.extend(grammar::named_elsewhere(name, context));
        return hints;
    }
    if let Some(ancestor) = ancestor(name, view, context) {
        hints.push(format!("the nearest name that exists is {ancestor}"));
    }
    hints.extend(in_other_views(name, view, context));
    hints.extend(grammar::hints(name, view, context));
    if let Some(key) = node.service() {
        hints.extend(misread(key, node, context));
        if let Node::Endpoint { service, below, cluster: None } = node {
            hints.extend(grammar::alias_in_endpoint(below, service, context));
        }
        hints.extend(not_exported(key, context));
        let similar = similar(key, context);
        if !similar.is_empty() {
            hints.push(format!("similar services: {}", similar.join(", ")));
        }
    }
    hints
}

/// The closest encloser, formed names included.
fn ancestor(name: &Name, view: u8, context: &Context<'_>) -> Option<Name> {
    locate(&context.table.pin(), name, view).map(|location| location.encloser)
}

/// Views that have the name.
fn in_other_views(name: &Name, view: u8, context: &Context<'_>) -> Option<String> {
    let pinned = context.table.pin();
    let has = |other: u8| locate(&pinned, name, other).is_some_and(|found| found.located != Located::Nothing);
    let others = (0u8..).zip(context.views).filter(|(other, _)| *other != view && has(*other));
    let names: Vec<&str> =
        others.map(|(_, view)| if view.name.is_empty() { "local" } else { &*view.name }).take(SIMILAR).collect();
    (!names.is_empty()).then(|| format!("the name exists in view {}, not in this one", names.join(", ")))
}

/// `api.cluster-a.svc.Z` is service `api` in namespace `cluster-a`, which people mean as a cluster (SOURCES.md section 7).
fn misread(key: &ServiceKey, node: &Node, context: &Context<'_>) -> Option<String> {
    let cluster = key.namespace();
    let is_cluster = context.clusterset.called(&ClusterId::new(cluster)).is_some();
    if !is_cluster || !matches!(node, Node::Service { .. } | Node::Port { .. }) {
        return None;
    }
    let namespaces: Vec<&str> = context
        .clusterset
        .services()
        .filter(|other| other.name() == key.name())
        .map(ServiceKey::namespace)
        .take(SIMILAR)
        .collect();
    let namespace = namespaces.first().copied().unwrap_or("<namespace>");
    Some(format!(
        "{cluster} is a cluster, but by the grammar this name is service {} in namespace {cluster}; ask for {}.{namespace}.svc, \
         or with `clusterNames: true` for {cluster}.{}.{namespace}.svc",
        key.name(),
        key.name(),
        key.name(),
    ))
}

/// A Service without a ServiceExport makes no name.
fn not_exported(key: &ServiceKey, context: &Context<'_>) -> Option<String> {
    let holds = |member: &crate::model::clusterset::Member| {
        let facts = member.facts().service(key)?;
        (facts.service.is_some() && facts.export.is_none()).then(|| member.cluster().id.to_string())
    };
    let clusters: Vec<String> = context.clusterset.members().filter_map(|(_, member)| holds(member)).collect();
    let exists =
        || format!("a Service {key} exists in {} without a ServiceExport: add one to export it", clusters.join(", "));
    (!clusters.is_empty()).then(exists)
}

fn similar(key: &ServiceKey, context: &Context<'_>) -> Vec<String> {
    let close = |other: &&ServiceKey| {
        let same_name = other.name() == key.name();
        let same_namespace = other.namespace() == key.namespace();
        *other != key
            && (same_name || same_namespace && (other.name().contains(key.name()) || key.name().contains(other.name())))
    };
    context.clusterset.services().filter(close).take(SIMILAR).map(ToString::to_string).collect()
}
