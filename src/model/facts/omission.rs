//! What a list would take away: which objects it lacks, and which services are lost with them.
//!
//! In: the facts held and a complete list. Out: the figures that the brake judges by (RESILIENCE.md rule 6).

use super::findings::key_of;
use super::{ClusterFacts, ServiceFacts};
use crate::model::fact::{Fact, Kind, ObjectKey, SliceFact};
use crate::model::finding::Finding;
use crate::model::id::ServiceKey;
use std::collections::HashSet;

/// How many services a list would take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    /// Services that would vanish or lose their last ready endpoint; for namespaces, namespaces.
    pub lost: usize,
    /// Those that have what the list is about: an object of the kind, or a ready endpoint.
    pub of: usize,
}

impl ClusterFacts {
    /// The objects held that a list lacks. What it holds but cannot be read is known by its finding.
    pub fn omitted(&self, kind: Kind, listed: &[Fact], findings: &[Finding]) -> HashSet<ObjectKey> {
        let listed = listed.iter().map(Fact::key).chain(findings.iter().map(key_of));
        let listed: HashSet<ObjectKey> = listed.collect();
        self.keys_of(kind).into_iter().filter(|key| !listed.contains(key)).collect()
    }

    /// What goes with the objects of `omitted`, once everything in the list is applied. Only services that make a name
    /// count: the others are in no answer.
    pub fn loss(&self, kind: Kind, listed: &[Fact], omitted: &HashSet<ObjectKey>) -> Loss {
        let count = |has: &dyn Fn(&ServiceKey, &ServiceFacts) -> bool| {
            let having = self.services.iter().filter(|(key, facts)| has(key, facts));
            having.fold(Loss::default(), |loss, (key, _)| Loss {
                lost: loss.lost + usize::from(omitted.contains(key)),
                of: loss.of + 1,
            })
        };
        match kind {
            Kind::Namespace => self.lost_namespaces(omitted),
            // Without a Node an endpoint loses its zone, without a Gateway a cluster one witness, nothing more.
            Kind::Node | Kind::Gateway => Loss::default(),
            Kind::Service => count(&|key, facts| facts.service.is_some() && self.serves_a_name(key, facts)),
            Kind::ServiceExport => count(&|_, facts| facts.export.is_some()),
            Kind::ServiceImport => count(&|_, facts| facts.import.is_some()),
            Kind::EndpointSlice => self.lost_endpoints(listed, omitted),
            // Each makes a name in a global zone, or an endpoint of one.
            Kind::ServiceEntry | Kind::WorkloadEntry | Kind::DnsEndpoint => {
                Loss { lost: omitted.len(), of: self.count(kind) }
            }
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

    fn lost_namespaces(&self, omitted: &HashSet<ObjectKey>) -> Loss {
        let lost = omitted.iter().filter(|key| self.presence.is_only_documented(key.name())).count();
        Loss { lost, of: self.presence.documents().count() }
    }

    fn lost_endpoints(&self, listed: &[Fact], omitted: &HashSet<ObjectKey>) -> Loss {
        let is_ready = |slice: &SliceFact| slice.endpoints.iter().any(|endpoint| endpoint.ready);
        let slices = || listed.iter().filter_map(|fact| if let Fact::Slice(slice) = fact { Some(slice) } else { None });
        let alive: HashSet<&ServiceKey> = slices().filter(|s| is_ready(s)).map(|slice| &slice.service).collect();
        let listed: HashSet<&ObjectKey> = slices().map(|slice| &slice.key).collect();
        let mut loss = Loss::default();
        for (key, facts) in self.services.iter().filter(|(_, facts)| facts.makes_name()) {
            let ready = || facts.slices.iter().chain(&facts.copies).filter(|slice| is_ready(slice));
            let stays = |slice: &SliceFact| !omitted.contains(&slice.key) && !listed.contains(&slice.key);
            if ready().next().is_none() {
                continue;
            }
            loss.of += 1;
            let goes = ready().any(|slice| omitted.contains(&slice.key));
            loss.lost += usize::from(goes && !alive.contains(key) && !ready().any(stays));
        }
        loss
    }
}
