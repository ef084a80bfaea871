//! Who claims which name in a reverse zone. Services may share an address, and addresses share the names between them and
//! the zone, so claims are kept per service and needs are counted; a name vanishes with its last one.
//!
//! In: the claims of one service, as compile yields them. Out: what has to be put into the table and what to be taken out.

use crate::compile::{PtrClaim, Zones, compose_reverse};
use crate::dns::Name;
use crate::model::ServiceKey;
use crate::table::{Draft, Order};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Claims by service and by name.
#[derive(Debug, Default)]
pub(super) struct ReverseRegistry {
    /// The addresses that a service claims, as reverse names.
    services: HashMap<ServiceKey, Box<[Name]>>,
    addresses: HashMap<Name, Address>,
    /// The names between addresses and their zones.
    ancestors: HashMap<Name, Ancestor>,
}

/// One address.
#[derive(Debug, Default)]
struct Address {
    zone: u8,
    claims: BTreeMap<ServiceKey, PtrClaim>,
    views: Needs,
}

/// An empty non-terminal.
#[derive(Debug, Default)]
struct Ancestor {
    zone: u8,
    views: Needs,
}

/// How often something is needed, by the views (bits) that it is needed in.
#[derive(Debug, Default)]
struct Needs(Vec<(u64, u32)>);

impl Needs {
    fn views(&self) -> u64 {
        self.0.iter().fold(0, |views, (mask, _)| views | mask)
    }

    /// Counts one need more (`add`) or one less. A need in no view is none.
    fn count(&mut self, views: u64, add: bool) {
        if views == 0 {
            return;
        }
        match self.0.iter_mut().find(|(mask, _)| *mask == views) {
            Some((_, count)) if add => *count += 1,
            Some((_, count)) => *count -= 1,
            None => self.0.push((views, u32::from(add))),
        }
        self.0.retain(|(_, count)| *count > 0);
    }
}

/// What changed in the table.
#[derive(Debug, Default)]
pub(super) struct ReverseChanges {
    pub drafts: Vec<Draft>,
    /// Zone numbers and names.
    pub vanished: Vec<(u8, Name)>,
}

impl ReverseRegistry {
    /// Puts the claims of a service in the place of its earlier ones.
    pub(super) fn replace(&mut self, key: &ServiceKey, claims: Vec<PtrClaim>, zones: &Zones) -> ReverseChanges {
        if claims.is_empty() && !self.services.contains_key(key) {
            return ReverseChanges::default();
        }
        let names: Box<[Name]> = claims.iter().map(|claim| claim.name.clone()).collect();
        let before = self.services.remove(key).unwrap_or_default();
        if !names.is_empty() {
            self.services.insert(key.clone(), names);
        }
        let mut claims: BTreeMap<Name, PtrClaim> =
            claims.into_iter().map(|claim| (claim.name.clone(), claim)).collect();
        let mut ancestors = BTreeSet::new();
        let mut changes = ReverseChanges::default();
        for name in before.iter().filter(|name| !claims.contains_key(*name)).cloned().collect::<Vec<_>>() {
            self.set(key, &name, None, zones, &mut ancestors, &mut changes);
        }
        while let Some((name, claim)) = claims.pop_first() {
            self.set(key, &name, Some(claim), zones, &mut ancestors, &mut changes);
        }
        for name in ancestors {
            self.settle(name, &mut changes);
        }
        changes
    }

    /// Sets what a service says of one address.
    fn set(
        &mut self,
        key: &ServiceKey,
        name: &Name,
        claim: Option<PtrClaim>,
        zones: &Zones,
        ancestors: &mut BTreeSet<Name>,
        changes: &mut ReverseChanges,
    ) {
        let address = self.addresses.entry(name.clone()).or_default();
        let views_before = address.views.views();
        if let Some(old) = address.claims.remove(key) {
            address.views.count(old.presence(), false);
        }
        if let Some(new) = claim {
            address.zone = new.zone;
            address.views.count(new.presence(), true);
            address.claims.insert(key.clone(), new);
        }
        let (zone, views) = (address.zone, address.views.views());
        if address.claims.is_empty() {
            self.addresses.remove(name);
            changes.vanished.push((zone, name.clone()));
        } else {
            changes.drafts.push(compose_reverse(name, zone, views, address.claims.values()));
        }
        if views_before != views {
            self.need_ancestors(name, zone, (views_before, views), zones, ancestors);
        }
    }

