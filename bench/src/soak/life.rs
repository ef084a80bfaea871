//! The processes of the server, one after the other: started, restarted, reloaded, looked at.

use super::ask::Stage;
use super::observe::{self, Holding, Memory};
use super::{PATIENCE, configure};
use crate::server::{Server, Stage as Machine};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// The processes of the server, one after the other, and what they held.
pub struct Life {
    machine: Machine,
    folder: PathBuf,
    pub server: Server,
    began: Instant,
    memory: Memory,
    /// The least that was held since the last fault ended.
    calm: Option<Holding>,
    pub processes: Processes,
}

/// What the processes held and did, as values to judge.
#[derive(Debug, Clone, Default)]
pub struct Processes {
    pub start: Holding,
    pub most: Holding,
    pub end: Holding,
    /// The most of what was left of each fault, before the next one ended.
    pub after_faults: Holding,
    /// MiB per hour, in runs that are long enough.
    pub slope: Option<f64>,
    /// What was wrong with a process.
    pub faults: Vec<String>,
    pub log_lines: usize,
    /// Faults, reloads, restarts.
    pub done: Vec<String>,
}

impl Life {
    pub fn begin(machine: &Machine, folder: PathBuf) -> anyhow::Result<Self> {
        let server = start(machine, &folder)?;
        Ok(Life {
            machine: machine.clone(),
            folder,
            server,
            began: Instant::now(),
            memory: Memory::default(),
            calm: None,
            processes: Processes::default(),
        })
    }

    pub fn look(&mut self) {
        let Some(now) = Holding::of(&self.server) else { return };
        self.processes.most = self.processes.most.max(now);
        self.calm = self.calm.map(|calm| calm.min(now));
        self.memory.look(self.began, now.resident_mib);
    }

    pub fn look_after_start(&mut self) {
        self.processes.start = Holding::of(&self.server).unwrap_or_default();
    }

    /// A fault has ended: what was left of the one before is known now.
    pub fn healed(&mut self) {
        let all = Holding { descriptors: usize::MAX, threads: usize::MAX, tasks: u64::MAX, resident_mib: f64::MAX };
        if let Some(left) = self.calm.replace(all).filter(|left| *left != all) {
            self.processes.after_faults = self.processes.after_faults.max(left);
        }
    }

    /// Descriptors, threads and tasks must be back, within the time that pooled connections live.
    pub fn look_at_end(&mut self) {
        let start = Instant::now();
        loop {
            self.processes.end = Holding::of(&self.server).unwrap_or_default();
            if self.processes.end.is_back_at(self.processes.start) || start.elapsed() > Duration::from_secs(120) {
                break;
            }
            std::thread::sleep(observe::EVERY);
        }
        self.processes.slope = self.memory.slope();
        self.read_log();
    }

    fn read_log(&mut self) {
        let log = self.server.log();
        self.processes.log_lines += log.lines().count();
        self.processes.faults.extend(log.lines().filter(|line| line.contains("panicked")).map(str::to_owned));
    }

    /// SIGTERM, exit code 0, a new process, ready.
    pub fn restart(&mut self, stage: &Stage) -> anyhow::Result<()> {
        stage.away.store(true, SeqCst);
        self.server.signal(libc::SIGTERM)?;
        let code = self.server.wait_for_end(Duration::from_secs(60))?;
        stage.life.fetch_add(1, SeqCst);
        if code != Some(0) {
            self.processes.faults.push(format!("SIGTERM: exit code {code:?}"));
        }
        self.read_log();
        self.server = start(&self.machine, &self.folder)?;
        // A query sent before `away` ends may be answered after it.
        std::thread::sleep(Duration::from_millis(200));
        stage.away.store(false, SeqCst);
        Ok(())
    }

    /// A good configuration, a broken one that must change nothing, and the good one again.
    pub fn reload(&mut self, random: u64) -> anyhow::Result<()> {
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
