//! Limits of the process: `memoryLimit` and open files (RESILIENCE.md 2.1 and 2.2).
//!
//! In: the configuration, the cgroup, `/proc/self`. Out: whether there is room for new objects, warnings at the start.

use crate::config::Config;
use crate::config::value::MemoryLimit;
use crate::model::Kind;
use crate::telemetry::process::Process;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// In so many percent of the limit there must be room before objects are taken in again.
const ROOM: u64 = 5;
/// Descriptors of the process itself: standard streams, listeners, runtimes, files.
const OWN_DESCRIPTORS: u64 = 64;
/// One line about memory in this time.
const FOLD: Duration = Duration::from_secs(60);
/// A cgroup without a limit says a number beyond all memory.
const NO_LIMIT: u64 = 1 << 60;

/// The limit in force in octets, 0 for none; shared with whoever reloads it.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<AtomicU64>);

impl Memory {
    /// As configured.
    pub(super) fn new(config: &Config) -> Self {
        let memory = Memory::default();
        memory.set(config);
        memory
    }

    /// Takes another configuration over.
    pub(super) fn set(&self, config: &Config) {
        let limit = match config.memory_limit {
            MemoryLimit::Size(size) => size.get(),
            MemoryLimit::Share(share) => cgroup_limit().unwrap_or(0) / 100 * u64::from(share.percent()),
        };
        self.0.store(limit, Ordering::Relaxed);
    }

    /// Says whether new objects have room, by the memory in use; logs when that changes.
    pub(super) fn gauge(&self) -> impl FnMut() -> bool + Send + 'static {
        let (limit, mut full, mut folds) = (Arc::clone(&self.0), false, Folds::default());
        move || {
            let limit = limit.load(Ordering::Relaxed);
            let used = if limit == 0 { 0 } else { Process::resident_bytes() };
            let was = full;
            full = is_full(used, limit, was);
            if was != full
                && let Some(again) = folds.tell(full, Instant::now())
            {
                tell_of_memory(full, used, limit, &again);
            }
            !full
        }
    }
}

fn tell_of_memory(full: bool, used: u64, limit: u64, again: &str) {
    if full {
        tracing::error!(
            "memory: {} in use, more than memoryLimit allows ({}): new objects are refused, changes and deletions \
             still apply, everything else is served; give the container more memory, or raise memoryLimit{again}",
            shown(used),
            shown(limit)
        );
    } else {
        tracing::info!("memory: {} in use: new objects are taken in again", shown(used));
    }
}

/// About the limit, memory may be short and enough many times a second: one line a minute says so.
#[derive(Debug, Default)]
struct Folds {
    told: Option<Instant>,
    /// The last shortage was told, so its end is too.
    open: bool,
    since: u32,
}

impl Folds {
    /// What to add to the line of a change; `None` for one that goes untold.
    fn tell(&mut self, full: bool, now: Instant) -> Option<String> {
        if !full {
            return std::mem::take(&mut self.open).then(String::new);
        }
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < FOLD) {
            self.since += 1;
            return None;
        }
        (self.told, self.open) = (Some(now), true);
        Some(match std::mem::take(&mut self.since) {
            0 => String::new(),
            times => format!(" ({times} times more since the last such line)"),
        })
    }
}

fn is_full(used: u64, limit: u64, was: bool) -> bool {
    let threshold = if was { limit / 100 * (100 - ROOM) } else { limit };
    limit > 0 && used > threshold
}

fn shown(octets: u64) -> String {
    format!("{} MiB", octets >> 20)
}

/// The smallest limit of the cgroup of this process and those above it.
fn cgroup_limit() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    smallest_limit(Path::new("/sys/fs/cgroup"), &own)
}

/// `own`: lines of `/proc/self/cgroup`, `0::/path` with version 2 and `4:memory:/path` with version 1.
fn smallest_limit(root: &Path, own: &str) -> Option<u64> {
    let mut limits: Vec<u64> = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            list if list.split(',').any(|one| one == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => continue,
        };
        // In a container the path may be one of the host: then only the root is there.
        let below = root.join(path.trim_start_matches('/'));
        let folders = below.ancestors().take_while(|folder| folder.starts_with(&root));
        let read = |folder: &Path| std::fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
        limits.extend(folders.filter_map(read));
    }
    limits.into_iter().min().filter(|limit| *limit < NO_LIMIT)
}

/// Warns when connections could use up the descriptors that watches need.
pub(super) fn check_descriptors(config: &Config) {
    if let Some(warning) = descriptor_warning(config, Process::read().max_fds) {
        tracing::warn!("{warning}");
    }
}

/// `most`: of this process, 0 for no limit.
fn descriptor_warning(config: &Config, most: u64) -> Option<String> {
    let watches = 2 * (config.clusters().len() * Kind::ALL.len()) as u64;
    let connections = u64::from(config.limits.tcp.connections.get()) + u64::from(config.limits.grpc.connections.get());
    let needed = watches + connections + OWN_DESCRIPTORS;
    (most > 0 && most < needed).then(|| {
        format!(
            "open files: the limit is {most}, and {needed} may be needed: {connections} connections (limits.tcp, \
             limits.grpc), {watches} for watches. At the limit the oldest idle connection gives way, UDP is not affected; raise \
             the limit (ulimit -n, LimitNOFILE) or lower limits.tcp.connections"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_limit_of_the_cgroups_counts() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let limit = |own: &str| smallest_limit(root.path(), own);
        assert_eq!(limit("0::/a/b\n"), None, "nothing is there");
        put("a/memory.max", "max\n");
        assert_eq!(limit("0::/a/b\n"), None);
        put("a/b/memory.max", "300\n");
        put("a/memory.max", "200\n");
        assert_eq!(limit("0::/a/b\n"), Some(200), "the one above is smaller");
        put("memory.max", "100\n");
        assert_eq!(limit("0::/../elsewhere\n"), Some(100), "in a container, the root");
        put("memory/x/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit("5:cpu,memory:/x\n3:pids:/x\n"), None);
        put("memory/x/memory.limit_in_bytes", "400\n");
        assert_eq!(limit("5:cpu,memory:/x\n3:pids:/x\n"), Some(400));
    }

    #[test]
    fn room_must_be_found_before_growth_goes_on() {
        assert!(!is_full(u64::MAX, 0, false), "no limit");
        assert!(!is_full(1000, 1000, false) && is_full(1001, 1000, false));
        assert!(is_full(951, 1000, true) && !is_full(950, 1000, true));
    }

    #[test]
    fn memory_that_wavers_about_the_limit_is_one_line_a_minute() {
        let (mut folds, start) = (Folds::default(), Instant::now());
        let mut lines = Vec::new();
        for turn in 0..1300 {
            let now = start + Duration::from_millis(100) * turn;
            lines.extend([folds.tell(true, now), folds.tell(false, now)].into_iter().flatten());
        }
        let again = |times: u32| format!(" ({times} times more since the last such line)");
        assert_eq!(lines, [String::new(), String::new(), again(599), String::new(), again(599), String::new()]);
    }

    #[test]
    fn too_few_descriptors_are_said_with_the_numbers() {
        let config = Config::default();
        assert_eq!(descriptor_warning(&config, 0), None);
        assert_eq!(descriptor_warning(&config, 1 << 20), None);
        let warning = descriptor_warning(&config, 64).unwrap();
        assert!(warning.contains("the limit is 64, and 4360 may be needed"), "{warning}");
    }
}
