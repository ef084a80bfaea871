//! Who claims which name in a global zone. A host owns its name and its SRV names and needs every name between it and the
//! zone; names are shared, so claims are counted, and a name vanishes with its last one.
//!
//! In: the claims of one host, as compile yields them. Out: what has to be put into the table and what to be taken out.

use crate::compile::{HostClaim, Settings, compile_host, compose};
use crate::dns::Name;
use crate::model::clusterset::ClusterSet;
use crate::model::fact::Kind;
use crate::model::trace::Trace;
use crate::model::{Finding, HostAnswer, View, merge_host, select_host};
use crate::table::Draft;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The rank of a host's level (smaller wins a name) and the host.
pub(super) type Owner = (u8, Arc<str>);

/// Claims by name and by host.
#[derive(Debug, Default)]
pub(super) struct HostRegistry {
    names: HashMap<Name, NameClaims>,
    hosts: HashMap<Arc<str>, Published>,
    /// Names that the zones have by themselves; they outrank every host.
    own: HashSet<Name>,
}

/// All claims on one name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct NameClaims {
    zone: u8,
    /// Sorted: the first that has the name in a view answers there.
    owners: Vec<Owner>,
    /// How many hosts need the name to exist, by the views (bits) that they need it in.
    ancestors: Vec<(u64, u32)>,
}

/// What a host claims as the facts stand now, and the rank of its level (SOURCES.md 1.3, "Precedence in `G`").
/// `trace` hears what the answers give rise to; the findings of the merge are returned.
pub(super) fn claims_of(
    host: &Arc<str>,
    clusterset: &ClusterSet,
    views: &[View],
    settings: &Settings,
    trace: &mut impl Trace,
) -> (u8, Vec<HostClaim>, Vec<Finding>) {
    let entry = merge_host(host, clusterset);
    let level = match entry.sources.first().map(|source| source.object.kind()) {
        Some(Kind::ServiceEntry) => 0,
        _ => 1,
    };
    let mut answers: Vec<(u64, HostAnswer)> = Vec::new();
    for (number, view) in views.iter().enumerate() {
        let Some(answer) = select_host(&entry, view, clusterset, trace) else { continue };
        match answers.iter_mut().find(|(_, other)| *other == answer) {
            Some((mask, _)) => *mask |= 1 << number,
            None => answers.push((1 << number, answer)),
        }
    }
    (level, compile_host(host, &answers, settings), entry.findings)
}

/// What a host claims.
#[derive(Debug)]
struct Published {
    level: u8,
    claims: Box<[Claim]>,
}

#[derive(Debug)]
struct Claim {
    name: Name,
    presence: u64,
    owns: bool,
}

/// What changed in the table.
#[derive(Debug, Default)]
pub(super) struct HostChanges {
    pub drafts: Vec<Draft>,
    /// Zone numbers and names.
    pub vanished: Vec<(u8, Name)>,
}

impl NameClaims {
    fn ancestor_views(&self) -> u64 {
        self.ancestors.iter().fold(0, |views, (mask, _)| views | mask)
    }

    fn need(&mut self, views: u64) {
        match self.ancestors.iter_mut().find(|(mask, _)| *mask == views) {
            Some((_, count)) => *count += 1,
            None => self.ancestors.push((views, 1)),
        }
    }

    fn release(&mut self, views: u64) {
        if let Some((_, count)) = self.ancestors.iter_mut().find(|(mask, _)| *mask == views) {
            *count -= 1;
        }
        self.ancestors.retain(|(_, count)| *count > 0);
    }

    fn is_empty(&self) -> bool {
        self.owners.is_empty() && self.ancestors.is_empty()
    }
}

impl HostRegistry {
    /// A registry that leaves the names of `own` alone.
    pub(super) fn new(own: impl IntoIterator<Item = Name>) -> Self {
        HostRegistry { own: own.into_iter().collect(), ..HostRegistry::default() }
    }

