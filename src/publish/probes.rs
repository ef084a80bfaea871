//! Which addresses have a health check, and whose answers they are part of.
//!
//! In: the targets of each service and host as `select` names them. Out: all targets for the room `probe`, and what has to be
//! published anew when the evidence about some changes.

use super::figures::Figures;
use super::publisher::{Entity, Publisher};
use crate::model::hashed::Map;
use crate::model::probe::{Evidence, Target};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Targets by service or host; what has none is not in it.
#[derive(Debug, Default)]
pub(super) struct Probes(Map<Entity, Box<[Target]>>);

impl Probes {
    /// The targets of one service or host as they are now.
    pub fn replace(&mut self, entity: Entity, mut targets: Vec<Target>, figures: &Figures) {
        targets.sort_unstable();
        targets.dedup();
        let changed = match targets.is_empty() {
            true => self.0.remove(&entity).is_some(),
            false => {
                let targets = targets.into_boxed_slice();
                self.0.get(&entity) != Some(&targets) && {
                    self.0.insert(entity, targets);
                    true
                }
            }
        };
        if changed {
            figures.probes.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn with_any_of(&self, changed: &HashSet<&Target>) -> Vec<Entity> {
        let hit = |targets: &[Target]| targets.iter().any(|target| changed.contains(target));
        self.0.iter().filter(|(_, targets)| hit(targets)).map(|(entity, _)| entity.clone()).collect()
    }
}

impl Publisher {
    /// Every address with a health check, and the first service or host, by name, that it is answered for.
    pub fn probe_targets(&self) -> BTreeMap<Target, Arc<str>> {
        let mut all: BTreeMap<Target, Arc<str>> = BTreeMap::new();
        for (entity, targets) in &self.probes.0 {
            let name: Arc<str> = match entity {
                Entity::Service(key) => key.as_str().into(),
                Entity::Host(name) | Entity::Namespace(name) => Arc::clone(name),
            };
            for target in targets {
                let user = all.entry(target.clone()).or_insert_with(|| Arc::clone(&name));
                if name < *user {
                    *user = Arc::clone(&name);
                }
            }
        }
        all
    }

    /// Other evidence: what holds a target that became ill or well is queued as bulk work.
    pub fn set_probed(&mut self, probed: Evidence) {
        let before = self.clusterset.set_probed(probed);
        let probed = &self.clusterset.settings().probed;
        let ended = before.keys().filter(|target| !probed.contains_key(*target));
        let begun = probed.keys().filter(|target| !before.contains_key(*target));
        let entities = self.probes.with_any_of(&ended.chain(begun).collect());
        entities.into_iter().for_each(|entity| self.queue.push_bulk(entity));
    }
}
