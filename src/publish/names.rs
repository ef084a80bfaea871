//! Which names a service has in the table, remembered compactly so that those that vanish can be removed.
//!
//! In: the Drafts of one publish. Out: the names that the next one no longer has. About 8 octets a name: each is
//! `<svc>.<ns>.svc.<zone>` or lies below it, so only the labels in front of that are kept.

use crate::compile::{Zone, Zones};
use crate::dns::Name;
use crate::model::ServiceKey;
use crate::table::Draft;

/// The names of one service: per name its zone number, an octet count and the labels left of the service's name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PublishedNames(Box<[u8]>);

impl PublishedNames {
    /// The names of `drafts`, which are those of the service `key`, sorted as compile leaves them.
    pub(super) fn of(key: &ServiceKey, drafts: &[Draft], zones: &Zones) -> Self {
        let mut packed = Vec::with_capacity(drafts.len() * 16);
        for (zone, labels) in labels(key, drafts, zones) {
            packed.extend_from_slice(&[zone, labels.len() as u8]);
            packed.extend_from_slice(labels);
        }
        PublishedNames(packed.into_boxed_slice())
    }

    /// True when these are the names of `drafts`, as [`PublishedNames::of`] would keep them.
    pub(super) fn are_of(&self, key: &ServiceKey, drafts: &[Draft], zones: &Zones) -> bool {
        let mut rest: &[u8] = &self.0;
        let same = labels(key, drafts, zones).all(|(zone, labels)| match rest {
            [held, length, tail @ ..] if *held == zone && usize::from(*length) == labels.len() => {
                let (own, next) = tail.split_at(labels.len().min(tail.len()));
                rest = next;
                own == labels
            }
            _ => false,
        });
        same && rest.is_empty()
    }

    /// The names of the service `key` with the numbers of their zones.
    pub(super) fn iter<'a>(
        &'a self,
        key: &'a ServiceKey,
        zones: &'a Zones,
    ) -> impl Iterator<Item = (u8, Name)> + use<'a> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let [zone, length, tail @ ..] = rest else { return None };
            let (labels, next) = tail.split_at_checked(usize::from(*length))?;
            rest = next;
            let service = zones.list.get(usize::from(*zone))?.service(key).ok()?;
            Some((*zone, Name::from_wire(&[labels, service.wire()].concat())?))
        })
    }

    /// The names of `self` that `newer` lacks, last ones first: the wildcard below a name outlives it, so that nothing
    /// that both cover is absent in between.
    pub(super) fn vanished(&self, key: &ServiceKey, newer: &PublishedNames, zones: &Zones) -> Vec<(u8, Name)> {
        if self == newer {
            return Vec::new();
        }
        let kept: std::collections::HashSet<Name> = newer.iter(key, zones).map(|(_, name)| name).collect();
        let mut vanished: Vec<_> = self.iter(key, zones).filter(|(_, name)| !kept.contains(name)).collect();
        vanished.reverse();
        vanished
    }
}

/// Zone number and labels in front of the service's own of each name, in the order of the Drafts.
fn labels<'d>(
    key: &'d ServiceKey,
    drafts: &'d [Draft],
    zones: &'d Zones,
) -> impl Iterator<Item = (u8, &'d [u8])> + use<'d> {
    drafts.iter().filter_map(move |draft| {
        let zone = zones.list.get(usize::from(draft.zone))?;
        Some((draft.zone, labels_before(&draft.name, key, zone)?))
    })
}

/// The labels of `name` in front of those of the service, in wire form.
fn labels_before<'n>(name: &'n Name, key: &ServiceKey, zone: &Zone) -> Option<&'n [u8]> {
    // Two labels, each with one octet for its length; the slash between the two texts stands for one of them.
    let service = zone.svc.wire().len() + key.as_str().len() + 1;
    name.wire().get(..name.wire().len().checked_sub(service)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones() -> Zones {
        let zone = |text| Name::parse(text).unwrap();
        Zones::new(&[zone("clusterset.local"), zone("supercluster.local")], &[], 5, Vec::new()).unwrap()
    }

    fn drafts(names: &[(u8, &str)]) -> Vec<Draft> {
        let draft = |(zone, name): &(u8, &str)| Draft {
            name: Name::parse(name).unwrap(),
            zone: *zone,
            presence: 1,
            order_of: Vec::new(),
            orders: Vec::new(),
        };
        names.iter().map(draft).collect()
    }

    #[test]
    fn only_the_names_that_are_gone_vanish() {
        let zones = zones();
        let web = (0, "web.shop.svc.clusterset.local");
        let host = (0, "a.east.web.shop.svc.clusterset.local");
        let other = (1, "web.shop.svc.supercluster.local");
        let key = ServiceKey::new("shop", "web");
        let (all, fewer) = (drafts(&[web, host, other]), drafts(&[web, other]));
        let before = PublishedNames::of(&key, &all, &zones);
        let after = PublishedNames::of(&key, &fewer, &zones);
        let are_of = |names: &PublishedNames| (names.are_of(&key, &all, &zones), names.are_of(&key, &fewer, &zones));
        assert_eq!((are_of(&before), are_of(&after)), ((true, false), (false, true)));
        assert_eq!(before.vanished(&key, &after, &zones), [(0, Name::parse(host.1).unwrap())]);
        assert!(after.vanished(&key, &before, &zones).is_empty());
        assert_eq!(
            before.iter(&key, &zones).map(|(_, name)| name).collect::<Vec<_>>(),
            drafts(&[web, host, other]).into_iter().map(|draft| draft.name).collect::<Vec<_>>()
        );
    }
}
