//! CPU per answered query against the floor, over UDP; CPU and rate over TCP.
//!
//! Every round asks each competitor in turn, so that a noisy neighbour hits all of them; the ratio to the floor is taken
//! within a round, and the median over rounds.

use super::Row;
use super::contest::{self, Results};
use crate::clusterset::Clusterset;
use crate::expect::Questions;
use crate::load::{self, Check, Plan, Tally};
use crate::manifests::Format;
use crate::process;
use crate::server::{Server, Stage};
use serde_json::json;
use std::time::Duration;

/// The goal for ours with one system call per packet, as a ratio to the floor.
const ONE_CALL: f64 = 1.35;

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

impl Effort {
    /// How one server is asked over UDP, its CPU read.
    pub fn plan(self, server: &Server, check: Check) -> Plan {
        let (warmup, measure) = (self.warmup, self.measure);
        Plan { warmup, measure, rate: self.rate, pids: vec![server.pid()], ..Plan::new(server.address, check) }
    }
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

/// UDP: floor, plain echo, and ours with either calls (`ours: false`: the echoes alone).
pub fn udp(stage: &Stage, set: &Clusterset, format: Format, effort: Effort, ours: bool) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let mut questions = stage.questions(&folder, effort.edns)?;
    process::pin(stage.load_core)?;
    let mut competitors = vec![Competitor::Floor, Competitor::PlainEcho];
    if ours {
        competitors.extend([Competitor::Ours, Competitor::OursPlain]);
    }
    let mut all: Vec<Results> = competitors.iter().map(|competitor| Results::new(competitor.name())).collect();
    for round in 1..=effort.rounds {
        for (competitor, results) in competitors.iter().zip(&mut all) {
            let server = start(stage, &folder, *competitor)?;
            if effort.rate.is_some() {
                contest::unhindered(&server);
            }
            let tally = ask(&server, *competitor, effort, &mut questions)?;
            eprintln!("round {round}: {}: {}", competitor.name(), tally.text());
            results.resident_mib = server.resident_mib();
            results.tallies.push(tally);
        }
    }
    Ok(udp_row(set, effort, &all))
}

fn start(stage: &Stage, folder: &std::path::Path, competitor: Competitor) -> anyhow::Result<Server> {
    match competitor {
        Competitor::Floor => stage.start_echo(false),
        Competitor::PlainEcho => stage.start_echo(true),
        Competitor::Ours => stage.serve(folder, "config.yaml"),
        Competitor::OursPlain => stage.serve(folder, "config-plain.yaml"),
    }
}

fn ask(server: &Server, competitor: Competitor, effort: Effort, questions: &mut Questions) -> anyhow::Result<Tally> {
    let ours = matches!(competitor, Competitor::Ours | Competitor::OursPlain);
    let check = if ours { Check::Answer } else { Check::Echo };
    load::udp::run(&effort.plan(server, check), questions)
}

/// What ours costs with one call per datagram, beside the floor and beside the echo with the same calls; `None` without ours.
fn one_call(all: &[Results]) -> Option<String> {
    let [floor, echo, _, ours] = all else { return None };
    let to = |other: &Results| contest::ratios(&ours.micros(), &other.micros());
    let (to_floor, to_echo) = (to(floor), to(echo).text(2));
    let verdict = if to_floor.median <= ONE_CALL { "within" } else { "NOT within" };
    let ratio = to_floor.text(2);
    Some(format!(
        "\nOne system call per packet: {ratio} times the floor, {verdict} {ONE_CALL}; {to_echo} times the echo with the same calls.\n"
    ))
}

fn udp_row(set: &Clusterset, effort: Effort, all: &[Results]) -> Row {
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
        markdown: format!("### {title}\n\n{}{}", contest::table(all), one_call(all).unwrap_or_default()),
        json: json!({ "title": title, "servers": contest::json(all) }),
        failed: !all.iter().all(Results::is_clean),
    }
}
