//! Findings over all hosts at once, for `check` and `explain`: what is named but not served, and what may surprise.

use super::entry::{Object, finding};
use super::zones::{Coverage, HostSettings};
use crate::model::clusterset::{ClusterSet, Member};
use crate::model::finding::Finding;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// `foreign-zone-name`, `name-taken`, `vip-collision`, `vip-pool-clash` and `wildcard-shadowed` of all known clusters: what no single host
/// shows. Costs a walk over all hosts.
pub fn findings(set: &ClusterSet) -> Vec<Finding> {
    let mut found = Vec::new();
    for (_, member) in set.members().filter(|(_, member)| member.state().is_known()) {
        let unserved = member.facts().hosts().hosts().filter(|host| !set.settings().hosts.serves(host));
        unserved.for_each(|host| unserved_host(host, member, &set.settings().hosts, &mut found));
    }
    collisions(set, &mut found);
    found.extend(super::vip::clashes(set));
    found.extend(shadowed(set));
    found
}

/// One address of two hosts. Two ServiceEntries of one name may be the same object in two clusters.
fn collisions(set: &ClusterSet, found: &mut Vec<Finding>) {
    let mut vips: HashMap<IpAddr, (&Arc<str>, &str)> = HashMap::new();
    for host in set.hosts() {
        let counts = |member: &Member| member.state().is_known() && !member.is_host_cut(host);
        for (_, member) in set.host_holders(host).filter(|(_, member)| counts(member)) {
            let entries = member.facts().hosts().entries(host);
            for fact in entries.filter(|fact| member.admits_namespace(fact.key.namespace())) {
                for address in &fact.addresses {
                    let (first, by) = *vips.entry(*address).or_insert((host, fact.key.as_str()));
                    if first != host && by != fact.key.as_str() {
                        let message = format!(
                            "{address} is the address of {host} here and of {first} in {by}: clients of one reach the \
                             other; give each host an address of its own"
                        );
                        found.push(finding("vip-collision", member, &Object::Entry(fact), message));
                    }
                }
            }
        }
    }
}

/// Why a host of this cluster is not served. ServiceEntries of foreign hosts are the rule in a mesh: no finding.
fn unserved_host(host: &Arc<str>, member: &Member, settings: &HostSettings, found: &mut Vec<Finding>) {
    let facts = member.facts().hosts();
    let (code, message) = match settings.coverage(host) {
        Coverage::Global(zone) => ("name-taken", format!("{host} is a name of zone {zone} itself: it is not served")),
        Coverage::Clusterset(zone) => (
            "foreign-zone-name",
            format!("{host} lies in clusterset zone {zone}, where only MCS objects make names: it is not served"),
        ),
        Coverage::Foreign => (
            "foreign-zone-name",
            format!("{host} lies in no global zone: it is not served; add its suffix to `globalZones` to serve it"),
        ),
    };
    let entries = facts.entries(host).filter(|_| settings.coverage(host) != Coverage::Foreign).map(Object::Entry);
    for object in entries.chain(facts.endpoints(host).map(Object::Records)) {
        found.push(finding(code, member, &object, message.clone()));
    }
}

/// Wildcards below which names exist that they do not reach (RFC 4592 section 2.2.1): what lies under an existing name
/// is never synthesized from a wildcard above it.
fn shadowed(set: &ClusterSet) -> Vec<Finding> {
    let wildcards: HashSet<&str> = set.hosts().filter_map(|host| host.strip_prefix("*.")).collect();
    if wildcards.is_empty() {
        return Vec::new();
    }
    let mut shadows: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut note = |parent: &str, name: String| {
        if let Some(parent) = wildcards.get(parent) {
            shadows.entry(parent).or_default().insert(name);
        }
    };
    for host in set.hosts() {
        let Some((_, mut below)) = host.split_once('.') else { continue };
        while let Some((_, parent)) = below.split_once('.') {
            note(parent, below.to_owned());
            below = parent;
        }
    }
    for zone in &set.settings().hosts.global_zones {
        // Only a wildcard of the zone itself costs a look at all namespaces.
        for namespace in wildcards.contains(&**zone).then(|| set.namespaces()).into_iter().flatten() {
            note(zone, format!("{namespace}.{zone}"));
        }
        for (_, member) in set.members() {
            let cluster = member.cluster().id.as_str();
            note(zone, format!("{cluster}.{zone}"));
            note(&format!("{cluster}.{zone}"), format!("svc.{cluster}.{zone}"));
        }
    }
    let finding = |(parent, names): (&str, BTreeSet<String>)| Finding {
        code: "wildcard-shadowed",
        cluster: holder(set, parent),
        kind: "Host".into(),
        object: format!("*.{parent}").into(),
        place: None,
        message: format!(
            "does not answer below {}, which exists by itself{}: name what shall answer there",
            names.first().map_or("", String::as_str),
            if names.len() > 1 { format!(" (and {} more such names)", names.len() - 1) } else { String::new() }
        ),
    };
    shadows.into_iter().map(finding).collect()
}

/// The first cluster that names the wildcard below `parent`.
fn holder(set: &ClusterSet, parent: &str) -> Arc<str> {
    let wildcard = format!("*.{parent}");
    let mut holders = set.host_holders(&wildcard);
    holders.next().map_or_else(|| "".into(), |(_, member)| member.cluster().id.as_str().into())
}
