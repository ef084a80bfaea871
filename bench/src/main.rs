//! The command line of the bench; `bench/run` builds everything and calls it. See bench/README.md.

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use clusterset_dns_bench::clusterset::Clusterset;
use clusterset_dns_bench::expect::Questions;
use clusterset_dns_bench::load::{self, Check, Plan};
use clusterset_dns_bench::manifests::{self, Format, Ports};
use clusterset_dns_bench::rows::{self, queries};
use clusterset_dns_bench::server::Stage;
use clusterset_dns_bench::{echo, plots, process, soak};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Measures clusterset-dns against the floor that the kernel sets.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
struct SetArgs {
    #[arg(long, default_value_t = 10_000)]
    services: u32,
    #[arg(long, default_value_t = 5)]
    clusters: u32,
    #[arg(long, value_enum, default_value = "yaml")]
    format: Format,
}

impl SetArgs {
    fn clusterset(&self) -> anyhow::Result<Clusterset> {
        Clusterset::new(self.services, self.clusters)
    }
}

#[derive(Args)]
struct RowArgs {
    #[command(flatten)]
    set: SetArgs,
    /// Rounds; the default is 8 (load: 3).
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds measured in each round, after a warm-up of a third of it.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Two rounds of 0.5 s: does it work at all?
    #[arg(long)]
    quick: bool,
    /// An OPT record in every query.
    #[arg(long)]
    edns: bool,
    /// Queries per second, sent on time whatever the replies do (default: as fast as they are answered).
    #[arg(long)]
    rate: Option<f64>,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What is started, and where.
#[derive(Args)]
struct PlaceArgs {
    /// The server's binary.
    #[arg(long, env = "CLUSTERSET_DNS_BINARY", default_value = "target/release/clusterset-dns")]
    binary: PathBuf,
    /// Folder of CoreDNS, etcd and kube-apiserver, as tests/peers/build makes it.
    #[arg(long, env = "CLUSTERSET_DNS_PEERS", default_value = "target/peers")]
    peers: PathBuf,
    /// Folder of generated sets and JSON.
    #[arg(long, default_value = "bench/out")]
    out: PathBuf,
    /// Port of the server; the two above it are those of /ready and /metrics.
    #[arg(long, default_value_t = 5390)]
    port: u16,
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    #[arg(long, default_value_t = 1)]
    load_core: usize,
}

#[derive(Args)]
struct SoakArgs {
    /// How long: 60s, 10m, 24h.
    #[arg(default_value = "10m", value_parser = length)]
    length: Duration,
    /// What goes wrong and when follows from it; by default from the clock.
    #[arg(long)]
    seed: Option<u64>,
    #[arg(long, default_value_t = 4000)]
    services: u32,
    /// Changes per second in all clusters.
    #[arg(long, default_value_t = 1000.0)]
    changes: f64,
    /// Queries per second over UDP; a tenth of it over TCP, and over gRPC.
    #[arg(long, default_value_t = 2000.0)]
    rate: f64,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Args)]
struct GenerateArgs {
    #[command(flatten)]
    set: SetArgs,
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 200_000)]
    questions: u32,
    #[arg(long, default_value_t = 5390)]
    port: u16,
}

#[derive(Args)]
struct AskArgs {
    #[arg(long, default_value = "127.0.0.1:5390")]
    server: SocketAddr,
    /// Lines as `generate` writes them.
    #[arg(long)]
    questions: PathBuf,
    /// Expect the query back, as from `echo`.
    #[arg(long)]
    echo: bool,
    #[arg(long)]
    tcp: bool,
    #[arg(long)]
    edns: bool,
    /// Sockets or connections.
    #[arg(long, default_value_t = 8)]
    sockets: usize,
    /// Queries under way on each, at most 64; the default is 64, or 16 where net.core.rmem_max is small.
    #[arg(long)]
    window: Option<usize>,
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Reads the CPU time of this process.
    #[arg(long)]
    pid: Option<u32>,
    /// Runs on this core.
    #[arg(long)]
    core: Option<usize>,
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes in one line, without a backtrace: these are faults of the run, not of the program.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Soak(args) => {
            let stage = args.place.stage()?;
            soak::run(&stage, args.plan()?)?.publish(&stage)
        }
        Command::Generate(args) => generate(&args),
        Command::Ask(args) => ask(&args),
        Command::Plots { out, to } => plots::draw(&out, &to),
        Command::Echo { listen, plain } => {
            let socket = echo::bind(listen).with_context(|| listen.to_string())?;
            Ok(if plain { echo::plain(&socket) } else { echo::batched(&socket) }?)
        }
        row => one_row(row),
    }
}

