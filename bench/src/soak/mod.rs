//! The soak: changes, faults, reloads and a restart at random under a checked load (RESILIENCE.md section 8).
//!
//! ```text
//! seed ─▶ faults ─▶ fleet of API servers ─▶ server under test ◀─ askers (UDP, TCP, gRPC) ─▶ report
//!         changes ─▶        │                    ▲                     ▲
//!                           └── generations ─────│─────────────────────┘
//!                               reload, restart ─┘
//! ```
//! In: a server's binary, a seed, a time. Out: a [`Row`] that fails on anything the section forbids.

pub mod ask;
pub mod check;
pub mod faults;
pub mod fleet;
pub mod grpc;
pub mod life;
pub mod observe;
pub mod report;

use crate::expect::stir;
use crate::rows::Row;
use crate::server::{Server, Stage as Machine};
use anyhow::Context;
use ask::{Stage, Tally, Tcp, Udp, Way};
use check::{Question, Seen};
use faults::Fault;
use fleet::{CLUSTERS, Fleet};
use grpc::Grpc;
use life::Life;
use observe::Serials;
use report::Report;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Longest wait for readiness, and for the last change to be answered.
const PATIENCE: Duration = Duration::from_secs(60);
/// How to soak.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub length: Duration,
    pub services: u32,
    /// Changes per second in all clusters.
    pub changes: f64,
    /// Queries per second over UDP; a tenth of it over TCP, and over gRPC.
    pub rate: f64,
}

impl Plan {
    /// From the beginning of one fault to the next: every 20 s, more often in a short run.
    fn period(&self) -> Duration {
        (self.length / 15).clamp(Duration::from_secs(3), Duration::from_secs(20))
    }
}

/// Runs it.
///
/// # Errors
/// The server does not start, does not end, or does not come back to the last change.
pub fn run(machine: &Machine, plan: Plan) -> anyhow::Result<Row> {
    eprintln!("seed {}: {} s, {} services", plan.seed, plan.length.as_secs(), plan.services);
    let folder = machine.out.join("soak");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let fleet = Fleet::start(&folder, plan.services)?;
    configure(machine, &folder, 5)?;
    let mut life = Life::begin(machine, folder)?;
    settle(&life.server, &fleet)?;
    life.look_after_start();
    let (stage, changes) = (Stage::default(), AtomicU64::new(0));
    let began = Instant::now();
    let (asked, serials) = load(machine, &mut life, &fleet, &stage, plan, &changes)?;
    let seconds = began.elapsed().as_secs_f64();
    let settled = settle(&life.server, &fleet)?;
    life.look_at_end();
    let requests = [0, 1, 2].map(|cluster| fleet.server(cluster).journal().len() as f64 / seconds);
    let server = &life.server;
    let panics = server.metrics().ok().and_then(|all| all.get("panics_total").copied());
    let publish = ["merge", "compile", "apply"].map(|phase| {
        let label = format!("phase=\"{phase}\"");
        observe::quantile(server, "clusterset_dns_table_publish_duration_seconds", &label, 0.99)
    });
    let (changes, processes) = (changes.into_inner(), life.processes);
    Ok(Report { plan, seconds, changes, asked, serials, settled, processes, requests, panics, publish }.row())
}

/// The course of faults, beside changes, the askers, and a look at the serial.
fn load(
    machine: &Machine,
    life: &mut Life,
    fleet: &Fleet,
    stage: &Stage,
    plan: Plan,
    changes: &AtomicU64,
) -> anyhow::Result<([Tally; 3], Serials)> {
    let address = life.server.address;
    let (mut udp, own) = (Udp::new(address)?, Udp::new(address)?);
    let (mut tcp, mut grpc) = (Tcp::new(address), Grpc::new(grpc_address(machine))?);
    let ways: [(&mut (dyn Way + Send), f64); 3] =
        [(&mut udp, plan.rate), (&mut tcp, plan.rate / 10.0), (&mut grpc, plan.rate / 10.0)];
    std::thread::scope(|scope| {
        scope.spawn(|| change(stage, fleet, plan, changes));
        let mut number = 0;
        let askers = ways.map(|(way, rate)| {
            number += 1;
            let seed = plan.seed ^ number;
            scope.spawn(move || ask::run(way, stage, fleet, rate, seed))
        });
        let serials = scope.spawn(move || observe::serials(own, stage));
        let course = course(life, fleet, stage, plan);
        stage.stop.store(true, SeqCst);
        let asked = askers.map(|asker| asker.join().unwrap_or_default());
        course.map(|()| (asked, serials.join().unwrap_or_default()))
    })
}

fn grpc_address(machine: &Machine) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, machine.ports.dns + 3))
}

