//! Lengths of time: `250ms`, `5s`, `15m`, `24h`, `1h30m`; `0` is never.

use super::super::shape::Shape;
use super::{Scalar, refuse};
use std::fmt;
use std::time::Duration;

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// Shorter times are written in seconds: 60s, 300s, 10m.
const MINUTES_FROM_MS: u64 = 600_000;
/// Ten years: longer times are surely mistakes, and shorter ones cannot overflow when added up.
const LONGEST_MS: u64 = 10 * 366 * 24 * 3_600_000;

/// A length of time; zero means never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(Duration);

impl Period {
    /// A length of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Period(Duration::from_secs(seconds))
    }

    /// The length; zero where the setting says never.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// The length; `None` where the setting says never.
    pub const fn limit(self) -> Option<Duration> {
        if self.0.is_zero() { None } else { Some(self.0) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return f.write_str("0");
        }
        let units = if millis < MINUTES_FROM_MS { &UNITS[2..] } else { &UNITS[..] };
        match units.iter().find(|(_, size)| millis % size == 0) {
            Some((unit, size)) => write!(f, "{}{unit}", millis / size),
            None => write!(f, "{millis}ms"),
        }
    }
}

impl Scalar for Period {
    fn schema() -> Shape {
        Shape::Leaf(serde_json::json!({
            "type": ["string", "integer"], "pattern": "^(0|([0-9]+(ms|s|m|h))+)$", "maximum": 0, "minimum": 0,
            "description": "a length of time such as 250ms, 5s, 15m or 24h; 0 is never",
        }))
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        if text == "0" {
            return Ok(Period(Duration::ZERO));
        }
        if let Ok(number) = text.parse::<u64>() {
            return refuse("has no unit", format!("write {number}s for seconds, or ms, m, h; only 0 stands alone"));
        }
        let Some(millis) = total(text) else {
            return refuse("is not a length of time", "write a number with ms, s, m or h, such as 250ms, 5s, 15m, 24h");
        };
        if millis > LONGEST_MS {
            return refuse("is over ten years", "write a shorter time, or 0 for never");
        }
        Ok(Period(Duration::from_millis(millis)))
    }

    fn text(&self) -> String {
        self.to_string()
    }

    const NUMERIC: bool = true;
}

/// Milliseconds of `1h30m`; `None` when it is not written so.
fn total(mut text: &str) -> Option<u64> {
    let mut sum = 0u64;
    if text.is_empty() {
        return None;
    }
    while !text.is_empty() {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, rest) = text.split_at(digits);
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*size)?)?;
        text = rest;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_units() {
        let cases =
            [("250ms", 250), ("5s", 5_000), ("15m", 900_000), ("24h", 86_400_000), ("1h30m", 5_400_000), ("0", 0)];
        for (text, millis) in cases {
            assert_eq!(Period::parse(text).unwrap().duration().as_millis(), millis, "{text}");
        }
        for (text, written) in
            [("90m", "90m"), ("60000ms", "60s"), ("5m", "300s"), ("1500ms", "1500ms"), ("0s", "0"), ("24h", "24h")]
        {
            assert_eq!(Period::parse(text).unwrap().to_string(), written);
        }
        assert_eq!(Period::parse("0").unwrap().limit(), None);
    }

    #[test]
    fn refuses_what_is_no_time() {
        assert_eq!(Period::parse("30").unwrap_err().0, "has no unit");
        for bad in ["", "5", "s", "5 s", "5d", "-1s", "1.5s", "99999999999999999999s", "999999h"] {
            assert!(Period::parse(bad).is_err(), "{bad}");
        }
    }
}