/// A row: which set, how often, and what is measured.
fn one_row(command: Command) -> anyhow::Result<()> {
    let (kind, args) = match command {
        Command::Udp(args) => (rows::Kind::Udp, args),
        Command::Floor(args) => (rows::Kind::Floor, args),
        Command::Peers(args) => (rows::Kind::Peers, args),
        Command::Multicluster(args) => (rows::Kind::Multicluster, args),
        Command::Tcp(args) => (rows::Kind::Tcp, args),
        Command::Grpc(args) => (rows::Kind::Grpc, args),
        Command::Readers(args) => (rows::Kind::Readers, args),
        Command::Scale(args) => (rows::Kind::Scale, args),
        Command::Memory(args) => (rows::Kind::Memory, args),
        Command::Upheaval(args) => (rows::Kind::Upheaval, args),
        Command::Load(args) => (rows::Kind::Load, args),
        Command::Update(args) => (rows::Kind::Update, args),
        Command::Convergence(args) => (rows::Kind::Convergence, args),
        Command::Ingest(args) => (rows::Kind::Ingest, args),
        Command::Beside(args) => (rows::Kind::Beside, args),
        Command::Overload(args) => (rows::Kind::Overload, args),
        _ => return Ok(()),
    };
    let (stage, set) = (args.place.stage()?, args.set.clusterset()?);
    let order =
        rows::Order { set, format: args.set.format, events: args.rounds.unwrap_or(if args.quick { 50 } else { 900 }) };
    rows::measure(kind, &stage, &order, args.effort(kind.rounds()))?.publish(&stage)
}

impl SoakArgs {
    fn plan(&self) -> anyhow::Result<soak::Plan> {
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
    fn stage(&self) -> anyhow::Result<Stage> {
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
    fn effort(&self, rounds: usize) -> queries::Effort {
        let measure = Duration::from_secs_f64(if self.quick { 0.5 } else { self.seconds });
        let rounds = self.rounds.unwrap_or(if self.quick { 2 } else { rounds });
        queries::Effort { rounds, warmup: measure / 3, measure, edns: self.edns, rate: self.rate }
    }
}

fn generate(args: &GenerateArgs) -> anyhow::Result<()> {
    let set = args.set.clusterset()?;
    let ports = Ports::from(args.port);
    let written = manifests::write(&args.out, &set, args.set.format, args.questions, ports)?;
    let megabytes = written.octets as f64 / 1e6;
    println!("{}: {} objects, {megabytes:.1} MB, {} names", args.out.display(), written.objects, written.names);
    Ok(())
}

fn ask(args: &AskArgs) -> anyhow::Result<()> {
    if let Some(core) = args.core {
        process::pin(core)?;
    }
    let mut questions = Questions::read(&args.questions, args.edns)?;
    let check = if args.echo { Check::Echo } else { Check::Answer };
    let measure = Duration::from_secs_f64(args.seconds);
    let plan = Plan {
        sockets: args.sockets,
        window: args.window.unwrap_or_else(load::default_window),
        rate: args.rate,
        warmup: measure / 3,
        measure,
        pids: args.pid.into_iter().collect(),
        ..Plan::new(args.server, check)
    };
    let run = if args.tcp { load::tcp::run } else { load::udp::run };
    let tally = run(&plan, &mut questions)?;
    if args.json {
        println!("{:#}", tally.json());
    } else {
        println!("{}", tally.text());
    }
    anyhow::ensure!(tally.is_clean(), "{} wrong, {} missing, {} answered", tally.wrong, tally.missing, tally.answered);
    Ok(())
}
