//! The shape of a kubeconfig file, with the fields that are read or refused; other keys fall away.

use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// The file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct File {
    #[serde(default)]
    pub clusters: Vec<NamedCluster>,
    #[serde(default)]
    pub users: Vec<NamedUser>,
    #[serde(default)]
    pub contexts: Vec<NamedContext>,
    pub current_context: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct NamedCluster {
    pub name: String,
    pub cluster: Cluster,
}

#[derive(Deserialize)]
pub(super) struct NamedUser {
    pub name: String,
    #[serde(default)]
    pub user: User,
}

#[derive(Deserialize)]
pub(super) struct NamedContext {
    pub name: String,
    pub context: Context,
}

#[derive(Deserialize)]
pub(super) struct Context {
    pub cluster: String,
    #[serde(default)]
    pub user: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Cluster {
    pub server: Option<String>,
    pub certificate_authority: Option<String>,
    pub certificate_authority_data: Option<String>,
    pub insecure_skip_tls_verify: Option<bool>,
    pub tls_server_name: Option<String>,
    pub proxy_url: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) struct User {
    #[serde(default, deserialize_with = "secret")]
    pub token: Option<SecretString>,
    #[serde(rename = "tokenFile")]
    pub token_file: Option<String>,
    pub client_certificate: Option<String>,
    pub client_certificate_data: Option<String>,
    pub client_key: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    pub client_key_data: Option<SecretString>,
    /// Runs only where the configuration lists it, never from a Secret.
    pub exec: Option<Exec>,
    // Refused when present, so what they hold is not kept.
    pub auth_provider: Option<IgnoredAny>,
    pub username: Option<IgnoredAny>,
    pub password: Option<IgnoredAny>,
    #[serde(rename = "as")]
    pub impersonate: Option<IgnoredAny>,
    #[serde(rename = "as-uid")]
    pub impersonate_uid: Option<IgnoredAny>,
    #[serde(rename = "as-groups")]
    pub impersonate_groups: Option<IgnoredAny>,
    #[serde(rename = "as-user-extra")]
    pub impersonate_extra: Option<IgnoredAny>,
}

/// A credential plugin.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exec {
    #[serde(default)]
    pub api_version: String,
    #[serde(default)]
    pub command: String,
    #[serde(default)]
    pub args: Option<Vec<String>>,
    #[serde(default)]
    pub env: Option<Vec<Variable>>,
    #[serde(default)]
    pub provide_cluster_info: bool,
}

/// A variable of a plugin's environment.
#[derive(Deserialize)]
pub(super) struct Variable {
    pub name: String,
    #[serde(default)]
    pub value: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}
