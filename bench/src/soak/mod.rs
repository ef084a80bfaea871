//! The soak: changes, faults, reloads and a restart at random under a checked load (RESILIENCE.md section 8).
//!
//! ```text
//! seed ─▶ faults ─▶ fleet of API servers ─▶ server under test ◀─ askers (UDP, TCP) ─▶ report
//!         changes ─▶        │                    ▲                     ▲
//!                           └── generations ─────│─────────────────────┘
//!                               reload, restart ─┘
//! ```
//! In: a server's binary, a seed, a time. Out: a [`Row`] that fails on anything the section forbids.

pub mod ask;
pub mod check;
pub mod faults;
pub mod fleet;
pub mod observe;
pub mod report;

use crate::expect::stir;
use crate::rows::Row;
use crate::server::{Server, Stage as Machine};
use anyhow::Context;
use ask::{Stage, Tcp, Udp};
use check::{Question, Seen};
use faults::Fault;
use fleet::{CLUSTERS, Fleet};
use observe::{Holding, Memory, Serials};
use report::Report;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Longest wait for readiness, and for the last change to be answered.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much more than after the start a process may hold in the end: connections of the watches' client live on for a
/// while, threads of its name lookups too.
const MORE_DESCRIPTORS: usize = 32;
const MORE_THREADS: usize = 8;

/// How to soak.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub length: Duration,
    pub services: u32,
    /// Changes per second in all clusters.
    pub changes: f64,
    /// Queries per second over UDP; a tenth of it over TCP.
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
    let address = life.server.address;
    let udp = (Udp::new(address)?, Udp::new(address)?);
    let began = Instant::now();
    let (course, asked, serials) = std::thread::scope(|scope| {
        let (mut way, own) = udp;
        let (stage, fleet, changes) = (&stage, &fleet, &changes);
        scope.spawn(move || change(stage, fleet, plan, changes));
        let by_udp = scope.spawn(move || ask::run(&mut way, stage, fleet, plan.rate, plan.seed ^ 1));
        let by_tcp =
            scope.spawn(move || ask::run(&mut Tcp::new(address), stage, fleet, plan.rate / 10.0, plan.seed ^ 2));
        let serials = scope.spawn(move || observe::serials(own, stage));
        let course = course(&mut life, fleet, stage, plan);
        stage.stop.store(true, SeqCst);
        let asked = [by_udp, by_tcp].map(|asker| asker.join().unwrap_or_default());
        (course, asked, serials.join().unwrap_or_default())
    });
    course?;
    let seconds = began.elapsed().as_secs_f64();
    let settled = settle(&life.server, &fleet)?;
    life.look_at_end();
    let report =
        Report { plan, seconds, changes: changes.load(SeqCst), asked, serials, settled, fleet: &fleet, life: &life };
    Ok(report.row())
}

/// The processes of the server, one after the other, and what they held.
pub struct Life {
    machine: Machine,
    folder: PathBuf,
    pub server: Server,
    began: Instant,
    pub at_start: Holding,
    pub most: Holding,
    pub at_end: Holding,
    /// What was wrong with a process.
    pub faults: Vec<String>,
    pub log_lines: usize,
    pub done: Vec<String>,
    pub memory: Memory,
}

impl Life {
    fn begin(machine: &Machine, folder: PathBuf) -> anyhow::Result<Self> {
        let server = start(machine, &folder)?;
        Ok(Life {
            machine: machine.clone(),
            folder,
            server,
            began: Instant::now(),
            at_start: Holding::default(),
            most: Holding::default(),
            at_end: Holding::default(),
            faults: Vec::new(),
            log_lines: 0,
            done: Vec::new(),
            memory: Memory::default(),
        })
    }

    fn look(&mut self) {
        let now = Holding::of(self.server.pid());
        self.most = self.most.max(now);
        self.memory.look(self.began, now.resident_mib);
    }

    fn look_after_start(&mut self) {
        self.at_start = Holding::of(self.server.pid());
    }

