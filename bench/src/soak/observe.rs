//! What the server's process holds, and what its zone says of itself, read again and again.

use super::ask::{Stage, Udp, Way};
use crate::server::Server;
use crate::wire::query;
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// Between two looks.
pub const EVERY: Duration = Duration::from_millis(250);
const SOA: u16 = 6;

/// What a process holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Holding {
    pub descriptors: usize,
    pub threads: usize,
    /// Of its runtimes, as it counts them.
    pub tasks: u64,
    pub resident_mib: f64,
}

/// How much more than after the start a process may hold: connections of the watches' client live on for a while, threads
/// of its name lookups too, and a task belongs to each connection.
const MORE_DESCRIPTORS: usize = 32;
const MORE_THREADS: usize = 8;
const MORE_TASKS: u64 = 32;

impl Holding {
    /// Of a process; `None` while it does not answer.
    pub fn of(server: &Server) -> Option<Self> {
        let pid = server.pid();
        let tasks = server.metrics().ok()?.get("tasks").copied()? as u64;
        let count = |what: &str| fs::read_dir(format!("/proc/{pid}/{what}")).map_or(0, Iterator::count);
        let resident_mib = crate::process::memory(pid).0;
        Some(Holding { descriptors: count("fd"), threads: count("task"), tasks, resident_mib })
    }

    /// True where descriptors, threads and tasks are what they were.
    pub fn is_back_at(self, start: Holding) -> bool {
        self.descriptors <= start.descriptors + MORE_DESCRIPTORS
            && self.threads <= start.threads + MORE_THREADS
            && self.tasks <= start.tasks + MORE_TASKS
    }

    /// The smaller of each.
    pub fn min(self, other: Holding) -> Self {
        Holding {
            descriptors: self.descriptors.min(other.descriptors),
            threads: self.threads.min(other.threads),
            tasks: self.tasks.min(other.tasks),
            resident_mib: self.resident_mib.min(other.resident_mib),
        }
    }

    /// The larger of each.
    pub fn max(self, other: Holding) -> Self {
        Holding {
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
            tasks: self.tasks.max(other.tasks),
            resident_mib: self.resident_mib.max(other.resident_mib),
        }
    }
}

/// Serials as they came.
#[derive(Debug, Default)]
pub struct Serials {
    pub last: Option<u32>,
    pub grown: u64,
    pub shrunk: Vec<String>,
    /// The longest time without growth, save while the server was away; changes are made all the time.
    pub still: Duration,
}

/// Follows the zone's serial until told to stop.
pub fn serials(mut way: Udp, stage: &Stage) -> Serials {
    let (mut serials, mut buffer) = (Serials::default(), vec![0; 4096]);
    let query = query("clusterset.local", SOA, false);
    let mut moved = Instant::now();
    while !stage.stop.load(SeqCst) {
        std::thread::sleep(EVERY);
        if stage.away.load(SeqCst) {
            moved = Instant::now();
        }
        serials.still = serials.still.max(moved.elapsed());
        let Some(serial) = way.ask(&query, &mut buffer).ok().and_then(|reply| serial(&query, reply)) else { continue };
        if let Some(before) = serials.last {
            // RFC 1982: newer by less than half of the number space.
            let ahead = serial.wrapping_sub(before);
            if ahead != 0 && ahead < 1 << 31 {
                serials.grown += 1;
                moved = Instant::now();
            }
            if ahead >= 1 << 31 {
                serials.shrunk.push(format!("{serial} after {before}"));
            }
        }
        serials.last = Some(serial);
    }
    serials
}

/// The serial of an SOA reply: 20 octets before the end of the data, which is the end of the message here.
fn serial(query: &[u8], reply: &[u8]) -> Option<u32> {
    let positive = crate::wire::number(reply, 6) == 1 && reply.get(3)? & 0x0f == 0 && reply.len() > query.len() + 20;
    let at = positive.then(|| reply.len() - 20)?;
    Some(u32::from_be_bytes(reply[at..at + 4].try_into().ok()?))
}

/// Memory over time.
#[derive(Debug, Default)]
pub struct Memory {
    samples: Vec<(f64, f64)>,
}

/// Memory is given this long to find its level.
const WARM: f64 = 600.0;

impl Memory {
    pub fn look(&mut self, since: Instant, mib: f64) {
        self.samples.push((since.elapsed().as_secs_f64(), mib));
    }

    /// MiB per hour by least squares after the first ten minutes; `None` before an hour of samples.
    pub fn slope(&self) -> Option<f64> {
        let warm: Vec<(f64, f64)> = self.samples.iter().copied().filter(|(at, _)| *at >= WARM).collect();
        let (first, last) = (warm.first()?.0, warm.last()?.0);
        if last - first < 3600.0 - WARM {
            return None;
        }
        let n = warm.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| warm.iter().map(of).sum::<f64>() / n;
        let (at, mib) = (mean(|sample| sample.0), mean(|sample| sample.1));
        let both: f64 = warm.iter().map(|(x, y)| (x - at) * (y - mib)).sum();
        let square: f64 = warm.iter().map(|(x, _)| (x - at).powi(2)).sum();
        Some(both / square * 3600.0)
    }
}

/// A quantile of a histogram of `/metrics`, in seconds: the upper bound of the bucket it lies in.
pub fn quantile(server: &Server, histogram: &str, label: &str, share: f64) -> Option<f64> {
    let text = server.metrics_text().ok()?;
    let mut buckets: BTreeMap<u64, f64> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with(&format!("{histogram}_bucket{{")) && line.contains(label)) {
        let (series, count) = line.rsplit_once(' ')?;
        let bound: f64 = series.split_once("le=\"")?.1.split_once('"')?.0.parse().ok()?;
        // Bounds are positive, so their bits sort as they do.
        *buckets.entry(bound.to_bits()).or_insert(0.0) += count.parse::<f64>().ok()?;
    }
    let all = *buckets.values().last()?;
    let found = buckets.iter().find(|(_, count)| all > 0.0 && **count >= all * share)?;
    Some(f64::from_bits(*found.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_needs_an_hour_and_is_per_hour() {
        let grows = |seconds: u32| Memory {
            samples: (0..seconds).map(|at| (f64::from(at), 100.0 + f64::from(at) * 2.0 / 3600.0)).collect(),
        };
        assert_eq!(grows(3000).slope(), None);
        let slope = grows(3700).slope().unwrap();
        assert!((slope - 2.0).abs() < 0.01, "{slope}");
    }

    #[test]
    fn the_serial_is_read() {
        let query = query("clusterset.local", SOA, false);
        let mut reply = query.clone();
        (reply[2], reply[7]) = (0x84, 1);
        reply.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 5, 0, 24, 0xc0, 12, 0xc0, 12]);
        [7u32, 1, 2, 3, 4].iter().for_each(|number| reply.extend_from_slice(&number.to_be_bytes()));
        assert_eq!(serial(&query, &reply), Some(7));
    }
}
