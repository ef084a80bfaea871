//! Which version of a kind one cluster serves.
//!
//! "Not served" is said only after discovery itself has succeeded: the list of groups must come as 2xx, so that a
//! proxy or a wrong address that answers 404 to everything is an error and no absence.

use super::client::{Connection, Deadline, Encoding};
use super::counters::Verb;
use super::fault::Fault;
use super::kinds::Row;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Octets of a discovery document.
const MAX_DOCUMENT: usize = 16 << 20;

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
}

/// The first of the row's versions that serves the kind; `None`: none does.
///
/// # Errors
/// Any fault of a discovery request; nothing is known then.
pub(super) async fn version(connection: &Connection, row: &Row) -> Result<Option<&'static str>, Fault> {
    let groups: Groups = document(connection, "/apis").await?;
    let Some(group) = groups.groups.iter().find(|group| group.name == row.group) else { return Ok(None) };
    for wanted in row.versions {
        if !group.versions.iter().any(|version| version.version == *wanted) {
            continue;
        }
        let path = format!("/apis/{}/{wanted}", row.group);
        let resources: Resources = document(connection, &path).await?;
        if resources.resources.iter().any(|resource| resource.name == row.plural) {
            return Ok(Some(wanted));
        }
    }
    Ok(None)
}

async fn document<T: DeserializeOwned>(connection: &Connection, path: &str) -> Result<T, Fault> {
    let mut frames = connection.get(Verb::Discover, path, Encoding::Gzip).await?;
    let octets = frames.whole(MAX_DOCUMENT, Deadline::after(connection.timing().head)).await?;
    serde_json::from_slice(&octets).map_err(|error| Fault::Garbled(format!("{path}: {error}")))
}
