//! From start to ready: time, CPU and memory to load a set of manifests.

use super::Row;
use crate::apiservers;
use crate::clusterset::Clusterset;
use crate::manifests::Format;
use crate::server::{Loaded, PATIENCE, Stage};
use crate::stats::{Spread, markdown};
use serde_json::{Value, json};
use std::path::Path;

/// The goal: so many services in so many seconds of one core, with so many megabytes at the most.
const GOAL_SERVICES: u32 = 200_000;
const GOAL_SECONDS: f64 = 20.0;
const GOAL_MEGABYTES: f64 = 600.0;

/// Starts the server `rounds` times on the set.
pub fn measure(stage: &Stage, set: &Clusterset, format: Format, rounds: usize) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let title = format!("Load {} services of {} clusters (one core)", set.services, set.clusters);
    let name = format!("load-{}-{:?}", set.services, format).to_lowercase();
    let loads = repeat(stage, &folder, rounds, &format!("{format:?}").to_lowercase())?;
    let failed = loads.names < f64::from(set.services);
    let goal = (set.services == GOAL_SERVICES).then(|| verdict(&loads.runs));
    let mut row = row(name, &title, &[loads], failed);
    row.markdown += &goal.unwrap_or_default();
    Ok(row)
}

/// The medians beside the goal.
fn verdict(runs: &[Loaded]) -> String {
    let median = |value: fn(&Loaded) -> f64| Spread::of(&runs.iter().map(value).collect::<Vec<_>>()).median;
    let (seconds, megabytes) = (median(|run| run.wall.as_secs_f64()), median(|run| run.most_mib * 1.048_576));
    let of = |within: bool| if within { "within" } else { "NOT within" };
    format!(
        "\n{seconds:.1} s of one core, {} {GOAL_SECONDS}; {megabytes:.0} MB at the most, {} {GOAL_MEGABYTES}\n",
        of(seconds <= GOAL_SECONDS),
        of(megabytes <= GOAL_MEGABYTES),
    )
}

/// The same from scripted API servers over TLS, and from ones that have nothing but the EndpointSlices.
pub fn from_api_servers(stage: &Stage, set: &Clusterset, rounds: usize) -> anyhow::Result<Row> {
    let folder = stage.out.join("watched");
    let slices = {
        let _servers = apiservers::start_with(&folder, set, stage.ports, |kind| kind == "EndpointSlice")?;
        repeat(stage, &folder, rounds, "watch, EndpointSlices alone")?
    };
    let _servers = apiservers::start(&folder, set, stage.ports)?;
    let title = format!("Load {} services from {} scripted API servers (one core)", set.services, set.clusters);
    let whole = repeat(stage, &folder, rounds, "watch")?;
    let failed = whole.names < f64::from(set.services) || slices.objects < f64::from(set.services);
    Ok(row(format!("ingest-{}-{}", set.services, set.clusters), &title, &[whole, slices], failed))
}

/// Some starts on one set.
struct Loads {
    source: String,
    runs: Vec<Loaded>,
    names: f64,
    /// Octets of the table.
    bytes: f64,
    /// Objects held.
    objects: f64,
}

fn repeat(stage: &Stage, folder: &Path, rounds: usize, source: &str) -> anyhow::Result<Loads> {
    let mut runs: Vec<Loaded> = Vec::new();
    let (mut names, mut bytes, mut objects) = (0.0, 0.0, 0.0);
    for round in 1..=rounds {
        let mut server = stage.start(folder, "config.yaml")?;
        let loaded = server.wait_until_ready(PATIENCE)?;
        let metrics = server.metrics()?;
        let figure = |name| metrics.get(name).copied().unwrap_or(0.0);
        (names, bytes) = (figure("table_names"), figure("table_bytes"));
        objects = metrics.iter().filter(|(name, _)| name.starts_with("cluster_objects")).map(|(_, count)| count).sum();
        eprintln!("round {round}: {loaded:?}, {names} names");
        runs.push(loaded);
    }
    Ok(Loads { source: source.to_owned(), runs, names, bytes, objects })
}

fn cells(loads: &Loads) -> (Vec<String>, Value) {
    let Loads { source, runs, names, bytes, objects } = loads;
    let spread = |value: fn(&Loaded) -> f64| Spread::of(&runs.iter().map(value).collect::<Vec<_>>());
    let wall = spread(|run| run.wall.as_secs_f64());
    let cpu = spread(|run| run.cpu.as_secs_f64());
    let (resident, most) = (spread(|run| run.resident_mib), spread(|run| run.most_mib));
    let cells = vec![
        source.clone(),
        format!("{objects:.0}"),
        runs.len().to_string(),
        wall.text(2),
        cpu.text(2),
        format!("{:.0}", resident.median),
        format!("{:.0}", most.median),
        format!("{names:.0}"),
        format!("{:.0}", bytes / names.max(1.0)),
    ];
    let figures = json!({
        "source": source, "objects": objects, "seconds": wall.median, "cpu_seconds": cpu.median,
        "resident_mib": resident.median, "peak_mib": most.median, "names": names, "table_bytes": bytes,
    });
    (cells, figures)
}

fn row(name: String, title: &str, loads: &[Loads], failed: bool) -> Row {
    let head = ["source", "objects", "n", "s to ready", "CPU s", "RSS MiB", "peak MiB", "names", "octets per name"];
    let (cells, figures): (Vec<_>, Vec<_>) = loads.iter().map(cells).unzip();
    let markdown = format!("### {title}\n\n{}", markdown(&head, &cells));
    Row { name, markdown, json: json!({ "title": title, "loads": figures }), failed }
}
