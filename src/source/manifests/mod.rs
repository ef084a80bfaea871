//! Folders of manifests, one per cluster (SOURCES.md, DESIGN.md "Command line").
//!
//! In: a folder of YAML and JSON files. Out: the changes of that cluster, and while a [`Watch`] runs, observations.
//! What cannot be read never takes away what was read before.
//!
//! ```text
//! folder ─▶ scan ─▶ split ─▶ object::decode ─▶ folder (who owns which object) ─▶ Change ─▶ watch ─▶ Observation
//! ```

mod folder;
mod owners;
mod parse;
mod scan;
mod split;
#[cfg(test)]
mod tests;
mod watch;

pub use folder::Folder;
pub use parse::{Contents, Entry, parse_octets};
pub use watch::{PERIOD, Watch, panics};

use crate::model::id::ClusterId;
use std::path::{Path, PathBuf};

/// Why a folder of clusters cannot be used; stops the start.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// The folder cannot be listed.
    #[error(
        "{path}: the folder of clusters cannot be read: {error}; name an existing folder with one sub-folder per cluster"
    )]
    Unreadable { path: String, error: std::io::Error },
    /// A sub-folder's name is no cluster id.
    #[error(
        "{path}: the folder's name is no cluster id (one DNS label, or two joined by a dot, lower case); rename it, \
         or let its name start with a dot to leave it out"
    )]
    BadName { path: String },
    /// There is no sub-folder.
    #[error("{path}: holds no sub-folder; put the manifests of each cluster into a folder named after the cluster")]
    Empty { path: String },
}

/// The clusters of a folder: its sub-folders, sorted by name. Hidden ones and files are passed over.
///
/// # Errors
/// The folder cannot be read or holds no sub-folder, or one whose name is no cluster id.
pub fn discover_clusters(folder: &Path) -> Result<Vec<(ClusterId, PathBuf)>, DiscoverError> {
    let shown = |path: &Path| path.display().to_string();
    let unreadable = |error| DiscoverError::Unreadable { path: shown(folder), error };
    let mut clusters = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if scan::is_hidden(&path) || !path.is_dir() {
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str()).map(ClusterId::new);
        match name.filter(ClusterId::is_nameable) {
            Some(id) => clusters.push((id, path)),
            None => return Err(DiscoverError::BadName { path: shown(&path) }),
        }
    }
    clusters.sort();
    if clusters.is_empty() { Err(DiscoverError::Empty { path: shown(folder) }) } else { Ok(clusters) }
}