    /// Every host that claims a name.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Arc<str>> {
        self.hosts.keys()
    }

    /// Puts the claims of a host in the place of its earlier ones. `recompile` gives the claims of another host as the
    /// facts stand now; it is asked where two hosts own one name, or one owns what the other needs.
    pub(super) fn replace(
        &mut self,
        host: &Arc<str>,
        level: u8,
        claims: Vec<HostClaim>,
        recompile: impl Fn(&Arc<str>) -> Vec<HostClaim>,
    ) -> HostChanges {
        let claims: Vec<HostClaim> = claims.into_iter().filter(|claim| !self.own.contains(&claim.draft.name)).collect();
        let before = self.hosts.remove(host);
        let old = || before.iter().flat_map(|published| published.claims.iter());
        let names: BTreeSet<&Name> =
            old().map(|claim| &claim.name).chain(claims.iter().map(|c| &c.draft.name)).collect();
        let seen: Vec<(Name, Option<u64>, u8)> = names
            .into_iter()
            .map(|name| match self.names.get(name) {
                Some(held) => (name.clone(), Some(held.ancestor_views()), held.zone),
                None => (name.clone(), None, 0),
            })
            .collect();
        let was_owner: HashSet<Name> = old().filter(|claim| claim.owns).map(|claim| claim.name.clone()).collect();
        if let Some(before) = &before {
            self.withdraw(host, before);
        }
        self.enter(host, level, &claims);
        let own: HashMap<&Name, &Draft> =
            claims.iter().filter(|claim| claim.owns).map(|claim| (&claim.draft.name, &claim.draft)).collect();
        let mut changes = HostChanges::default();
        for (name, views, zone) in seen {
            let Some(now) = self.names.get(&name) else {
                changes.vanished.push((zone, name));
                continue;
            };
            let moved = views != Some(now.ancestor_views());
            if !moved && !was_owner.contains(&name) && !own.contains_key(&name) {
                continue;
            }
            let drafts: Vec<Draft> =
                now.owners.iter().filter_map(|(_, owner)| draft_of(owner, host, &name, &own, &recompile)).collect();
            match compose(&name, now.zone, &drafts, now.ancestor_views()) {
                Some(draft) => changes.drafts.push(draft),
                None => changes.vanished.push((now.zone, name)),
            }
        }
        // Names come from the zone downwards and go the other way: what exists has its ancestors.
        changes.drafts.sort_by(|a, b| order(&a.name).cmp(&order(&b.name)));
        changes.vanished.sort_by(|(_, a), (_, b)| order(b).cmp(&order(a)));
        changes
    }

    fn withdraw(&mut self, host: &Arc<str>, published: &Published) {
        for claim in &published.claims {
            let Some(held) = self.names.get_mut(&claim.name) else { continue };
            if claim.owns {
                held.owners.retain(|(level, owner)| (*level, owner) != (published.level, host));
            } else {
                held.release(claim.presence);
            }
            if held.is_empty() {
                self.names.remove(&claim.name);
            }
        }
    }

    fn enter(&mut self, host: &Arc<str>, level: u8, claims: &[HostClaim]) {
        for HostClaim { draft, owns } in claims {
            let held = self.names.entry(draft.name.clone()).or_default();
            held.zone = draft.zone;
            if *owns {
                let owner = (level, Arc::clone(host));
                let at = held.owners.partition_point(|other| *other < owner);
                held.owners.insert(at, owner);
            } else {
                held.need(draft.presence);
            }
        }
        let claim = |HostClaim { draft, owns }: &HostClaim| Claim {
            name: draft.name.clone(),
            presence: draft.presence,
            owns: *owns,
        };
        if !claims.is_empty() {
            let claims = claims.iter().map(claim).collect();
            self.hosts.insert(Arc::clone(host), Published { level, claims });
        }
    }
}

fn order(name: &Name) -> (usize, &Name) {
    (name.label_count(), name)
}

