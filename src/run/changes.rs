//! When files change: the kernel's events on the folders they lie in, and a look every 30 s where events are not to be had.
//!
//! In: paths. Out: a wake-up when one of them holds something else. Kubernetes swaps `..data` beside a mounted file, which
//! is an event in its folder.

use super::feed::contents;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A look is taken this long after the last event ...
const DEBOUNCE: Duration = Duration::from_millis(100);
/// ... but not later than this after the first.
const DEBOUNCE_MOST: Duration = Duration::from_secs(1);
/// Time between looks without events.
const PERIOD: Duration = Duration::from_secs(30);

/// Files under watch.
pub(super) struct Changes {
    files: Vec<PathBuf>,
    folders: HashSet<PathBuf>,
    /// What the files held when they were last looked at.
    seen: u64,
    watcher: Option<RecommendedWatcher>,
    woken: Arc<Notify>,
    /// When the first event came that no look has followed yet.
    event: Option<Instant>,
    /// When the last look was taken.
    looked: Instant,
}

impl Changes {
    /// Watches nothing yet.
    pub(super) fn new() -> Self {
        let woken = Arc::new(Notify::new());
        let wake = Arc::clone(&woken);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading the files must not cause the next look.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                wake.notify_one();
            }
        });
        Changes {
            files: Vec::new(),
            folders: HashSet::new(),
            seen: contents(&[]),
            watcher: watcher.ok(),
            woken,
            event: None,
            looked: Instant::now(),
        }
    }

    /// Watches these files from now on; what they hold now is known.
    pub(super) fn watch(&mut self, mut files: Vec<PathBuf>) {
        files.sort();
        files.dedup();
        if files == self.files {
            // What changed since the last look must still be seen.
            return;
        }
        let folder = |file: &PathBuf| match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let folders: HashSet<PathBuf> = files.iter().map(folder).collect();
        if let Some(watcher) = &mut self.watcher {
            // One that cannot be watched is looked at every 30 s.
            self.folders.difference(&folders).for_each(|gone| drop(watcher.unwatch(gone)));
            folders.difference(&self.folders).for_each(|new| drop(watch(watcher, new)));
        }
        (self.files, self.folders) = (files, folders);
        self.seen = contents(&self.files);
    }

    /// Waits until a file holds something else than when it was last looked at. Nothing is lost when it is not waited for
    /// to the end.
    pub(super) async fn next(&mut self) {
        loop {
            self.quiet().await;
            (self.event, self.looked) = (None, Instant::now());
            let now = contents(&self.files);
            if std::mem::replace(&mut self.seen, now) != now {
                return;
            }
        }
    }

    /// Waits for an event, then until events pause; or until it is time for a look without one.
    async fn quiet(&mut self) {
        if self.event.is_none() {
            tokio::select! {
                () = self.woken.notified() => self.event = Some(Instant::now()),
                () = sleep_until(self.looked + PERIOD) => return,
            }
        }
        let deadline = self.event.map(|event| event + DEBOUNCE_MOST);
        while deadline.is_some_and(|deadline| Instant::now() < deadline) {
            if tokio::time::timeout(DEBOUNCE, self.woken.notified()).await.is_err() {
                return;
            }
        }
    }
}

fn watch(watcher: &mut RecommendedWatcher, folder: &Path) -> notify::Result<()> {
    watcher.watch(folder, RecursiveMode::NonRecursive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// True when a change is seen; a look is taken within a second of an event.
    fn sees(changes: &mut Changes, change: impl FnOnce()) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        change();
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(10), changes.next()).await.is_ok() })
    }

    /// A file that is watched, and the folder that goes with it.
    fn watched() -> (tempfile::TempDir, PathBuf, Changes) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, "a").unwrap();
        let mut changes = Changes::new();
        changes.watch(vec![file.clone()]);
        (folder, file, changes)
    }

    #[test]
    fn a_written_and_a_swapped_file_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("..v1")).unwrap();
        fs::create_dir(at("..v2")).unwrap();
        fs::write(at("..v1/config.yaml"), "a").unwrap();
        fs::write(at("..v2/config.yaml"), "b").unwrap();
        symlink("..v1", at("..data")).unwrap();
        symlink("..data/config.yaml", at("config.yaml")).unwrap();
        let mut changes = Changes::new();
        changes.watch(vec![at("config.yaml")]);
        assert!(sees(&mut changes, || {
            symlink("..v2", at("..new")).unwrap();
            fs::rename(at("..new"), at("..data")).unwrap();
        }));
        assert!(sees(&mut changes, || fs::remove_file(at("config.yaml")).unwrap()), "a vanished file");
    }

    #[test]
    fn a_change_between_two_calls_of_watch_was_lost() {
        let (_folder, file, mut changes) = watched();
        fs::write(&file, "b").unwrap();
        // As after news of the registry, which come while the change is not looked at yet.
        changes.watch(vec![file]);
        assert!(sees(&mut changes, || ()));
    }

    #[test]
    fn an_event_was_lost_when_something_else_came_while_it_was_followed() {
        let (_folder, file, mut changes) = watched();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            fs::write(&file, "b").unwrap();
            // The event is there, and its look is not due yet.
            while changes.event.is_none() {
                let _ = tokio::time::timeout(DEBOUNCE / 4, changes.next()).await;
            }
            let seen = tokio::time::timeout(Duration::from_secs(10), changes.next()).await;
            assert!(seen.is_ok(), "before the next look without an event");
        });
    }
}
