//! What updates cost, and whether readers feel them: UDP alone and beside 1,000 changed endpoints a second from scripted
//! API servers, the floor in every round.
//!
//! CPU is taken apart by the server's threads: `dns-udp-*` answers, `publish` merges, compiles and applies, `sources`
//! and `control` read the watches (TLS, decoding).

use super::Row;
use super::contest::{self, Results, ratios};
use super::convergence::changed_slice;
use super::queries::Effort;
use super::update::movable;
use crate::apiservers;
use crate::clusterset::Clusterset;
use crate::expect::Questions;
use crate::load::{self, Check};
use crate::manifests;
use crate::peers::at;
use crate::process;
use crate::server::{Server, Stage};
use crate::stats::{Spread, markdown};
use crate::support::apiserver::ApiServer;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Changed endpoints per second.
const RATE: f64 = 1000.0;
/// Services that change, at most.
const CHANGING: usize = 200;

/// The API servers, and the slices that change, each with the place of its server.
type Updates<'a> = (&'a [ApiServer], &'a [(usize, Value)]);

/// What was measured on one set.
pub struct Figures {
    pub set: Clusterset,
    pub names: f64,
    pub bytes_per_name: f64,
    pub resident_mib: f64,
    /// Floor, ours, ours with updates.
    pub all: Vec<Results>,
    /// CPU per query of the UDP thread alone: without and with updates.
    pub reader: [Vec<f64>; 2],
    /// CPU per update of the thread `publish`.
    pub publish: Vec<f64>,
    /// CPU per update of all other threads but the UDP worker: TLS, HTTP, decoding.
    pub reading: Vec<f64>,
}

/// One set.
pub fn row(stage: &Stage, set: &Clusterset, effort: Effort) -> anyhow::Result<Row> {
    let figures = measure(stage, set, effort)?;
    let title = format!("UDP beside 1,000 updates a second, {} services of {} clusters", set.services, set.clusters);
    Ok(Row {
        name: format!("readers-{}", set.services),
        markdown: format!("### {title}\n\n{}\n{}", contest::table(&figures.all), figures.threads()),
        json: json!({ "title": title, "servers": contest::json(&figures.all), "threads": figures.json() }),
        failed: figures.failed(),
    })
}

/// Starts API servers and server, and asks in rounds.
pub fn measure(stage: &Stage, set: &Clusterset, effort: Effort) -> anyhow::Result<Figures> {
    // First, so that the threads of the API servers stay off the server's core.
    process::pin(stage.load_core)?;
    let servers = apiservers::start(&stage.out.join("watched"), set, stage.ports)?;
    let server = stage.serve(&stage.out.join("watched"), "config.yaml")?;
    let echo = at(stage, stage.ports.dns + 20).start_echo(false)?;
    let chosen: Vec<u32> = movable(set).take(CHANGING.min(set.services as usize / 8)).collect();
    let mut questions = questions_but(set, &chosen, effort.edns)?;
    let slices = slices(set, &chosen)?;
    let metrics = server.metrics()?;
    let figure = |name| metrics.get(name).copied().unwrap_or(0.0);
    let names = figure("table_names");
    let mut figures = Figures {
        set: *set,
        names,
        bytes_per_name: figure("table_bytes") / names.max(1.0),
        resident_mib: 0.0,
        all: ["echo recvmmsg/sendmmsg (floor)", "clusterset-dns", "clusterset-dns, 1,000 updates/s"]
            .map(Results::new)
            .into(),
        reader: Default::default(),
        publish: Vec::new(),
        reading: Vec::new(),
    };
    for round in 1..=effort.rounds {
        let tally = load::udp::run(&effort.plan(&echo, Check::Echo), &mut questions)?;
        eprintln!("round {round}: echo: {}", tally.text());
        figures.all[0].tallies.push(tally);
        figures.round(&server, effort, &mut questions, None)?;
        figures.round(&server, effort, &mut questions, Some((&servers, &slices)))?;
    }
    figures.resident_mib = server.resident_mib();
    Ok(figures)
}

impl Figures {
    fn round(
        &mut self,
        server: &Server,
        effort: Effort,
        questions: &mut Questions,
        updates: Option<Updates<'_>>,
    ) -> anyhow::Result<()> {
        let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
        let before = Cpu::read(server);
        let tally = std::thread::scope(|scope| {
            if let Some(updates) = updates {
                let (stop, written) = (&stop, &written);
                scope.spawn(move || write(updates, stop, written));
            }
            let tally = load::udp::run(&effort.plan(server, Check::Answer), questions);
            stop.store(true, Relaxed);
            tally
        })?;
        let spent = Cpu::read(server).since(before);
        let place = usize::from(updates.is_some());
        let written = written.load(Relaxed);
        eprintln!("  {written} updates: {}; {spent:?}", tally.text());
        self.reader[place].push(tally.cpu_micros() * spent.udp / (spent.udp + spent.publish + spent.others));
        if written > 0 {
            self.publish.push(spent.publish * 1e6 / written as f64);
            self.reading.push(spent.others * 1e6 / written as f64);
        }
        self.all[1 + place].resident_mib = server.resident_mib();
        self.all[1 + place].tallies.push(tally);
        Ok(())
    }

