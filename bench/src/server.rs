//! The server under test: its set on disk, start, readiness, metrics.

use crate::clusterset::Clusterset;
use crate::expect::Questions;
use crate::manifests::{self, Format, Ports};
use crate::process::{self, Running};
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Counted up when what is generated changes, so that older sets are written again.
const SET_VERSION: u32 = 2;

/// Longest wait for readiness.
pub const PATIENCE: Duration = Duration::from_secs(900);

/// Where things are and how the cores are shared.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The binary `clusterset-dns`.
    pub binary: PathBuf,
    /// This program, for the echo responders.
    pub bench: PathBuf,
    /// Folder of CoreDNS, etcd and kube-apiserver, as tests/peers/build makes it.
    pub peers: PathBuf,
    /// Folder of generated sets and results.
    pub out: PathBuf,
    pub server_core: usize,
    pub load_core: usize,
    pub ports: Ports,
}

/// A running responder.
pub struct Server {
    running: Running,
    pub address: SocketAddr,
    ready: SocketAddr,
    metrics: SocketAddr,
    log: PathBuf,
    started: Instant,
}

/// What it took until the server was ready.
#[derive(Debug, Clone, Copy)]
pub struct Loaded {
    pub wall: Duration,
    pub cpu: Duration,
    pub resident_mib: f64,
    pub most_mib: f64,
}

