//! The command line of the bench; `bench/run` builds everything and calls it. See bench/README.md.

mod arguments;

use anyhow::Context;
use arguments::{AskArgs, Cli, Command, GenerateArgs};
use clap::Parser;
use clusterset_dns_bench::expect::Questions;
use clusterset_dns_bench::load::{self, Check, Plan};
use clusterset_dns_bench::manifests::{self, Ports};
use clusterset_dns_bench::{echo, plots, process, rows, soak};
use std::process::ExitCode;
use std::time::Duration;

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
    let mut row = rows::measure(kind, &stage, &order, args.effort(kind.rounds()))?;
    if args.quick {
        // Plots are drawn from whole measurements.
        row.name += "-quick";
    }
    row.publish(&stage)
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
