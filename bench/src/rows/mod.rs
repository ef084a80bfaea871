//! The rows of the result: each command measures one thing and prints it as Markdown; JSON goes to `bench/out`.

pub mod beside;
pub mod contest;
pub mod convergence;
pub mod fronts;
pub mod loading;
pub mod memory;
pub mod overload;
pub mod peers;
pub mod prober;
pub mod queries;
pub mod readers;
pub mod scale;
pub mod update;
pub mod upheaval;

use crate::clusterset::Clusterset;
use crate::manifests::Format;
use crate::server::Stage;
use anyhow::Context;
use queries::Effort;
use serde_json::{Value, json};

/// Which row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Udp,
    Floor,
    Peers,
    Multicluster,
    Tcp,
    Grpc,
    Readers,
    Scale,
    Memory,
    Upheaval,
    Load,
    Update,
    Convergence,
    Ingest,
    Beside,
    Overload,
}

/// What it is measured on.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub set: Clusterset,
    pub format: Format,
    /// Changes of the convergence row.
    pub events: usize,
}

impl Kind {
    /// Rounds where nothing else is asked for.
    pub fn rounds(self) -> usize {
        match self {
            Kind::Load | Kind::Ingest => 3,
            Kind::Beside | Kind::Scale => 4,
            Kind::Overload => 1,
            _ => 8,
        }
    }
}

/// Measures one row.
///
/// # Errors
/// Of the stage: a program is missing, a port is taken, a server does not become ready.
pub fn measure(kind: Kind, stage: &Stage, order: &Order, effort: Effort) -> anyhow::Result<Row> {
    let (set, format) = (&order.set, order.format);
    match kind {
        Kind::Udp => queries::udp(stage, set, format, effort, true),
        Kind::Floor => queries::udp(stage, set, format, effort, false),
        Kind::Peers => peers::zones(stage, set, format, effort),
        Kind::Multicluster => peers::multicluster(stage, set, effort),
        Kind::Tcp => fronts::measure(stage, set, format, effort, ("tcp", &fronts::TCP)),
        Kind::Grpc => fronts::measure(stage, set, format, effort, ("grpc", &fronts::GRPC)),
        Kind::Readers => readers::row(stage, set, effort),
        Kind::Scale => scale::measure(stage, set.clusters, set.services, effort),
        Kind::Memory => memory::measure(stage, set),
        Kind::Upheaval => upheaval::measure(stage, set.services),
        Kind::Load => loading::measure(stage, set, format, effort.rounds),
        Kind::Update => update::measure(stage, set, format, effort.rounds),
        Kind::Convergence => convergence::measure(stage, set, order.events),
        Kind::Ingest => loading::from_api_servers(stage, set, effort.rounds),
        Kind::Beside => beside::measure(stage, set, format, effort),
        Kind::Overload => overload::measure(stage, set, format, effort),
    }
}

/// A finished row.
pub struct Row {
    /// File name of the JSON, without extension.
    pub name: String,
    pub markdown: String,
    pub json: Value,
    /// Something was wrong: the figures must not be used.
    pub failed: bool,
}

impl Row {
    /// Prints the Markdown and writes the JSON.
    ///
    /// # Errors
    /// A failed row, after printing it.
    pub fn publish(self, stage: &Stage) -> anyhow::Result<()> {
        println!("{}", self.markdown);
        let path = stage.out.join(format!("{}.json", self.name));
        let whole = json!({ "row": self.name, "machine": machine(), "failed": self.failed, "result": self.json });
        std::fs::write(&path, format!("{whole:#}\n")).with_context(|| path.display().to_string())?;
        eprintln!("JSON: {}", path.display());
        anyhow::ensure!(!self.failed, "{}: replies were wrong or missing; the figures do not count", self.name);
        Ok(())
    }
}

/// What the figures were measured on.
fn machine() -> Value {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo");
    let model = model.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    json!({
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "cpu": model.trim_start_matches([' ', '\t', ':']),
        "cores": crate::process::cores().len(),
    })
}
