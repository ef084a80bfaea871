//! The rows of the result: each command measures one thing and prints it as Markdown; JSON goes to `bench/out`.

pub mod beside;
pub mod convergence;
pub mod loading;
pub mod overload;
pub mod queries;
pub mod update;

use crate::server::Stage;
use anyhow::Context;
use serde_json::{Value, json};

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
