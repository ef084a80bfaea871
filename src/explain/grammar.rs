//! Hints where the grammar of a zone was misread: labels missing, swapped or in the order of another system (DNS.md
//! sections 1 and 2, SOURCES.md 3.5 and section 7).

use super::Context;
use super::near::SIMILAR;
use crate::compile::{Zone, ZoneKind};
use crate::dns::Name;
use crate::model::host::Object;
use crate::model::{ClusterId, ServiceKey};
use crate::responder::{Located, locate};

/// Everything that may have been meant by a name that does not exist.
pub(super) fn hints(name: &Name, view: u8, context: &Context<'_>) -> Vec<String> {
    let holding = context.settings.zones.list.iter().filter(|zone| name.is_within(&zone.name));
    let Some(zone) = holding.max_by_key(|zone| zone.name.label_count()) else { return Vec::new() };
    let text = text_of(name);
    let suffix = text_of(&zone.name);
    let Some(left) = text.strip_suffix(&suffix).map(|left| left.trim_end_matches('.')) else { return Vec::new() };
    let labels: Vec<&str> = left.split('.').filter(|label| !label.is_empty()).collect();
    match zone.kind {
        ZoneKind::Clusterset => without_svc(&labels, &suffix, context).into_iter().collect(),
        ZoneKind::Global => {
            let mut hints: Vec<String> = misread(&labels, &suffix, context).into_iter().collect();
            hints.extend(port_of_formed(name, view, context));
            hints.extend(uncovered(name, &text, view, context));
            hints.extend(similar(&labels, zone, &text, context));
            hints
        }
        ZoneKind::Reverse => Vec::new(),
    }
}

/// Objects that name a host outside the zones.
pub(super) fn named_elsewhere(name: &Name, context: &Context<'_>) -> Option<String> {
    let host = text_of(name);
    let found = context.clusterset.members().find_map(|(_, member)| {
        let facts = member.facts().hosts();
        let objects = facts.entries(&host).map(Object::Entry).chain(facts.endpoints(&host).map(Object::Records));
        let object = objects.into_iter().next()?;
        Some(format!("{} {} of cluster {}", object.kind().as_str(), object.key(), member.cluster().id))
    })?;
    Some(format!("{found} names {host}: add its suffix to `globalZones` to serve it"))
}

fn text_of(name: &Name) -> String {
    name.to_string().trim_end_matches('.').to_ascii_lowercase()
}

/// The id of the cluster that labels mean: by its id, or by an alias, which stands in objects but in no name (SOURCES.md 1.6).
fn meant<'a>(labels: &[&str], context: &Context<'a>) -> Option<&'a ClusterId> {
    if labels.is_empty() {
        return None;
    }
    context.clusterset.called(&ClusterId::new(&labels.join("."))).map(|(_, member)| &member.cluster().id)
}

/// How an alias is told.
fn alias(labels: &[&str], id: &ClusterId) -> String {
    format!("{} is an alias of cluster {id}, and names have the id", labels.join("."))
}

/// `<host>.<alias>` below a service.
pub(super) fn alias_in_endpoint(below: &str, service: &ServiceKey, context: &Context<'_>) -> Option<String> {
    let labels: Vec<&str> = below.split('.').collect();
    let tails = [2, 1].into_iter().filter_map(|count| labels.len().checked_sub(count));
    tails.map(|at| labels.split_at(at)).find_map(|(host, tail)| {
        let id = meant(tail, context).filter(|id| id.as_str() != tail.join("."))?;
        let host = host.iter().map(|label| format!("{label}.")).collect::<String>();
        let (told, name, namespace) = (alias(tail, id), service.name(), service.namespace());
        Some(format!("{told}: ask for {host}{id}.{name}.{namespace}.svc"))
    })
}

/// `<svc>.<ns>.Z`, as other zones have it.
fn without_svc(labels: &[&str], zone: &str, context: &Context<'_>) -> Option<String> {
    let [before @ .., service, namespace] = labels else { return None };
    let exists = *namespace != "svc" && makes_name(namespace, service, context);
    let before = before.iter().map(|label| format!("{label}.")).collect::<String>();
    exists.then(|| format!("the label `svc` is missing: ask for {before}{service}.{namespace}.svc.{zone}"))
}

fn makes_name(namespace: &str, service: &str, context: &Context<'_>) -> bool {
    let key = ServiceKey::new(namespace, service);
    context.clusterset.names(&key)
}

