//! `registry`: the home cluster, namespaces and labels (SOURCES.md section 6).

use super::Checker;
use crate::model::id::is_label;

pub(super) fn check(checker: &mut Checker<'_>) {
    let registry = &checker.config.registry;
    if registry.secrets.is_none() && registry.cluster_profiles.is_none() {
        return;
    }
    check_home(checker);
    check_secrets(checker);
    check_profiles(checker);
}

fn check_home(checker: &mut Checker<'_>) {
    let config = checker.config;
    let field = "registry.home";
    let Some(home) = config.registry_home() else {
        let message = "no cluster holds the registry; name one of `clusters` here";
        return checker.error(field, "", message);
    };
    match config.clusters.iter().find(|entry| entry.name == home) {
        None => {
            let message =
                format!("{home:?} holds the registry, but is no entry of clusters; add it, or name another here");
            checker.error(field, home, message);
        }
        Some(entry) if entry.source.manifests.is_some() => {
            let message = format!(
                "cluster {home} holds the registry, but is read from a folder; name one that is read from an API server"
            );
            checker.error(field, home, message);
        }
        Some(_) => {}
    }
}

fn check_secrets(checker: &mut Checker<'_>) {
    let Some(secrets) = &checker.config.registry.secrets else { return };
    for (key, list) in [("namespaces", &secrets.namespaces), ("labels", &secrets.labels)] {
        if list.is_empty() {
            let message = format!("no Secret is read: {key} is empty; name one, or set registry.secrets to null");
            checker.warning(&format!("registry.secrets.{key}"), "", message);
        }
    }
    for (at, namespace) in secrets.namespaces.iter().enumerate().filter(|(_, namespace)| !is_label(namespace)) {
        let message = "it is not the name of a namespace: 1 to 63 of a-z, 0-9 and -, with no - at either end";
        checker.error(&format!("registry.secrets.namespaces[{at}]"), namespace, message);
    }
    for (at, label) in secrets.labels.iter().enumerate().filter(|(_, label)| !is_selector(label)) {
        let message = "it is not a label with its value; write it like istio/multiCluster=true";
        checker.error(&format!("registry.secrets.labels[{at}]"), label, message);
    }
}

fn check_profiles(checker: &mut Checker<'_>) {
    let Some(profiles) = &checker.config.registry.cluster_profiles else { return };
    let field = "registry.clusterProfiles.namespace";
    let written = checker.draft.tree.find(field).is_some();
    if written && !is_label(&profiles.namespace) {
        let message = "it is not the name of a namespace: 1 to 63 of a-z, 0-9 and -, with no - at either end";
        checker.error(field, &profiles.namespace, message);
    }
    for (key, value) in [("clusterManager", &profiles.cluster_manager), ("clusterSet", &profiles.cluster_set)] {
        let field = format!("registry.clusterProfiles.{key}");
        if !value.is_empty() && !is_label_value(value) {
            let message = "it is not the value of a label: 1 to 63 letters, digits, -, _ and ., with a letter or digit at \
                           either end";
            checker.error(&field, value, message);
        }
    }
    if profiles.tokens.is_empty() {
        let message = "no ClusterProfile can be used without a token: name a file for each access provider";
        checker.warning("registry.clusterProfiles.tokens", "", message);
    }
}

/// A value of a Kubernetes label, not an empty one.
fn is_label_value(text: &str) -> bool {
    let ends = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    let octets = text.as_bytes();
    let inside = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_.".contains(octet);
    octets.len() <= 63 && ends(octets.first()) && ends(octets.last()) && octets.iter().all(inside)
}

/// `key=value` with the characters of labels.
fn is_selector(text: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_./".contains(&octet));
    let (key, value) = text.split_once('=').unwrap_or_default();
    !key.is_empty() && plain(key) && plain(value)
}
