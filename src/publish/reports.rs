//! What clusters say of each other: the connections of Submariner's gateways, as evidence of liveness (SOURCES.md 3.2,
//! RESILIENCE.md section 3).
//!
//! In: the facts, and which clusters are in contact. Out: what speaks against a cluster: somebody cannot reach it, and nobody
//! can. A cluster that is out of contact is no witness, nor is one for itself.

use super::publisher::Publisher;
use crate::model::fact::ConnectionStatus;
use crate::model::{ClusterId, ClusterSet};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Publisher {
    /// Tells what the gateways of all clusters say, where nothing says who is in contact.
    pub fn tell_connections(&self) {
        let reports = Reports::of(self.clusterset(), |_| true);
        self.figures().connections.store(Arc::new(reports.into_connections()));
    }
}

/// Each pair of clusters, the witness last, with the best of their connections.
#[derive(Debug, Default)]
pub(super) struct Reports(BTreeMap<(ClusterId, ClusterId), ConnectionStatus>);

/// One line of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub cluster: ClusterId,
    /// Who says so.
    pub witness: ClusterId,
    pub status: ConnectionStatus,
}

impl Reports {
    pub(super) fn of(clusterset: &ClusterSet, in_contact: impl Fn(&ClusterId) -> bool) -> Self {
        let mut best = BTreeMap::new();
        let witnesses = clusterset.members().map(|(_, member)| member);
        for witness in witnesses.filter(|member| in_contact(&member.cluster().id)) {
            let own = &witness.cluster().id;
            for connection in witness.facts().connections() {
                let named = ClusterId::new(&connection.cluster);
                let is_named = |id: &ClusterId, aliases: &[ClusterId]| *id == named || aliases.contains(&named);
                let mut members = clusterset.members().map(|(_, member)| member.cluster());
                let Some(cluster) = members.find(|cluster| is_named(&cluster.id, &cluster.aliases)) else { continue };
                if cluster.id != *own {
                    let status = best.entry((cluster.id.clone(), own.clone())).or_insert(connection.status);
                    *status = connection.status.min(*status);
                }
            }
        }
        Reports(best)
    }

    /// What speaks against a cluster, if nothing speaks for it.
    pub(super) fn against(&self, cluster: &ClusterId) -> Option<String> {
        let of = || self.0.iter().filter(|((about, _), _)| about == cluster);
        if of().any(|(_, status)| *status == ConnectionStatus::Connected) {
            return None;
        }
        let said: Vec<String> = of().map(|((_, witness), status)| format!("{witness}: {}", status.as_str())).collect();
        (!said.is_empty()).then(|| format!("Submariner's gateways do not reach it ({})", said.join(", ")))
    }

    /// For metrics.
    pub(super) fn into_connections(self) -> Vec<Connection> {
        let line = |((cluster, witness), status)| Connection { cluster, witness, status };
        self.0.into_iter().map(line).collect()
    }
}