    pub fn failed(&self) -> bool {
        !self.all.iter().all(Results::is_clean)
    }

    /// What an update costs each thread.
    fn threads(&self) -> String {
        let reader = ratios(&self.reader[1], &self.reader[0]);
        let floor = ratios(&self.reader[1], &self.all[0].micros());
        let cells = vec![
            Spread::of(&self.reader[0]).text(2),
            Spread::of(&self.reader[1]).text(2),
            floor.text(2),
            reader.text(3),
            Spread::of(&self.publish).text(1),
            Spread::of(&self.reading).text(1),
        ];
        let head = [
            "us/q of the UDP thread",
            "with updates",
            "that x echo",
            "with / without",
            "us per update, thread `publish` (merge, compile, apply)",
            "us per update, TLS to decoded",
        ];
        markdown(&head, &[cells])
    }

    pub fn json(&self) -> Value {
        json!({
            "services": self.set.services, "names": self.names, "bytes_per_name": self.bytes_per_name,
            "resident_mib": self.resident_mib,
            "reader_us": Spread::of(&self.reader[0]).median,
            "reader_us_with_updates": Spread::of(&self.reader[1]).median,
            "reader_ratio_to_floor_with_updates": ratios(&self.reader[1], &self.all[0].micros()).median,
            "reader_ratio": ratios(&self.reader[1], &self.reader[0]).median,
            "publish_us_per_update": Spread::of(&self.publish).median,
            "reading_us_per_update": Spread::of(&self.reading).median,
        })
    }
}

/// Seconds of CPU by kind of thread.
#[derive(Debug, Clone, Copy, Default)]
struct Cpu {
    udp: f64,
    publish: f64,
    others: f64,
}

impl Cpu {
    fn read(server: &Server) -> Self {
        let mut cpu = Cpu::default();
        for (name, time) in process::threads(server.pid()) {
            let part = match name.as_str() {
                name if name.starts_with("dns-udp") => &mut cpu.udp,
                "publish" => &mut cpu.publish,
                _ => &mut cpu.others,
            };
            *part += time.as_secs_f64();
        }
        cpu
    }

    fn since(self, before: Cpu) -> Cpu {
        Cpu { udp: self.udp - before.udp, publish: self.publish - before.publish, others: self.others - before.others }
    }
}

/// All questions but those whose answers change.
fn questions_but(set: &Clusterset, changing: &[u32], edns: bool) -> anyhow::Result<Questions> {
    let mut questions = Questions::default();
    let names: Vec<String> = changing.iter().map(|number| set.service(*number).dns_name() + " A ").collect();
    let names: std::collections::HashSet<&str> = names.iter().map(|name| name.trim_end_matches(" A ")).collect();
    for number in 0..200_000 {
        let line = manifests::question(set, number);
        let (name, rest) = line.split_once(' ').unwrap_or_default();
        if !(rest.starts_with("A ") && names.contains(name)) {
            questions.push(&line, edns)?;
        }
    }
    Ok(questions)
}

/// The slices that change, each with the place of its API server.
fn slices(set: &Clusterset, chosen: &[u32]) -> anyhow::Result<Vec<(usize, Value)>> {
    let slice = |number: &u32| {
        let server = set.service(*number).exports[0].cluster as usize - 1;
        Ok((server, changed_slice(set, *number, Ipv4Addr::new(11, 0, 0, 1))?))
    };
    chosen.iter().map(slice).collect()
}

/// Changes one endpoint after the other, on time, until told to stop.
fn write((servers, slices): Updates<'_>, stop: &AtomicBool, written: &AtomicU64) {
    let start = Instant::now();
    for number in 0u64.. {
        let due = Duration::from_secs_f64(number as f64 / RATE);
        if let Some(early) = due.checked_sub(start.elapsed()) {
            std::thread::sleep(early);
        }
        if stop.load(Relaxed) {
            return;
        }
        let (server, slice) = &slices[number as usize % slices.len()];
        let mut slice = slice.clone();
        let address = Ipv4Addr::from(0x0b00_0000 + (number as u32 & 0x00ff_ffff));
        slice["endpoints"][0]["addresses"][0] = json!(address.to_string());
        servers[*server].put(slice);
        written.fetch_add(1, Relaxed);
    }
}
