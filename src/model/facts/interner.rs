//! One allocation per repeated text: zones, nodes, namespaces, port names of one cluster.
//!
//! In: texts as the source decoded them. Out: the shared copy of each.

use crate::model::Rare;
use crate::model::fact::{Port, Standing, Traffic};
use crate::model::hashed::Set;
use std::sync::Arc;

/// A set of shared texts.
#[derive(Debug, Default)]
pub struct Interner {
    texts: Set<Arc<str>>,
    /// Traffic fields: a cluster has a handful of different ones.
    traffic: Set<Arc<Traffic>>,
    places: Set<Arc<Standing>>,
    ports: Set<Arc<Vec<Port>>>,
}

impl Interner {
    /// Replaces `text` by the shared copy of the same text.
    pub fn share(&mut self, text: &mut Arc<str>) {
        match self.texts.get(&**text) {
            Some(shared) => *text = Arc::clone(shared),
            None => {
                self.texts.insert(Arc::clone(text));
            }
        }
    }

    /// Makes equal traffic fields one value.
    pub fn share_traffic(&mut self, traffic: &mut Rare<Traffic>) {
        traffic.share(&mut self.traffic);
    }

    /// Makes the places of endpoints on one node one value.
    pub fn share_place(&mut self, place: &mut Rare<Standing>) {
        place.share(&mut self.places);
    }

    /// Makes equal lists of ports one value: most services of a cluster have the same few.
    pub fn share_ports(&mut self, ports: &mut Rare<Vec<Port>>) {
        ports.share(&mut self.ports);
    }

    /// As [`Interner::share`], for an absent text too.
    pub fn share_option(&mut self, text: &mut Option<Arc<str>>) {
        if let Some(text) = text {
            self.share(text);
        }
    }

    /// Forgets texts that nobody else holds.
    pub fn shrink(&mut self) {
        self.ports.retain(|ports| Arc::strong_count(ports) > 1);
        self.places.retain(|place| Arc::strong_count(place) > 1);
        self.traffic.retain(|traffic| Arc::strong_count(traffic) > 1);
        // Last: the values above hold texts.
        self.texts.retain(|text| Arc::strong_count(text) > 1);
        self.texts.shrink_to_fit();
    }
}
