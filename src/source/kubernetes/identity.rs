//! Who a cluster is: the UID of its kube-system Namespace, and the id that it gives itself.
//!
//! Both are lists with one item, so that the role of a reader (`list`, `watch`) is enough.

use super::client::{Connection, Deadline};
use super::counters::Verb;
use super::fault::Fault;
use super::list;
use serde::Deserialize;

const KUBE_SYSTEM: &str = "kube-system";
/// KEP-2149: well-known name of the property that holds the id; the one before it.
const ID_PROPERTIES: [&str; 2] = ["cluster.clusterset.k8s.io", "id.k8s.io"];
const ID_VERSIONS: [&str; 2] = ["v1beta1", "v1alpha1"];
/// Octets of a UID that is believed; real ones have 36.
const LONGEST: usize = 128;
/// Octets of such a list.
const MOST: usize = 1 << 20;

#[derive(Deserialize)]
struct Items {
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Metadata {
    name: String,
    uid: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    value: String,
}

/// The UID of the kube-system Namespace; `None` when Namespaces may not be listed or the server has none of that name.
///
/// # Errors
/// Any other fault: nothing is known then.
pub(super) async fn uid(connection: &Connection) -> Result<Option<String>, Fault> {
    let path = format!("/api/v1/namespaces?fieldSelector=metadata.name%3D{KUBE_SYSTEM}&limit=1");
    let items = match items(connection, &path).await {
        Ok(items) => items,
        Err(Fault::Status { code: 403..=405, .. }) => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let own = items.into_iter().find(|item| item.metadata.name == KUBE_SYSTEM);
    Ok(own.map(|item| item.metadata.uid).filter(|uid| !uid.is_empty() && uid.len() <= LONGEST))
}

/// The id that the cluster gives itself, where it does and it may be read.
pub(super) async fn own_id(connection: &Connection) -> Option<String> {
    for version in ID_VERSIONS {
        let path = format!("/apis/about.k8s.io/{version}/clusterproperties?limit=100");
        let Ok(items) = items(connection, &path).await else { continue };
        let value =
            |name: &str| items.iter().find(|item| item.metadata.name == name).map(|item| item.spec.value.clone());
        return ID_PROPERTIES.into_iter().find_map(value);
    }
    None
}

async fn items(connection: &Connection, path: &str) -> Result<Vec<Item>, Fault> {
    let deadline = Deadline::after(connection.timing().head);
    let octets = list::page(connection, Verb::Check, path, MOST, deadline).await?;
    let items: Items = serde_json::from_slice(&octets).map_err(|error| Fault::Garbled(error.to_string()))?;
    Ok(items.items)
}
