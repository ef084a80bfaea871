//! What a list would take away: which objects it lacks, and which services are lost with them.
//!
//! In: the facts held, once everything in the list is applied. Out: the figures that the brake judges by (RESILIENCE.md rule 6),
//! counted object by object, for there may be very many.

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
    pub keys: &'a HashSet<ObjectKey>,
    /// How many of them an earlier list lacked too.
    pub before: usize,
    /// How many of those it lacked so long ago that the two lists agree.
    pub agreed: usize,
    /// What goes with the objects. Only services that make a name count: the others are in no answer.
    pub loss: Loss,
}

/// Decides which objects stay although a list lacks them (the brake, RESILIENCE.md rule 6). It is asked for one object at a
/// time, so that a list that lacks very many can be taken in part by part.
pub trait Judge {
    /// The list has the object.
    fn returned(&mut self, key: &ObjectKey);
    /// Whether an earlier list lacked the object so long ago that the two agree; `None` when no earlier one lacked it.
    fn agrees(&self, key: &ObjectKey) -> Option<bool>;
    /// Asked once, when all is known: whether the objects stay that no earlier list agrees on.
    fn judge(&mut self, omission: &Omission<'_>) -> bool;
    /// The object stays.
    fn stays(&mut self, key: &ObjectKey);
    /// The object goes.
    fn goes(&mut self, key: &ObjectKey);
}

/// Lets everything go that a list lacks.
#[derive(Debug)]
pub struct NoBrake;

impl Judge for NoBrake {
    fn returned(&mut self, _: &ObjectKey) {}

    fn agrees(&self, _: &ObjectKey) -> Option<bool> {
        None
    }

    fn judge(&mut self, _: &Omission<'_>) -> bool {
        false
    }

    fn stays(&mut self, _: &ObjectKey) {}

    fn goes(&mut self, _: &ObjectKey) {}
}

impl ClusterFacts {
    /// True when a service is lost with the object of this key, which a list lacks along with the other `omitted` ones.
    pub(super) fn loses(&self, kind: Kind, key: &ObjectKey, omitted: &HashSet<ObjectKey>) -> bool {
        match kind {
            Kind::Namespace => self.presence.is_only_documented(key.name()),
            // Without a Node an endpoint loses its zone, without a Gateway a cluster one witness, nothing more.
            Kind::Node | Kind::Gateway => false,
            Kind::Service | Kind::ServiceExport | Kind::ServiceImport => {
                self.service(key).is_some_and(|facts| self.can_be_lost(kind, key, facts))
            }
            Kind::EndpointSlice => self.loses_endpoints(key, omitted),
            // Each makes a name in a global zone, or an endpoint of one.
            Kind::ServiceEntry | Kind::WorkloadEntry | Kind::DnsEndpoint => true,
        }
    }

    /// True when all ready endpoints of a slice's service lie in slices that are omitted; said of the first of them alone, so
    /// that the service counts once.
    fn loses_endpoints(&self, key: &ObjectKey, omitted: &HashSet<ObjectKey>) -> bool {
        let Some(facts) = self.slices.get(key).and_then(|service| self.services.get(service)) else { return false };
        let mut ready = facts.slices.iter().chain(&facts.copies).filter(|slice| is_ready(slice)).peekable();
        facts.makes_name()
            && ready.peek().is_some_and(|first| first.key == *key)
            && ready.all(|slice| omitted.contains(&slice.key))
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
            Kind::EndpointSlice => facts.makes_name() && facts.slices.iter().chain(&facts.copies).any(is_ready),
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
