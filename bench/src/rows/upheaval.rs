//! One cluster of many services changes state; do the others notice?
//!
//! Cluster 2 is a folder with every service, and it is taken away: after `demoteAfter` its addresses are stale and every
//! one of its Blocks is compiled anew. Then it comes back: every object is listed and compared, and every Block compiled
//! once more. At last its folder is empty: the brake holds all of it until a second list agrees, and everything is deleted.
//! Meanwhile endpoints change in cluster 1 (a scripted API server), one after the other, and a UDP prober waits
//! for each, and a snapshot is written every two seconds. The same is measured before, at rest.

use super::Row;
use super::prober::Prober;
use crate::clusterset::{Clusterset, PER_NAMESPACE, PORT, cluster_name, namespace};
use crate::manifests::{self, Format, Ports};
use crate::process;
use crate::server::{Server, Stage};
use crate::stats::markdown;
use crate::support::apiserver::ApiServer;
use anyhow::bail;
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Services of cluster 1, which change.
const CHANGING: u32 = 20;
/// Between changes.
const PAUSE: Duration = Duration::from_millis(5);
/// The goal for the worst of them.
const WORST: Duration = Duration::from_millis(10);

/// What one phase showed.
struct Phase {
    delays: Vec<Duration>,
    cpu: Duration,
    length: Duration,
    generations: f64,
    /// Within this of being decoded, every change was in the table, by the server's own histogram.
    own: Duration,
}

/// Loads, measures at rest for two seconds, takes the folder away, and measures until all is compiled again.
pub fn measure(stage: &Stage, services: u32) -> anyhow::Result<Row> {
    process::pin(stage.load_core)?;
    let folder = fs::canonicalize(&stage.out)?.join("upheaval");
    let home = ApiServer::start();
    fill(&home, services);
    write(&folder, services, &home, stage.ports)?;
    let server = stage.serve(&folder, "config.yaml")?;
    server.wait_until_at_rest()?;
    // Prober and API server before other work on the machine; the server as it always is, among its own threads.
    if let Err(error) = process::first_on_its_core(std::process::id()) {
        eprintln!("without SCHED_FIFO ({error}): delays hold what other work on the machine adds");
    }
    let names = server.metrics()?.get("table_names").copied().unwrap_or(0.0);
    anyhow::ensure!(names > f64::from(services), "only {names} names are served");
    let mut changes = Changes { home: &home, prober: Prober::new(&server, Duration::ZERO)?, number: 0 };
    let rest_end = Instant::now() + Duration::from_secs(2);
    let rest = changes.phase(&server, |_| Instant::now() < rest_end)?;
    let (here, gone) = (folder.join("clusters"), folder.join("gone"));
    let emptied = || fs::rename(&here, &gone).and_then(|()| fs::create_dir_all(here.join(cluster_name(2))));
    let storms = [
        changes.storm(&server, services, "goes stale", || fs::rename(&here, &gone))?,
        changes.storm(&server, services, "comes back", || fs::rename(&gone, &here))?,
        changes.storm(&server, services, "is emptied", emptied)?,
    ];
    Ok(row(services, &rest, &storms))
}

/// What happens to the large cluster.
struct Storm {
    name: &'static str,
    phase: Phase,
    /// From the change of the folder to the first name that is compiled anew, or goes.
    until: Duration,
    took: Duration,
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Phase {
    fn line(&self, name: &str) -> Vec<String> {
        let mut sorted = self.delays.clone();
        sorted.sort();
        let at = |share: f64| millis(sorted[((sorted.len() - 1) as f64 * share) as usize]);
        let times = [at(0.5), at(0.99), at(1.0), millis(self.own)].map(|time| format!("{time:.2}"));
        let cpu = format!("{:.2} of {:.2}", self.cpu.as_secs_f64(), self.length.as_secs_f64());
        [vec![name.to_owned(), sorted.len().to_string()], times.to_vec(), vec![cpu]].concat()
    }

    fn micros(&self) -> Vec<u64> {
        self.delays.iter().map(|delay| delay.as_micros() as u64).collect()
    }
}

impl Storm {
    fn sentence(&self) -> String {
        let (took, until) = (self.took.as_secs_f64(), self.until.as_secs_f64());
        let names = self.phase.generations;
        format!("{}: {names:.0} names changed in {took:.2} s, from {until:.1} s after it", self.name)
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "names": self.phase.generations, "recompile_seconds": self.took.as_secs_f64(),
            "own_worst_ms": millis(self.phase.own.min(Duration::from_secs(3600))), "delays_us": self.phase.micros(),
        })
    }
}

