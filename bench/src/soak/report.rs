//! What the soak shows, as a list, and whether it holds.

use super::Plan;
use super::ask::Tally;
use super::fleet::CLUSTERS;
use super::life::Processes;
use super::observe::{Holding, Serials};
use crate::rows::Row;
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

/// The serial moves at most once a second, and changes are made all the time.
const LONGEST_STILL: Duration = Duration::from_secs(5);
/// The ways of asking, in the order of [`Report::asked`].
const WAYS: [&str; 3] = ["UDP", "TCP", "gRPC"];

/// Everything that was seen.
pub struct Report {
    pub plan: Plan,
    pub seconds: f64,
    pub changes: u64,
    /// Over UDP, over TCP, over gRPC.
    pub asked: [Tally; 3],
    pub serials: Serials,
    /// From the end of the faults until everything was answered newest.
    pub settled: Duration,
    pub processes: Processes,
    /// Per second at each API server.
    pub requests: [f64; 3],
    pub panics: Option<f64>,
    /// p99 of merge, compile and apply in seconds.
    pub publish: [Option<f64>; 3],
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

impl Report {
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
        let each = |of: &dyn Fn(&Tally) -> String| {
            let each: Vec<String> =
                WAYS.iter().zip(&self.asked).map(|(way, tally)| format!("{} over {way}", of(tally))).collect();
            each.join(", ")
        };
        let answered = self.asked.iter().all(|tally| tally.answered > 0);
        lines.line("replies, every one checked", each(&|tally| tally.answered.to_string()), answered);
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
        let micros = |tally: &Tally| tally.latencies.quantile(0.99).as_secs_f64() * 1e6;
        lines.line("p99 of a query", each(&|tally| format!("{:.0} us", micros(tally))), true);
        let Serials { grown, shrunk, still, .. } = &self.serials;
        lines.line("SOA serial shrank", format!("{} times: {shrunk:?}", shrunk.len()), shrunk.is_empty());
        let still_for = format!("{grown} times, at most {:.1} s apart", still.as_secs_f64());
        lines.line("SOA serial grew", still_for, *grown > 0 && *still <= LONGEST_STILL);
        let settled = format!("{:.1} s after the last change and fault", self.settled.as_secs_f64());
        lines.line("every name answers the newest state of every cluster", settled, true);
    }

    fn process(&self, lines: &mut Lines) {
        let Processes { start, most, end, after_faults, .. } = &self.processes;
        let all = |of: fn(&Holding) -> f64| {
            let [start, most, after, end] = [start, most, after_faults, end].map(of);
            format!("{start:.0} at the start, {most:.0} at most, {after:.0} left after a fault, {end:.0} in the end")
        };
        let back =
            |of: fn(Holding) -> Holding| of(*end).is_back_at(of(*start)) && of(*after_faults).is_back_at(of(*start));
        let descriptors = back(|held| Holding { descriptors: held.descriptors, ..Holding::default() });
        lines.line("descriptors", all(|held| held.descriptors as f64), descriptors);
        let threads = back(|held| Holding { threads: held.threads, ..Holding::default() });
        lines.line("threads", all(|held| held.threads as f64), threads);
        let tasks = back(|held| Holding { tasks: held.tasks, ..Holding::default() });
        lines.line("tasks", all(|held| held.tasks as f64), tasks && start.tasks > 0);
        let bound = start.resident_mib * 1.5 + 64.0;
        lines.line("resident MiB", all(|held| held.resident_mib), most.resident_mib <= bound);
        match self.processes.slope {
            Some(slope) => lines.line("resident memory grows", format!("{slope:.2} MiB/h"), slope < MOST_SLOPE),
            None => lines.line("resident memory grows", "not judged under an hour".to_owned(), true),
        }
        let per_minute = self.processes.log_lines as f64 * 60.0 / self.seconds;
        lines.line("log lines per minute", format!("{per_minute:.0}"), per_minute <= MOST_LINES);
        lines.line("panics_total", format!("{:?}", self.panics), self.panics == Some(0.0));
        let faults = &self.processes.faults;
        lines.line("faults of the process", format!("{faults:?}"), faults.is_empty());
        let phases = ["merge", "compile", "apply"].iter().zip(self.publish);
        let p99: Vec<String> = phases.map(|(phase, p99)| format!("{phase} <= {:?} s", p99.unwrap_or(0.0))).collect();
        lines.line("p99 of a publish", p99.join(", "), true);
    }