    /// Descriptors and threads must be back, within the time that pooled connections live.
    fn look_at_end(&mut self) {
        let start = Instant::now();
        loop {
            self.at_end = Holding::of(self.server.pid());
            let back = self.at_end.descriptors <= self.at_start.descriptors + MORE_DESCRIPTORS
                && self.at_end.threads <= self.at_start.threads + MORE_THREADS;
            if back || start.elapsed() > Duration::from_secs(120) {
                break;
            }
            std::thread::sleep(observe::EVERY);
        }
        self.read_log();
    }

    fn read_log(&mut self) {
        let log = self.server.log();
        self.log_lines += log.lines().count();
        self.faults.extend(log.lines().filter(|line| line.contains("panicked")).map(str::to_owned));
    }

    /// SIGTERM, exit code 0, a new process, ready.
    fn restart(&mut self, stage: &Stage) -> anyhow::Result<()> {
        stage.away.store(true, SeqCst);
        self.server.signal(libc::SIGTERM)?;
        let code = self.server.wait_for_end(Duration::from_secs(60))?;
        stage.life.fetch_add(1, SeqCst);
        if code != Some(0) {
            self.faults.push(format!("SIGTERM: exit code {code:?}"));
        }
        self.read_log();
        self.server = start(&self.machine, &self.folder)?;
        // A query sent before `away` ends may be answered after it.
        std::thread::sleep(Duration::from_millis(200));
        stage.away.store(false, SeqCst);
        Ok(())
    }

    /// A good configuration, a broken one that must change nothing, and the good one again.
    fn reload(&mut self, random: u64) -> anyhow::Result<()> {
        configure(&self.machine, &self.folder, 3 + random % 5)?;
        self.server.signal(libc::SIGHUP)?;
        std::thread::sleep(Duration::from_millis(500));
        let path = self.folder.join("config.yaml");
        let good = fs::read_to_string(&path)?;
        fs::write(&path, format!("{good}clusters: 7\n"))?;
        self.server.signal(libc::SIGHUP)?;
        std::thread::sleep(Duration::from_millis(500));
        fs::write(&path, good)?;
        self.server.signal(libc::SIGHUP)
    }
}

fn start(machine: &Machine, folder: &Path) -> anyhow::Result<Server> {
    let mut server = machine.start(folder, "config.yaml")?;
    server.wait_until_ready(PATIENCE)?;
    Ok(server)
}

/// Times of freshness are short, so that clusters are demoted, dropped and taken back within a run.
fn configure(machine: &Machine, folder: &Path, ttl: u64) -> anyhow::Result<()> {
    let ports = machine.ports;
    let mut text = format!(
        "zones: [clusterset.local]\nlocal: {{ cluster: east }}\nttl: {ttl}\nlameduck: 0s\nlisten:\n  \
         dns: [\"127.0.0.1:{}\"]\n  grpc: []\n  health: \"\"\n  ready: \"127.0.0.1:{}\"\n  metrics: \"127.0.0.1:{}\"\n  \
         admin: \"\"\nudp: {{ workers: 1 }}\nsnapshot: {{ path: snapshot, every: 5s }}\n\
         freshness: {{ grace: 5s, suspectAfter: 5s, demoteAfter: 6s, dropAfter: 10s, recoverAfter: 1s }}\nclusters:\n",
        ports.dns, ports.ready, ports.metrics
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
        life.done.push(format!("{fault:?}"));
        if !restarted && began.elapsed() > plan.length / 2 {
            restarted = true;
            life.done.push("Restart".to_owned());
            eprintln!("restart");
            life.restart(stage)?;
        } else if (random >> 32).is_multiple_of(4) {
            life.done.push("Reload".to_owned());
            eprintln!("reload");
            life.reload(random >> 40)?;
        }
        // Now and then long enough to be demoted and dropped.
        let share = 0.3 + (random >> 48) as f64 / f64::from(u16::MAX) * 0.7;
        wait(life, fleet, Some(cluster), plan.period().mul_f64(share));
        fault.end(fleet, cluster);
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
