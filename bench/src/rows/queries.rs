//! CPU per answered query against the floor, over UDP; CPU and rate over TCP.
//!
//! Every round asks each competitor in turn, so that a noisy neighbour hits all of them; the ratio to the floor is taken
//! within a round, and the median over rounds.

use super::Row;
use crate::clusterset::Clusterset;
use crate::expect::Questions;
use crate::load::{self, Check, Plan, Tally};
use crate::manifests::Format;
use crate::process;
use crate::server::{Server, Stage};
use crate::stats::{Spread, markdown};
use serde_json::json;
use std::time::Duration;

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    pub warmup: Duration,
    pub measure: Duration,
    /// An OPT record in every query.
    pub edns: bool,
    /// Queries per second in the open loop; `None`: as fast as they are answered.
    pub rate: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Competitor {
    Floor,
    PlainEcho,
    Ours,
    /// One system call per datagram.
    OursPlain,
}

impl Competitor {
    fn name(self) -> &'static str {
        match self {
            Competitor::Floor => "echo recvmmsg/sendmmsg (floor)",
            Competitor::PlainEcho => "echo recvfrom/sendto",
            Competitor::Ours => "clusterset-dns",
            Competitor::OursPlain => "clusterset-dns, recvfrom/sendto",
        }
    }
}

/// Results of one competitor, a value per round.
#[derive(Default)]
struct Results {
    tallies: Vec<Tally>,
    resident_mib: f64,
}

/// UDP: floor, plain echo, and ours with either calls (`ours: false`: the echoes alone).
pub fn udp(stage: &Stage, set: &Clusterset, format: Format, effort: Effort, ours: bool) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let mut questions = stage.questions(&folder, effort.edns)?;
    process::pin(stage.load_core)?;
    let mut competitors = vec![(Competitor::Floor, Results::default()), (Competitor::PlainEcho, Results::default())];
    if ours {
        competitors.extend([Competitor::Ours, Competitor::OursPlain].map(|ours| (ours, Results::default())));
    }
    for round in 1..=effort.rounds {
        for (competitor, results) in &mut competitors {
            let server = start(stage, &folder, *competitor)?;
            let tally = ask(&server, *competitor, effort, &mut questions)?;
            eprintln!("round {round}: {}: {}", competitor.name(), tally.text());
            results.resident_mib = server.resident_mib();
            results.tallies.push(tally);
        }
    }
    Ok(udp_row(set, effort, &competitors))
}

fn start(stage: &Stage, folder: &std::path::Path, competitor: Competitor) -> anyhow::Result<Server> {
    match competitor {
        Competitor::Floor => stage.start_echo(false),
        Competitor::PlainEcho => stage.start_echo(true),
        Competitor::Ours => start_ours(stage, folder, "config.yaml"),
        Competitor::OursPlain => start_ours(stage, folder, "config-plain.yaml"),
    }
}

fn start_ours(stage: &Stage, folder: &std::path::Path, config: &str) -> anyhow::Result<Server> {
    let mut server = stage.start(folder, config)?;
    server.wait_until_ready(Duration::from_secs(300))?;
    Ok(server)
}

fn ask(server: &Server, competitor: Competitor, effort: Effort, questions: &mut Questions) -> anyhow::Result<Tally> {
    let ours = matches!(competitor, Competitor::Ours | Competitor::OursPlain);
    let check = if ours { Check::Answer } else { Check::Echo };
    let (warmup, measure) = (effort.warmup, effort.measure);
    let plan = Plan { warmup, measure, rate: effort.rate, pid: Some(server.pid()), ..Plan::new(server.address, check) };
    load::udp::run(&plan, questions)
}

