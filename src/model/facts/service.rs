//! All facts of one cluster about one service key.

use crate::model::fact::{ExportFact, ImportFact, Ingress, Kind, ObjectKey, Origin, ServiceFact, SliceFact, SliceRole};
use crate::model::host::fact::{DnsEndpointFact, ServiceEntryFact, WorkloadEntryFact};
use crate::model::id::ServiceKey;
use std::collections::HashSet;
use std::sync::Arc;

/// Service, export, import and slices that share one namespaced name in one cluster.
#[derive(Debug, Default, PartialEq)]
pub struct ServiceFacts {
    pub service: Option<Box<ServiceFact>>,
    pub export: Option<Box<ExportFact>>,
    pub import: Option<Box<ImportFact>>,
    /// Native slices, by object key.
    pub slices: Vec<SliceFact>,
    /// Copies made by MCS controllers, by object key.
    pub copies: Vec<SliceFact>,
}

impl ServiceFacts {
    /// True when no object is left.
    pub fn is_empty(&self) -> bool {
        self.service.is_none()
            && self.export.is_none()
            && self.import.is_none()
            && self.slices.is_empty()
            && self.copies.is_empty()
    }

    /// True when these facts alone can make a name: an export or an import.
    pub fn makes_name(&self) -> bool {
        self.export.is_some() || self.import.is_some()
    }

    /// Keys of the objects of a kind among them, if they are those of the service `key`.
    pub(super) fn keys_of<'a>(&'a self, kind: Kind, key: &'a ServiceKey) -> impl Iterator<Item = &'a ObjectKey> {
        let own = match kind {
            Kind::Service => self.service.is_some(),
            Kind::ServiceExport => self.export.is_some(),
            Kind::ServiceImport => self.import.is_some(),
            _ => false,
        };
        let slices = if kind == Kind::EndpointSlice { [&self.slices[..], &self.copies] } else { [&[][..]; 2] };
        own.then_some(key).into_iter().chain(slices.into_iter().flatten().map(|slice| &slice.key))
    }

    /// True when the load balancer of the Service has a host name.
    pub(super) fn is_named(&self) -> bool {
        let ingress = self.service.as_ref().map_or(&[][..], |service| &service.ingress);
        ingress.iter().any(|ingress| matches!(ingress, Ingress::Host(_)))
    }

    /// The slice of that object key.
    pub fn slice(&self, key: &ObjectKey) -> Option<&SliceFact> {
        [&self.slices, &self.copies]
            .into_iter()
            .find_map(|list| list.binary_search_by(|held| held.key.cmp(key)).ok().map(|at| &list[at]))
    }

    /// True when one of its endpoints runs on one of the nodes.
    pub fn stands_on(&self, nodes: &HashSet<Arc<str>>) -> bool {
        let mut endpoints = self.slices.iter().chain(&self.copies).flat_map(|slice| &slice.endpoints);
        endpoints.any(|endpoint| endpoint.place.node.as_ref().is_some_and(|node| nodes.contains(node)))
    }

    /// Addresses in the slices, native and copied.
    pub fn endpoint_count(&self) -> usize {
        self.slices.iter().chain(&self.copies).map(|slice| slice.endpoints.len()).sum()
    }

    /// Puts a slice in its place; true when its content is new.
    pub(super) fn put_slice(&mut self, mut slice: SliceFact) -> bool {
        let list = match slice.role {
            SliceRole::Native => &mut self.slices,
            SliceRole::Copy { .. } => &mut self.copies,
        };
        match list.binary_search_by(|held| held.key.cmp(&slice.key)) {
            Ok(at) => {
                let held = &mut list[at];
                let (origin, triggered) = (std::mem::take(&mut slice.origin), slice.triggered.take());
                held.origin = Origin::default();
                held.triggered = None;
                let differs = *held != slice;
                if differs {
                    *held = slice;
                }
                (held.origin, held.triggered) = (origin, triggered);
                differs
            }
            Err(at) => {
                list.reserve_exact(1);
                list.insert(at, slice);
                true
            }
        }
    }

    /// Takes the slice out that `new` replaces, if it is held in the other role.
    pub(super) fn take_of_other_role(&mut self, new: &SliceFact) -> Option<SliceFact> {
        let list = match new.role {
            SliceRole::Native => &mut self.copies,
            SliceRole::Copy { .. } => &mut self.slices,
        };
        let at = list.binary_search_by(|held| held.key.cmp(&new.key)).ok()?;
        Some(list.remove(at))
    }

    /// Takes the slice of that object key out.
    pub(super) fn take_slice(&mut self, key: &ObjectKey) -> Option<SliceFact> {
        for list in [&mut self.slices, &mut self.copies] {
            if let Ok(at) = list.binary_search_by(|held| held.key.cmp(key)) {
                return Some(list.remove(at));
            }
        }
        None
    }
}

/// Facts with an origin that does not count as content.
pub(super) trait Sourced: PartialEq {
    fn origin(&mut self) -> &mut Origin;
}

macro_rules! sourced {
    ($($fact:ty),*) => {$(
        impl Sourced for $fact {
            fn origin(&mut self) -> &mut Origin {
                &mut self.origin
            }
        }
    )*};
}
sourced!(ServiceFact, ExportFact, ImportFact, ServiceEntryFact, WorkloadEntryFact, DnsEndpointFact);

/// Stores `new`; true when its content differs from what was held. The newer origin is kept in any case.
pub(super) fn put<T: Sourced>(held: &mut Option<Box<T>>, mut new: Box<T>) -> bool {
    let Some(old) = held else {
        *held = Some(new);
        return true;
    };
    let origin = std::mem::take(new.origin());
    *old.origin() = Origin::default();
    let differs = *old != new;
    if differs {
        *old = new;
    }
    *old.origin() = origin;
    differs
}
