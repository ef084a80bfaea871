//! Medians, quartiles, latency histograms and the Markdown of a result.

use std::fmt::Write;
use std::time::Duration;

/// Median and quartiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    /// Of any number of values; zero for none.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
            let place = share * last as f64;
            let (below, part) = (place as usize, place.fract());
            sorted[below] + part * (sorted[(below + 1).min(last)] - sorted[below])
        };
        Spread { median: at(0.5), low: at(0.25), high: at(0.75) }
    }

    /// `4.17 (3.98-4.30)`.
    pub fn text(&self, digits: usize) -> String {
        format!("{:.*} ({:.*}-{:.*})", digits, self.median, digits, self.low, digits, self.high)
    }
}

/// Buckets per doubling of time.
const STEPS: usize = 32;

/// Times in buckets that are 3 % wide.
#[derive(Debug, Clone)]
pub struct Latencies {
    counts: Vec<u64>,
}

impl Default for Latencies {
    fn default() -> Self {
        Latencies { counts: vec![0; 64 * STEPS] }
    }
}

impl Latencies {
    pub fn record(&mut self, nanos: u64) {
        let nanos = nanos.max(STEPS as u64);
        let exponent = nanos.ilog2() as usize;
        let step = (nanos >> (exponent - STEPS.ilog2() as usize)) as usize & (STEPS - 1);
        self.counts[exponent * STEPS + step] += 1;
    }

    /// The time that a share of the values does not exceed.
    pub fn quantile(&self, share: f64) -> Duration {
        let total: u64 = self.counts.iter().sum();
        let mut left = (total as f64 * share).ceil() as u64;
        for (index, count) in self.counts.iter().enumerate() {
            if *count >= left && left > 0 {
                let (exponent, step) = (index / STEPS, index % STEPS);
                return Duration::from_nanos((1 << exponent) + ((step as u64 + 1) << exponent) / STEPS as u64);
            }
            left = left.saturating_sub(*count);
        }
        Duration::ZERO
    }
}

/// A Markdown table.
pub fn markdown(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = line(&head);
    let _ = writeln!(text, "|{}", "--|".repeat(head.len()));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quartiles_are_interpolated() {
        assert_eq!(Spread::of(&[4.0, 1.0, 3.0, 2.0]), Spread { median: 2.5, low: 1.75, high: 3.25 });
        assert_eq!(Spread::of(&[7.0]).text(2), "7.00 (7.00-7.00)");
        assert_eq!(Spread::of(&[]).median, 0.0);
    }

    #[test]
    fn quantiles_are_within_their_bucket() {
        let mut latencies = Latencies::default();
        (1..=1000u64).for_each(|micros| latencies.record(micros * 1000));
        for (share, exact) in [(0.5, 500.0), (0.99, 990.0)] {
            let found = latencies.quantile(share).as_secs_f64() * 1e6;
            assert!((exact..exact * 1.04).contains(&found), "{share}: {found}");
        }
    }
}
