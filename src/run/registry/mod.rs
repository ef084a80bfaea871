//! The registry of clusters beside the configuration: what its objects say, joined with `clusters` (SOURCES.md section 6).
//!
//! In: the configuration, messages about objects of the home cluster. Out: [`Joined`], from which sources, publisher and
//! views are made as from a configuration alone; findings; whether clusters may still come.

#[cfg(feature = "kubernetes")]
mod live;
#[cfg(feature = "kubernetes")]
mod memory;
#[cfg(not(feature = "kubernetes"))]
mod off;
#[cfg(feature = "kubernetes")]
mod reading;

#[cfg(feature = "kubernetes")]
pub(super) use live::Registry;
#[cfg(not(feature = "kubernetes"))]
pub(super) use off::Registry;

use crate::config::{ClusterEntry, Config, ConfiguredCluster, Source, SourceSpec};
use crate::publish::Accused;
#[cfg(feature = "kubernetes")]
use crate::{model::ClusterId, source::kubernetes::registry::Learned};
use arc_swap::ArcSwap;
#[cfg(feature = "kubernetes")]
use std::collections::HashMap;
use std::sync::Arc;

/// The configuration with the clusters of the registry as further entries without a source, and how those are reached.
#[derive(Clone)]
pub(super) struct Joined {
    pub config: Config,
    #[cfg(feature = "kubernetes")]
    pub learned: HashMap<ClusterId, Learned>,
}

impl Joined {
    /// A configuration alone.
    pub(super) fn plain(config: Config) -> Self {
        Joined {
            config,
            #[cfg(feature = "kubernetes")]
            learned: HashMap::new(),
        }
    }

    /// False for a cluster of which only its name is known.
    pub(super) fn reaches(&self, entry: &ConfiguredCluster) -> bool {
        #[cfg(feature = "kubernetes")]
        {
            entry.source != SourceSpec::Learned || self.learned.contains_key(&entry.cluster.id)
        }
        #[cfg(not(feature = "kubernetes"))]
        {
            entry.source != SourceSpec::Learned
        }
    }

    /// True when an entry is read as `other` of another configuration is, so that both are one cluster.
    pub(super) fn reads_alike(&self, entry: &ClusterEntry, others: &Joined, other: &ClusterEntry) -> bool {
        #[cfg(feature = "kubernetes")]
        {
            let (own, its) = (ClusterId::new(&entry.name), ClusterId::new(&other.name));
            match (self.learned.get(&own), others.learned.get(&its)) {
                (Some(own), Some(its)) => return own.fingerprint == its.fingerprint,
                (None, None) => {}
                _ => return false,
            }
        }
        #[cfg(not(feature = "kubernetes"))]
        let _ = others;
        entry.source == other.source && entry.source != Source::default()
    }

    /// True when the same clusters are reached in the same way.
    pub(super) fn reaches_as(&self, other: &Joined) -> bool {
        #[cfg(feature = "kubernetes")]
        {
            let same = |(id, learned): (&ClusterId, &Learned)| {
                other.learned.get(id).is_some_and(|known| known.fingerprint == learned.fingerprint)
            };
            self.learned.len() == other.learned.len() && self.learned.iter().all(same) && self.config == other.config
        }
        #[cfg(not(feature = "kubernetes"))]
        {
            self.config == other.config
        }
    }

    /// With clusters that were known before and that nobody knows how to reach now.
    #[cfg(feature = "kubernetes")]
    pub(super) fn with_remembered(mut self, remembered: &[ClusterEntry]) -> Self {
        for entry in remembered {
            if self.config.clusters.iter().all(|known| known.name != entry.name) {
                self.config.clusters.push(entry.clone());
            }
        }
        self
    }

    /// The clusters of the configuration, then the learned ones in their order.
    #[cfg(feature = "kubernetes")]
    pub(super) fn new(mut config: Config, learned: Vec<Learned>) -> Self {
        config.clusters.extend(learned.iter().map(entry));
        let learned = learned.into_iter().map(|learned| (learned.id.clone(), learned)).collect();
        Joined { config, learned }
    }
}

#[cfg(feature = "kubernetes")]
fn entry(learned: &Learned) -> ClusterEntry {
    let traits = &learned.traits;
    ClusterEntry {
        name: learned.id.as_str().to_owned(),
        mode: traits.mode,
        region: traits.region.clone(),
        zone: traits.zone.clone(),
        network: traits.network.clone(),
        reach: traits.reach,
        ..ClusterEntry::default()
    }
}

/// What stands against objects of the registry and the clusters in them, a line for each.
pub(super) type Findings = Arc<ArcSwap<Vec<String>>>;

/// Findings beside those of objects that are facts, for metrics: per cluster and code how many stand.
pub(super) type Counts = Arc<ArcSwap<Vec<(String, Vec<(&'static str, u64)>)>>>;
