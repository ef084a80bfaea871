//! The standard `process_*` figures, read from `/proc/self`.

use std::fs;
use std::sync::OnceLock;

/// What Prometheus client libraries export of any process.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Process {
    pub resident_bytes: u64,
    pub open_fds: u64,
    pub max_fds: u64,
    pub cpu_seconds: f64,
    /// Unix time.
    pub start_seconds: f64,
}

impl Process {
    /// Resident memory in octets; 0 when it cannot be read.
    pub fn resident_bytes() -> u64 {
        status_kib("VmRSS:") * 1024
    }

    /// Reads the figures of this process; what cannot be read is 0.
    pub fn read() -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let ticks = ticks_per_second();
        Process {
            resident_bytes: Process::resident_bytes(),
            open_fds: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
            max_fds: max_fds(&fs::read_to_string("/proc/self/limits").unwrap_or_default()),
            cpu_seconds: (stat_field(&stat, 14) + stat_field(&stat, 15)) as f64 / ticks,
            start_seconds: boot_time() + stat_field(&stat, 22) as f64 / ticks,
        }
    }
}

/// Field `number` of `/proc/PID/stat`, counted from 1 as proc(5) does. The command may hold spaces and parentheses.
fn stat_field(stat: &str, number: usize) -> u64 {
    let after_command = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    after_command.split(' ').nth(number - 3).and_then(|field| field.parse().ok()).unwrap_or(0)
}

fn status_kib(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// The soft limit; 0 when unlimited or unreadable.
fn max_fds(limits: &str) -> u64 {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(0)
}

/// Unix time of the boot. It moves with the wall clock, so it is read once.
fn boot_time() -> f64 {
    static BOOT: OnceLock<f64> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().find_map(|line| line.strip_prefix("btime "));
        line.and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(0.0)
    })
}

/// USER_HZ, a constant 100 of the Linux ABI on every architecture this server is built for.
fn ticks_per_second() -> f64 {
    100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stat_with_an_odd_command_name() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 9900 1000 200";
        assert_eq!((stat_field(stat, 14), stat_field(stat, 15), stat_field(stat, 22)), (250, 50, 9900));
        assert_eq!(stat_field("", 14), 0);
    }

    #[test]
    fn reads_this_process() {
        let process = Process::read();
        assert!(process.resident_bytes > 100_000, "{process:?}");
        assert!((1..=process.max_fds).contains(&process.open_fds), "{process:?}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - 3600.0..now + 5.0).contains(&process.start_seconds), "{process:?} now {now}");
    }

    #[test]
    fn reads_the_soft_limit() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(max_fds(limits), 1024);
        assert_eq!(max_fds("Max open files   unlimited unlimited files\n"), 0);
    }
}
