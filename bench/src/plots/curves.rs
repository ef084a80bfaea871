//! Curves: what a query, an update and a name cost as the number of names grows; the distribution of latencies.

use super::svg::{Anchor, Axis, COLOURS, Drawing, label, ticks};
use serde_json::Value;

/// Three panels over the number of names.
pub fn sizes(row: &Value) -> Option<String> {
    let sizes = row["sizes"].as_array()?;
    let names: Vec<f64> = sizes.iter().filter_map(|size| size["figures"]["names"].as_f64()).collect();
    let figure = |key: &str| sizes.iter().filter_map(|size| size["figures"][key].as_f64()).collect::<Vec<_>>();
    let ratio = |key: &str| {
        let floor = |size: &Value| size["servers"][0]["cpu_us_per_query"].as_f64();
        sizes.iter().filter_map(|size| Some(size["figures"][key].as_f64()? / floor(size)?)).collect::<Vec<_>>()
    };
    let query = [("quiet", "reader_us"), ("1,000 updates/s", "reader_us_with_updates")];
    let panels = [
        ("query, UDP thread: times the floor", query.map(|(name, key)| (name, ratio(key))).to_vec()),
        ("us per update, merge to table", vec![("thread publish", figure("publish_us_per_update"))]),
        ("octets per name", vec![("table", figure("bytes_per_name"))]),
    ];
    let mut drawing = Drawing::new(900.0, 320.0, "Cost as the number of names grows");
    for (place, (title, series)) in (0u32..).zip(&panels) {
        panel(&mut drawing, 50.0 + 290.0 * f64::from(place), title, &names, series);
    }
    (names.len() > 1).then(|| drawing.finish())
}

fn panel(drawing: &mut Drawing, left: f64, title: &str, names: &[f64], series: &[(&str, Vec<f64>)]) {
    const TOP: f64 = 70.0;
    const BOTTOM: f64 = 260.0;
    let right = left + 230.0;
    let most = series.iter().flat_map(|(_, values)| values).copied().fold(0.0, f64::max);
    let marks = ticks(most);
    let to = marks.last().copied().unwrap_or(most);
    let high = Axis { from: 0.0, to, start: BOTTOM, end: TOP, logarithmic: false };
    let across = Axis { from: 700.0, to: 1.4e6, start: left, end: right, logarithmic: true };
    drawing.words((left, TOP - 16.0), 12, Anchor::Start, title);
    for mark in marks {
        drawing.mark_y(&high, mark, (left, right), &label(mark));
    }
    for (mark, label) in [(1e3, "1k"), (1e4, "10k"), (1e5, "100k"), (1e6, "1M")] {
        drawing.mark_x(&across, mark, (TOP, BOTTOM), label);
    }
    for (number, (name, values)) in series.iter().enumerate() {
        let points: Vec<(f64, f64)> =
            names.iter().zip(values).map(|(x, y)| (across.place(*x), high.place(*y))).collect();
        drawing.path(&points, COLOURS[number]);
        points.iter().for_each(|point| drawing.dot(*point, COLOURS[number]));
        let y = BOTTOM + 34.0 + 15.0 * number as f64;
        drawing.rect((left, y - 8.0), (10.0, 10.0), COLOURS[number]);
        drawing.words((left + 15.0, y + 1.0), 11, Anchor::Start, name);
    }
}

/// Latency by share of queries, at a fixed rate: each server a curve.
pub fn latencies(row: &Value) -> Option<String> {
    let servers = row["servers"].as_array()?;
    let mut drawing = Drawing::new(760.0, 360.0, "Latency of UDP queries at 20,000 a second");
    let (left, right, top, bottom) = (60.0, 740.0, 44.0, 270.0);
    // The share that is slower, from all to one in a thousand.
    let across = Axis { from: 1.0, to: 0.001, start: left, end: right, logarithmic: true };
    let high = Axis { from: 20.0, to: 5_000.0, start: bottom, end: top, logarithmic: true };
    for (mark, label) in [(20.0, "20 us"), (100.0, "100 us"), (1e3, "1 ms")] {
        drawing.mark_y(&high, mark, (left, right), label);
    }
    for (mark, label) in [(1.0, "all"), (0.5, "p50"), (0.1, "p90"), (0.01, "p99"), (0.001, "p99.9")] {
        drawing.mark_x(&across, mark, (top, bottom), label);
    }
    for (number, server) in servers.iter().take(COLOURS.len()).enumerate() {
        let shares: Vec<f64> = server["latency_us_by_permille"].as_array()?.iter().filter_map(Value::as_f64).collect();
        let points: Vec<(f64, f64)> = (1u32..)
            .zip(&shares)
            .map(|(permille, micros)| (across.place(1.0 - f64::from(permille) / 1000.0), high.place(*micros)))
            .collect();
        drawing.path(&points, COLOURS[number]);
        let (x, y) = (left + 330.0 * (number % 2) as f64, bottom + 40.0 + 18.0 * (number / 2) as f64);
        drawing.rect((x, y - 9.0), (10.0, 10.0), COLOURS[number]);
        drawing.words((x + 15.0, y), 11, Anchor::Start, server["name"].as_str()?);
    }
    let legend = "median of rounds for each share of queries; open loop: a query counts from when it was due";
    drawing.words((left, 348.0), 11, Anchor::Start, legend);
    Some(drawing.finish())
}
