//! Which service each slice object belongs to.
//!
//! Kubernetes calls the slices of a Service `<service>-<five characters>`, so that nearly every slice names its service itself:
//! kept are the others. A name that only looks so misleads nobody, for the service is asked whether it has the slice.

use super::ClusterFacts;
use crate::model::fact::ObjectKey;
use crate::model::hashed::Map;
use crate::model::id::ServiceKey;
use std::collections::hash_map::IntoIter;

/// The services of slices whose names do not say them.
#[derive(Debug, Default)]
pub(super) struct SliceOwners(Map<ObjectKey, ServiceKey>);

/// The service that a slice of this name has by the convention.
fn named_service(slice: &ObjectKey) -> Option<&str> {
    let (service, _) = slice.as_str().rsplit_once('-')?;
    Some(service)
}

impl SliceOwners {
    /// Notes whose a slice is.
    pub(super) fn set(&mut self, slice: &ObjectKey, service: &ServiceKey) {
        if named_service(slice) == Some(service.as_str()) {
            self.0.remove(slice);
        } else {
            self.0.insert(slice.clone(), service.clone());
        }
    }

    /// Forgets a slice.
    pub(super) fn remove(&mut self, slice: &ObjectKey) {
        self.0.remove(slice);
    }

    /// All of them, to be given up.
    pub(super) fn into_entries(self) -> IntoIter<ObjectKey, ServiceKey> {
        self.0.into_iter()
    }
}

impl ClusterFacts {
    /// The service that a slice object which is held belongs to.
    pub(super) fn owner_of(&self, slice: &ObjectKey) -> Option<&ServiceKey> {
        if let Some(service) = self.slices.0.get(slice) {
            return Some(service);
        }
        let (service, facts) = self.services.get_key_value(named_service(slice)?)?;
        facts.slice(slice).map(|_| service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::{Kind, SliceFact};
    use crate::model::fixture::{at, slice};
    use crate::model::observation::Change;

    /// `object service` of each slice, applied in order, and how many of them have to be kept.
    fn facts_of(slices: &[(&str, &str)]) -> ClusterFacts {
        let mut facts = ClusterFacts::default();
        for (object, service) in slices {
            let fact = SliceFact { key: at(object), service: at(service), ..slice(service, 1, &["10.1.0.1"]) };
            facts.observe(Change::Apply { fact: fact.into(), findings: Vec::new() });
        }
        facts
    }

    #[test]
    fn every_slice_is_found_whatever_it_is_called() {
        let slices = [
            ("shop/web-abcde", "shop/web"),
            ("shop/web-eu-abcde", "shop/web-eu"),
            ("shop/by-hand", "shop/web"),
            ("shop/plain", "shop/api"),
        ];
        let mut facts = facts_of(&slices);
        assert_eq!(facts.slices.0.len(), 2, "those whose names say nothing");
        assert!(facts.owner_of(&at("shop/web-other")).is_none(), "no such slice, though there is such a service");
        for (object, service) in slices {
            assert_eq!(facts.owner_of(&at(object)), Some(&at(service)), "{object}");
            facts.observe(Change::Delete { kind: Kind::EndpointSlice, key: at(object) });
            assert!(!facts.holds(Kind::EndpointSlice, &at(object)), "{object}");
        }
        assert_eq!((facts.services().count(), facts.count(Kind::EndpointSlice), facts.slices.0.len()), (0, 0, 0));
    }

    #[test]
    fn a_slice_that_changes_hands_is_kept_until_its_name_says_whose_it_is() {
        let facts = facts_of(&[("shop/web-abcde", "shop/api"), ("shop/web-abcde", "shop/web")]);
        assert_eq!((facts.owner_of(&at("shop/web-abcde")), facts.slices.0.len()), (Some(&at("shop/web")), 0));
        let facts = facts_of(&[("shop/web-abcde", "shop/web"), ("shop/web-abcde", "shop/api")]);
        assert_eq!((facts.owner_of(&at("shop/web-abcde")), facts.slices.0.len()), (Some(&at("shop/api")), 1));
        assert!(facts.service(&at("shop/web")).is_none());
    }
}
