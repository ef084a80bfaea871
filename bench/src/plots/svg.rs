//! A drawing of lines, boxes and words; axes that map figures to places.

use std::fmt::Write;

/// Colours of series, told apart without red and green.
pub const COLOURS: [&str; 5] = ["#1b6ca8", "#e0861a", "#7a5195", "#4d4d4d", "#2a9d8f"];
const INK: &str = "#222222";
const FAINT: &str = "#d9d9d9";

/// Where a word stands relative to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG under way.
pub struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

impl Drawing {
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        let mut drawing = Drawing { width, height, body: String::new() };
        drawing.rect((0.0, 0.0), (width, height), "#ffffff");
        drawing.words((16.0, 24.0), 15, Anchor::Start, title);
        drawing
    }

    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        );
    }

    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str, width: f64) {
        let _ = writeln!(
            self.body,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        );
    }

    /// Points joined by lines.
    pub fn path(&mut self, points: &[(f64, f64)], colour: &str) {
        let list: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            self.body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            list.join(" ")
        );
    }

    pub fn dot(&mut self, (x, y): (f64, f64), colour: &str) {
        let _ = writeln!(self.body, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
    }

    pub fn words(&mut self, (x, y): (f64, f64), size: u32, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('`', "");
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{INK}\">{text}</text>"
        );
    }

    /// A vertical line of the grid with its figure below.
    pub fn mark_x(&mut self, axis: &Axis, value: f64, (top, bottom): (f64, f64), label: &str) {
        let x = axis.place(value);
        self.line((x, top), (x, bottom), FAINT, 1.0);
        self.words((x, bottom + 16.0), 11, Anchor::Middle, label);
    }

    /// A horizontal line of the grid with its figure to the left.
    pub fn mark_y(&mut self, axis: &Axis, value: f64, (left, right): (f64, f64), label: &str) {
        let y = axis.place(value);
        self.line((left, y), (right, y), FAINT, 1.0);
        self.words((left - 6.0, y + 4.0), 11, Anchor::End, label);
    }

    pub fn finish(self) -> String {
        let (width, height) = (self.width, self.height);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"sans-serif\">\n{}</svg>\n",
            self.body
        )
    }
}

/// From figures to places: `from` at `start`, `to` at `end`.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub from: f64,
    pub to: f64,
    pub start: f64,
    pub end: f64,
    pub logarithmic: bool,
}

impl Axis {
    pub fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.max(1e-12).ln() } else { value };
        let share = (scale(value) - scale(self.from)) / (scale(self.to) - scale(self.from));
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }
}

/// Round figures from 0 to at least `most`, about five of them.
pub fn ticks(most: f64) -> Vec<f64> {
    let raw = most.max(1e-9) / 5.0;
    let unit = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * unit).into_iter().find(|step| *step >= raw);
    let step = step.unwrap_or(unit);
    (0..).map(|number| f64::from(number) * step).take_while(|tick| *tick < most + step).collect()
}

/// A tick in as few figures as it needs.
pub fn label(tick: f64) -> String {
    let text = format!("{tick:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_most() {
        assert_eq!(ticks(7.3), [0.0, 2.0, 4.0, 6.0, 8.0]);
        let labels: Vec<String> = ticks(1.0).into_iter().map(label).collect();
        assert_eq!(labels, ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        let labels: Vec<String> = ticks(1.18).into_iter().map(label).collect();
        assert_eq!(labels, ["0", "0.25", "0.5", "0.75", "1", "1.25"]);
        assert!(ticks(283.0).last().is_some_and(|last| *last >= 283.0));
    }

    #[test]
    fn axes_map_their_ends() {
        let axis = Axis { from: 1.0, to: 100.0, start: 300.0, end: 20.0, logarithmic: true };
        let places = [1.0, 10.0, 100.0, 1e6].map(|value| axis.place(value).round());
        assert_eq!(places, [300.0, 160.0, 20.0, 20.0], "beyond the end is the end");
    }

    #[test]
    fn words_cannot_break_the_drawing() {
        let mut drawing = Drawing::new(10.0, 10.0, "a < b & c");
        drawing.words((0.0, 0.0), 10, Anchor::End, "`x`");
        let text = drawing.finish();
        assert!(text.contains("a &lt; b &amp; c") && text.contains(">x</text>"), "{text}");
    }
}