fn udp_row(set: &Clusterset, effort: Effort, competitors: &[(Competitor, Results)]) -> Row {
    let micros = |results: &Results| results.tallies.iter().map(Tally::cpu_micros).collect::<Vec<_>>();
    let floor = micros(&competitors[0].1);
    let (mut rows, mut list) = (Vec::new(), Vec::new());
    for (competitor, results) in competitors {
        let cpu = micros(results);
        let ratios: Vec<f64> = cpu.iter().zip(&floor).map(|(ours, floor)| ours / floor.max(1e-9)).collect();
        let (cpu, ratio) = (Spread::of(&cpu), Spread::of(&ratios));
        let rate = Spread::of(&results.tallies.iter().map(Tally::rate).collect::<Vec<_>>());
        let p50 = Spread::of(&quantiles(results, 0.5));
        let p99 = Spread::of(&quantiles(results, 0.99));
        rows.push(vec![
            competitor.name().to_owned(),
            results.tallies.len().to_string(),
            cpu.text(2),
            format!("{:.0}", 1e3 / cpu.median.max(1e-9)),
            ratio.text(2),
            format!("{:.0}", rate.median / 1e3),
            format!("{:.0}", p50.median),
            format!("{:.0}", p99.low),
            format!("{:.0}", results.resident_mib),
        ]);
        list.push(json!({
            "name": competitor.name(), "cpu_us_per_query": cpu.median, "cpu_low": cpu.low, "cpu_high": cpu.high,
            "ratio_to_floor": ratio.median, "ratio_low": ratio.low, "ratio_high": ratio.high,
            "p50_us": p50.median, "p99_us_best_quartile": p99.low, "resident_mib": results.resident_mib,
            "rounds": results.tallies.iter().map(Tally::json).collect::<Vec<_>>(),
        }));
    }
    let head = [
        "server",
        "n",
        "us/q (IQR)",
        "k q/s/core",
        "x echo (IQR)",
        "k q/s seen",
        "p50 us",
        "p99 us (best quartile)",
        "RSS MiB",
    ];
    let (edns, kind) =
        (if effort.edns { ", EDNS" } else { "" }, effort.rate.map_or("closed loop".into(), |r| format!("{r} q/s")));
    let title = format!("UDP, {} services of {} clusters, {kind}{edns}", set.services, set.clusters);
    Row {
        name: format!(
            "udp-{}{}{}",
            set.services,
            if effort.edns { "-edns" } else { "" },
            effort.rate.map_or(String::new(), |rate| format!("-{rate}"))
        ),
        markdown: format!("### {title}\n\n{}", markdown(&head, &rows)),
        json: json!({ "title": title, "servers": list }),
        failed: competitors.iter().any(|(_, results)| !results.tallies.iter().all(Tally::is_clean)),
    }
}

fn quantiles(results: &Results, share: f64) -> Vec<f64> {
    results.tallies.iter().map(|tally| tally.latencies.quantile(share).as_secs_f64() * 1e6).collect()
}

/// TCP: eight connections with 1 and with 16 queries under way on each.
pub fn tcp(stage: &Stage, set: &Clusterset, format: Format, effort: Effort) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let mut questions = stage.questions(&folder, effort.edns)?;
    process::pin(stage.load_core)?;
    let server = start(stage, &folder, Competitor::Ours)?;
    let (mut rows, mut list, mut failed) = (Vec::new(), Vec::new(), false);
    for window in [1, 16] {
        let mut results = Results::default();
        for round in 1..=effort.rounds {
            let (warmup, measure) = (effort.warmup, effort.measure);
            let pid = Some(server.pid());
            let plan = Plan { warmup, measure, window, pid, ..Plan::new(server.address, Check::Answer) };
            let tally = load::tcp::run(&plan, &mut questions)?;
            eprintln!("round {round}: TCP 8 x {window}: {}", tally.text());
            failed |= !tally.is_clean();
            results.tallies.push(tally);
        }
        let cpu = Spread::of(&results.tallies.iter().map(Tally::cpu_micros).collect::<Vec<_>>());
        let rate = Spread::of(&results.tallies.iter().map(Tally::rate).collect::<Vec<_>>());
        let (p50, p99) = (Spread::of(&quantiles(&results, 0.5)), Spread::of(&quantiles(&results, 0.99)));
        rows.push(vec![
            format!("8 x {window}"),
            effort.rounds.to_string(),
            cpu.text(2),
            format!("{:.0}", rate.median / 1e3),
            format!("{:.0}", p50.median),
            format!("{:.0}", p99.median),
        ]);
        let rounds: Vec<_> = results.tallies.iter().map(Tally::json).collect();
        list.push(json!({ "window": window, "cpu_us_per_query": cpu.median, "rounds": rounds }));
    }
    let head = ["connections x in flight", "n", "us/q (IQR)", "k q/s seen", "p50 us", "p99 us"];
    let title = format!("TCP, {} services of {} clusters", set.services, set.clusters);
    let markdown = format!("### {title}\n\n{}", markdown(&head, &rows));
    Ok(Row { name: format!("tcp-{}", set.services), markdown, json: json!({ "title": title, "rows": list }), failed })
}
