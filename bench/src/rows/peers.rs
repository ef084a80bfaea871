//! Side by side with other servers: the same names, the same answers, one core each in turn.
//!
//! The zone is copied from our server; the second table is of one real API server that ours and CoreDNS read.

use super::Row;
use super::contest::{self, Entrant, Results};
use super::queries::Effort;
use crate::clusterset::{Clusterset, cluster_name};
use crate::expect::Questions;
use crate::load::Check;
use crate::manifests::{self, Format};
use crate::peers::cluster::{Cluster, Holding};
use crate::peers::{self, Peer, Shelf, at, config, wait_for_answer, zone};
use crate::process;
use crate::server::Stage;
use crate::stats::markdown;
use serde_json::json;
use std::fs;
use std::path::Path;

/// Under way on each of eight sockets: Knot, hickory-server and CoreDNS take the kernel's default receive buffer, in
/// which more would be lost.
const WINDOW: usize = 16;
/// CoreDNS is left out of larger sets: it takes minutes and gigabytes to read them.
const MOST_FOR_COREDNS: u32 = 50_000;
/// And a real API server of larger ones.
const MOST_IMPORTS: u32 = 20_000;

/// NSD, Knot, hickory-server, CoreDNS `file` and `hosts`.
pub fn zones(stage: &Stage, set: &Clusterset, format: Format, effort: Effort) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let mut questions = stage.questions(&folder, effort.edns)?;
    let (zone, hosts) = (folder.join("peers.zone"), folder.join("peers.hosts"));
    let records = copy_zone(stage, &folder, &zone)?;
    zone::hosts(&zone, &hosts)?;
    let shelf = Shelf { stage, built: &stage.peers, zone: &zone, hosts: &hosts };
    let mut chosen = vec![Peer::Nsd, Peer::Knot, Peer::Hickory];
    if set.services <= MOST_FOR_COREDNS {
        chosen.extend([Peer::CorednsFile, Peer::CorednsHosts]);
    }
    let mut entrants = floor_and_ours(stage, &folder, "config.yaml", Check::Answer)?;
    for (place, peer) in (1u16..).zip(chosen) {
        eprintln!("starting {}", peer.name());
        let mut server = peer.start(&shelf, stage.ports.dns + 20 + 10 * place)?;
        wait_for_answer(&mut server, peer.check(), &questions)?;
        entrants.push(Entrant { name: peer.name().to_owned(), server, check: peer.check() });
    }
    process::pin(stage.load_core)?;
    let all = contest::over_udp(&entrants, effort, WINDOW, &mut questions)?;
    let title = format!("Side by side, {} services of {} clusters, {records} records", set.services, set.clusters);
    Ok(row(format!("peers-{}", set.services), &title, &all, &peers::versions(&stage.peers)?))
}

/// CoreDNS `kubernetes { multicluster }` and ours in import mode, on one real kube-apiserver.
pub fn multicluster(stage: &Stage, set: &Clusterset, effort: Effort) -> anyhow::Result<Row> {
    anyhow::ensure!(set.services <= MOST_IMPORTS, "a real API server takes at most {MOST_IMPORTS} services here");
    let cluster = Cluster::start(stage, &stage.peers, set, Holding::Imports)?;
    let folder = fs::canonicalize(&stage.out)?.join("imports");
    fs::create_dir_all(&folder)?;
    let name = cluster_name(1);
    let kubeconfig = cluster.kubeconfig(&name);
    let source = format!("kubeconfig: {{ path: \"{}\" }}", kubeconfig.display());
    let alone = Clusterset { clusters: 1, ..*set };
    let text = manifests::config(&alone, stage.ports, "", |_| source.clone());
    fs::write(folder.join("config.yaml"), text + "  mode: import\n")?;
    let mut questions = Questions::default();
    for number in 0..200_000 {
        questions.push(&manifests::import_question(set, number), effort.edns)?;
    }
    let mut entrants = floor_and_ours(stage, &folder, "config.yaml", Check::Records)?;
    let port = stage.ports.dns + 30;
    let corefile = folder.join("Corefile");
    fs::write(&corefile, config::coredns_kubernetes(&kubeconfig, &name, port))?;
    let server = peers::coredns(stage, &stage.peers, &corefile, port)?;
    let name = "CoreDNS `kubernetes { multicluster }`".to_owned();
    entrants.push(Entrant { name, server, check: Check::Records });
    for entrant in &mut entrants[1..] {
        wait_for_answer(&mut entrant.server, Check::Records, &questions)?;
    }
    process::pin(stage.load_core)?;
    let all = contest::over_udp(&entrants, effort, WINDOW, &mut questions)?;
    let title = format!("On one real kube-apiserver, {} ServiceImports", set.services);
    Ok(row(format!("multicluster-{}", set.services), &title, &all, &peers::versions(&stage.peers)?))
}

fn floor_and_ours(stage: &Stage, folder: &Path, config: &str, check: Check) -> anyhow::Result<Vec<Entrant>> {
    let floor = at(stage, stage.ports.dns + 20).start_echo(false)?;
    let ours = stage.serve(folder, config)?;
    Ok(vec![
        Entrant { name: "echo recvmmsg/sendmmsg (floor)".to_owned(), server: floor, check: Check::Echo },
        Entrant { name: "clusterset-dns".to_owned(), server: ours, check },
    ])
}

/// Starts our server for the transfer alone.
fn copy_zone(stage: &Stage, folder: &Path, zone: &Path) -> anyhow::Result<usize> {
    let text = fs::read_to_string(folder.join("config.yaml"))?;
    let more = "transfer: { allow: [127.0.0.1/32] }\nnameserver: [192.0.2.53]\n";
    fs::write(folder.join("config-transfer.yaml"), text + more)?;
    let _server = stage.serve(folder, "config-transfer.yaml")?;
    zone::copy(stage.ports.dns, zone)
}

fn row(name: String, title: &str, all: &[Results], versions: &[(String, String)]) -> Row {
    let lines: Vec<Vec<String>> = versions.iter().map(|(name, version)| vec![name.clone(), version.clone()]).collect();
    let versions_table = markdown(&["peer", "version"], &lines);
    let versions: serde_json::Map<_, _> = versions.iter().map(|(name, said)| (name.clone(), json!(said))).collect();
    Row {
        name,
        markdown: format!("### {title}\n\n{}\n{versions_table}", contest::table_beside_ours(all)),
        json: json!({ "title": title, "servers": contest::json(all), "versions": versions }),
        failed: !all.iter().all(Results::is_clean),
    }
}
