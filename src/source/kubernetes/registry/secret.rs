//! A Secret with kubeconfigs: each data key is the id of a cluster, its value the kubeconfig (SOURCES.md section 6, ranks 2
//! and 3; `istioctl create-remote-secret` writes such Secrets).

use super::Object;
use super::item::{Metadata, Rules};
use super::learned::{BAD_KUBECONFIG, Entry, Learned, Problem, Traits};
use crate::model::{ClusterId, Mode, Reach};
use crate::source::kubernetes::Access;
use crate::source::kubernetes::kubeconfig_secret::{self, allowed_server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Code of an annotation that cannot be used.
const BAD_ANNOTATION: &str = "bad-annotation";
/// Code of a data key that is no id.
const BAD_ID: &str = "bad-cluster-id";
/// Clusters of one Secret; a Secret has at most 1 MiB.
const MOST: usize = 1000;

/// The fields of a Secret that are read.
#[derive(Deserialize)]
pub(super) struct Secret {
    pub metadata: Metadata<Annotations>,
    #[serde(default)]
    data: Option<BTreeMap<String, Value>>,
}

/// Those that are read; `last-applied-configuration` repeats the data and falls away.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Annotations {
    #[serde(rename = "clusterset-dns.io/region", default)]
    region: String,
    #[serde(rename = "clusterset-dns.io/zone", default)]
    zone: String,
    #[serde(rename = "clusterset-dns.io/network", default)]
    network: String,
    #[serde(rename = "clusterset-dns.io/reach", default)]
    reach: String,
    #[serde(rename = "clusterset-dns.io/mode", default)]
    mode: String,
}

/// A value, base64 as the API sends it.
struct Value(SecretString);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Value(SecretString::from(String::deserialize(deserializer)?)))
    }
}

impl Secret {
    /// Every cluster it describes.
    pub fn object(&self, rules: &Rules<'_>) -> Object {
        let (key, rank) = (self.metadata.key(), rules.collection.rank());
        let data = self.data.iter().flatten().take(MOST);
        let entry = |(id, value): (&String, &Value)| {
            let origin: Arc<str> = format!("Secret {key}, key {}", shown(id)).into();
            let read = self.learned(id, value, rules);
            let (learned, problem) = match read {
                Ok((access, traits, fingerprint)) => {
                    let (id, origin) = (ClusterId::new(id), Arc::clone(&origin));
                    (Some(Learned { id, rank, origin, traits, access, fingerprint, ill: None }), None)
                }
                Err(problem) => (None, Some(problem)),
            };
            Entry { id: ClusterId::new(id), rank, origin, learned, problem }
        };
        Object { entries: data.map(entry).collect(), key: Arc::clone(&key) }
    }

    fn learned(&self, id: &str, value: &Value, rules: &Rules<'_>) -> Result<(Access, Traits, u64), Problem> {
        let problem = |code| move |reason| Problem::new(code, reason);
        if !ClusterId::new(id).is_nameable() {
            let reason = "the data key is no id of a cluster: one DNS label, or two joined by a dot, in lower case, is \
                          expected; rename the key";
            return Err(problem(BAD_ID)(reason.to_owned()));
        }
        let traits = self.metadata.annotations.clone().unwrap_or_default().traits().map_err(problem(BAD_ANNOTATION))?;
        let octets = STANDARD
            .decode(value.0.expose_secret())
            .map_err(|_| problem(BAD_KUBECONFIG)("the value is not base64".to_owned()))?;
        let access = kubeconfig_secret::read(&octets).map_err(problem(BAD_KUBECONFIG))?;
        allowed_server(&access.server, rules.allow_servers).map_err(Problem::not_allowed)?;
        (rules.usable)(&access).map_err(problem(BAD_KUBECONFIG))?;
        let mut hasher = DefaultHasher::new();
        octets.hash(&mut hasher);
        Ok((access, traits, hasher.finish()))
    }
}

impl Annotations {
    fn traits(self) -> Result<Traits, String> {
        let reach = match self.reach.as_str() {
            "" | "auto" => Reach::Auto,
            "clusterIP" => Reach::ClusterIp,
            "loadBalancer" => Reach::LoadBalancer,
            "endpoints" => Reach::Endpoints,
            "gateway" => Reach::Gateway,
            _ => {
                return Err("annotation clusterset-dns.io/reach: is not one of auto, clusterIP, loadBalancer, \
                            endpoints, gateway"
                    .to_owned());
            }
        };
        let mode = match self.mode.as_str() {
            "" | "both" => Mode::Both,
            "import" => Mode::Import,
            "direct" => Mode::Direct,
            _ => return Err("annotation clusterset-dns.io/mode: is not one of both, import, direct".to_owned()),
        };
        Ok(Traits { region: self.region, zone: self.zone, network: self.network, reach, mode })
    }
}

/// A data key as it is shown: it may be anything up to 253 characters.
fn shown(key: &str) -> String {
    key.chars().take(128).filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests;
