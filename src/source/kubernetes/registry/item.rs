//! One object of a collection, of whatever sort.
//!
//! In: its JSON. Out: the clusters that it describes, or which object it is that cannot be read.

use super::profile::Profile;
use super::secret::Secret;
use super::{Collection, Object, Sort};
use crate::source::kubernetes::Access;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::sync::Arc;

/// The key of an object that does not even tell its name.
pub(super) const NAMELESS: &str = "?";

/// A Secret, a ClusterProfile, or the Namespace that lets ClusterProfiles count.
pub(super) enum Item {
    Secret(Secret),
    Profile(Profile),
    Namespace(Metadata),
}

/// The fields of `metadata` that are read, with those annotations that `A` holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "A: Deserialize<'de>")]
pub(super) struct Metadata<A = IgnoredAny> {
    pub name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    resource_version: String,
    pub annotations: Option<A>,
}

impl<A> Metadata<A> {
    /// `namespace/name`.
    pub fn key(&self) -> Arc<str> {
        format!("{}/{}", self.namespace, self.name).into()
    }
}

/// An object that has not the shape of its kind.
pub(super) struct Unreadable {
    /// `namespace/name`, or [`NAMELESS`].
    pub key: Arc<str>,
}

/// Under which rules objects are read.
pub(super) struct Rules<'r> {
    pub collection: &'r Collection,
    /// `registry.allowServers`.
    pub allow_servers: &'r [String],
    /// Whether a client can be built of an access.
    pub usable: &'r dyn Fn(&Access) -> Result<(), String>,
}

impl Item {
    /// Decodes an object of this sort; fields that are not read may hold anything, however deep. What the parser says could
    /// quote a Secret, so it is not passed on.
    pub fn decode(sort: &Sort, json: &RawValue) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Named {
            metadata: Metadata,
        }
        let item = match sort {
            Sort::Secrets { .. } => serde_json::from_str(json.get()).map(Item::Secret),
            Sort::Profiles(_) => serde_json::from_str(json.get()).map(Item::Profile),
            Sort::Namespace { .. } => {
                serde_json::from_str(json.get()).map(|named: Named| Item::Namespace(named.metadata))
            }
        };
        item.map_err(|_| {
            let named = serde_json::from_str::<Named>(json.get());
            Unreadable { key: named.map_or_else(|_| NAMELESS.into(), |named| named.metadata.key()) }
        })
    }

    /// `namespace/name`.
    pub fn key(&self) -> Arc<str> {
        match self {
            Item::Secret(secret) => secret.metadata.key(),
            Item::Profile(profile) => profile.metadata.key(),
            Item::Namespace(metadata) => metadata.key(),
        }
    }

    /// The version that it has, where it is told.
    pub fn version(&self) -> Option<u64> {
        let version = match self {
            Item::Secret(secret) => &secret.metadata.resource_version,
            Item::Profile(profile) => &profile.metadata.resource_version,
            Item::Namespace(metadata) => &metadata.resource_version,
        };
        version.parse().ok()
    }

    /// Every cluster it describes.
    pub fn object(&self, rules: &Rules<'_>) -> Object {
        match self {
            Item::Secret(secret) => secret.object(rules),
            Item::Profile(profile) => profile.object(rules),
            Item::Namespace(metadata) => Object { key: metadata.key(), entries: Vec::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_cannot_be_read_tells_its_name_and_what_is_not_read_may_be_deep() {
        let decode =
            |sort: &Sort, json: &str| match Item::decode(sort, &RawValue::from_string(json.to_owned()).unwrap()) {
                Ok(item) => format!("{} {:?}", item.key(), item.version()),
                Err(Unreadable { key }) => format!("{key}: unreadable"),
            };
        let (secrets, profiles) = (Sort::Secrets { label: "a=b".to_owned() }, Sort::Profiles(Default::default()));
        let deep = format!(
            r#"{{"metadata": {{"name": "n", "namespace": "fleet", "resourceVersion": "7"}}, "spec": {}1{}}}"#,
            "[".repeat(500),
            "]".repeat(500)
        );
        for sort in [&secrets, &profiles] {
            assert_eq!(decode(sort, &deep), "fleet/n Some(7)");
            assert_eq!(decode(sort, r#"{"metadata": {"name": 5}}"#), "?: unreadable");
            assert_eq!(decode(sort, "5"), "?: unreadable");
        }
        let metadata = r#""metadata": {"name": "n", "namespace": "fleet"}"#;
        assert_eq!(decode(&secrets, &format!("{{{metadata}, \"data\": 5}}")), "fleet/n: unreadable");
        assert_eq!(decode(&profiles, &format!("{{{metadata}, \"status\": 5}}")), "fleet/n: unreadable");
    }
}
