//! The front ends of one server side by side: UDP, TCP with 1 and 16 queries under way, gRPC with 4 and 64 streams.

use super::Row;
use super::contest::{self, Results};
use super::queries::Effort;
use crate::clusterset::Clusterset;
use crate::expect::Questions;
use crate::load::{self, Check, Plan, Tally};
use crate::manifests::Format;
use crate::process;
use crate::server::{Server, Stage};
use crate::stats::{Spread, markdown};
use serde_json::json;
use std::net::SocketAddr;

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    Udp,
    Tcp,
    Grpc,
}

/// Front, connections, queries under way on each.
type Way = (Front, usize, usize);

/// UDP and TCP.
pub const TCP: [Way; 3] = [(Front::Udp, 8, 0), (Front::Tcp, 8, 1), (Front::Tcp, 8, 16)];
/// UDP and gRPC.
pub const GRPC: [Way; 3] = [(Front::Udp, 8, 0), (Front::Grpc, 2, 4), (Front::Grpc, 2, 64)];

/// Asks in each of `ways` in every round; the first is what the others are compared with.
pub fn measure(
    stage: &Stage,
    set: &Clusterset,
    format: Format,
    effort: Effort,
    (name, ways): (&str, &[Way]),
) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let mut questions = stage.questions(&folder, effort.edns)?;
    process::pin(stage.load_core)?;
    let (server, grpc) = stage.serve_with_grpc(&folder)?;
    let mut all: Vec<Results> = ways.iter().map(|way| Results::new(&title(*way))).collect();
    for round in 1..=effort.rounds {
        for (way, results) in ways.iter().zip(&mut all) {
            let tally = ask(&server, grpc, *way, effort, &mut questions)?;
            eprintln!("round {round}: {}: {}", results.name, tally.text());
            results.tallies.push(tally);
        }
    }
    let title = format!("UDP and {}, {} services of {} clusters", name.to_uppercase(), set.services, set.clusters);
    Ok(Row {
        name: format!("{name}-{}", set.services),
        markdown: format!("### {title}\n\n{}", table(&all)),
        json: json!({ "title": title, "ways": contest::json(&all) }),
        failed: !all.iter().all(Results::is_clean),
    })
}

fn title((front, connections, window): Way) -> String {
    match front {
        Front::Udp => format!("UDP, {connections} sockets x {}", load::default_window()),
        Front::Tcp => format!("TCP, {connections} connections x {window}"),
        Front::Grpc => format!("gRPC, {connections} connections x {window} streams"),
    }
}

fn ask(
    server: &Server,
    grpc: SocketAddr,
    (front, sockets, window): Way,
    effort: Effort,
    questions: &mut Questions,
) -> anyhow::Result<Tally> {
    let address = if front == Front::Grpc { grpc } else { server.address };
    let mut plan = Plan { server: address, sockets, rate: None, ..effort.plan(server, Check::Answer) };
    if window > 0 {
        plan.window = window;
    }
    match front {
        Front::Udp => load::udp::run(&plan, questions),
        Front::Tcp => load::tcp::run(&plan, questions),
        Front::Grpc => load::grpc::run(&plan, questions),
    }
}

fn table(all: &[Results]) -> String {
    let line = |results: &Results| {
        let [p50, p99] = [0.5, 0.99].map(|share| Spread::of(&results.quantiles(share)).median);
        vec![
            results.name.clone(),
            results.tallies.len().to_string(),
            Spread::of(&results.micros()).text(2),
            contest::ratios(&results.micros(), &all[0].micros()).text(2),
            format!("{:.0}", contest::rates(results).median / 1e3),
            format!("{p50:.0}"),
            format!("{p99:.0}"),
        ]
    };
    let head = ["way", "n", "us/q (IQR)", "x UDP (IQR)", "k q/s seen", "p50 us", "p99 us"];
    markdown(&head, &all.iter().map(line).collect::<Vec<_>>())
}
