//! One look at a cluster, for `check --connect`: is it reached, who is it, what may be listed there.
//!
//! In: [`Access`]. Out: a [`Report`]. Nothing is watched and nothing is kept.

use super::access::Access;
use super::client::{Connection, Deadline, Encoding};
use super::counters::{Counters, Verb};
use super::fault::Fault;
use super::kinds::{Need, Row, TABLE};
use super::timing::Timing;
use super::{Limits, discovery, identity, list};
use crate::model::{Kind, Mode};
use serde::Deserialize;
use std::sync::Arc;

/// What was found of a cluster that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Such as `v1.34.4`; empty when it is not told.
    pub version: String,
    /// Of the kube-system Namespace; `None` when it may not be listed.
    pub uid: Option<String>,
    /// The id that the cluster gives itself (ClusterProperty `cluster.clusterset.k8s.io`).
    pub id: Option<String>,
    pub kinds: Vec<KindReport>,
}

/// One kind of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindReport {
    pub kind: Kind,
    /// Without it the cluster is not synced.
    pub required: bool,
    pub outcome: Outcome,
}

/// Whether a kind can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was listed at this version, one object of it.
    Listed(&'static str),
    NotServed,
    /// Why not, and what to do.
    Failed(String),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Version {
    git_version: String,
}

/// Looks at a cluster that would be read in this mode. Call it inside a tokio runtime.
///
/// # Errors
/// It cannot be reached: the fault and what to do.
pub async fn connect(access: &Access, mode: Mode) -> Result<Report, String> {
    let connection = Connection::new(access, Arc::new(Timing::default()), Arc::new(Counters::default()))?;
    let version = match version(&connection).await {
        Ok(version) => version,
        // It answers, if not this.
        Err(Fault::Status { .. } | Fault::Garbled(_)) => String::new(),
        Err(fault) => return Err(format!("{fault}{}", fault.advice())),
    };
    let uid = identity::uid(&connection).await.ok().flatten();
    let id = identity::own_id(&connection).await;
    let mut kinds = Vec::new();
    for row in TABLE.iter().filter(|row| row.need(mode) != Need::Unread) {
        let required = row.need(mode) == Need::Required;
        kinds.push(KindReport { kind: row.kind, required, outcome: look(&connection, row).await });
    }
    Ok(Report { version, uid, id, kinds })
}

async fn version(connection: &Connection) -> Result<String, Fault> {
    let mut frames = connection.get(Verb::Discover, "/version", Encoding::Gzip).await?;
    let octets = frames.whole(64 << 10, Deadline::after(connection.timing().head)).await?;
    serde_json::from_slice::<Version>(&octets)
        .map(|version| version.git_version)
        .map_err(|error| Fault::Garbled(error.to_string()))
}

async fn look(connection: &Connection, row: &'static Row) -> Outcome {
    let failed = |fault: Fault| Outcome::Failed(format!("{fault}{}", fault.advice()));
    let version = match row.discovered {
        false => Ok(Some(row.versions[0])),
        true => discovery::version(connection, row).await,
    };
    let version = match version {
        Ok(Some(version)) => version,
        Ok(None) => return Outcome::NotServed,
        Err(fault) => return failed(fault),
    };
    let deadline = Deadline::after(connection.timing().head);
    match list::newest(connection, Verb::Check, &row.path(version), &Limits::default(), deadline).await {
        Ok(_) => Outcome::Listed(version),
        Err(fault) => failed(fault),
    }
}
