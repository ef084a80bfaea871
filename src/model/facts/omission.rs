//! What a list would take away: which objects it lacks, and which services are lost with them.
//!
//! In: the facts held, once everything in the list is applied. Out: the figures that the brake judges by (RESILIENCE.md rule 6).

use super::{ClusterFacts, ServiceFacts};
use crate::model::fact::{Kind, ObjectKey, SliceFact};
use crate::model::id::ServiceKey;
use std::collections::HashSet;

/// How many services a list would take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    /// Services that would vanish or lose their last ready endpoint; for namespaces, namespaces.
    pub lost: usize,
    /// Those that had what the list is about: an object of the kind, or a ready endpoint.
    pub of: usize,
}

/// The objects held that a list lacks. What it holds but cannot be read is not among them.
#[derive(Debug)]
pub struct Omission<'a> {
    pub(super) facts: &'a ClusterFacts,
    /// The kind that is listed.
    pub kind: Kind,
    pub keys: &'a HashSet<ObjectKey>,
    /// How many services could be lost, before the list.
    pub(super) of: usize,
}

impl Omission<'_> {
    /// What goes with the objects. Only services that make a name count: the others are in no answer.
    pub fn loss(&self) -> Loss {
        let Omission { facts, kind, keys, of } = *self;
        match kind {
            Kind::Namespace => {
                Loss { lost: keys.iter().filter(|key| facts.presence.is_only_documented(key.name())).count(), of }
            }
            // Without a Node an endpoint loses its zone, without a Gateway a cluster one witness, nothing more.
            Kind::Node | Kind::Gateway => Loss::default(),
            Kind::Service | Kind::ServiceExport | Kind::ServiceImport => {
                let counts = |key: &ServiceKey| facts.service(key).is_some_and(|of| facts.can_be_lost(kind, key, of));
                Loss { lost: keys.iter().filter(|key| counts(key)).count(), of }
            }
            Kind::EndpointSlice => Loss { lost: self.services_without_endpoints(), of },
            // Each makes a name in a global zone, or an endpoint of one.
            Kind::ServiceEntry | Kind::WorkloadEntry | Kind::DnsEndpoint => Loss { lost: keys.len(), of },
        }
    }

    /// Services whose ready endpoints all lie in slices that the list lacks.
    fn services_without_endpoints(&self) -> usize {
        let services: HashSet<&ServiceKey> = self.keys.iter().filter_map(|key| self.facts.owner_of(key)).collect();
        let loses = |key: &&ServiceKey| {
            let Some(facts) = self.facts.services.get(*key).filter(|facts| facts.makes_name()) else { return false };
            let mut ready = facts.slices.iter().chain(facts.copies.iter()).filter(|slice| is_ready(slice)).peekable();
            ready.peek().is_some() && ready.all(|slice| self.keys.contains(&slice.key))
        };
        services.into_iter().filter(loses).count()
    }
}

fn is_ready(slice: &SliceFact) -> bool {
    slice.endpoints.iter().any(|endpoint| endpoint.ready)
}

impl ClusterFacts {
    /// True when a list of the kind could take the service away.
    pub(super) fn can_be_lost(&self, kind: Kind, key: &ServiceKey, facts: &ServiceFacts) -> bool {
        match kind {
            Kind::Service => facts.service.is_some() && self.serves_a_name(key, facts),
            Kind::ServiceExport => facts.export.is_some(),
            Kind::ServiceImport => facts.import.is_some(),
            Kind::EndpointSlice => facts.makes_name() && facts.slices.iter().chain(facts.copies.iter()).any(is_ready),
            _ => false,
        }
    }

    /// True for an exported or imported service, and for one that carries the VIP of an import (SOURCES.md 4, rule d).
    fn serves_a_name(&self, key: &ServiceKey, facts: &ServiceFacts) -> bool {
        let derived = || {
            let import = ServiceKey::new(key.namespace(), key.name().strip_prefix("derived-")?);
            self.services.get(&import)?.import.as_ref()
        };
        facts.makes_name() || self.derived.contains_key(key) || derived().is_some()
    }
}
