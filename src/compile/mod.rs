//! From what views see to what the table holds: names, order, wire octets.
//!
//! In: a service's [`Answer`] per group of views, the namespaces, the zones.
//! Out: [`Draft`](crate::table::Draft)s, one per owner name, and the Frame's settings. Pure; no I/O, no clock.
//!
//! ```text
//! Answer     ─▶ service (which names) ─▶ rrset (which records, in which order) ─▶ Draft
//! HostAnswer ─▶ host (which names)    ─▶ rrset ─▶ claims, which publish counts per name
//! Answer     ─▶ reverse (which names own an address) ─▶ claims, likewise
//! ```

mod host;
mod merge_views;
mod reverse;
mod rrset;
mod service;
mod srv;
mod weight;
mod zonal;
mod zone;

#[cfg(test)]
mod tests;

pub use host::{HostClaim, compile_host, compose};
pub use reverse::{MOST_NAMES, PtrClaim, compile_reverse, compose_reverse, reverse_name};
pub use service::{compile_namespace, compile_service, targets_by_cluster};
pub use zone::{Zone, ZoneKind, Zones, zone_names};

use crate::model::hashed::Map;
use crate::model::{Answer, ClusterId};
use crate::table::NO_CLUSTER;

/// Where the priority of SRV rows comes from (DNS.md section 1, "SRV").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SrvPriority {
    /// 0, and 1 for rows of a stale cluster.
    #[default]
    None,
    /// The tier; rows of a stale cluster behind the last.
    Tier,
}

/// What compile needs to know beside the answers.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub zones: Zones,
    pub srv_priority: SrvPriority,
    /// `<cluster>.<svc>...` answers that cluster's addresses.
    pub cluster_names: bool,
    /// `<zone>.pin._zone.<svc>...` and `<zone>.prefer._zone.<svc>...` exist for headless services.
    pub zonal_names: bool,
    /// Most records of one set; 0: only what fits 65,535 octets.
    pub max_answer_records: usize,
    pub columns: Columns,
}

/// How many targets of an answer get records: the rest is beyond `maxAnswerRecords`, or what a message holds.
pub fn served_targets(answer: &Answer, settings: &Settings) -> usize {
    rrset::served(answer.targets.iter(), settings)
}

/// Numbers for the clusters of the registry: the cluster column of an address (DESIGN.md, "The table").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns(Map<ClusterId, u16>);

impl Columns {
    /// Numbers the clusters in the order given.
    pub fn new<'a>(clusters: impl IntoIterator<Item = &'a ClusterId>) -> Self {
        Columns(clusters.into_iter().cloned().zip(0..NO_CLUSTER).collect())
    }

    /// The same numbers, and further ones for the clusters that have none: Blocks of before stay right.
    pub fn extended<'a>(&self, clusters: impl IntoIterator<Item = &'a ClusterId>) -> Self {
        let mut columns = self.0.clone();
        for cluster in clusters {
            let next = columns.values().max().map_or(0, |last| last.saturating_add(1));
            if next < NO_CLUSTER {
                columns.entry(cluster.clone()).or_insert(next);
            }
        }
        Columns(columns)
    }

    /// The column of `cluster`; [`NO_CLUSTER`] when it is none of the registry.
    pub fn of(&self, cluster: Option<&ClusterId>) -> u16 {
        cluster.and_then(|id| self.0.get(id)).copied().unwrap_or(NO_CLUSTER)
    }

    /// Every cluster with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&ClusterId, u16)> {
        self.0.iter().map(|(id, column)| (id, *column))
    }
}
