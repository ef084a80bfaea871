//! A ClusterProfile (KEP-4322, `multicluster.x-k8s.io/v1alpha1`): one cluster, by the first of its access providers for which
//! the configuration names a token file. Plugins are never run (SOURCES.md section 6, rank 4).

use super::item::{Metadata, Rules};
use super::learned::{BAD_KUBECONFIG, Entry, Learned, Problem, Traits};
use super::{Object, Sort};
use crate::model::ClusterId;
use crate::source::kubernetes::kubeconfig::server;
use crate::source::kubernetes::kubeconfig_file::{Cluster, User};
use crate::source::kubernetes::kubeconfig_secret::{allowed_server, refused_in_objects, trust};
use crate::source::kubernetes::{Access, TokenFile, TokenSource};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The property that holds the id (KEP-2149).
const ID: &str = "cluster.clusterset.k8s.io";
/// Of SOURCES.md section 6.
const RANK: u8 = 4;
/// Conditions that tell of the cluster's health (KEP-4322).
const CONDITIONS: [&str; 2] = ["ControlPlaneHealthy", "Joined"];
/// Octets of a condition's reason that are told.
const REASON: usize = 64;

/// The fields that are read.
#[derive(Deserialize)]
pub(super) struct Profile {
    pub metadata: Metadata,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    properties: Option<Vec<Property>>,
    access_providers: Option<Vec<Provider>>,
    /// The name of the field before.
    credential_providers: Option<Vec<Provider>>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: String,
}

#[derive(Deserialize)]
struct Property {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Provider {
    #[serde(default)]
    name: String,
    /// Those of other providers may hold nothing.
    #[serde(default)]
    cluster: Cluster,
}

impl Profile {
    /// The cluster it describes.
    pub fn object(&self, rules: &Rules<'_>) -> Object {
        let key = self.metadata.key();
        let (id, origin): (_, Arc<str>) = (ClusterId::new(self.id()), format!("ClusterProfile {key}").into());
        let none = BTreeMap::new();
        let tokens = match &rules.collection.sort {
            Sort::Profiles(profiles) => &profiles.tokens,
            Sort::Secrets { .. } | Sort::Namespace { .. } => &none,
        };
        let read = self.access(&id, tokens, rules.allow_servers).and_then(|(access, fingerprint)| {
            (rules.usable)(&access).map_err(|reason| Problem::new(BAD_KUBECONFIG, reason))?;
            Ok((access, fingerprint))
        });
        let (learned, problem) = match read {
            Ok((access, fingerprint)) => {
                let (id, origin) = (id.clone(), Arc::clone(&origin));
                let (traits, ill) = (Traits::default(), self.ill(&origin));
                (Some(Learned { id, rank: RANK, origin, traits, access, fingerprint, ill }), None)
            }
            Err(problem) => (None, Some(problem)),
        };
        Object { key, entries: vec![Entry { id, rank: RANK, origin, learned, problem }] }
    }

    fn id(&self) -> &str {
        let properties = self.status.as_ref().and_then(|status| status.properties.as_ref());
        let property =
            properties.into_iter().flatten().find(|property| property.name == ID && !property.value.is_empty());
        property.map_or(&self.metadata.name, |property| &property.value)
    }

    /// The conditions that are False; one that is Unknown or missing says nothing.
    fn ill(&self, origin: &str) -> Option<String> {
        let conditions = self.status.as_ref().and_then(|status| status.conditions.as_ref());
        let is_false = |found: &&Condition| CONDITIONS.contains(&found.kind.as_str()) && found.status == "False";
        let told: Vec<String> = conditions
            .into_iter()
            .flatten()
            .filter(is_false)
            .map(|found| {
                let reason: String = found.reason.chars().filter(char::is_ascii_alphanumeric).take(REASON).collect();
                let reason = if reason.is_empty() { reason } else { format!(" ({reason})") };
                format!("{} is False{reason}", found.kind)
            })
            .collect();
        (!told.is_empty()).then(|| format!("{origin}: {}", told.join(", ")))
    }

    fn access(
        &self,
        id: &ClusterId,
        tokens: &BTreeMap<String, PathBuf>,
        allow_servers: &[String],
    ) -> Result<(Access, u64), Problem> {
        if !id.is_nameable() {
            let reason = format!(
                "property {ID}, else the name, is no id of a cluster: one DNS label, or two joined by a \
                                  dot, in lower case, is expected"
            );
            return Err(Problem::new("bad-cluster-id", reason));
        }
        let bad = |reason| Problem::new(BAD_KUBECONFIG, reason);
        let (provider, path) = self.provider(tokens).map_err(bad)?;
        let cluster = &provider.cluster;
        refused_in_objects(cluster, &User::default()).map_err(bad)?;
        let server = server(cluster).map_err(bad)?;
        allowed_server(&server, allow_servers).map_err(Problem::not_allowed)?;
        let folder = path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        let token = TokenFile::new(path.clone(), vec![folder]).map_err(bad)?;
        let mut hasher = DefaultHasher::new();
        (&cluster.server, &cluster.certificate_authority_data, &cluster.tls_server_name, path).hash(&mut hasher);
        let access = Access {
            server,
            trust: trust(cluster.certificate_authority_data.as_deref()).map_err(bad)?,
            identity: None,
            token: Some(TokenSource::File(token)),
            server_name: cluster.tls_server_name.clone(),
            proxy: None,
            files: Vec::new(),
        };
        Ok((access, hasher.finish()))
    }

    /// The first provider with a token file.
    fn provider<'p>(&'p self, tokens: &'p BTreeMap<String, PathBuf>) -> Result<(&'p Provider, &'p PathBuf), String> {
        let status = self.status.as_ref();
        let list = status.and_then(|status| status.access_providers.as_ref().or(status.credential_providers.as_ref()));
        let named = || list.into_iter().flatten();
        named().find_map(|provider| Some((provider, tokens.get(&provider.name)?))).ok_or_else(|| {
            let names: Vec<&str> = named().map(|provider| provider.name.as_str()).collect();
            match names.is_empty() {
                true => "status.accessProviders: names no provider; the cluster manager fills it in".to_owned(),
                false => format!(
                    "status.accessProviders: none of {} has a token file; name one in registry.clusterProfiles.tokens",
                    names.join(", ")
                ),
            }
        })
    }
}

#[cfg(test)]
mod tests;
