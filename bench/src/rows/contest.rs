//! Competitors side by side: each is asked in turn, round by round, so that a noisy neighbour hits all of them. Ratios
//! are taken within a round; what is shown is their median.
//!
//! In: running servers, the floor first. Out: their results, and these as a table and as JSON.

use super::queries::Effort;
use crate::expect::Questions;
use crate::load::{self, Check, Plan, Tally};
use crate::process;
use crate::server::Server;
use crate::stats::{Spread, markdown};
use serde_json::{Value, json};

/// One that runs and waits for its turn.
pub struct Entrant {
    pub name: String,
    pub server: Server,
    pub check: Check,
}

/// What came of one competitor, a tally per round.
pub struct Results {
    pub name: String,
    pub tallies: Vec<Tally>,
    pub resident_mib: f64,
}

impl Results {
    pub fn new(name: &str) -> Self {
        Results { name: name.to_owned(), tallies: Vec::new(), resident_mib: 0.0 }
    }

    pub fn micros(&self) -> Vec<f64> {
        self.tallies.iter().map(Tally::cpu_micros).collect()
    }

    pub fn quantiles(&self, share: f64) -> Vec<f64> {
        self.tallies.iter().map(|tally| tally.latencies.quantile(share).as_secs_f64() * 1e6).collect()
    }

    pub fn is_clean(&self) -> bool {
        self.tallies.iter().all(Tally::is_clean)
    }
}

/// Asks every entrant in every round; `window` queries under way on each of eight sockets.
pub fn over_udp(
    entrants: &[Entrant],
    effort: Effort,
    window: usize,
    questions: &mut Questions,
) -> anyhow::Result<Vec<Results>> {
    let mut all: Vec<Results> = entrants.iter().map(|entrant| Results::new(&entrant.name)).collect();
    let families: Vec<Vec<u32>> = entrants.iter().map(|entrant| process::family(entrant.server.pid())).collect();
    for round in 1..=effort.rounds {
        for ((entrant, pids), results) in entrants.iter().zip(&families).zip(&mut all) {
            let plan = Plan { window, pids: pids.clone(), ..effort.plan(&entrant.server, entrant.check) };
            let tally = load::udp::run(&plan, questions)?;
            eprintln!("round {round}: {}: {}", entrant.name, tally.text());
            results.resident_mib = plan.pids.iter().map(|pid| process::memory(*pid).0).sum();
            results.tallies.push(tally);
        }
    }
    Ok(all)
}

/// For latencies: server and load before the other work of the machine.
pub fn unhindered(server: &Server) {
    let both = [server.pid(), std::process::id()].map(process::first_on_its_core);
    if let Some(error) = both.into_iter().find_map(Result::err) {
        eprintln!("without SCHED_FIFO ({error}): latencies hold what other work on the machine adds");
    }
}

/// Ratios of two lists, round by round.
pub fn ratios(of: &[f64], to: &[f64]) -> Spread {
    Spread::of(&of.iter().zip(to).map(|(of, to)| of / to.max(1e-9)).collect::<Vec<_>>())
}

/// What each table says of a competitor first.
const HEAD: [&str; 5] = ["server", "n", "us/q (IQR)", "k q/s/core", "x echo (IQR)"];

/// The cells below [`HEAD`].
fn cost(results: &Results, floor: &Results) -> Vec<String> {
    let cpu = Spread::of(&results.micros());
    vec![
        results.name.clone(),
        results.tallies.len().to_string(),
        cpu.text(2),
        format!("{:.0}", 1e3 / cpu.median.max(1e-9)),
        ratios(&results.micros(), &floor.micros()).text(2),
    ]
}

/// A line per competitor, the floor first, with latencies beside the floor's: for one server in several ways.
pub fn table(all: &[Results]) -> String {
    let [floor50, floor99] = best(&all[0]);
    let line = |results: &Results| {
        let [p50, p99] = best(results);
        let seen = [
            format!("{:.0}", rates(results).median / 1e3),
            format!("{p50:.0} ({:.2})", p50 / floor50.max(1e-9)),
            format!("{p99:.0} ({:.2})", p99 / floor99.max(1e-9)),
            format!("{:.0}", results.resident_mib),
        ];
        [cost(results, &all[0]), seen.to_vec()].concat()
    };
    let head = [&HEAD[..], &["k q/s seen", "p50 us (x echo)", "p99 us (x echo)", "RSS MiB"]].concat();
    let rows: Vec<Vec<String>> = all.iter().map(line).collect();
    markdown(&head, &rows) + "\nLatencies are those of the best quartile of rounds.\n"
}

/// A line per competitor: the floor first, then ours, then the others.
pub fn table_beside_ours(all: &[Results]) -> String {
    let line = |(place, results): (usize, &Results)| {
        let beside = ratios(&results.micros(), &all[1].micros());
        let [_, p99] = best(results);
        let seen = [
            if place < 2 { "-".to_owned() } else { beside.text(2) },
            format!("{:.0}", rates(results).median / 1e3),
            format!("{p99:.0}"),
            format!("{:.0}", results.resident_mib),
        ];
        [cost(results, &all[0]), seen.to_vec()].concat()
    };
    let ours = "ours answers so many times more per CPU second";
    let head = [&HEAD[..], &[ours, "k q/s seen", "p99 us (best quartile)", "RSS MiB"]].concat();
    let rows: Vec<Vec<String>> = all.iter().enumerate().map(line).collect();
    markdown(&head, &rows)
}

/// All figures, with every round.
pub fn json(all: &[Results]) -> Value {
    let entry = |results: &Results| {
        let cpu = Spread::of(&results.micros());
        let ratio = ratios(&results.micros(), &all[0].micros());
        let beside = all.get(1).map(|ours| ratios(&results.micros(), &ours.micros()));
        let [p50, p99] = best(results);
        let shares = (1..=999).map(|share| Spread::of(&results.quantiles(f64::from(share) / 1000.0)).median);
        json!({
            "name": results.name, "cpu_us_per_query": cpu.median, "cpu_low": cpu.low, "cpu_high": cpu.high,
            "ratio_to_floor": ratio.median, "ratio_low": ratio.low, "ratio_high": ratio.high,
            "ratio_to_ours": beside.map(|spread| spread.median),
            "p50_us_best_quartile": p50, "p99_us_best_quartile": p99, "resident_mib": results.resident_mib,
            "latency_us_by_permille": shares.collect::<Vec<_>>(),
            "rounds": results.tallies.iter().map(Tally::json).collect::<Vec<_>>(),
        })
    };
    all.iter().map(entry).collect()
}

fn best(results: &Results) -> [f64; 2] {
    [0.5, 0.99].map(|share| Spread::of(&results.quantiles(share)).low)
}

/// Replies per second, over the rounds.
pub fn rates(results: &Results) -> Spread {
    Spread::of(&results.tallies.iter().map(Tally::rate).collect::<Vec<_>>())
}
