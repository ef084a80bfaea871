//! `check --connect`: every cluster of the configuration and of the registry is looked at once.
//!
//! In: a checked configuration. Out: what each cluster said, and the findings of the registry.

use super::registry::{Joined, Registry};
use crate::cli::check::{Found, FoundKind, Reached};
use crate::config::{Config, ConfiguredCluster, SourceSpec};
use crate::model::Finding;
use crate::source::kubernetes::connect::{Outcome, Report, connect};
use crate::source::kubernetes::{self, Access};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long the registry may take to be listed.
const REGISTRY: Duration = Duration::from_secs(20);

/// Connects to each API server, all at the same time. Order: the configuration's, then the registry's.
///
/// # Errors
/// No thread, or a kubeconfig that cannot be used.
pub(super) fn look(config: &Config) -> Result<(Vec<Reached>, Vec<Finding>), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("starting a thread: {error}"))?;
    let (joined, findings) = runtime.block_on(joined(config))?;
    let looks = joined.config.clusters().into_iter().filter_map(|entry| prepared(&joined, entry));
    let looks: Vec<(ConfiguredCluster, String, Result<Access, String>)> = looks.collect();
    let reached = runtime.block_on(async {
        let mut running = JoinSet::new();
        for (at, (entry, origin, access)) in looks.into_iter().enumerate() {
            running.spawn(async move {
                let answer = match access {
                    Ok(access) => connect(&access, entry.cluster.mode).await.map(found),
                    Err(reason) => Err(reason),
                };
                (at, Reached { cluster: entry.cluster.id.to_string(), origin, answer })
            });
        }
        let mut reached = running.join_all().await;
        reached.sort_by_key(|(at, _)| *at);
        reached.into_iter().map(|(_, one)| one).collect()
    });
    Ok((reached, findings))
}

/// How to reach a cluster, and where that is written; `None` for a folder.
fn prepared(joined: &Joined, entry: ConfiguredCluster) -> Option<(ConfiguredCluster, String, Result<Access, String>)> {
    let learned = joined.learned.get(&entry.cluster.id);
    let (origin, access) = match &entry.source {
        SourceSpec::Manifests { .. } => return None,
        SourceSpec::Learned => {
            let learned = learned?;
            (learned.origin.to_string(), Ok(learned.access.clone()))
        }
        source => (source.to_string(), super::access::access(&joined.config, &entry)),
    };
    Some((entry, origin, access))
}

/// The configuration with the clusters that the registry lists now.
async fn joined(config: &Config) -> Result<(Joined, Vec<Finding>), String> {
    kubernetes::install_crypto_provider();
    let thread = crate::source::runtime::Sources::start(Instant::now());
    let thread = thread.map_err(|error| format!("starting a thread: {error}"))?;
    let mut registry = Registry::start_on(config, &thread, &|_| Default::default())?;
    let whole = async {
        while !registry.is_complete() {
            registry.next().await;
        }
    };
    // What is not listed by then is a finding.
    let _ = tokio::time::timeout(REGISTRY, whole).await;
    Ok(registry.joined(config))
}

fn found(report: Report) -> Found {
    let kind = |kind: kubernetes::connect::KindReport| FoundKind {
        name: kind.kind.as_str(),
        required: kind.required,
        listed: match kind.outcome {
            Outcome::Listed(version) => Ok(Some(version)),
            Outcome::NotServed => Ok(None),
            Outcome::Failed(reason) => Err(reason),
        },
    };
    Found {
        version: report.version,
        uid: report.uid,
        id: report.id,
        kinds: report.kinds.into_iter().map(kind).collect(),
    }
}
