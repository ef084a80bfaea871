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
        for draft in drafts {
            let Some(zone) = zones.list.get(usize::from(draft.zone)) else { continue };
            let Some(labels) = labels_before(&draft.name, key, zone) else { continue };
            packed.extend_from_slice(&[draft.zone, labels.len() as u8]);
            packed.extend_from_slice(labels);
        }
        PublishedNames(packed.into_boxed_slice())
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

/// The labels of `name` in front of those of the service, in wire form.
fn labels_before<'n>(name: &'n Name, key: &ServiceKey, zone: &Zone) -> Option<&'n [u8]> {
    // Each label has one octet for its length.
    let service = zone.svc.wire().len() + key.namespace().len() + key.name().len() + 2;
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
        let before = PublishedNames::of(&key, &drafts(&[web, host, other]), &zones);
        let after = PublishedNames::of(&key, &drafts(&[web, other]), &zones);
        assert_eq!(before.vanished(&key, &after, &zones), [(0, Name::parse(host.1).unwrap())]);
        assert!(after.vanished(&key, &before, &zones).is_empty());
        assert_eq!(
            before.iter(&key, &zones).map(|(_, name)| name).collect::<Vec<_>>(),
            drafts(&[web, host, other]).into_iter().map(|draft| draft.name).collect::<Vec<_>>()
        );
    }
}
