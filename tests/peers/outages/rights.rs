//! A role is revoked; a bound token runs out.

use std::time::Duration;

use serde_json::json;

use crate::outages::{West, until_answered, until_counted};
use crate::process::{peers_or_skip, say};

#[test]
fn a_revoked_role_keeps_what_was_read_and_a_new_one_is_found() {
    let west = West::start(&peers_or_skip!());
    let (server, probe) = west.asked(&west.api.restricted_kubeconfig(), 2);
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": { "name": "clusterset-dns" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "clusterset-dns" },
        "subjects": [{ "kind": "ServiceAccount", "name": "clusterset-dns", "namespace": "clusterset-dns" }],
    });
    west.api.delete(&binding);
    until_counted(&server, &["code=\"403\""]);
    west.scale();
    west.api.create(binding);
    let found = until_answered(&server, 2);
    say(&format!("{} questions without a wrong answer; the new role found after {found:?}", probe.finish()));
}

#[test]
fn an_expired_token_keeps_what_was_read_and_the_next_one_is_taken_from_its_file() {
    let west = West::start(&peers_or_skip!());
    let folder = tempfile::tempdir().expect("create a folder for a kubeconfig");
    let token = folder.path().join("token");
    std::fs::write(&token, west.api.expiring_token(Duration::from_secs(15))).expect("write a token");
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, west.api.kubeconfig("tokenFile: token")).expect("write a kubeconfig");
    let (server, probe) = west.asked(&kubeconfig, 2);
    until_counted(&server, &["cluster_auth_failures_total"]);
    west.scale();
    std::fs::write(&token, west.api.restricted_token()).expect("write a token");
    let found = until_answered(&server, 2);
    say(&format!("{} questions without a wrong answer; the new token taken after {found:?}", probe.finish()));
}
