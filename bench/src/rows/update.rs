//! An update touches only its own names: one endpoint of one service changes in its manifest, and what the table did is
//! read from `/metrics`.

use super::Row;
use super::prober::Prober;
use crate::clusterset::{Clusterset, Export, PER_NAMESPACE, cluster_name};
use crate::manifests::{self, Format};
use crate::process;
use crate::server::{Server, Stage};
use crate::stats::{Spread, markdown};
use anyhow::Context;
use serde_json::json;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

/// Most names that a changed endpoint of a ClusterSetIP service may touch: the service name and its SRV names.
const OWN_NAMES: f64 = 4.0;

/// What one change did.
struct Change {
    names: f64,
    publishes: f64,
    cpu: Duration,
    wall: Duration,
}

/// Changes `rounds` services, one after the other.
pub fn measure(stage: &Stage, set: &Clusterset, format: Format, rounds: usize) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let server = stage.serve(&folder, "config.yaml")?;
    let chosen: Vec<u32> = movable(set).take(rounds).collect();
    anyhow::ensure!(!chosen.is_empty(), "a set of one cluster has no remote pod to change; use --clusters 2");
    let mut changes = Vec::new();
    for (round, number) in chosen.into_iter().enumerate() {
        let change = change(&server, &folder, set, format, number, round as u32)?;
        eprintln!(
            "round {}: {} names, {} publishes, {:?} CPU, {:?}",
            round + 1,
            change.names,
            change.publishes,
            change.cpu,
            change.wall
        );
        restore(&server, &folder, set, format, number)?;
        changes.push(change);
    }
    Ok(row(set, &changes))
}

/// Services whose only endpoints lie in another cluster than the local one: a changed pod is a changed answer.
pub fn movable(set: &Clusterset) -> impl Iterator<Item = u32> {
    let remote = |export: &Export| export.cluster != 1;
    (0..set.services).filter(move |number| {
        let service = set.service(*number);
        !service.headless && service.exports.len() == 1 && service.exports.iter().all(remote)
    })
}

fn row(set: &Clusterset, changes: &[Change]) -> Row {
    let spread = |value: fn(&Change) -> f64| Spread::of(&changes.iter().map(value).collect::<Vec<_>>());
    let (names, publishes) = (spread(|change| change.names), spread(|change| change.publishes));
    let (cpu, wall) = (spread(|c| c.cpu.as_secs_f64() * 1e3), spread(|c| c.wall.as_secs_f64() * 1e3));
    let most = changes.iter().map(|change| change.names).fold(0.0, f64::max);
    let head =
        ["n", "names changed (most)", "publishes", "CPU ms, reading the file included", "ms from rename to answer"];
    let cells = [vec![
        changes.len().to_string(),
        format!("{:.0} ({most:.0})", names.median),
        format!("{:.0}", publishes.median),
        cpu.text(1),
        wall.text(0),
    ]];
    let title = format!("One endpoint of one service changes, {} services of {} clusters", set.services, set.clusters);
    let verdict = if most <= OWN_NAMES { "only its own names" } else { "MORE THAN ITS OWN NAMES" };
    Row {
        name: format!("update-{}", set.services),
        markdown: format!("### {title}\n\n{}\n{verdict}\n", markdown(&head, &cells)),
        json: json!({
            "title": title, "names": names.median, "most_names": most, "publishes": publishes.median,
            "cpu_ms": cpu.median, "milliseconds": wall.median,
        }),
        failed: !(1.0..=OWN_NAMES).contains(&most),
    }
}

/// Gives the service one new address and waits for the answer.
fn change(
    server: &Server,
    folder: &Path,
    set: &Clusterset,
    format: Format,
    number: u32,
    round: u32,
) -> anyhow::Result<Change> {
    server.wait_until_at_rest()?;
    let fresh = Ipv4Addr::from(0x0bff_0000 + round);
    let figures = |metrics: &std::collections::BTreeMap<String, f64>| {
        Some((*metrics.get("table_generation")?, *metrics.get("table_publish_total")?))
    };
    let before = figures(&server.metrics()?).context("/metrics has no table_generation or table_publish_total")?;
    let (cpu, start) = (process::cpu(server.pid()), Instant::now());
    replace(folder, set, format, number, Some(fresh))?;
    asking(server)?.wait_for(&set.service(number).dns_name(), fresh)?;
    let wall = start.elapsed();
    server.wait_until_at_rest()?;
    let cpu = process::cpu(server.pid()).saturating_sub(cpu);
    let after = figures(&server.metrics()?).unwrap_or(before);
    Ok(Change { names: after.0 - before.0, publishes: after.1 - before.1, cpu, wall })
}

/// Puts the generated file back and waits until it is served again.
fn restore(server: &Server, folder: &Path, set: &Clusterset, format: Format, number: u32) -> anyhow::Result<()> {
    let service = set.service(number);
    replace(folder, set, format, number, None)?;
    asking(server)?.wait_for(&service.dns_name(), service.exports[0].endpoints[0].address)
}

/// With pauses, so that the CPU is that of the update.
fn asking(server: &Server) -> anyhow::Result<Prober> {
    Prober::new(server, Duration::from_millis(1))
}

/// Writes the file of the service's namespace beside the old one and renames it into place.
fn replace(
    folder: &Path,
    set: &Clusterset,
    format: Format,
    number: u32,
    fresh: Option<Ipv4Addr>,
) -> anyhow::Result<()> {
    let namespace = number / PER_NAMESPACE;
    let cluster = set.service(number).exports[0].cluster;
    let mut objects = manifests::objects(set, cluster, namespace);
    if let Some(address) = fresh {
        let slice = format!("{}-1", set.service(number).name());
        let slice = objects.iter_mut().find(|object| object["metadata"]["name"] == *slice).context("no slice")?;
        slice["endpoints"] = json!([{ "addresses": [address.to_string()], "conditions": { "ready": true } }]);
    }
    let (name, text) = manifests::file(&objects, format, namespace);
    let place = folder.join("clusters").join(cluster_name(cluster));
    // Outside the watched folder's files until it is whole.
    let whole = folder.join("next");
    std::fs::write(&whole, text)?;
    std::fs::rename(whole, place.join(name))?;
    Ok(())
}