/// Labels of a global name in the wrong order, or one too few.
fn misread(labels: &[&str], zone: &str, context: &Context<'_>) -> Option<String> {
    let cluster = |labels: &[&str]| meant(labels, context);
    let form = |service: &str, namespace: &str, cluster: &str| format!("{service}.{namespace}.svc.{cluster}.{zone}");
    Some(match labels {
        [service, namespace, "svc"] => format!(
            "the cluster is missing: ask for {}, or for {service}.{namespace}.{zone} in all clusters",
            form(service, namespace, "<cluster>")
        ),
        [service, namespace, "svc", rest @ ..] => match cluster(rest) {
            Some(id) if id.as_str() == rest.join(".") => return None,
            Some(id) => format!("{}: ask for {}", alias(rest, id), form(service, namespace, id.as_str())),
            None => {
                let known = context.clusterset.members().map(|(_, member)| member.cluster().id.to_string());
                format!(
                    "{} is no cluster of the registry, which has {}; by the grammar this is {service}.{namespace}.svc.<cluster>.{zone}",
                    rest.join("."),
                    known.take(10).collect::<Vec<_>>().join(", ")
                )
            }
        },
        [service, namespace, rest @ ..] if rest.len() < 3 && *namespace != "svc" && cluster(rest).is_some() => {
            let id = cluster(rest)?;
            let asked = form(service, namespace, id.as_str());
            format!("the label `svc` is missing before cluster {id}: ask for {asked}")
        }
        [first, service, namespace] if cluster(&[first]).is_some() => {
            let asked = form(service, namespace, cluster(&[first])?.as_str());
            format!("{first} is a cluster, which stands last here: ask for {asked}")
        }
        [service, place] if cluster(&[place]).is_some() => format!(
            "{place} is a cluster, but by the grammar this is service {service} in namespace {place}: ask for {}",
            form(service, "<namespace>", cluster(&[place])?.as_str())
        ),
        [namespace, service] if makes_name(namespace, service, context) => {
            format!("the service stands before its namespace: ask for {service}.{namespace}.{zone}")
        }
        _ => return None,
    })
}

/// Names formed from services have addresses only.
fn port_of_formed(name: &Name, view: u8, context: &Context<'_>) -> Option<String> {
    let mut labels = name.labels();
    let (port, protocol) = (labels.next()?, labels.next()?);
    let below = name.parent()?.parent()?;
    let is_port = port.starts_with(b"_") && protocol.starts_with(b"_");
    match locate(&context.table.pin(), &below, view)?.located {
        Located::Formed { service, .. } if is_port => {
            let asked = service.prepend([port, protocol]).ok()?;
            Some(format!("{below} is formed from a service and has addresses only: its SRV records stand at {asked}"))
        }
        _ => None,
    }
}

/// A wildcard above that does not reach the name (RFC 4592 section 2.2.1).
fn uncovered(name: &Name, text: &str, view: u8, context: &Context<'_>) -> Option<String> {
    let encloser = locate(&context.table.pin(), name, view)?.encloser;
    let above = std::iter::successors(text.split_once('.').map(|(_, rest)| rest), |rest| Some(rest.split_once('.')?.1));
    let mut wildcards = above.map(|rest| format!("*.{rest}"));
    let stands = |wildcard: &str| {
        let located = locate(&context.table.pin(), &Name::parse(wildcard).ok()?, view)?.located;
        (located == Located::Name).then_some(())
    };
    let wildcard = wildcards.find(|wildcard| stands(wildcard).is_some())?;
    Some(format!(
        "{wildcard} does not reach here: {encloser} exists by itself and has no wildcard of its own (RFC 4592)"
    ))
}

/// Hosts that share the first label, or all but the first.
fn similar(labels: &[&str], zone: &Zone, text: &str, context: &Context<'_>) -> Option<String> {
    let first = format!("{}.", labels.first()?);
    let rest = text.split_once('.').map(|(_, rest)| format!(".{rest}")).filter(|_| labels.len() > 1);
    let zone = format!(".{}", text_of(&zone.name));
    let close = |host: &str| {
        let sibling = rest.as_ref().is_some_and(|rest| host.ends_with(rest.as_str()));
        host.ends_with(&zone) && (host.starts_with(&first) || sibling) && !host.starts_with("*.")
    };
    let hosts: Vec<&str> =
        context.clusterset.hosts().map(|host| &**host).filter(|host| close(host)).take(SIMILAR).collect();
    (!hosts.is_empty()).then(|| format!("similar hosts: {}", hosts.join(", ")))
}
