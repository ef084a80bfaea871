//! Kubeconfigs: how an administrator and the restricted reader of deploy/rbac reach an API server.

use std::path::Path;

/// The administrator's token in every API server of these tests.
pub const ADMIN_TOKEN: &str = "admin-token";

/// The text of a kubeconfig whose only context has the cluster's name. `folder` is the API server's own.
pub fn kubeconfig(cluster: &str, port: u16, folder: &Path, token: &str) -> String {
    let authority = authority(folder).expect("an API server that answers has written its certificates");
    let authority = base64(authority.as_bytes());
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {cluster}\n\
         clusters:\n- name: {cluster}\n  cluster:\n    server: https://127.0.0.1:{port}\n    certificate-authority-data: {authority}\n\
         contexts:\n- name: {cluster}\n  context: {{ cluster: {cluster}, user: {cluster} }}\n\
         users:\n- name: {cluster}\n  user: {{ token: {token} }}\n"
    )
}

/// The certificate that signed the API server's own: the second one in the file it writes at its first start.
pub fn authority(folder: &Path) -> Option<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let chain = std::fs::read_to_string(folder.join("certificates/apiserver.crt")).ok()?;
    let second = chain.match_indices(BEGIN).nth(1)?.0;
    chain.trim_end().ends_with("-----END CERTIFICATE-----").then(|| chain[second..].to_owned())
}

/// Standard base64 (RFC 4648, section 4), as kubeconfigs hold certificates.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, &byte| word << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (word >> (18 - 6 * place)) as usize & 63;
            text.push(if place <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    text
}

#[test]
fn base64_of_rfc_4648() {
    for (plain, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        assert_eq!(base64(plain.as_bytes()), encoded);
    }
}