    /// Counts the names between an address and its zone anew.
    fn need_ancestors(
        &mut self,
        name: &Name,
        zone: u8,
        (before, now): (u64, u64),
        zones: &Zones,
        touched: &mut BTreeSet<Name>,
    ) {
        let Some(apex) = zones.list.get(usize::from(zone)) else { return };
        let is_below = |name: &Name| name.wire().len() > apex.name.wire().len();
        for ancestor in std::iter::successors(name.parent(), Name::parent).take_while(is_below) {
            let held = self.ancestors.entry(ancestor.clone()).or_default();
            held.zone = zone;
            held.views.count(now, true);
            held.views.count(before, false);
            touched.insert(ancestor);
        }
    }

    fn settle(&mut self, name: Name, changes: &mut ReverseChanges) {
        let Some(held) = self.ancestors.get(&name) else { return };
        let (zone, presence) = (held.zone, held.views.views());
        if presence == 0 {
            self.ancestors.remove(&name);
            changes.vanished.push((zone, name));
        } else {
            let orders = vec![Order::default()];
            changes.drafts.push(Draft { name, zone, presence, order_of: Vec::new(), orders });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::reverse_name;

    fn zones() -> Zones {
        let name = |text| Name::parse(text).unwrap();
        let zones = Zones::new(&[name("clusterset.local")], &[], 5, Vec::new()).unwrap();
        zones.with_reverse(&[name("10.in-addr.arpa")]).unwrap()
    }

    /// One name with its views for each address.
    fn claims(service: &str, addresses: &[([u8; 4], u64)]) -> Vec<PtrClaim> {
        let owner = Name::parse(service).unwrap();
        let claim = |(address, views): &([u8; 4], u64)| PtrClaim {
            name: reverse_name((*address).into()),
            zone: 1,
            ttl: 5,
            owners: [(owner.clone(), *views)].into(),
        };
        addresses.iter().map(claim).collect()
    }

    /// `name views names` of what is put, `-name` of what vanishes, sorted.
    fn shown(changes: ReverseChanges) -> Vec<String> {
        let zone = |name: &Name| name.to_string().replace(".10.in-addr.arpa.", "");
        let names = |draft: &Draft| {
            let sets = draft.orders.iter().flat_map(|order| &order.sets);
            let names = sets.flat_map(|set| &set.records).filter_map(|record| Name::from_wire(&record.rdata));
            names.map(|name| format!(" {name}")).collect::<String>()
        };
        let put =
            changes.drafts.iter().map(|draft| format!("{} {:b}{}", zone(&draft.name), draft.presence, names(draft)));
        let gone = changes.vanished.iter().map(|(_, name)| format!("-{}", zone(name)));
        let mut lines: Vec<String> = put.chain(gone).collect();
        lines.sort();
        lines
    }

    #[test]
    fn services_share_addresses_and_addresses_their_ancestors() {
        let (zones, mut registry) = (zones(), ReverseRegistry::default());
        let (web, db) = (ServiceKey::new("shop", "web"), ServiceKey::new("shop", "db"));
        let mut replace =
            |key: &ServiceKey, list: &[([u8; 4], u64)]| shown(registry.replace(key, claims(key.name(), list), &zones));
        assert_eq!(replace(&web, &[([10, 0, 0, 1], 1)]), ["0 1", "0.0 1", "1.0.0 1 web."]);
        // By service, whoever came first.
        assert_eq!(
            replace(&db, &[([10, 0, 0, 1], 1), ([10, 0, 1, 2], 3)]),
            ["0 11", "1.0 11", "1.0.0 1 db. web.", "2.1.0 11 db."]
        );
        assert_eq!(
            replace(&db, &[([10, 0, 0, 1], 2)]),
            ["-1.0", "-2.1.0", "0 11", "0.0 11", "1.0.0 11 web. db."],
            "a list per view"
        );
        assert_eq!(replace(&web, &[]), ["0 10", "0.0 10", "1.0.0 10 db."]);
        assert_eq!(replace(&web, &[]), Vec::<String>::new());
        assert_eq!(replace(&db, &[]), ["-0", "-0.0", "-1.0.0"]);
        assert!(registry.services.is_empty() && registry.addresses.is_empty() && registry.ancestors.is_empty());
    }
}
