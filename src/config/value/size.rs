//! Amounts of memory: `256Ki`, `2Mi`, `1Gi`, or octets.

use super::super::shape::Shape;
use super::number::Share;
use super::{Scalar, refuse};
use std::fmt;

const UNITS: [(&str, u64); 6] =
    [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000)];

/// Octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

impl Size {
    /// A number of octets.
    pub const fn octets(octets: u64) -> Self {
        Size(octets)
    }

    /// How many octets.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(unit, size)| unit.ends_with('i') && self.0.is_multiple_of(*size)) {
            Some((unit, size)) if self.0 > 0 => write!(f, "{}{unit}", self.0 / size),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl Scalar for Size {
    fn schema() -> Shape {
        Shape::Leaf(serde_json::json!({
            "type": ["string", "integer"], "pattern": "^[0-9]+(Ki|Mi|Gi|k|M|G)?$", "minimum": 0,
            "description": "an amount of memory such as 256Ki, 2Mi or 1Gi, or a number of octets",
        }))
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let (number, size) =
            UNITS.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size))).unwrap_or((text, 1));
        let digits = !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit());
        match number.parse::<u64>().ok().filter(|_| digits).and_then(|number| number.checked_mul(size)) {
            Some(octets) => Ok(Size(octets)),
            None => refuse("is not a size", "write it like 256Ki, 2Mi or 1Gi"),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }

    const NUMERIC: bool = true;
}

/// How much memory the process may use before it refuses new objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLimit {
    /// Of the cgroup's limit; without one there is none.
    Share(Share),
    /// A fixed amount; 0 is no limit.
    Size(Size),
}

impl Scalar for MemoryLimit {
    fn schema() -> Shape {
        Shape::Leaf(serde_json::json!({
            "type": ["string", "integer"], "pattern": "^[0-9]+(%|Ki|Mi|Gi|k|M|G)?$", "minimum": 0,
            "description": "a percentage such as 80% or a size such as 512Mi",
        }))
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        if text.ends_with('%') {
            return Share::parse(text).map(MemoryLimit::Share);
        }
        match Size::parse(text) {
            Ok(size) => Ok(MemoryLimit::Size(size)),
            Err(_) => refuse("is neither a percentage nor a size", "write it like 80% or 512Mi"),
        }
    }

    fn text(&self) -> String {
        match self {
            MemoryLimit::Share(share) => share.text(),
            MemoryLimit::Size(size) => size.text(),
        }
    }

    const NUMERIC: bool = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_binary_and_decimal_units() {
        for (text, octets) in
            [("256Ki", 262_144), ("2Mi", 2_097_152), ("1Gi", 1 << 30), ("64k", 64_000), ("512", 512), ("0", 0)]
        {
            assert_eq!(Size::parse(text).unwrap().get(), octets, "{text}");
        }
        for (octets, written) in [(262_144, "256Ki"), (1_500, "1500"), (0, "0"), (3 << 20, "3Mi")] {
            assert_eq!(Size::octets(octets).to_string(), written);
        }
        for bad in ["", "Ki", "1.5Mi", "-1", "+5", "2MB", "99999999999Gi"] {
            assert!(Size::parse(bad).is_err(), "{bad}");
        }
        assert!(matches!(MemoryLimit::parse("80%"), Ok(MemoryLimit::Share(_))));
        assert!(matches!(MemoryLimit::parse("512Mi"), Ok(MemoryLimit::Size(_))));
    }
}
