//! One object of a collection, of whatever sort.

use super::profile::Profile;
use super::secret::Secret;
use super::{Collection, Object, Sort};
use crate::source::kubernetes::Access;
use serde_json::Value;
use std::sync::Arc;

/// A Secret or a ClusterProfile.
pub(super) enum Item {
    Secret(Secret),
    Profile(Profile),
}

impl Item {
    /// Decodes an object of this sort. What the parser says could quote a Secret, so it is not passed on.
    pub fn decode(sort: &Sort, value: Value) -> Option<Self> {
        match sort {
            Sort::Secrets { .. } => serde_json::from_value(value).ok().map(Item::Secret),
            Sort::Profiles { .. } => serde_json::from_value(value).ok().map(Item::Profile),
        }
    }

    /// `namespace/name`.
    pub fn key(&self) -> Arc<str> {
        match self {
            Item::Secret(secret) => secret.key(),
            Item::Profile(profile) => profile.key(),
        }
    }

    /// The version that it has, where it is told.
    pub fn version(&self) -> Option<u64> {
        match self {
            Item::Secret(secret) => secret.metadata.resource_version.parse().ok(),
            Item::Profile(profile) => profile.metadata.resource_version.parse().ok(),
        }
    }

    /// Every cluster it describes; `usable` says whether a client can be built of an access.
    pub fn object(
        &self,
        collection: &Collection,
        allow_servers: &[String],
        usable: impl Fn(&Access) -> Result<(), String>,
    ) -> Object {
        match (self, &collection.sort) {
            (Item::Profile(profile), Sort::Profiles { tokens }) => profile.object(tokens, allow_servers, usable),
            (Item::Secret(secret), _) => secret.object(collection, allow_servers, usable),
            (Item::Profile(profile), Sort::Secrets { .. }) => Object { key: profile.key(), entries: Vec::new() },
        }
    }
}
