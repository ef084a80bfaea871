//! From start to ready: time, CPU and memory to load a set of manifests.

use super::Row;
use crate::apiservers;
use crate::clusterset::Clusterset;
use crate::manifests::Format;
use crate::server::{Loaded, Stage};
use crate::stats::{Spread, markdown};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Starts the server `rounds` times on the set.
pub fn measure(stage: &Stage, set: &Clusterset, format: Format, rounds: usize) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let title = format!("Load {} services of {} clusters (one core)", set.services, set.clusters);
    let name = format!("load-{}-{:?}", set.services, format).to_lowercase();
    repeat(stage, &folder, rounds, &format!("{format:?}").to_lowercase(), set.services, (name, title))
}

/// The same from scripted API servers over TLS.
pub fn from_api_servers(stage: &Stage, set: &Clusterset, rounds: usize) -> anyhow::Result<Row> {
    let folder = stage.out.join("watched");
    let _servers = apiservers::start(&folder, set, stage.ports)?;
    let title = format!("Load {} services from {} scripted API servers (one core)", set.services, set.clusters);
    repeat(stage, &folder, rounds, "watch", set.services, (format!("ingest-{}-{}", set.services, set.clusters), title))
}

fn repeat(
    stage: &Stage,
    folder: &Path,
    rounds: usize,
    source: &str,
    services: u32,
    (name, title): (String, String),
) -> anyhow::Result<Row> {
    let mut runs: Vec<Loaded> = Vec::new();
    let (mut names, mut bytes) = (0.0, 0.0);
    for round in 1..=rounds {
        let mut server = stage.start(folder, "config.yaml")?;
        let loaded = server.wait_until_ready(Duration::from_secs(600))?;
        let metrics = server.metrics()?;
        let figure = |name: &str| metrics.get(&format!("clusterset_dns_{name}")).copied().unwrap_or(0.0);
        (names, bytes) = (figure("table_names"), figure("table_bytes"));
        eprintln!("round {round}: {loaded:?}, {names} names");
        runs.push(loaded);
    }
    let spread = |value: fn(&Loaded) -> f64| Spread::of(&runs.iter().map(value).collect::<Vec<_>>());
    let wall = spread(|run| run.wall.as_secs_f64());
    let cpu = spread(|run| run.cpu.as_secs_f64());
    let (resident, most) = (spread(|run| run.resident_mib), spread(|run| run.most_mib));
    let cells = vec![
        source.to_owned(),
        runs.len().to_string(),
        wall.text(2),
        cpu.text(2),
        format!("{:.0}", resident.median),
        format!("{:.0}", most.median),
        format!("{names:.0}"),
        format!("{:.0}", bytes / names.max(1.0)),
    ];
    let head = ["source", "n", "s to ready", "CPU s", "RSS MiB", "peak MiB", "names", "octets per name"];
    Ok(Row {
        name,
        markdown: format!("### {title}\n\n{}", markdown(&head, &[cells])),
        json: json!({
            "title": title, "seconds": wall.median, "cpu_seconds": cpu.median, "resident_mib": resident.median,
            "peak_mib": most.median, "names": names, "table_bytes": bytes,
        }),
        failed: names < f64::from(services),
    })
}
