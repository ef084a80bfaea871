//! The clusters that the registry last named, on disk beside the snapshot: a restart answers for them while the home cluster is
//! out of reach (RESILIENCE.md section 6).
//!
//! In: entries of the registry. Out: the same at the next start, without any way to reach them: that is never written, but for the
//! host that `registry.allowServers` had to list, so that a list which lost it counts at once.

use super::Joined;
use crate::config::ClusterEntry;
use crate::model::{ClusterId, Mode, Reach};
use crate::source::kubernetes::registry::Allowed;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const FILE: &str = "registry.json";
/// Octets that are read.
const MOST: u64 = 4 << 20;

#[derive(Serialize, Deserialize)]
struct Remembered {
    id: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    zone: String,
    #[serde(default)]
    network: String,
    #[serde(default)]
    reach: String,
    #[serde(default)]
    mode: String,
    /// The host of its server, where `registry.allowServers` had to list it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    allowed: String,
}

/// The words of the two settings that are no texts.
const REACH: [(&str, Reach); 5] = [
    ("auto", Reach::Auto),
    ("clusterIP", Reach::ClusterIp),
    ("loadBalancer", Reach::LoadBalancer),
    ("endpoints", Reach::Endpoints),
    ("gateway", Reach::Gateway),
];
const MODE: [(&str, Mode); 3] = [("both", Mode::Both), ("import", Mode::Import), ("direct", Mode::Direct)];

fn word<T: PartialEq>(words: &[(&str, T)], value: &T) -> String {
    words.iter().find(|(_, known)| known == value).map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn value<T: Copy + Default>(words: &[(&str, T)], text: &str) -> T {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).unwrap_or_default()
}

/// By the name of a cluster, the host of its server that `registry.allowServers` had to list.
type Hosts = HashMap<String, String>;

/// The clusters that an earlier process knew, and what is written for the next one.
#[derive(Default)]
pub(super) struct Memory {
    /// They stand until everything is listed.
    clusters: Vec<ClusterEntry>,
    hosts: Hosts,
    /// Of those, the ones that were logged because they stand for longer.
    warned: HashSet<String>,
    /// What was written last.
    written: Option<(Vec<ClusterEntry>, Hosts)>,
}

impl Memory {
    /// Reads what an earlier process wrote.
    pub(super) fn read(folder: &Path) -> Self {
        let (clusters, hosts) = read(folder);
        Memory { clusters, hosts, ..Memory::default() }
    }

    /// Those whose servers the configuration does not allow any more go, whether or not they can be read; they are returned.
    pub(super) fn refuse(&mut self, allowed: &Allowed) -> Vec<ClusterEntry> {
        let hosts = &self.hosts;
        let is_refused = |entry: &mut ClusterEntry| hosts.get(&entry.name).is_some_and(|host| !allowed.lists(host));
        self.clusters.extract_if(.., is_refused).collect()
    }

    /// Those that still stand.
    pub(super) fn clusters(&self) -> &[ClusterEntry] {
        &self.clusters
    }

    /// Everything is listed: only those stand on whose objects are there and cannot be used now.
    pub(super) fn keep(&mut self, stands: impl Fn(&ClusterId) -> bool) {
        self.clusters.retain(|entry| stands(&ClusterId::new(&entry.name)));
        for entry in &self.clusters {
            if self.warned.insert(entry.name.clone()) {
                tracing::warn!(
                    "registry: cluster {}: what describes it cannot be used; it is answered as the snapshot has it until that \
                     is mended or removed",
                    entry.name
                );
            }
        }
    }