impl Stage {
    /// Writes the set unless the same one is there; its folder.
    pub fn set(&self, set: &Clusterset, format: Format) -> anyhow::Result<PathBuf> {
        let folder = self.out.join(format!("set-{}-{}-{format:?}", set.services, set.clusters).to_lowercase());
        let stamp = folder.join("complete");
        let meant = format!("{SET_VERSION} {}\n", self.ports.dns);
        if std::fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == meant) {
            return Ok(folder);
        }
        eprintln!("writing {} services of {} clusters below {}", set.services, set.clusters, folder.display());
        let written = manifests::write(&folder, set, format, 200_000, self.ports)?;
        eprintln!("{} objects, {:.1} MB, {} names", written.objects, written.octets as f64 / 1e6, written.names);
        std::fs::write(stamp, meant)?;
        Ok(folder)
    }

    /// The questions of a set.
    pub fn questions(&self, folder: &Path, edns: bool) -> anyhow::Result<Questions> {
        Questions::read(&folder.join("questions.txt"), edns)
    }

    /// Starts `clusterset-dns serve` in a folder, with the configuration of this name.
    pub fn start(&self, folder: &Path, config: &str) -> anyhow::Result<Server> {
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg("--config").arg(folder.join(config));
        self.spawn(command, folder.join("server.log"))
    }

    /// The same, ready to answer.
    ///
    /// # Errors
    /// It does not start, or is not ready in time.
    pub fn serve(&self, folder: &Path, config: &str) -> anyhow::Result<Server> {
        let mut server = self.start(folder, config)?;
        let loaded = server.wait_until_ready(PATIENCE)?;
        eprintln!("ready: {loaded:?}");
        Ok(server)
    }

    /// The same with gRPC beside UDP and TCP, and where that is asked.
    ///
    /// # Errors
    /// As of [`Stage::serve`].
    pub fn serve_with_grpc(&self, folder: &Path) -> anyhow::Result<(Server, SocketAddr)> {
        let grpc = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.dns + 3));
        let text = std::fs::read_to_string(folder.join("config.yaml"))?;
        std::fs::write(folder.join("config-grpc.yaml"), text.replace("grpc: []", &format!("grpc: [\"{grpc}\"]")))?;
        Ok((self.serve(folder, "config-grpc.yaml")?, grpc))
    }

    /// Starts an echo responder of this program.
    pub fn start_echo(&self, plain: bool) -> anyhow::Result<Server> {
        let mut command = Command::new(&self.bench);
        command.arg("echo").arg("--listen").arg(format!("127.0.0.1:{}", self.ports.dns));
        if plain {
            command.arg("--plain");
        }
        let server = self.spawn(command, self.out.join("echo.log"))?;
        server.wait_for_reply()?;
        Ok(server)
    }

    /// Starts any responder on the server's core, at the stage's port. It ends with this process, however that ends.
    ///
    /// # Errors
    /// The program is missing, or its port is taken.
    pub fn spawn(&self, command: Command, log: PathBuf) -> anyhow::Result<Server> {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let address = loopback(self.ports.dns);
        if UdpSocket::bind(address).is_err() {
            let (by, stop) = match process::holder(self.ports.dns) {
                Some((pid, name)) => {
                    (format!(" by process {pid} ({name})"), format!("`kill {pid}` if it is left over"))
                }
                None => (String::new(), "stop what listens there".to_owned()),
            };
            bail!("{address} is taken{by}: {stop}, or choose another --port");
        }
        let program = Path::new(command.get_program());
        anyhow::ensure!(program.is_file(), "{} is missing: bench/run builds it", program.display());
        let mut command = process::mortal(command);
        let output = File::create(&log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let started = Instant::now();
        let running = Running::start(&mut command, self.server_core)
            .with_context(|| format!("{} does not start", command.get_program().display()))?;
        let (ready, metrics) = (loopback(self.ports.ready), loopback(self.ports.metrics));
        Ok(Server { running, address, ready, metrics, log, started })
    }
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Waits until `/ready` is 200.
    pub fn wait_until_ready(&mut self, patience: Duration) -> anyhow::Result<Loaded> {
        loop {
            if let Ok((200, _)) = get(self.ready, "/ready") {
                let (resident_mib, most_mib) = process::memory(self.pid());
                let cpu = process::cpu_whole_life(self.pid()).max(process::cpu(self.pid()));
                return Ok(Loaded { wall: self.started.elapsed(), cpu, resident_mib, most_mib });
            }
            if let Some(status) = self.running.ended() {
                bail!("the server ended ({status}) before it was ready; its log:\n{}", self.last_words());
            }
            if self.started.elapsed() > patience {
                let missing = get(self.ready, "/ready").map_or_else(|error| error.to_string(), |(_, body)| body);
                bail!("not ready after {} s: {missing}; its log:\n{}", patience.as_secs(), self.last_words());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// # Errors
    /// It has ended; with its last words.
    pub fn check_alive(&mut self) -> anyhow::Result<()> {
        match self.running.ended() {
            Some(status) => bail!("{} ended ({status}); its log:\n{}", self.address, self.last_words()),
            None => Ok(()),
        }
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// Of the system call.
    pub fn signal(&self, signal: i32) -> anyhow::Result<()> {
        self.running.signal(signal).with_context(|| format!("signal {signal}"))
    }

    /// Waits until it has ended by itself; its exit code, `None` after a signal.
    ///
    /// # Errors
    /// It still runs after `patience`.
    pub fn wait_for_end(&mut self, patience: Duration) -> anyhow::Result<Option<i32>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.running.ended() {
                return Ok(status.code());
            }
            anyhow::ensure!(start.elapsed() < patience, "the server still runs; its log:\n{}", self.last_words());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Status of `/ready`.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn ready(&self) -> anyhow::Result<u16> {
        get(self.ready, "/ready").map(|(status, _)| status)
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> f64 {
        process::memory(self.pid()).0
    }

    /// The values of `/metrics` by name, without `clusterset_dns_` and labels summed.
    ///
    /// # Errors
    /// As of [`Server::metrics_text`].
    pub fn metrics(&self) -> anyhow::Result<BTreeMap<String, f64>> {
        let body = self.metrics_text()?;
        let mut values = BTreeMap::new();
        for line in body.lines().filter(|line| !line.starts_with('#')) {
            if let Some((series, value)) = line.rsplit_once(' ') {
                let name = series.split('{').next().unwrap_or(series).trim_start_matches("clusterset_dns_");
                *values.entry(name.to_owned()).or_insert(0.0) += value.parse().unwrap_or(0.0);
            }
        }
        Ok(values)
    }

    /// Names that were compiled since the start.
    ///
    /// # Errors
    /// `/metrics` does not say.
    pub fn generation(&self) -> anyhow::Result<f64> {
        self.metrics()?.get("table_generation").copied().context("/metrics has no table_generation")
    }

    /// Waits until two looks at the table, 300 ms apart, agree.
    ///
    /// # Errors
    /// They do not within half a minute.
    pub fn wait_until_at_rest(&self) -> anyhow::Result<()> {
        let mut last = self.generation()?;
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(300));
            let now = self.generation()?;
            if now == last {
                return Ok(());
            }
            last = now;
        }
        bail!("the table does not come to rest")
    }

    /// `/metrics` as it is.
    ///
    /// # Errors
    /// Nobody answers, or another status than 200.
    pub fn metrics_text(&self) -> anyhow::Result<String> {
        let (status, body) = get(self.metrics, "/metrics")?;
        anyhow::ensure!(status == 200, "/metrics: status {status}");
        Ok(body)
    }

    fn wait_for_reply(&self) -> anyhow::Result<()> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect(self.address)?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        for _ in 0..100 {
            let sent = socket.send(&[0; 12]).is_ok();
            if sent && socket.recv(&mut [0; 64]).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("no echo at {}; its log:\n{}", self.address, self.last_words())
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Status and body of one request.
fn get(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let (head, body) = reply.split_once("\r\n\r\n").context("no HTTP reply")?;
    Ok((head.split(' ').nth(1).unwrap_or_default().parse()?, body.to_owned()))
}