/// Times of freshness are short, so that clusters are demoted, dropped and taken back within a run; connections over gRPC are
/// told to go away many times.
fn configure(machine: &Machine, folder: &Path, ttl: u64) -> anyhow::Result<()> {
    let ports = machine.ports;
    let mut text = format!(
        "zones: [clusterset.local]\nlocal: {{ cluster: east }}\nttl: {ttl}\nlameduck: 0s\nlisten:\n  \
         dns: [\"127.0.0.1:{}\"]\n  grpc: [\"{}\"]\n  health: \"\"\n  ready: \"127.0.0.1:{}\"\n  metrics: \"127.0.0.1:{}\"\n  \
         admin: \"\"\nudp: {{ workers: 1 }}\nlimits: {{ grpc: {{ maxAge: 10s }} }}\nsnapshot: {{ path: snapshot, every: 5s }}\n\
         freshness: {{ grace: 5s, suspectAfter: 5s, demoteAfter: 6s, dropAfter: 10s, recoverAfter: 1s }}\nclusters:\n",
        ports.dns,
        grpc_address(machine),
        ports.ready,
        ports.metrics
    );
    for name in CLUSTERS {
        text += &format!("- {{ name: {name}, source: {{ kubeconfig: {{ path: {name}.kubeconfig }} }} }}\n");
    }
    // Replaced whole: the server watches the file.
    let (path, fresh) = (folder.join("config.yaml"), folder.join("config.next"));
    fs::write(&fresh, text)?;
    fs::rename(fresh, &path).with_context(|| path.display().to_string())
}

fn change(stage: &Stage, fleet: &Fleet, plan: Plan, done: &AtomicU64) {
    let (start, mut random) = (Instant::now(), plan.seed);
    while !stage.stop.load(SeqCst) {
        let due = start + Duration::from_secs_f64(done.load(SeqCst) as f64 / plan.changes);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        random = stir(random);
        fleet.change(random);
        done.fetch_add(1, SeqCst);
    }
}

/// Faults, reloads and one restart at half time, until the time is over.
fn course(life: &mut Life, fleet: &Fleet, stage: &Stage, plan: Plan) -> anyhow::Result<()> {
    let (began, mut random, mut restarted) = (Instant::now(), stir(plan.seed), false);
    while began.elapsed() + plan.period() < plan.length {
        random = stir(random);
        let (fault, cluster) = (Fault::any(random >> 8), (random % CLUSTERS.len() as u64) as usize);
        fault.begin(fleet, cluster);
        life.processes.done.push(format!("{fault:?}"));
        if !restarted && began.elapsed() > plan.length / 2 {
            restarted = true;
            life.processes.done.push("Restart".to_owned());
            eprintln!("restart");
            life.restart(stage)?;
        } else if (random >> 32).is_multiple_of(4) {
            life.processes.done.push("Reload".to_owned());
            eprintln!("reload");
            life.reload(random >> 40)?;
        }
        // Now and then long enough to be demoted and dropped.
        let share = 0.3 + (random >> 48) as f64 / f64::from(u16::MAX) * 0.7;
        wait(life, fleet, Some(cluster), plan.period().mul_f64(share));
        fault.end(fleet, cluster);
        life.healed();
        wait(life, fleet, None, plan.period().mul_f64(1.0 - share));
    }
    Ok(())
}

fn wait(life: &mut Life, fleet: &Fleet, at_fault: Option<usize>, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        at_fault.into_iter().for_each(|cluster| fleet.at_fault(cluster));
        life.look();
        std::thread::sleep(observe::EVERY.min(end.saturating_duration_since(Instant::now())));
    }
}

/// Waits until every name is answered with the newest generation of every cluster: what a table built anew would hold.
fn settle(server: &Server, fleet: &Fleet) -> anyhow::Result<Duration> {
    let (start, mut way, mut buffer) = (Instant::now(), Udp::new(server.address)?, vec![0; 4096]);
    for number in 0..fleet.services {
        for question in [Question::Changing(number), Question::Fixed(number)] {
            while let Some(missing) = unsettled(question, number, fleet, &mut way, &mut buffer) {
                anyhow::ensure!(
                    start.elapsed() < PATIENCE,
                    "{} s after the last change: {missing}",
                    PATIENCE.as_secs()
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    Ok(start.elapsed())
}

fn unsettled(question: Question, number: u32, fleet: &Fleet, way: &mut Udp, buffer: &mut [u8]) -> Option<String> {
    let (query, mut seen) = (question.query(), Seen::new());
    let reply = match ask::Way::ask(way, &query, buffer) {
        Ok(reply) => reply,
        Err(error) => return Some(format!("{question:?}: {error}")),
    };
    if let Some(fault) = question.fault(&query, reply, fleet, &mut seen) {
        return Some(format!("{fault:?}"));
    }
    let of = |cluster: &usize| fleet::exports(*cluster, number);
    let records = match question {
        Question::Fixed(_) => (0..CLUSTERS.len()).filter(of).count() as u32,
        _ => (0..CLUSTERS.len()).filter(of).map(|at| fleet::endpoints(fleet.generation(at, number))).sum(),
    };
    let newest = seen.iter().all(|((cluster, number), generation)| *generation == fleet.generation(*cluster, *number));
    let found = u32::from(crate::wire::number(reply, 6));
    (!newest || found != records).then(|| format!("{question:?}: {found} records of {records}, {seen:?}"))
}