fn row(services: u32, rest: &Phase, storms: &[Storm]) -> Row {
    let worst = storms.iter().flat_map(|storm| &storm.phase.delays).max().copied().unwrap_or_default();
    let verdict = if worst <= WORST { "within" } else { "NOT within" };
    let title = format!("A cluster of {services} services goes stale, comes back and is emptied");
    let head =
        ["phase", "changes elsewhere", "p50 ms to the answer", "p99 ms", "worst ms", "ms, decoded to table", "CPU s"];
    let lines = storms.iter().map(|storm| storm.phase.line(storm.name));
    let rows: Vec<_> = std::iter::once(rest.line("at rest")).chain(lines).collect();
    let sentences: Vec<String> = storms.iter().map(Storm::sentence).collect();
    Row {
        name: format!("upheaval-{services}"),
        markdown: format!(
            "### {title}\n\n{}\n{}; the worst delay elsewhere is {verdict} {} ms\n",
            markdown(&head, &rows),
            sentences.join("; "),
            WORST.as_millis(),
        ),
        json: json!({
            "title": title, "worst_ms": millis(worst), "rest_us": rest.micros(),
            "storms": storms.iter().map(Storm::json).collect::<Vec<_>>(),
        }),
        failed: false,
    }
}

/// When the table starts to move and when it rests again.
#[derive(Default)]
struct Watch {
    over: AtomicBool,
}

impl Watch {
    fn until_calm(&self, server: &Server, services: u32) -> anyhow::Result<(Instant, Instant)> {
        let found = self.watch(server, services);
        self.over.store(true, Relaxed);
        found
    }

    /// More names in a look than single changes can move.
    fn watch(&self, server: &Server, services: u32) -> anyhow::Result<(Instant, Instant)> {
        const MANY: f64 = 200.0;
        let look = Duration::from_millis(20);
        let (limit, mut last) = (Instant::now() + Duration::from_secs(120), server.generation()?);
        let (mut begin, mut end, mut moved) = (None, Instant::now(), 0.0);
        while Instant::now() < limit {
            std::thread::sleep(look);
            let now = server.generation()?;
            if now - last > MANY {
                begin.get_or_insert(end);
                moved += now - last;
                end = Instant::now();
            }
            match begin {
                Some(begin) if end.elapsed() > Duration::from_secs(1) && moved >= f64::from(services) => {
                    return Ok((begin, end));
                }
                None => end = Instant::now(),
                Some(_) => {}
            }
            last = now;
        }
        bail!("only {moved} names were compiled anew in two minutes")
    }
}

/// Changes in cluster 1, seen by a prober.
struct Changes<'a> {
    home: &'a ApiServer,
    prober: Prober,
    number: u32,
}

impl Changes<'_> {
    /// What is measured from a change of the folder on, until the table rests again.
    fn storm(
        &mut self,
        server: &Server,
        services: u32,
        name: &'static str,
        change: impl FnOnce() -> io::Result<()>,
    ) -> anyhow::Result<Storm> {
        let watch = Watch::default();
        let moved = Instant::now();
        change()?;
        let (phase, seen) = std::thread::scope(|scope| {
            let seen = scope.spawn(|| watch.until_calm(server, services));
            let phase = self.phase(server, |_| !watch.over.load(Relaxed));
            (phase, seen.join())
        });
        let (begin, end) = seen.map_err(|_| anyhow::anyhow!("the watcher of the table failed"))??;
        let (until, took) = (begin.duration_since(moved), end.duration_since(begin));
        Ok(Storm { name, phase: phase?, until, took })
    }

    fn phase(&mut self, server: &Server, goes_on: impl Fn(u32) -> bool) -> anyhow::Result<Phase> {
        let (start, cpu, before) = (Instant::now(), process::cpu(server.pid()), server.generation()?);
        let counted = own_delays(server)?;
        let mut delays = Vec::new();
        while goes_on(self.number) {
            std::thread::sleep(PAUSE);
            delays.push(self.one()?);
        }
        let cpu = process::cpu(server.pid()).saturating_sub(cpu);
        let generations = server.generation()? - before;
        let own = longest(&counted, &own_delays(server)?);
        Ok(Phase { delays, cpu, length: start.elapsed(), generations, own })
    }

    fn one(&mut self) -> anyhow::Result<Duration> {
        self.number += 1;
        let fresh = Ipv4Addr::from(0x0c00_0000 + self.number);
        let service = self.number % CHANGING;
        let slice = slice(service, fresh);
        let start = Instant::now();
        self.home.put(slice);
        self.prober.wait_for(&format!("home-{service}.home.svc.clusterset.local"), fresh)?;
        Ok(start.elapsed())
    }
}

