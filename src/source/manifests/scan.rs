//! Finds the manifest files of a folder.
//!
//! In: a folder. Out: its `.yaml`, `.yml` and `.json` files, sorted by path, each with a stamp that changes when the
//! file does. Hidden entries are passed over; a visible symlink is followed, so that files behind a Kubernetes
//! `..data` folder are found once.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Deepest nesting of folders.
const MAX_DEPTH: usize = 32;

/// Identity and age of a file: unequal stamps mean that it may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    octets: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            octets: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Size of the file.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// False while a further write could leave the stamp as it is: file times advance in steps of some milliseconds.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let age = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let changed = self.changed.0 as f64 + self.changed.1 as f64 / 1e9;
        age.as_secs_f64() - changed > 0.05
    }
}

/// A manifest file.
#[derive(Debug, Clone)]
pub struct Found {
    pub path: PathBuf,
    /// The path in messages; also what orders files.
    pub shown: Arc<str>,
    pub stamp: Stamp,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Scan {
    /// Sorted by path.
    pub files: Vec<Found>,
    /// Sub-folders and files that exist but cannot be looked at, with the error.
    pub unreadable: Vec<(Arc<str>, io::Error)>,
    /// Device and inode of the folder itself.
    pub root: (u64, u64),
}

/// Walks `folder`.
///
/// # Errors
/// The folder itself cannot be read.
pub fn scan(folder: &Path) -> io::Result<Scan> {
    let metadata = fs::metadata(folder)?;
    let mut scan = Scan { root: (metadata.dev(), metadata.ino()), ..Scan::default() };
    let mut above = vec![scan.root];
    walk(fs::read_dir(folder)?, &mut above, &mut scan);
    scan.files.sort_by(|a, b| a.shown.cmp(&b.shown));
    Ok(scan)
}

/// `above` holds device and inode of the folders that are open, to end at symlinks that lead back.
fn walk(entries: fs::ReadDir, above: &mut Vec<(u64, u64)>, scan: &mut Scan) {
    for entry in entries.filter_map(Result::ok).filter(|entry| !is_hidden(&entry.path())) {
        let path = entry.path();
        let shown: Arc<str> = path.to_string_lossy().into();
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                scan.unreadable.push((shown, error));
                continue;
            }
        };
        let id = (metadata.dev(), metadata.ino());
        if metadata.is_file() && is_manifest(&path) {
            scan.files.push(Found { path, shown, stamp: Stamp::of(&metadata) });
        } else if metadata.is_dir() && above.len() < MAX_DEPTH && !above.contains(&id) {
            match fs::read_dir(&path) {
                Ok(entries) => {
                    above.push(id);
                    walk(entries, above, scan);
                    above.pop();
                }
                Err(error) => scan.unreadable.push((shown, error)),
            }
        }
    }
}

/// True for names that start with a dot.
pub fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}