    fn requests(&self, lines: &mut Lines) {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let done = &self.processes.done;
        done.iter().for_each(|what| *counts.entry(what).or_insert(0) += 1);
        lines.line("faults, reloads, restarts", format!("{counts:?}"), done.iter().any(|what| what == "Restart"));
        lines.line("changes", format!("{} ({:.0}/s)", self.changes, self.changes as f64 / self.seconds), true);
        let text: Vec<String> =
            CLUSTERS.iter().zip(self.requests).map(|(name, rate)| format!("{name} {rate:.1}")).collect();
        lines.line("requests per second", text.join(", "), self.requests.iter().all(|rate| *rate <= MOST_REQUESTS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::check::Fault;

    /// A run without a fault.
    fn fine() -> Report {
        let held = Holding { descriptors: 100, threads: 12, tasks: 40, resident_mib: 50.0 };
        Report {
            plan: Plan { seed: 1, length: Duration::from_secs(60), services: 100, changes: 10.0, rate: 10.0 },
            seconds: 60.0,
            changes: 600,
            asked: [(); 3].map(|()| Tally { answered: 1, ..Tally::default() }),
            serials: Serials { last: Some(9), grown: 50, shrunk: Vec::new(), still: Duration::from_secs(1) },
            settled: Duration::from_secs(1),
            processes: Processes {
                start: held,
                most: held,
                end: held,
                after_faults: held,
                done: vec!["Restart".to_owned()],
                ..Processes::default()
            },
            requests: [1.0; 3],
            panics: Some(0.0),
            publish: [Some(0.001); 3],
        }
    }

    /// The lines of the list that do not hold.
    fn failed(edit: impl FnOnce(&mut Report)) -> Vec<String> {
        let mut report = fine();
        edit(&mut report);
        let row = report.row();
        let lines = row.markdown.lines().filter(|line| line.contains("DOES NOT HOLD"));
        let lines: Vec<String> = lines.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect();
        assert_eq!(row.failed, !lines.is_empty(), "the run fails with its lines");
        lines
    }

    #[test]
    fn a_fault_of_any_asker_fails_the_run() {
        assert!(failed(|_| {}).is_empty());
        for way in 0..WAYS.len() {
            let text = || "why".to_owned();
            for (fault, line) in [
                (Fault::Torn(text()), "- torn answers"),
                (Fault::WrongNegative(text()), "- wrong negatives"),
                (Fault::Backwards(text()), "- answers older than one before"),
                (Fault::ServFail, "- SERVFAIL while running"),
                (Fault::Other(text()), "- other wrong replies"),
            ] {
                let lines = failed(|report| report.asked[way].count(fault.clone(), false));
                assert_eq!(lines, [line, "- the first of them"], "{}", WAYS[way]);
            }
            assert_eq!(failed(|report| report.asked[way].lost = 1), ["- queries without a reply while running"]);
            assert_eq!(failed(|report| report.asked[way].answered = 0), ["- replies, every one checked"]);
        }
        assert!(failed(|report| report.asked[0].count(Fault::ServFail, true)).is_empty(), "during the restart");
    }

    #[test]
    fn whatever_grows_shrinks_or_panics_fails_the_run() {
        type Row = (&'static str, fn(&mut Report));
        let table: [Row; 15] = [
            ("- SOA serial shrank", |report| report.serials.shrunk.push("1 after 2".to_owned())),
            ("- SOA serial grew", |report| report.serials.grown = 0),
            ("- SOA serial grew", |report| report.serials.still = Duration::from_secs(6)),
            ("- descriptors", |report| report.processes.end.descriptors = 133),
            ("- descriptors", |report| report.processes.after_faults.descriptors = 133),
            ("- threads", |report| report.processes.end.threads = 21),
            ("- tasks", |report| report.processes.end.tasks = 73),
            ("- tasks", |report| report.processes.after_faults.tasks = 73),
            ("- tasks", |report| report.processes.start.tasks = 0),
            ("- resident MiB", |report| report.processes.most.resident_mib = 140.0),
            ("- resident memory grows", |report| report.processes.slope = Some(1.1)),
            ("- log lines per minute", |report| report.processes.log_lines = 601),
            ("- panics_total", |report| report.panics = Some(1.0)),
            ("- faults of the process", |report| report.processes.faults.push("exit code 1".to_owned())),
            ("- requests per second", |report| report.requests[2] = 19.0),
        ];
        for (line, edit) in table {
            assert_eq!(failed(edit), [line]);
        }
    }
}
