//! Hints for a name that does not exist: its nearest ancestor, similar names, a grammar misread.

use super::{Context, Node};
use crate::dns::Name;
use crate::model::{ClusterId, ServiceKey};

/// At most so many similar names.
const SIMILAR: usize = 3;

pub(super) fn hints(name: &Name, node: &Node, view: u8, context: &Context<'_>) -> Vec<String> {
    let mut hints = Vec::new();
    if *node == Node::Foreign {
        let zones: Vec<String> = context.zones.list.iter().map(|zone| zone.name.to_string()).collect();
        return vec![format!("this server answers only for {}", zones.join(" and "))];
    }
    if let Some(ancestor) = ancestor(name, view, context) {
        hints.push(format!("the nearest name that exists is {ancestor}"));
    }
    if let Some(key) = node.service() {
        hints.extend(misread(key, node, context));
        hints.extend(not_exported(key, context));
        let similar = similar(key, context);
        if !similar.is_empty() {
            hints.push(format!("similar services: {}", similar.join(", ")));
        }
    }
    hints
}

fn ancestor(name: &Name, view: u8, context: &Context<'_>) -> Option<Name> {
    let pinned = context.table.pin();
    let exists = |name: &Name| pinned.lookup(name.wire()).is_some_and(|block| block.exists_in(view));
    std::iter::successors(name.parent(), Name::parent).find(exists)
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
