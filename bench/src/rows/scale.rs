//! Cost as size grows: 1,000, 10,000, 100,000 and a million names, each beside the floor.

use super::Row;
use super::contest::{self, ratios};
use super::queries::Effort;
use super::readers::{self, Figures};
use crate::clusterset::Clusterset;
use crate::server::Stage;
use crate::stats::{Spread, markdown};
use serde_json::{Value, json};

/// Services of about 1,000, 10,000, 100,000 and 1,000,000 names.
pub const SIZES: [u32; 4] = [243, 2_430, 24_300, 243_000];

/// Services of one scripted API server: with more its lists take minutes.
const PER_CLUSTER: u32 = 2_430;

/// Measures the sizes up to `most` services, one after the other.
pub fn measure(stage: &Stage, clusters: u32, most: u32, effort: Effort) -> anyhow::Result<Row> {
    let mut all = Vec::new();
    for services in SIZES.into_iter().filter(|services| *services <= most) {
        let set = Clusterset::new(services, clusters.max(services / PER_CLUSTER))?;
        all.push(readers::measure(stage, &set, effort)?);
    }
    let title = format!(
        "Cost as size grows, {clusters} scripted API servers and more, with and without 1,000 updates a second"
    );
    Ok(Row {
        name: "scale".to_owned(),
        markdown: format!("### {title}\n\n{}", table(&all)),
        json: json!({ "title": title, "sizes": all.iter().map(entry).collect::<Vec<_>>() }),
        failed: all.iter().any(Figures::failed),
    })
}

fn table(all: &[Figures]) -> String {
    let line = |figures: &Figures| {
        let floor = figures.all[0].micros();
        let of = |place: usize| ratios(&figures.reader[place], &floor).text(2);
        vec![
            format!("{:.0}", figures.names),
            Spread::of(&figures.reader[0]).text(2),
            of(0),
            of(1),
            Spread::of(&figures.publish).text(1),
            Spread::of(&figures.reading).text(1),
            format!("{:.0}", figures.bytes_per_name),
            format!("{:.0}", figures.resident_mib),
        ]
    };
    let head = [
        "names",
        "us/q of the UDP thread (IQR)",
        "x echo (IQR)",
        "x echo at 1,000 updates/s",
        "us per update, merge to table",
        "us per update, TLS to decoded",
        "octets per name",
        "RSS MiB",
    ];
    markdown(&head, &all.iter().map(line).collect::<Vec<_>>())
}

fn entry(figures: &Figures) -> Value {
    json!({ "figures": figures.json(), "servers": contest::json(&figures.all) })
}
