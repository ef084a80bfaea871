//! The arguments of the bench, and what they mean: where things are, how much is measured.
//!
//! In: the command line. Out: a [`Stage`], a [`Clusterset`], an [`Effort`] or a plan of the soak.

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use clusterset_dns_bench::clusterset::Clusterset;
use clusterset_dns_bench::manifests::{Format, Ports};
use clusterset_dns_bench::rows::queries::Effort;
use clusterset_dns_bench::server::Stage;
use clusterset_dns_bench::{process, soak};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Measures clusterset-dns against the floor that the kernel sets.
#[derive(Parser)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// CPU per query over UDP as a ratio to the echo floor.
    Udp(RowArgs),
    /// The echo floor alone: the load generator checks itself.
    Floor(RowArgs),
    /// Beside NSD, Knot, hickory-server and CoreDNS with the same zone.
    Peers(RowArgs),
    /// Beside CoreDNS `kubernetes { multicluster }` on a real kube-apiserver.
    Multicluster(RowArgs),
    /// CPU per query over TCP, 1 and 16 queries under way, beside UDP.
    Tcp(RowArgs),
    /// CPU per query over gRPC, 4 and 64 streams, beside UDP.
    Grpc(RowArgs),
    /// UDP beside 1,000 updates a second, and what each update costs.
    Readers(RowArgs),
    /// Memory behind one real kube-apiserver per cluster.
    Memory(RowArgs),
    /// A cluster of all services goes stale: how long, and what another cluster's changes wait meanwhile.
    Upheaval(RowArgs),
    /// Draws docs/plots from the JSON of earlier rows.
    Plots {
        #[arg(long, default_value = "bench/out")]
        out: PathBuf,
        #[arg(long, default_value = "docs/plots")]
        to: PathBuf,
    },
    /// Cost of queries, updates and memory from 1,000 to a million names; --services is the most.
    Scale(RowArgs),
    /// Time, CPU and memory to load a set of manifests until ready.
    Load(RowArgs),
    /// One changed endpoint: names touched, publishes, CPU, time to the answer.
    Update(RowArgs),
    /// From a watch event of a scripted API server to the answer; use a few thousand services.
    Convergence(RowArgs),
    /// CPU and memory until ready from scripted API servers: use --clusters 100.
    Ingest(RowArgs),
    /// UDP with and without 2,000 idle connections, 2,000 slow readers and 500 over gRPC beside it.
    Beside(RowArgs),
    /// Twice as many queries as one core can answer.
    Overload(RowArgs),
    /// Changes, faults, reloads and a restart under a checked load; fails on a wrong answer and on growth.
    Soak(SoakArgs),
    /// Writes a bench clusterset with its questions.
    Generate(GenerateArgs),
    /// Asks a server and checks every reply; exit code 1 when one was wrong or missing.
    Ask(AskArgs),
    /// Answers every datagram with itself, QR set.
    Echo {
        #[arg(long, default_value = "127.0.0.1:5390")]
        listen: SocketAddr,
        /// recvfrom/sendto instead of recvmmsg/sendmmsg.
        #[arg(long)]
        plain: bool,
    },
}

#[derive(Args)]
pub struct SetArgs {
    #[arg(long, default_value_t = 10_000)]
    pub services: u32,
    #[arg(long, default_value_t = 5)]
    pub clusters: u32,
    #[arg(long, value_enum, default_value = "yaml")]
    pub format: Format,
}

impl SetArgs {
    pub fn clusterset(&self) -> anyhow::Result<Clusterset> {
        Clusterset::new(self.services, self.clusters)
    }
}

