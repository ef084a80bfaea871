//! What `check` is told of the objects behind a configuration.

use super::offline;
use crate::cli::check::{ClusterSurvey, Reached, Survey};
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::{Config, SourceSpec};
use crate::model::merge::merge;
use crate::model::trace::FindingTrace;
use crate::model::{ClusterSet, Finding, Kind, View, merge_host, select, select_host};
use std::collections::HashSet;

/// Reads the folders and checks the kubeconfigs; API servers are connected to where `connect` asks for it.
///
/// # Errors
/// Every kubeconfig that cannot be used, or zones that are too long.
pub fn survey(config: &Config, connect: bool) -> Result<Survey, Vec<Diagnostic>> {
    let error = |message: String| Diagnostic::new(Severity::Error, "config", message);
    let refused = refused_kubeconfigs(config);
    if !refused.is_empty() {
        return Err(refused.into_iter().map(error).collect());
    }
    let loaded = offline::load(config).map_err(|message| vec![error(message)])?;
    let clusterset = loaded.publisher.clusterset();
    let mut survey = Survey { names: loaded.table.figures().names as usize, ..Survey::default() };
    if connect {
        (survey.reached, survey.findings) = look(config).map_err(|message| vec![error(message)])?;
    }
    let folders = config.clusters();
    let folders = folders.iter().filter(|entry| matches!(entry.source, SourceSpec::Manifests { .. }));
    for member in folders.filter_map(|entry| clusterset.get(&entry.cluster.id)) {
        let facts = member.facts();
        survey.findings.extend(facts.findings().iter().cloned());
        survey.clusters.push(ClusterSurvey {
            name: member.cluster().id.to_string(),
            objects: Kind::ALL.iter().map(|kind| facts.count(*kind)).sum(),
            services: facts.services().filter(|(_, held)| held.makes_name()).count(),
        });
    }
    survey.services = clusterset.services().count();
    survey.findings.extend(of_services(clusterset, loaded.publisher.views()));
    survey.findings.extend(clusterset.range_findings());
    survey.findings.extend(crate::model::host::findings(clusterset));
    survey.findings.extend(of_hosts(clusterset, loaded.publisher.views()));
    survey.findings.sort_by(|a, b| (&a.cluster, &a.place, &a.object).cmp(&(&b.cluster, &b.place, &b.object)));
    Ok(survey)
}

/// What the merge of each service and its answers in each view give rise to, each once.
fn of_services(clusterset: &ClusterSet, views: &[View]) -> HashSet<Finding> {
    let mut found = HashSet::new();
    for key in clusterset.services() {
        let service = merge(key, clusterset);
        for view in views {
            let mut trace = FindingTrace::default();
            select(&service, view, clusterset, &mut trace);
            found.extend(trace.0);
        }
        found.extend(service.findings);
    }
    found
}

/// What each API server says, and the findings of the registry.
#[cfg(feature = "kubernetes")]
fn look(config: &Config) -> Result<(Vec<Reached>, Vec<Finding>), String> {
    super::connect::look(config)
}

#[cfg(not(feature = "kubernetes"))]
fn look(_config: &Config) -> Result<(Vec<Reached>, Vec<Finding>), String> {
    Err("this build reads folders of manifests only; --connect needs the feature `kubernetes`".to_owned())
}

/// The same of every host.
fn of_hosts(clusterset: &ClusterSet, views: &[View]) -> HashSet<Finding> {
    let mut found = HashSet::new();
    for host in clusterset.hosts() {
        let entry = merge_host(host, clusterset);
        for view in views {
            let mut trace = FindingTrace::default();
            select_host(&entry, view, clusterset, &mut trace);
            found.extend(trace.0.into_iter().filter(|finding| &*finding.kind != "View"));
        }
        found.extend(entry.findings);
    }
    found
}

/// One line per cluster whose API server could not be reached with what its entry says.
#[cfg(feature = "kubernetes")]
fn refused_kubeconfigs(config: &Config) -> Vec<String> {
    let clusters = config.clusters();
    let api = clusters.iter().filter(|entry| !matches!(entry.source, SourceSpec::Manifests { .. }));
    let refused = |entry: &crate::config::ConfiguredCluster| {
        Some(format!("cluster {}: {}", entry.cluster.id, super::access::access(config, entry).err()?))
    };
    api.filter_map(refused).collect()
}

#[cfg(not(feature = "kubernetes"))]
fn refused_kubeconfigs(_config: &Config) -> Vec<String> {
    Vec::new()
}
