//! Names of clusters in other places than `clusters`: one that no entry has is a warning, as it may come later.

use super::super::shape::nearest;
use super::Checker;
use crate::model::policy::Preference;

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    // Clusters of Secrets and ClusterProfiles are not known yet.
    if config.registry.secrets.is_some() || config.registry.cluster_profiles.is_some() {
        return;
    }
    let mut named: Vec<(String, &str)> = Vec::new();
    named.extend(config.local.cluster.get().map(|name| ("local.cluster".to_owned(), name)));
    named.extend(config.registry.home.get().map(|name| ("registry.home".to_owned(), name)));
    for (index, view) in config.views.iter().enumerate() {
        named.extend(view.cluster.get().map(|name| (format!("views[{index}].cluster"), name)));
    }
    for (key, list) in
        [("clusterPriority", &config.cluster_priority), ("istio.meshClusters", &config.istio.mesh_clusters)]
    {
        named.extend(list.iter().enumerate().map(|(at, name)| (format!("{key}[{at}]"), name.as_str())));
    }
    for (index, policy) in config.policies.iter().enumerate() {
        named.extend(policy.weights.keys().map(|name| (format!("policies[{index}].weights.{name}"), name.as_str())));
        for (at, preference) in policy.prefer.iter().enumerate() {
            if let Preference::Cluster(name) = preference {
                named.push((format!("policies[{index}].prefer[{at}]"), name));
            }
        }
    }
    for (field, name) in named {
        check_one(checker, &field, name);
    }
}

fn check_one(checker: &mut Checker<'_>, field: &str, name: &str) {
    let known = || checker.config.clusters.iter().map(|entry| entry.name.as_str());
    if known().any(|known| known == name) {
        return;
    }
    let advice = match nearest(name, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if checker.config.clusters.is_empty() => "add it to clusters".to_owned(),
        None => format!("the clusters are {}", known().collect::<Vec<_>>().join(", ")),
    };
    checker.warning(field, name, format!("{name:?} names no entry of clusters and has no effect; {advice}"));
}
