//! SVG of the rows: in: the JSON in `bench/out`; out: `docs/plots/*.svg`. What was not measured is not drawn.

mod bars;
mod curves;
mod svg;

use anyhow::Context;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Draws every plot whose rows are there.
///
/// # Errors
/// The folder cannot be written, or JSON is not that of a row.
pub fn draw(out: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    let ten = [row(out, "peers-10000")?, row(out, "multicluster-10000")?];
    let many = [row(out, "peers-200000")?, None];
    let plots = [
        ("ratio-10000.svg", bars::ratios("CPU per answered query, 10,000 services: times the echo floor", &ten)),
        ("ratio-200000.svg", bars::ratios("CPU per answered query, 200,000 services: times the echo floor", &many)),
        ("size.svg", row(out, "scale")?.and_then(|row| curves::sizes(&row))),
        ("latency.svg", row(out, "udp-10000-20000")?.and_then(|row| curves::latencies(&row))),
        ("convergence.svg", row(out, "convergence-2000")?.and_then(|row| bars::convergence(&row))),
    ];
    for (name, plot) in plots {
        match plot {
            Some(plot) => {
                fs::write(to.join(name), plot).with_context(|| name.to_owned())?;
                println!("{}", to.join(name).display());
            }
            None => println!("{name}: not measured yet, left as it is"),
        }
    }
    Ok(())
}

/// The result of a row that did not fail; `None` if there is none.
fn row(out: &Path, name: &str) -> anyhow::Result<Option<Value>> {
    let path = out.join(format!("{name}.json"));
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    let mut whole: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    Ok((whole["failed"] == false).then(|| whole["result"].take()))
}