    /// Writes the clusters for the next process, where a snapshot is kept and they are others than before.
    pub(super) fn write(&mut self, joined: &Joined) {
        let Some(folder) = joined.config.snapshot.path.get() else { return };
        let learned = |entry: &&ClusterEntry| {
            joined.learned.contains_key(&ClusterId::new(&entry.name)) || self.clusters.contains(entry)
        };
        let clusters: Vec<&ClusterEntry> = joined.config.clusters.iter().filter(learned).collect();
        let host = |entry: &&ClusterEntry| match joined.learned.get(&ClusterId::new(&entry.name)) {
            Some(learned) => learned.host_to_list(),
            None => self.hosts.get(&entry.name).cloned(),
        };
        let hosts = clusters.iter().filter_map(|entry| Some((entry.name.clone(), host(entry)?))).collect();
        let is_known =
            |(before, its): &(Vec<ClusterEntry>, Hosts)| before.iter().eq(clusters.iter().copied()) && *its == hosts;
        if self.written.as_ref().is_some_and(is_known) {
            return;
        }
        if let Err(error) = write(folder, &clusters, &hosts) {
            tracing::warn!(
                "registry: {}: its clusters cannot be remembered for a restart: {error}; answers are not affected",
                folder.display()
            );
            return;
        }
        self.written = Some((clusters.into_iter().cloned().collect(), hosts));
    }
}

/// Writes them whole: a temporary file of this user alone, then a rename.
///
/// # Errors
/// Of the disk.
fn write(folder: &Path, clusters: &[&ClusterEntry], hosts: &Hosts) -> std::io::Result<()> {
    let remembered = |entry: &&ClusterEntry| Remembered {
        id: entry.name.clone(),
        region: entry.region.clone(),
        zone: entry.zone.clone(),
        network: entry.network.clone(),
        reach: word(&REACH, &entry.reach),
        mode: word(&MODE, &entry.mode),
        allowed: hosts.get(&entry.name).cloned().unwrap_or_default(),
    };
    let list: Vec<Remembered> = clusters.iter().map(remembered).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let temporary = folder.join(format!("{FILE}.new"));
    // A link that somebody left there is not followed.
    let _ = std::fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(&serde_json::to_vec(&list)?)?;
    file.sync_all()?;
    std::fs::rename(&temporary, folder.join(FILE))
}

/// What was written last, and the hosts by name; nothing where that cannot be read.
fn read(folder: &Path) -> (Vec<ClusterEntry>, Hosts) {
    let path = folder.join(FILE);
    if std::fs::metadata(&path).is_ok_and(|file| file.len() > MOST) {
        return Default::default();
    }
    let list: Vec<Remembered> =
        std::fs::read(path).ok().and_then(|octets| serde_json::from_slice(&octets).ok()).unwrap_or_default();
    let entry = |known: Remembered| ClusterEntry {
        reach: value(&REACH, &known.reach),
        mode: value(&MODE, &known.mode),
        name: known.id,
        region: known.region,
        zone: known.zone,
        network: known.network,
        ..ClusterEntry::default()
    };
    let is_id = |known: &Remembered| crate::config::name_problem(&known.id).is_none();
    let list: Vec<Remembered> = list.into_iter().filter(is_id).collect();
    let listed = list.iter().filter(|known| !known.allowed.is_empty());
    let hosts = listed.map(|known| (known.id.clone(), known.allowed.clone())).collect();
    (list.into_iter().map(entry).collect(), hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_no_list_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).0.is_empty());
        let west = ClusterEntry {
            name: "west".to_owned(),
            region: "eu".to_owned(),
            reach: Reach::Gateway,
            mode: Mode::Direct,
            ..ClusterEntry::default()
        };
        let bad = ClusterEntry { name: "No id!".to_owned(), ..ClusterEntry::default() };
        let hosts = HashMap::from([("west".to_owned(), "127.0.0.1".to_owned())]);
        write(folder.path(), &[&west, &bad], &hosts).unwrap();
        assert_eq!(read(folder.path()), (vec![west], hosts));
        let mut memory = Memory::read(folder.path());
        assert!(memory.refuse(&Allowed::new(&["127.0.0.1".to_owned()], &[])).is_empty());
        assert_eq!(memory.refuse(&Allowed::new(&["localhost".to_owned()], &[])).len(), 1);
        assert!(memory.clusters().is_empty());
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(read(folder.path()).0.is_empty());
    }
}
