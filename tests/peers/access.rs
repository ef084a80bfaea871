//! Kubeconfigs: how an administrator and the restricted reader of deploy/rbac reach an API server.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The administrator's token in every API server of these tests.
pub const ADMIN_TOKEN: &str = "admin-token";

/// The text of a kubeconfig whose only context has the cluster's name. `folder` is the API server's own, `user` what its
/// user is known by, such as `token: ...`.
pub fn kubeconfig(cluster: &str, port: u16, folder: &Path, user: &str) -> String {
    let authority = authority(folder).expect("an API server that answers has written its certificates");
    let authority = STANDARD.encode(authority);
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {cluster}\n\
         clusters:\n- name: {cluster}\n  cluster:\n    server: https://127.0.0.1:{port}\n    certificate-authority-data: {authority}\n\
         contexts:\n- name: {cluster}\n  context: {{ cluster: {cluster}, user: {cluster} }}\n\
         users:\n- name: {cluster}\n  user: {{ {user} }}\n"
    )
}

/// The certificate that signed the API server's own: the second one in the file it writes at its first start.
pub fn authority(folder: &Path) -> Option<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let chain = std::fs::read_to_string(folder.join("certificates/apiserver.crt")).ok()?;
    let second = chain.match_indices(BEGIN).nth(1)?.0;
    chain.trim_end().ends_with("-----END CERTIFICATE-----").then(|| chain[second..].to_owned())
}

/// A bound token that is over at `end` (seconds since 1970): `token` with that time in it, signed again with `key`.
pub fn with_end(token: &str, key: &Path, end: u64) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let claims = URL_SAFE_NO_PAD.decode(parts[1]).expect("a token holds base64url");
    let mut claims: Value = serde_json::from_slice(&claims).expect("a token holds JSON");
    claims["exp"] = json!(end);
    let text = format!("{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-sign"]).arg(key).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = openssl.spawn().expect("openssl starts; tests/run installs it");
    child.stdin.take().expect("the input is a pipe").write_all(text.as_bytes()).expect("openssl reads");
    let signature = child.wait_with_output().expect("openssl ends").stdout;
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}
