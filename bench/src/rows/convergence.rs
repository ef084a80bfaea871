//! From a watch event to the answer: scripted API servers over TLS, one changed endpoint after the other.
//!
//! The clock starts when the object is put into the API server and stops when a UDP query sees the new address, so it
//! holds the API server's own work, TLS, the decoding, the merge and the prober's round trips. The server's own figure,
//! from the decoded event to the table, stands beside it.

use super::prober::Prober;
use super::update::movable;
use super::{Row, contest};
use crate::apiservers;
use crate::clusterset::{Clusterset, cluster_name};
use crate::manifests;
use crate::process;
use crate::server::{Server, Stage};
use crate::stats::{Latencies, markdown};
use anyhow::Context;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// A change reaches the table of an idle server within this of being decoded (DESIGN.md, "publish").
const DECODED_TO_TABLE: Duration = Duration::from_millis(1);
/// Between events, so that each finds an idle server.
const PAUSE: Duration = Duration::from_millis(5);

/// Changes `events` endpoints.
pub fn measure(stage: &Stage, set: &Clusterset, events: usize) -> anyhow::Result<Row> {
    let folder = stage.out.join("watched");
    let servers = apiservers::start(&folder, set, stage.ports)?;
    let server = stage.serve(&folder, "config.yaml")?;
    let chosen: Vec<u32> = movable(set).take(50).collect();
    anyhow::ensure!(!chosen.is_empty(), "a set of one cluster has no remote pod to change; use --clusters 2");
    let prober = Prober::new(&server, Duration::ZERO)?;
    let (mut seen, before) = (Latencies::default(), Decoded::read(&server)?);
    contest::unhindered(&server);
    let cpu = process::cpu(server.pid());
    for event in 0..events {
        let number = chosen[event % chosen.len()];
        let fresh = Ipv4Addr::from(0x0bff_0000 + event as u32);
        let slice = changed_slice(set, number, fresh)?;
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        servers[set.service(number).exports[0].cluster as usize - 1].put(slice);
        prober.wait_for(&set.service(number).dns_name(), fresh)?;
        seen.record(start.elapsed().as_nanos() as u64);
    }
    let cpu = process::cpu(server.pid()).saturating_sub(cpu);
    let after = Decoded::read(&server)?;
    let resident = server.resident_mib();
    Ok(row(set, events, &seen, after.mean_since(before)?, cpu / events as u32, resident))
}

fn row(set: &Clusterset, n: usize, seen: &Latencies, decoded: Duration, cpu: Duration, resident: f64) -> Row {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let (p50, p99) = (micros(seen.quantile(0.5)), micros(seen.quantile(0.99)));
    let head = [
        "n",
        "p50 us, put to answer",
        "p99 us",
        "us decoded to table (mean)",
        "CPU us per event, queries included",
        "RSS MiB",
    ];
    let figures = [p50, p99, micros(decoded), micros(cpu), resident];
    let cells: Vec<String> = std::iter::once(n.to_string()).chain(figures.map(|f| format!("{f:.0}"))).collect();
    let title = format!("Watch event to answer, {} services behind {} API servers", set.services, set.clusters);
    let failed = decoded > DECODED_TO_TABLE;
    let verdict = if failed { "decoded to table: NOT WITHIN 1 ms" } else { "decoded to table: within 1 ms" };
    Row {
        name: format!("convergence-{}", set.services),
        markdown: format!("### {title}\n\n{}\n{verdict}\n", markdown(&head, &[cells])),
        json: json!({
            "title": title, "events": n, "p50_us": p50, "p99_us": p99, "decoded_to_table_us": micros(decoded),
            "cpu_us_per_event": micros(cpu), "resident_mib": resident,
            "histogram_us": (1..100).map(|percent| micros(seen.quantile(f64::from(percent) / 100.0))).collect::<Vec<_>>(),
        }),
        failed,
    }
}

/// Sum and number of `table_event_to_answer_seconds` over all clusters.
#[derive(Clone, Copy)]
struct Decoded {
    seconds: f64,
    events: f64,
}

impl Decoded {
    fn read(server: &Server) -> anyhow::Result<Self> {
        let metrics = server.metrics()?;
        let figure = |part| metrics.get(&format!("table_event_to_answer_seconds_{part}")).copied();
        Ok(Decoded { seconds: figure("sum").unwrap_or(0.0), events: figure("count").unwrap_or(0.0) })
    }

    fn mean_since(self, before: Decoded) -> anyhow::Result<Duration> {
        let events = self.events - before.events;
        anyhow::ensure!(events > 0.0, "table_event_to_answer_seconds did not count the events");
        Ok(Duration::from_secs_f64((self.seconds - before.seconds) / events))
    }
}

/// The slice of a service with one endpoint at `fresh`.
pub fn changed_slice(set: &Clusterset, number: u32, fresh: Ipv4Addr) -> anyhow::Result<Value> {
    let service = set.service(number);
    let cluster = service.exports[0].cluster;
    let slice = format!("{}-1", service.name());
    let objects = manifests::objects(set, cluster, number / crate::clusterset::PER_NAMESPACE);
    let found = objects.into_iter().find(|object| object["metadata"]["name"] == *slice);
    let mut slice = found.with_context(|| format!("{} has no slice {slice}", cluster_name(cluster)))?;
    slice["endpoints"] = json!([{ "addresses": [fresh.to_string()], "conditions": { "ready": true } }]);
    Ok(slice)
}
