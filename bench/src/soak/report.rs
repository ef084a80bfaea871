//! What the soak shows, as a list, and whether it holds.

use super::ask::Tally;
use super::fleet::{CLUSTERS, Fleet};
use super::{Life, MORE_DESCRIPTORS, MORE_THREADS, Plan, Serials, observe};
use crate::rows::Row;
use crate::stats::Latencies;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// Requests of one cluster per second: six kinds, of which each starts a watch, a list and a check at most once.
const MOST_REQUESTS: f64 = 18.0;
/// Lines of the log per minute; faults come more often than in life.
const MOST_LINES: f64 = 600.0;
/// Growth of memory per hour, in runs that are long enough.
const MOST_SLOPE: f64 = 1.0;

/// Everything that was seen.
pub struct Report<'a> {
    pub plan: Plan,
    pub seconds: f64,
    pub changes: u64,
    /// Over UDP, over TCP.
    pub asked: [Tally; 2],
    pub serials: Serials,
    /// From the end of the faults until everything was answered newest.
    pub settled: Duration,
    pub fleet: &'a Fleet,
    pub life: &'a Life,
}

/// Lines of the list; a line that does not hold fails the run.
#[derive(Default)]
struct Lines {
    text: String,
    json: BTreeMap<&'static str, Value>,
    failed: bool,
}

impl Lines {
    fn line(&mut self, what: &'static str, value: String, holds: bool) {
        let verdict = if holds { "" } else { "  **DOES NOT HOLD**" };
        let _ = writeln!(self.text, "- {what}: {value}{verdict}");
        self.json.insert(what, json!(value));
        self.failed |= !holds;
    }
}

impl Report<'_> {
    /// The list as a row.
    pub fn row(&self) -> Row {
        let mut lines = Lines::default();
        self.answers(&mut lines);
        self.process(&mut lines);
        self.requests(&mut lines);
        let title = format!("Soak, seed {}, {:.0} s, {} services", self.plan.seed, self.seconds, self.plan.services);
        Row {
            name: "soak".to_owned(),
            markdown: format!("### {title}\n\n{}", lines.text),
            json: json!({ "title": title, "lines": lines.json }),
            failed: lines.failed,
        }
    }

    fn answers(&self, lines: &mut Lines) {
        let sum = |of: fn(&Tally) -> u64| self.asked.iter().map(of).sum::<u64>();
        let [udp, tcp] = &self.asked;
        let (by_udp, by_tcp) = (udp.answered, tcp.answered);
        lines.line(
            "replies, every one checked",
            format!("{by_udp} over UDP, {by_tcp} over TCP"),
            by_udp.min(by_tcp) > 0,
        );
        for (what, count) in [
            ("torn answers", sum(|tally| tally.torn)),
            ("wrong negatives", sum(|tally| tally.wrong_negatives)),
            ("answers older than one before", sum(|tally| tally.backwards)),
            ("SERVFAIL while running", sum(|tally| tally.servfail)),
            ("other wrong replies", sum(|tally| tally.other)),
            ("queries without a reply while running", sum(|tally| tally.lost)),
        ] {
            lines.line(what, count.to_string(), count == 0);
        }
        let faults: Vec<&String> = self.asked.iter().flat_map(|tally| &tally.faults).collect();
        if !faults.is_empty() {
            lines.line("the first of them", format!("{faults:?}"), false);
        }
        lines.line("SERVFAIL or silence during the restart", sum(|tally| tally.while_away).to_string(), true);
        let micros = |latencies: &Latencies| latencies.quantile(0.99).as_secs_f64() * 1e6;
        let (udp, tcp) = (micros(&udp.latencies), micros(&tcp.latencies));
        lines.line("p99 of a query", format!("{udp:.0} us over UDP, {tcp:.0} us over TCP"), true);
        lines.line(
            "SOA serial",
            format!(
                "grew {} times, shrank {}: {:?}",
                self.serials.grown,
                self.serials.shrunk.len(),
                self.serials.shrunk
            ),
            self.serials.shrunk.is_empty() && self.serials.grown > 0,
        );
        let settled = format!("{:.1} s after the last change and fault", self.settled.as_secs_f64());
        lines.line("every name answers the newest state of every cluster", settled, true);
    }

    fn process(&self, lines: &mut Lines) {
        let (start, most, end) = (self.life.at_start, self.life.most, self.life.at_end);
        let three = |of: fn(&observe::Holding) -> f64| {
            format!("{:.0} at the start, {:.0} at most, {:.0} in the end", of(&start), of(&most), of(&end))
        };
        let held = end.descriptors <= start.descriptors + MORE_DESCRIPTORS;
        lines.line("descriptors", three(|held| held.descriptors as f64), held);
        lines.line("threads", three(|held| held.threads as f64), end.threads <= start.threads + MORE_THREADS);
        let bound = start.resident_mib * 1.5 + 64.0;
        lines.line("resident MiB", three(|held| held.resident_mib), most.resident_mib <= bound);
        match self.life.memory.slope() {
            Some(slope) => lines.line("resident memory grows", format!("{slope:.2} MiB/h"), slope < MOST_SLOPE),
            None => lines.line("resident memory grows", "not judged under an hour".to_owned(), true),
        }
        let per_minute = self.life.log_lines as f64 * 60.0 / self.seconds;
        lines.line("log lines per minute", format!("{per_minute:.0}"), per_minute <= MOST_LINES);
        let panics = self.life.server.metrics().ok().and_then(|all| all.get("clusterset_dns_panics_total").copied());
        lines.line("panics_total", format!("{panics:?}"), panics == Some(0.0));
        lines.line("faults of the process", format!("{:?}", self.life.faults), self.life.faults.is_empty());
        let publish = "clusterset_dns_table_publish_duration_seconds";
        let phase = |name: &str| observe::quantile(&self.life.server, publish, &format!("phase=\"{name}\""), 0.99);
        let p99 = ["merge", "compile", "apply"].map(|name| format!("{name} <= {:?} s", phase(name).unwrap_or(0.0)));
        lines.line("p99 of a publish", p99.join(", "), true);
    }

    fn requests(&self, lines: &mut Lines) {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        self.life.done.iter().for_each(|what| *counts.entry(what).or_insert(0) += 1);
        lines.line(
            "faults, reloads, restarts",
            format!("{counts:?}"),
            self.life.done.iter().any(|what| what == "Restart"),
        );
        lines.line("changes", format!("{} ({:.0}/s)", self.changes, self.changes as f64 / self.seconds), true);
        let rates = [0, 1, 2].map(|cluster| self.fleet.server(cluster).journal().len() as f64 / self.seconds);
        let text: Vec<String> = CLUSTERS.iter().zip(rates).map(|(name, rate)| format!("{name} {rate:.1}")).collect();
        lines.line("requests per second", text.join(", "), rates.iter().all(|rate| *rate <= MOST_REQUESTS));
    }
}
