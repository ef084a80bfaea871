//! What `check --connect` found of each cluster: lines for people, JSON, and diagnostics.

use crate::config::{Diagnostic, Severity};
use serde_json::{Value, json};

/// Code of what a connection showed.
const CODE: &str = "connect";

/// One cluster that was connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    pub cluster: String,
    /// Where it is registered: `kubeconfig west.kubeconfig`, `Secret fleet/west, key west`.
    pub origin: String,
    /// What it said, or why it is not reached.
    pub answer: Result<Found, String>,
}

/// What a cluster said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Such as `v1.34.4`; empty when not told.
    pub version: String,
    /// Of its kube-system Namespace.
    pub uid: Option<String>,
    /// The id it gives itself.
    pub id: Option<String>,
    pub kinds: Vec<FoundKind>,
}

/// One kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundKind {
    pub name: &'static str,
    /// Without it nothing of the cluster is served.
    pub required: bool,
    /// The version at which it can be listed, `None`: it is not served; or why it cannot be listed.
    pub listed: Result<Option<&'static str>, String>,
}

/// Two lines per cluster.
pub(super) fn lines(reached: &[Reached]) -> Vec<String> {
    let width = reached.iter().map(|one| one.cluster.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for one in reached {
        let head = format!("{:<width$}  {}: ", one.cluster, one.origin);
        let Ok(found) = &one.answer else {
            lines.push(format!("{head}not reached"));
            continue;
        };
        let version = if found.version.is_empty() { "version not told" } else { &found.version };
        let uid = found.uid.as_deref().unwrap_or("not told");
        let id = found.id.as_ref().map(|id| format!(", id {id}")).unwrap_or_default();
        lines.push(format!("{head}reached, {version}, kube-system {uid}{id}"));
        let kinds: Vec<String> = found.kinds.iter().map(kind_words).collect();
        lines.push(format!("{:<width$}  {}", "", kinds.join(", ")));
    }
    lines
}

fn kind_words(kind: &FoundKind) -> String {
    match &kind.listed {
        Ok(Some(version)) => format!("{} {version}", kind.name),
        Ok(None) => format!("{} not served", kind.name),
        Err(_) => format!("{} not listed", kind.name),
    }
}

/// An error for each cluster that would not be served whole, a warning for what degrades or differs.
pub(super) fn diagnostics(reached: &[Reached]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut say = |one: &Reached, severity, code, message: String| {
        let cluster = one.cluster.clone();
        found.push(Diagnostic { cluster, ..Diagnostic::new(severity, code, message) });
    };
    for (at, one) in reached.iter().enumerate() {
        let answer = match &one.answer {
            Ok(answer) => answer,
            Err(reason) => {
                say(one, Severity::Error, CODE, format!("{}: not reached: {reason}", one.origin));
                continue;
            }
        };
        for kind in &answer.kinds {
            let Err(reason) = &kind.listed else { continue };
            let (severity, effect) = match kind.required {
                true => (Severity::Error, "nothing of the cluster is served without it"),
                false => (Severity::Warning, "it is served without it"),
            };
            say(one, severity, CODE, format!("{}: {reason}; {effect}", kind.name));
        }
        if let Some(id) = answer.id.as_ref().filter(|id| **id != one.cluster) {
            let message =
                format!("it calls itself {id}; the name here counts, add {id} to `aliases` if objects use it");
            say(one, Severity::Warning, "cluster-id-differs", message);
        }
        let same = |other: &&Reached| other.answer.as_ref().is_ok_and(|o| o.uid.is_some() && o.uid == answer.uid);
        if let Some(first) = reached[..at].iter().find(same) {
            let message = format!(
                "it is the same cluster as {} (the UID of its kube-system Namespace is the same); remove one of the two",
                first.cluster
            );
            say(one, Severity::Error, "same-cluster-twice", message);
        }
    }
    found
}

/// The same for programs.
pub(super) fn json(reached: &[Reached]) -> Value {
    let kind = |kind: &FoundKind| {
        json!({
            "kind": kind.name, "required": kind.required,
            "served": kind.listed != Ok(None),
            "version": kind.listed.as_ref().ok().copied().flatten(),
            "error": kind.listed.as_ref().err(),
        })
    };
    let cluster = |one: &Reached| match &one.answer {
        Err(reason) => json!({"name": one.cluster, "origin": one.origin, "reached": false, "error": reason}),
        Ok(found) => json!({
            "name": one.cluster, "origin": one.origin, "reached": true, "version": found.version, "uid": found.uid,
            "id": found.id, "kinds": found.kinds.iter().map(kind).collect::<Vec<_>>(),
        }),
    };
    reached.iter().map(cluster).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached() -> Vec<Reached> {
        let kind = |name, required, listed| FoundKind { name, required, listed };
        let found = |uid: &str, kinds| Found {
            version: "v1.34.4".to_owned(),
            uid: Some(uid.to_owned()),
            id: Some("east".to_owned()),
            kinds,
        };
        let refused = || Err("403 Forbidden; grant `list` and `watch` on it".to_owned());
        let one =
            |cluster: &str, answer| Reached { cluster: cluster.to_owned(), origin: "kubeconfig k".to_owned(), answer };
        vec![
            one("east", Ok(found("1-2", vec![kind("Service", true, Ok(Some("v1"))), kind("Node", false, refused())]))),
            one("w", Ok(found("1-2", vec![kind("Service", true, refused()), kind("ServiceExport", true, Ok(None))]))),
            one("lost", Err("no connection: refused".to_owned())),
        ]
    }

    #[test]
    fn each_cluster_has_its_lines() {
        let expected = [
            "east  kubeconfig k: reached, v1.34.4, kube-system 1-2, id east",
            "      Service v1, Node not listed",
            "w     kubeconfig k: reached, v1.34.4, kube-system 1-2, id east",
            "      Service not listed, ServiceExport not served",
            "lost  kubeconfig k: not reached",
        ];
        assert_eq!(lines(&reached()), expected);
        assert_eq!(json(&reached())[1]["kinds"][0]["required"], true);
        assert_eq!(json(&reached())[2]["reached"], false);
    }

    #[test]
    fn what_would_not_be_served_is_an_error() {
        let said: Vec<String> = diagnostics(&reached()).iter().map(ToString::to_string).collect();
        let starts = [
            "warning[connect]: cluster east: Node: 403 Forbidden; grant `list` and `watch` on it; it is served without it",
            "error[connect]: cluster w: Service: 403 Forbidden; grant `list` and `watch` on it; nothing of the cluster",
            "warning[cluster-id-differs]: cluster w: it calls itself east; the name here counts",
            "error[same-cluster-twice]: cluster w: it is the same cluster as east",
            "error[connect]: cluster lost: kubeconfig k: not reached: no connection: refused",
        ];
        assert_eq!(said.len(), starts.len(), "{said:#?}");
        for (said, start) in said.iter().zip(starts) {
            assert!(said.starts_with(start), "{said}\n{start}");
        }
    }
}