/// The last of an option given twice counts: `bench/run all --rounds 4` has the last word over the rows' own.
#[derive(Args)]
#[command(args_override_self = true)]
pub struct RowArgs {
    #[command(flatten)]
    pub set: SetArgs,
    /// Rounds; the default is 8 (load: 3).
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Seconds measured in each round, after a warm-up of a third of it.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Two rounds of 0.5 s: does it work at all?
    #[arg(long)]
    pub quick: bool,
    /// An OPT record in every query.
    #[arg(long)]
    pub edns: bool,
    /// Queries per second, sent on time whatever the replies do (default: as fast as they are answered).
    #[arg(long)]
    pub rate: Option<f64>,
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// What is started, and where.
#[derive(Args)]
pub struct PlaceArgs {
    /// The server's binary.
    #[arg(long, env = "CLUSTERSET_DNS_BINARY", default_value = "target/release/clusterset-dns")]
    pub binary: PathBuf,
    /// Folder of CoreDNS, etcd and kube-apiserver, as tests/peers/build makes it.
    #[arg(long, env = "CLUSTERSET_DNS_PEERS", default_value = "target/peers")]
    pub peers: PathBuf,
    /// Folder of generated sets and JSON.
    #[arg(long, default_value = "bench/out")]
    pub out: PathBuf,
    /// Port of the server; the two above it are those of /ready and /metrics.
    #[arg(long, default_value_t = 5390)]
    pub port: u16,
    #[arg(long, default_value_t = 0)]
    pub server_core: usize,
    #[arg(long, default_value_t = 1)]
    pub load_core: usize,
}

#[derive(Args)]
pub struct SoakArgs {
    /// How long: 60s, 10m, 24h.
    #[arg(default_value = "10m", value_parser = length)]
    pub length: Duration,
    /// What goes wrong and when follows from it; by default from the clock.
    #[arg(long)]
    pub seed: Option<u64>,
    #[arg(long, default_value_t = 4000)]
    pub services: u32,
    /// Changes per second in all clusters.
    #[arg(long, default_value_t = 1000.0)]
    pub changes: f64,
    /// Queries per second over UDP; a tenth of it over TCP, and over gRPC.
    #[arg(long, default_value_t = 2000.0)]
    pub rate: f64,
    #[command(flatten)]
    pub place: PlaceArgs,
}

#[derive(Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    pub set: SetArgs,
    #[arg(long)]
    pub out: PathBuf,
    #[arg(long, default_value_t = 200_000)]
    pub questions: u32,
    #[arg(long, default_value_t = 5390)]
    pub port: u16,
}

#[derive(Args)]
pub struct AskArgs {
    #[arg(long, default_value = "127.0.0.1:5390")]
    pub server: SocketAddr,
    /// Lines as `generate` writes them.
    #[arg(long)]
    pub questions: PathBuf,
    /// Expect the query back, as from `echo`.
    #[arg(long)]
    pub echo: bool,
    #[arg(long)]
    pub tcp: bool,
    #[arg(long)]
    pub edns: bool,
    /// Sockets or connections.
    #[arg(long, default_value_t = 8)]
    pub sockets: usize,
    /// Queries under way on each, at most 64; the default is 64, or 16 where net.core.rmem_max is small.
    #[arg(long)]
    pub window: Option<usize>,
    #[arg(long)]
    pub rate: Option<f64>,
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Reads the CPU time of this process.
    #[arg(long)]
    pub pid: Option<u32>,
    /// Runs on this core.
    #[arg(long)]
    pub core: Option<usize>,
    #[arg(long)]
    pub json: bool,
}

impl SoakArgs {
    pub fn plan(&self) -> anyhow::Result<soak::Plan> {
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let (seed, length) = (self.seed.unwrap_or(clock), self.length);
        Ok(soak::Plan { seed, length, services: self.services, changes: self.changes, rate: self.rate })
    }
}

/// `60s`, `10m` or `24h`.
fn length(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("a number and s, m or h".to_owned()),
    };
    number.parse::<u64>().map(|number| Duration::from_secs(number * seconds)).map_err(|error| error.to_string())
}

impl PlaceArgs {
    pub fn stage(&self) -> anyhow::Result<Stage> {
        std::fs::create_dir_all(&self.out).with_context(|| self.out.display().to_string())?;
        let cores = process::cores();
        for core in [self.server_core, self.load_core] {
            anyhow::ensure!(
                cores.contains(&core),
                "core {core} is not one of {cores:?}; see --server-core, --load-core"
            );
        }
        Ok(Stage {
            binary: self.binary.clone(),
            bench: std::env::current_exe()?,
            peers: self.peers.clone(),
            out: self.out.clone(),
            server_core: self.server_core,
            load_core: self.load_core,
            ports: Ports::from(self.port),
        })
    }
}

impl RowArgs {
    pub fn effort(&self, rounds: usize) -> Effort {
        let measure = Duration::from_secs_f64(if self.quick { 0.5 } else { self.seconds });
        let rounds = self.rounds.unwrap_or(if self.quick { 2 } else { rounds });
        Effort { rounds, warmup: measure / 3, measure, edns: self.edns, rate: self.rate }
    }
}