/// The Draft that `owner` has for `name`: the new one of `host`, or the present one of another host.
fn draft_of(
    owner: &Arc<str>,
    host: &Arc<str>,
    name: &Name,
    own: &HashMap<&Name, &Draft>,
    recompile: &impl Fn(&Arc<str>) -> Vec<HostClaim>,
) -> Option<Draft> {
    if owner == host {
        return own.get(name).map(|draft| (*draft).clone());
    }
    recompile(owner).into_iter().find(|claim| claim.owns && claim.draft.name == *name).map(|claim| claim.draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::types::rtype;
    use crate::table::{Glue, NO_CLUSTER, Order, Record, RrSet};

    fn claim(name: &str, presence: u64, address: Option<u8>) -> HostClaim {
        let record = |last| Record { rdata: vec![10, 0, 0, last], cluster: NO_CLUSTER, glue: Glue::default() };
        let set = |last| RrSet {
            rtype: rtype::A,
            ttl: 5,
            records: vec![record(last)],
            tiers: vec![1],
            draw: None,
            stale: false,
            serial: false,
        };
        let sets: Vec<_> = address.map(set).into_iter().collect();
        let name = Name::parse(name).unwrap();
        let draft = Draft { name, zone: 1, presence, order_of: Vec::new(), orders: vec![Order::from(sets)] };
        HostClaim { owns: address.is_some(), draft }
    }

    /// `name views records` of what is put, `-name` of what vanishes.
    fn shown(changes: HostChanges) -> Vec<String> {
        let records = |draft: &Draft| draft.orders.iter().map(|order| order.sets.len()).sum::<usize>();
        let put = changes.drafts.iter().map(|draft| format!("{} {:b} {}", draft.name, draft.presence, records(draft)));
        let gone = changes.vanished.iter().map(|(_, name)| format!("-{name}"));
        put.chain(gone).collect()
    }

    #[test]
    fn a_name_vanishes_with_its_last_claim() {
        let (ab, ac): (Arc<str>, Arc<str>) = ("a.b.global".into(), "c.b.global".into());
        let mut registry = HostRegistry::new([Name::parse("dns.global").unwrap()]);
        let none = |_: &Arc<str>| Vec::new();
        let first = vec![claim("a.b.global", 1, Some(1)), claim("b.global", 1, None)];
        let second = vec![claim("b.global", 3, None), claim("c.b.global", 3, Some(2)), claim("dns.global", 3, None)];
        assert_eq!(shown(registry.replace(&ab, 0, first, none)), ["b.global. 1 0", "a.b.global. 1 1"]);
        assert_eq!(shown(registry.replace(&ac, 0, second, none)), ["b.global. 11 0", "c.b.global. 11 1"]);
        assert_eq!(shown(registry.replace(&ac, 0, Vec::new(), none)), ["b.global. 1 0", "-c.b.global."]);
        assert_eq!(shown(registry.replace(&ab, 0, Vec::new(), none)), ["-a.b.global.", "-b.global."]);
        assert!(registry.names.is_empty() && registry.hosts.is_empty());
    }

    #[test]
    fn a_host_that_is_an_ancestor_keeps_its_records() {
        let (parent, child): (Arc<str>, Arc<str>) = ("b.global".into(), "a.b.global".into());
        let mut registry = HostRegistry::default();
        let parents = || vec![claim("b.global", 1, Some(1))];
        let children = || vec![claim("a.b.global", 3, Some(2)), claim("b.global", 3, None)];
        let recompile = |host: &Arc<str>| if **host == *"b.global" { parents() } else { children() };
        registry.replace(&parent, 0, parents(), recompile);
        // In view 1 the parent exists only because of its child.
        assert_eq!(shown(registry.replace(&child, 0, children(), recompile)), ["b.global. 11 1", "a.b.global. 11 1"]);
        assert_eq!(shown(registry.replace(&parent, 0, Vec::new(), recompile)), ["b.global. 11 0"]);
        assert_eq!(shown(registry.replace(&parent, 0, parents(), recompile)), ["b.global. 11 1"]);
        assert_eq!(shown(registry.replace(&child, 0, Vec::new(), recompile)), ["b.global. 1 1", "-a.b.global."]);
    }

    #[test]
    fn the_smaller_level_owns_a_name_in_the_views_that_it_has() {
        let (entry, record): (Arc<str>, Arc<str>) = ("a.global".into(), "_x._tcp.a.global".into());
        let mut registry = HostRegistry::default();
        let entries = || vec![claim("_x._tcp.a.global", 1, Some(1))];
        let records = || vec![claim("_x._tcp.a.global", 3, Some(2))];
        let recompile = |host: &Arc<str>| if **host == *"a.global" { entries() } else { records() };
        registry.replace(&record, 1, records(), recompile);
        let changes = registry.replace(&entry, 0, entries(), recompile);
        let draft = &changes.drafts[0];
        let last = |view: usize| {
            let order = draft.order_of.get(view).copied().unwrap_or(0);
            draft.orders[usize::from(order)].sets[0].records[0].rdata[3]
        };
        assert_eq!((last(0), last(1)), (1, 2));
    }
}
