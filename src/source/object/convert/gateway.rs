//! Gateways of Submariner (`submariner.io/v1`): what the active one says of its connections (SOURCES.md 3.2).

use super::identity::Identity;
use super::report::{Report, quote};
use crate::model::fact::{ConnectionFact, ConnectionStatus, Fact, GatewayFact};
use crate::source::object::raw::{Connection, Raw, present};

/// Connections that are read of one gateway.
const MOST: usize = 1_000;

/// A Gateway; a passive one says nothing of the others.
pub fn gateway(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Fact {
    let mut connections = Vec::new();
    let status = raw.status.as_ref().filter(|status| status.ha_status.as_deref() == Some("active"));
    if let Some(status) = status {
        for (index, entry) in present(&status.connections).take(MOST) {
            connections.extend(connection(entry, index, report));
        }
    }
    Fact::Gateway(Box::new(GatewayFact { key: identity.key.clone(), connections }))
}

/// `None` for one that names no cluster, or has a status that is not known: it is no evidence.
fn connection(raw: &Connection<'_>, index: usize, report: &mut Report<'_, '_>) -> Option<ConnectionFact> {
    let cluster = raw.endpoint.as_ref()?.cluster_id.as_deref().filter(|cluster| !cluster.is_empty())?;
    let said = raw.status.as_deref()?;
    let Some(status) = ConnectionStatus::ALL.into_iter().find(|status| status.as_str() == said) else {
        let path = format!("status.connections[{index}].status");
        let message = format!("{} is no status of a connection that is known; it is no evidence", quote(said));
        report.add("bad-object", &path, message);
        return None;
    };
    Some(ConnectionFact { cluster: report.share(cluster), status })
}
