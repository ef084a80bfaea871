//! Bars: the ratio to the floor of each server; how often a change took how long to become an answer.

use super::svg::{Anchor, Axis, COLOURS, Drawing, label, ticks};
use serde_json::Value;

/// Servers with their ratio and its quartiles, the smallest first; the floor once.
pub fn ratios(title: &str, rows: &[Option<Value>]) -> Option<String> {
    let mut servers: Vec<(String, [f64; 3])> = Vec::new();
    for row in rows.iter().flatten() {
        let imports = row["title"].as_str().is_some_and(|title| title.contains("kube-apiserver"));
        for server in row["servers"].as_array()? {
            let figure = |key: &str| server[key].as_f64();
            let figures = [figure("ratio_to_floor")?, figure("ratio_low")?, figure("ratio_high")?];
            let mut name = server["name"].as_str()?.to_owned();
            if name == "clusterset-dns" && imports {
                name += ", imports of a kube-apiserver";
            }
            if name == "NSD" && row["versions"]["NSD"].as_str().is_some_and(|version| version.contains("without")) {
                name += " (built without recvmmsg)";
            }
            if !servers.iter().any(|(known, _)| *known == name) {
                servers.push((name, figures));
            }
        }
    }
    servers.sort_by(|a, b| a.1[0].total_cmp(&b.1[0]));
    let most = servers.iter().map(|(_, [_, _, high])| *high).fold(0.0, f64::max);
    (most > 0.0).then(|| bars_of_ratios(title, &servers, most))
}

fn bars_of_ratios(title: &str, servers: &[(String, [f64; 3])], most: f64) -> String {
    const LEFT: f64 = 300.0;
    const STEP: f64 = 30.0;
    let bottom = 48.0 + STEP * servers.len() as f64;
    let mut drawing = Drawing::new(760.0, bottom + 44.0, title);
    let marks = ticks(most);
    let end = marks.last().copied().unwrap_or(most);
    let axis = Axis { from: 0.0, to: end, start: LEFT, end: 690.0, logarithmic: false };
    for mark in &marks {
        drawing.mark_x(&axis, *mark, (42.0, bottom), &label(*mark));
    }
    for (place, (name, [ratio, low, high])) in (0u32..).zip(servers) {
        let top = 48.0 + STEP * f64::from(place);
        let middle = top + 10.0;
        let colour = if name.starts_with("clusterset-dns") { COLOURS[0] } else { "#9aa5ad" };
        drawing.words((LEFT - 8.0, middle + 4.0), 12, Anchor::End, name);
        drawing.rect((LEFT, top), (axis.place(*ratio) - LEFT, 20.0), colour);
        drawing.line((axis.place(*low), middle), (axis.place(*high), middle), "#222222", 1.5);
        drawing.words((axis.place(*high) + 6.0, middle + 4.0), 12, Anchor::Start, &format!("{ratio:.2}"));
    }
    drawing.line((axis.place(1.0), 42.0), (axis.place(1.0), bottom), "#222222", 1.0);
    let legend = "median of ratios taken within each round; the line is the quartiles; shorter is better";
    drawing.words((16.0, bottom + 36.0), 11, Anchor::Start, legend);
    drawing.finish()
}

/// Bars of a decade of time in the histogram.
const PER_DECADE: f64 = 10.0;

/// From the percentiles of put-to-answer, up to the 99th: bars from 0.1 ms to 100 ms, ten to a decade.
pub fn convergence(row: &Value) -> Option<String> {
    let percentiles: Vec<f64> = row["histogram_us"].as_array()?.iter().filter_map(Value::as_f64).collect();
    let mut counts = [0u32; 3 * PER_DECADE as usize];
    for micros in &percentiles {
        let place = ((micros / 100.0).log10() * PER_DECADE).max(0.0) as usize;
        counts[place.min(counts.len() - 1)] += 1;
    }
    let most = counts.iter().copied().max().filter(|most| *most > 0).map(f64::from)?;
    let mut drawing = Drawing::new(760.0, 320.0, "From a changed EndpointSlice to the answer that shows it");
    let (left, right, top, bottom) = (60.0, 740.0, 44.0, 260.0);
    let high = Axis { from: 0.0, to: most, start: bottom, end: top, logarithmic: false };
    for mark in ticks(most).into_iter().filter(|mark| *mark <= most) {
        drawing.mark_y(&high, mark, (left, right), &format!("{} %", label(mark)));
    }
    let across = Axis { from: 0.1, to: 100.0, start: left, end: right, logarithmic: true };
    for mark in [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0] {
        drawing.mark_x(&across, mark, (top, bottom), &format!("{mark} ms"));
    }
    for (place, count) in (0u32..).zip(&counts) {
        let edge = |place: u32| across.place(0.1 * 10f64.powf(f64::from(place) / PER_DECADE));
        let (x, next, y) = (edge(place), edge(place + 1), high.place(f64::from(*count)));
        drawing.rect((x + 1.0, y), (next - x - 2.0, bottom - y), COLOURS[0]);
    }
    let figure = |key: &str| row[key].as_f64().unwrap_or(0.0) / 1000.0;
    let (p50, p99) = (figure("p50_us"), figure("p99_us"));
    let legend = format!("share of {} changes; p50 {p50:.2} ms, p99 {p99:.2} ms", row["events"]);
    drawing.words((left, 304.0), 11, Anchor::Start, &legend);
    Some(drawing.finish())
}
