//! Memory behind real kube-apiservers: their objects carry managedFields and whatever else a real one adds.

use super::Row;
use crate::clusterset::{Clusterset, cluster_name};
use crate::manifests;
use crate::peers::cluster::{Cluster, Holding};
use crate::server::{PATIENCE, Server, Stage};
use crate::stats::markdown;
use anyhow::Context;
use serde_json::json;
use std::fs;
use std::time::Duration;

/// Fills one API server per cluster, starts the server, and reads its memory when it is ready and at rest.
pub fn measure(stage: &Stage, set: &Clusterset) -> anyhow::Result<Row> {
    let cluster = Cluster::start(stage, &stage.peers, set, Holding::Exports)?;
    let folder = fs::canonicalize(&stage.out)?.join("exports");
    fs::create_dir_all(&folder)?;
    let source = |name: &str| format!("kubeconfig: {{ path: \"{}\" }}", cluster.kubeconfig(name).display());
    fs::write(folder.join("config.yaml"), manifests::config(set, stage.ports, "", source))?;
    let mut server = stage.start(&folder, "config.yaml")?;
    let loaded = server.wait_until_ready(PATIENCE)?;
    let (names, bytes) = at_rest(&server)?;
    let resident = server.resident_mib();
    let title = format!("Memory, {} services of {} real kube-apiservers", set.services, set.clusters);
    let cells = vec![
        format!("{:.2}", loaded.wall.as_secs_f64()),
        format!("{:.2}", loaded.cpu.as_secs_f64()),
        format!("{resident:.0}"),
        format!("{:.0}", loaded.most_mib),
        format!("{names:.0}"),
        format!("{:.0}", bytes / names.max(1.0)),
    ];
    let head = ["s to ready", "CPU s", "RSS MiB", "peak MiB until ready", "names", "octets per name"];
    Ok(Row {
        name: format!("memory-{}-{}", set.services, set.clusters),
        markdown: format!("### {title}\n\n{}", markdown(&head, &[cells])),
        json: json!({
            "title": title, "seconds": loaded.wall.as_secs_f64(), "cpu_seconds": loaded.cpu.as_secs_f64(),
            "resident_mib": resident, "peak_mib": loaded.most_mib, "names": names, "table_bytes": bytes,
            "local_cluster": cluster_name(1),
        }),
        failed: names == 0.0,
    })
}

/// Names and octets of the table when two looks a second apart agree.
fn at_rest(server: &Server) -> anyhow::Result<(f64, f64)> {
    let mut last = (-1.0, 0.0);
    for _ in 0..60 {
        let metrics = server.metrics()?;
        let figure = |name| metrics.get(name).copied();
        let now = figure("table_names").zip(figure("table_bytes")).context("/metrics has no table_names")?;
        if now == last {
            break;
        }
        last = now;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(last)
}