/// Buckets of `table_event_to_answer_seconds` of cluster 1: bound in seconds, events up to it.
fn own_delays(server: &Server) -> anyhow::Result<Vec<(f64, f64)>> {
    let bucket = |line: &str| {
        let rest = line.strip_prefix("clusterset_dns_table_event_to_answer_seconds_bucket{")?;
        let (labels, count) = rest.split_once("} ")?;
        let bound = labels.split("le=\"").nth(1)?.split('"').next()?.parse().ok()?;
        labels.contains(&cluster_name(1)).then_some((bound, count.parse().ok()?))
    };
    Ok(server.metrics_text()?.lines().filter_map(bucket).collect())
}

/// The bound that no event between two readings exceeded.
fn longest(before: &[(f64, f64)], after: &[(f64, f64)]) -> Duration {
    let new: Vec<(f64, f64)> = after
        .iter()
        .map(|(bound, count)| {
            let known = before.iter().find(|(of, _)| of == bound).map_or(0.0, |(_, count)| *count);
            (*bound, count - known)
        })
        .collect();
    let all = new.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    let bound = new.iter().find(|(_, count)| *count >= all).map_or(0.0, |(bound, _)| *bound);
    Duration::try_from_secs_f64(bound).unwrap_or(Duration::MAX)
}

/// Headless services of cluster 1, and every namespace: what is exported into one that home lacks has no name there.
fn fill(home: &ApiServer, services: u32) {
    for name in (0..services.div_ceil(PER_NAMESPACE)).map(namespace).chain(["home".to_owned()]) {
        home.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
    }
    for number in 0..CHANGING {
        let metadata = json!({ "name": format!("home-{number}"), "namespace": "home", "creationTimestamp": "2026-01-01T00:00:00Z" });
        let ports = json!([{ "name": "http", "protocol": "TCP", "port": PORT }]);
        let spec = json!({ "clusterIP": "None", "clusterIPs": ["None"], "ipFamilies": ["IPv4"], "ports": ports });
        home.put(json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec }));
        let version = "multicluster.x-k8s.io/v1beta1";
        home.put(json!({ "apiVersion": version, "kind": "ServiceExport", "metadata": metadata }));
        home.put(slice(number, Ipv4Addr::new(11, 0, 0, 1)));
    }
}

fn slice(number: u32, address: Ipv4Addr) -> Value {
    let service = format!("home-{number}");
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "name": format!("{service}-1"), "namespace": "home", "labels": { "kubernetes.io/service-name": service } },
        "ports": [{ "name": "http", "protocol": "TCP", "port": PORT }],
        "endpoints": [{ "addresses": [address.to_string()], "conditions": { "ready": true } }],
    })
}

/// The folder of cluster 2 and the configuration.
fn write(folder: &Path, services: u32, home: &ApiServer, ports: Ports) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let far = folder.join("clusters").join(cluster_name(2));
    fs::create_dir_all(&far)?;
    let all = Clusterset::new(services, 1)?;
    for number in 0..all.namespaces() {
        let (_, text) = manifests::file(&manifests::objects(&all, 1, number), Format::Json, number);
        fs::write(far.join(format!("{}.json", namespace(number))), text)?;
    }
    home.kubeconfig(folder, &cluster_name(1));
    let two = Clusterset::new(services, 2)?;
    let source = |cluster: &str| match cluster == cluster_name(1) {
        true => format!("kubeconfig: {{ path: {cluster}.kubeconfig }}"),
        false => format!("manifests: {{ path: clusters/{cluster} }}"),
    };
    let text = manifests::config(&two, ports, "", source);
    let times = "freshness: { suspectAfter: 5s, demoteAfter: 5s, dropAfter: 0s }\nbrake: { confirmAfter: 3s }\n";
    let kept = folder.join("snapshot");
    fs::create_dir(&kept)?;
    let snapshot = format!("snapshot: {{ path: {}, every: 2s }}\n", kept.display());
    Ok(fs::write(folder.join("config.yaml"), text + times + &snapshot)?)
}
