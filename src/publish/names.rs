//! Which names a service has in the table, remembered compactly so that those that vanish can be removed.
//!
//! In: the Drafts of one publish. Out: the names that the next one no longer has. About 15 octets a name.

use crate::compile::Zones;
use crate::dns::Name;
use crate::table::Draft;

/// The names of one service: per name its zone number, an octet count and the labels left of the zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PublishedNames(Box<[u8]>);

impl PublishedNames {
    /// The names of `drafts`, which are sorted as compile leaves them.
    pub(super) fn of(drafts: &[Draft], zones: &Zones) -> Self {
        let mut packed = Vec::with_capacity(drafts.len() * 24);
        for draft in drafts {
            let Some(zone) = zones.list.get(usize::from(draft.zone)) else { continue };
            let wire = draft.name.wire();
            let labels = &wire[..wire.len() - zone.name.wire().len()];
            packed.extend_from_slice(&[draft.zone, labels.len() as u8]);
            packed.extend_from_slice(labels);
        }
        PublishedNames(packed.into_boxed_slice())
    }

    /// The names with the numbers of their zones.
    pub(super) fn iter<'a>(&'a self, zones: &'a Zones) -> impl Iterator<Item = (u8, Name)> + 'a {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let [zone, length, tail @ ..] = rest else { return None };
            let (labels, next) = tail.split_at_checked(usize::from(*length))?;
            rest = next;
            let suffix = zones.list.get(usize::from(*zone))?.name.wire();
            Some((*zone, Name::from_wire(&[labels, suffix].concat())?))
        })
    }

    /// The names of `self` that `newer` lacks, last ones first: the wildcard below a name outlives it, so that nothing
    /// that both cover is absent in between.
    pub(super) fn vanished(&self, newer: &PublishedNames, zones: &Zones) -> Vec<(u8, Name)> {
        if self == newer {
            return Vec::new();
        }
        let kept: std::collections::HashSet<Name> = newer.iter(zones).map(|(_, name)| name).collect();
        let mut vanished: Vec<_> = self.iter(zones).filter(|(_, name)| !kept.contains(name)).collect();
        vanished.reverse();
        vanished
    }
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
        let before = PublishedNames::of(&drafts(&[web, host, other]), &zones);
        let after = PublishedNames::of(&drafts(&[web, other]), &zones);
        assert_eq!(before.vanished(&after, &zones), [(0, Name::parse(host.1).unwrap())]);
        assert!(after.vanished(&before, &zones).is_empty());
        assert_eq!(before.iter(&zones).count(), 3);
    }
}
