//! Entries of `clusters`: names, sources, aliases (SOURCES.md 1.6).

use super::super::ClusterEntry;
use super::Checker;
use crate::model::ClusterId;

pub(super) fn check(checker: &mut Checker<'_>) {
    let config = checker.config;
    let registry = config.registry.secrets.is_some() || config.registry.cluster_profiles.is_some();
    if config.clusters.is_empty() && !registry {
        let message = "no cluster is configured; the zones are served without a service; add one, or use --manifests";
        checker.warning("clusters", "", message);
    }
    for (index, entry) in config.clusters.iter().enumerate() {
        check_name(checker, index, &entry.name);
        check_duplicate(checker, index, &config.clusters);
        check_source(checker, index, entry);
        check_aliases(checker, index, &config.clusters);
    }
    check_in_cluster(checker, &config.clusters);
}

fn check_name(checker: &mut Checker<'_>, index: usize, name: &str) {
    if let Some(message) = name_problem(name).filter(|_| !name.is_empty()) {
        checker.error(&format!("clusters[{index}].name"), name, message);
    }
    let field = format!("clusters[{index}].name");
    if name.is_empty() && checker.draft.tree.find(&field).is_some_and(|node| node.value.kind() == "a text") {
        checker.error(&field, name, "the name is empty; give the cluster a name such as west");
    }
}

/// Why a text is no name of a cluster, and what to do; `None` when it is one.
pub fn name_problem(name: &str) -> Option<String> {
    if ClusterId::new(name).is_nameable() {
        return None;
    }
    let labels = name.split('.').count();
    if labels > 2 {
        return Some(format!("the name has {labels} labels, at most 2 are allowed; shorten it, or use `aliases`"));
    }
    let characters = name.chars().count();
    if characters > 127 {
        return Some(format!(
            "the name has {characters} characters, at most 127 are allowed; shorten it, or use `aliases`"
        ));
    }
    let lower = name.to_ascii_lowercase();
    if ClusterId::new(&lower).is_nameable() {
        return Some(format!(
            "the name has capital letters; write {lower}, and put {name} into `aliases` if objects use it"
        ));
    }
    Some(
        "the name is not made of DNS labels, which are 1 to 63 of a-z, 0-9 and - with no - at either end; \
          choose another, and put this one into `aliases` if objects use it"
            .to_owned(),
    )
}

fn check_duplicate(checker: &mut Checker<'_>, index: usize, clusters: &[ClusterEntry]) {
    let name = &clusters[index].name;
    let Some(first) = clusters[..index].iter().position(|other| other.name == *name).filter(|_| !name.is_empty())
    else {
        return;
    };
    let line = checker.line_of(&format!("clusters[{first}].name"));
    let message = format!("two entries have this name, the first is clusters[{first}]{line}; rename or remove one");
    checker.error(&format!("clusters[{index}].name"), name, message);
}

fn check_source(checker: &mut Checker<'_>, index: usize, entry: &ClusterEntry) {
    let field = format!("clusters[{index}].source");
    let source = &entry.source;
    let given = [
        ("inCluster", source.in_cluster.is_some()),
        ("kubeconfig", source.kubeconfig.is_some()),
        ("manifests", source.manifests.is_some()),
    ];
    let given: Vec<_> = given.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect();
    // A source that could not be read has its own message.
    let written =
        checker.draft.tree.find(&field).is_some_and(|node| node.value.kind() == "a map" && node.entries().is_empty());
    if given.is_empty() && written {
        checker.error(&field, "", "the source is empty; write one of inCluster, kubeconfig and manifests");
    }
    if given.len() > 1 {
        let message = format!("the source names {}, one is allowed; keep one", given.join(" and "));
        checker.error(&field, "", message);
    }
    let kubeconfig = source.kubeconfig.as_ref().map(|kubeconfig| ("kubeconfig", &kubeconfig.path));
    let manifests = source.manifests.as_ref().map(|manifests| ("manifests", &manifests.path));
    for (key, path) in kubeconfig.into_iter().chain(manifests) {
        let field = format!("{field}.{key}.path");
        // A path that is missing or of a wrong type has its own message.
        let written = checker.draft.tree.find(&field).is_some_and(|node| node.value.kind() == "a text");
        if path.get().is_none() && written {
            checker.error(&field, "", "the path is empty; name the file or folder");
        }
    }
}

/// An alias must lead to one cluster.
fn check_aliases(checker: &mut Checker<'_>, index: usize, clusters: &[ClusterEntry]) {
    for (at, alias) in clusters[index].aliases.iter().enumerate() {
        let field = format!("clusters[{index}].aliases[{at}]");
        if alias.is_empty() {
            checker.error(&field, alias, "the alias is empty; remove it");
        }
        let others = || clusters.iter().enumerate().filter(|(other, _)| *other != index);
        let named = others().find(|(_, other)| other.name == *alias);
        let shared = others().find(|(other, entry)| *other < index && entry.aliases.contains(alias));
        let message = match (named, shared) {
            (Some((other, _)), _) => format!("{alias:?} is the name of clusters[{other}]; remove the alias"),
            (_, Some((_, other))) => {
                format!("{alias:?} is an alias of cluster {} too; remove one of the two", other.name)
            }
            _ => continue,
        };
        checker.error(&field, alias, message);
    }
}

fn check_in_cluster(checker: &mut Checker<'_>, clusters: &[ClusterEntry]) {
    let own: Vec<_> = clusters.iter().enumerate().filter(|(_, entry)| entry.source.in_cluster.is_some()).collect();
    for (index, _) in own.iter().skip(1) {
        let message =
            format!("cluster {} is read from inCluster too, which is one cluster; remove one entry", own[0].1.name);
        checker.error(&format!("clusters[{index}].source"), "inCluster", message);
    }
}
