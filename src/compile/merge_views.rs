//! Folding what several views answer into one Draft per name.
//!
//! In: per group of views, the names and their sets. Out: Drafts whose equal orders are shared.

use crate::dns::Name;
use crate::model::hashed::Map;
use crate::table::{Draft, Order, RrSet};
use std::collections::BTreeMap;

/// Highest number of views (bits of a presence word).
const VIEWS: usize = 64;

/// Names that are compared one by one before any is hashed: most services have fewer.
const FEW: usize = 8;

/// Names and sets of one group of views.
#[derive(Debug, Default)]
pub(super) struct ViewNames {
    list: Vec<(Name, Order)>,
    /// Where each name stands in the list, once there are more than a few.
    places: Map<Name, usize>,
}

impl ViewNames {
    /// What stands at a name, which exists from now on, and whether it did before.
    fn at(&mut self, name: Name) -> (&mut Order, bool) {
        let known = match self.places.is_empty() {
            true => self.list.iter().position(|(known, _)| *known == name),
            false => self.places.get(&name).copied(),
        };
        let place = known.unwrap_or(self.list.len());
        if known.is_none() {
            self.list.push((name, Order::default()));
            if self.list.len() > FEW {
                let unplaced = self.list.iter().enumerate().skip(self.places.len());
                self.places.extend(unplaced.map(|(place, (name, _))| (name.clone(), place)));
            }
        }
        (&mut self.list[place].1, known.is_some())
    }

    /// Adds sets to a name. A type that is there already keeps its set and gains the records it lacks.
    pub(super) fn add(&mut self, name: Name, sets: Vec<RrSet>) {
        let present = &mut self.at(name).0.sets;
        if present.is_empty() {
            *present = sets;
            return;
        }
        for set in sets {
            match present.iter_mut().find(|other| other.rtype == set.rtype) {
                Some(other) => unite(other, set),
                None => present.push(set),
            }
        }
    }

    /// Adds a name that is not there yet.
    pub(super) fn add_missing(&mut self, name: Name, sets: &[RrSet]) {
        if let (order, false) = self.at(name) {
            *order = sets.to_vec().into();
        }
    }

    /// Puts `sets` in the place of whatever the name has.
    pub(super) fn replace(&mut self, name: Name, sets: Vec<RrSet>) {
        *self.at(name).0 = sets.into();
    }

    /// What the names of one cluster read at `name`, where that is not what `name` itself answers.
    pub(super) fn by_cluster(&mut self, name: Name, sets: Vec<RrSet>) {
        self.at(name).0.by_cluster = sets;
    }

    /// Adds sets to a name and makes every name between it and `ancestor` exist (RFC 4592 section 2.2.2).
    pub(super) fn add_below(&mut self, name: Name, ancestor: &Name, sets: Vec<RrSet>) {
        let mut parent = name.parent();
        self.add(name, sets);
        while let Some(between) = parent.filter(|between| between.wire().len() > ancestor.wire().len()) {
            parent = between.parent();
            self.at(between);
        }
    }

    /// Every name, sorted.
    fn sorted(mut self) -> Vec<(Name, Order)> {
        self.list.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.list
    }
}

fn unite(into: &mut RrSet, from: RrSet) {
    let new: Vec<_> =
        from.records.into_iter().filter(|record| !into.records.iter().any(|r| r.rdata == record.rdata)).collect();
    if let (Some(last), false) = (into.tiers.last_mut(), new.is_empty()) {
        *last += new.len() as u16;
    }
    into.ttl = into.ttl.min(from.ttl);
    into.stale |= from.stale;
    into.draw = None;
    into.records.extend(new);
}

/// One Draft per name, present in the views of the groups that have it; equal orders are stored once.
pub(super) fn fold(zone: u8, mut groups: Vec<(u64, ViewNames)>) -> Vec<Draft> {
    if groups.len() == 1
        && let Some((mask, group)) = groups.pop()
    {
        let draft = |(name, order)| Draft { name, zone, presence: mask, order_of: Vec::new(), orders: vec![order] };
        return group.sorted().into_iter().map(draft).collect();
    }
    let mut names: BTreeMap<Name, Vec<(u64, Order)>> = BTreeMap::new();
    for (mask, group) in groups {
        for (name, order) in group.list {
            let orders = names.entry(name).or_default();
            match orders.iter_mut().find(|(_, other)| *other == order) {
                Some((views, _)) => *views |= mask,
                None => orders.push((mask, order)),
            }
        }
    }
    names.into_iter().map(|(name, orders)| draft(name, zone, orders)).collect()
}

/// One Draft of the orders that groups of views have.
pub(super) fn draft(name: Name, zone: u8, orders: Vec<(u64, Order)>) -> Draft {
    let presence = orders.iter().fold(0, |all, (mask, _)| all | mask);
    let index = |view: usize| orders.iter().position(|(mask, _)| mask >> view & 1 == 1).unwrap_or(0) as u8;
    let order_of = if orders.len() > 1 { (0..VIEWS).map(index).collect() } else { Vec::new() };
    // Not collected: that would shrink the other list in place, which costs more than a new one.
    let mut kept = Vec::with_capacity(orders.len());
    kept.extend(orders.into_iter().map(|(_, order)| order));
    Draft { name, zone, presence, order_of, orders: kept }
}
