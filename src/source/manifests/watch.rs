//! Keeps a folder under watch.
//!
//! In: file events of the kernel, a clock, reload signals. Out: observations of one cluster over a bounded
//! channel. Where events are not to be had (a network file system, too many watches), the clock alone serves.

use super::Folder;
use super::folder::Reason;
use crate::model::id::ClusterId;
use crate::model::{Change, Kind, Observation};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};

/// A reading starts this long after the last event ...
const DEBOUNCE: Duration = Duration::from_millis(100);
/// ... but not later than this after the first.
const DEBOUNCE_MOST: Duration = Duration::from_secs(1);
/// Time between readings without events, by default.
pub const PERIOD: Duration = Duration::from_secs(30);

/// Readings of folders that panicked.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Readings of all folders that panicked; part of `panics_total`.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// A folder and where its observations go.
#[derive(Debug)]
pub struct Watch {
    pub folder: Folder,
    pub cluster: ClusterId,
    /// Of the observations.
    pub generation: u64,
    /// Process start: `received_ns` counts from here.
    pub started: Instant,
    /// Asks for a reading at once.
    pub reload: Arc<Notify>,
    /// Asks for whole lists at once, the second opinion of the deletion brake.
    pub confirm: Arc<Notify>,
    /// Time between readings without events; each is the folder's sign of life. [`PERIOD`] by default.
    pub period: Duration,
}

impl Watch {
    /// Reads and watches until the receiver is gone or the task is dropped.
    pub async fn run(self, observations: mpsc::Sender<Observation>) {
        let Watch { mut folder, cluster, generation, started, reload, confirm, period } = self;
        let changed = Arc::new(Notify::new());
        let mut events = Events::new(folder.path().to_owned(), changed.clone());
        let mut reason = Reason::Event;
        let mut clock = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            events.renew(&cluster, period);
            let received_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let reading = tokio::task::spawn_blocking(move || {
                let read = catch_unwind(AssertUnwindSafe(|| folder.read(reason)));
                (folder, read.unwrap_or_else(|_| panicked()))
            });
            // Only the end of the runtime ends a reading early.
            let Ok((returned, changes)) = reading.await else { return };
            folder = returned;
            for change in changes {
                let observation = Observation { cluster: cluster.clone(), generation, received_ns, change };
                if observations.send(observation).await.is_err() {
                    return;
                }
            }
            reason = tokio::select! {
                () = quiet_after(&changed) => Reason::Event,
                () = reload.notified() => Reason::Event,
                () = confirm.notified() => Reason::Requested,
                _ = clock.tick() => Reason::Periodic,
                () = observations.closed() => return,
            };
        }
    }
}

/// A panic is contained: what was read is kept, and the folder is read again as if it could not be read now.
fn panicked() -> Vec<Change> {
    PANICS.fetch_add(1, Ordering::Relaxed);
    let error = "reading the folder panicked; it is read again when it changes; please report this";
    Kind::ALL.map(|kind| Change::Failed { kind, error: error.to_owned() }).into()
}

/// Waits for an event, then until events pause.
async fn quiet_after(changed: &Notify) {
    changed.notified().await;
    let deadline = tokio::time::Instant::now() + DEBOUNCE_MOST;
    while tokio::time::Instant::now() < deadline {
        if tokio::time::timeout(DEBOUNCE, changed.notified()).await.is_err() {
            return;
        }
    }
}

/// The kernel's watches on the folder and on the one above it, where a replaced folder shows.
struct Events {
    folder: PathBuf,
    changed: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    /// Device and inode of the watched folder.
    watched: Option<(u64, u64)>,
    complained: bool,
}

impl Events {
    fn new(folder: PathBuf, changed: Arc<Notify>) -> Self {
        Events { folder, changed, watcher: None, watched: None, complained: false }
    }

    /// Sets the watches, anew if another folder stands at the path now.
    fn renew(&mut self, cluster: &ClusterId, period: Duration) {
        let now = std::fs::metadata(&self.folder).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        if self.watcher.is_some() && self.watched == now {
            return;
        }
        self.watched = now;
        self.watcher = match watcher(&self.folder, self.changed.clone()) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!(
                        cluster = cluster.as_str(),
                        "{}: cannot be watched: {error}; it is read every {:?} instead",
                        self.folder.display(),
                        period
                    );
                }
                None
            }
        };
    }
}

fn watcher(folder: &Path, changed: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let folder = &std::path::absolute(folder).map_err(notify::Error::io)?;
    let inside = folder.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Readings open files: their own events must not start the next one.
        let ours = event.as_ref().map_or(true, |event| {
            !matches!(event.kind, EventKind::Access(_))
                && (event.need_rescan() || event.paths.iter().any(|path| path.starts_with(&inside)))
        });
        if ours {
            changed.notify_one();
        }
    })?;
    if let Some(above) = folder.parent() {
        // Without it a replaced folder is seen at the next reading.
        drop(watcher.watch(above, RecursiveMode::NonRecursive));
    }
    if folder.exists() {
        watcher.watch(folder, RecursiveMode::Recursive)?;
    }
    Ok(watcher)
}
