//! Whole numbers within bounds, and shares in percent.

use super::super::reader::{Reader, Setting};
use super::super::shape::Shape;
use super::super::tree::{Node, Value};
use super::{Scalar, refuse};

/// A whole number of `MIN..=MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// `None` outside the bounds.
    pub const fn new(number: u32) -> Option<Self> {
        if MIN <= number && number <= MAX { Some(Bounded(number)) } else { None }
    }

    /// A default, which is within its bounds.
    pub(in crate::config) const fn of(number: u32) -> Self {
        debug_assert!(MIN <= number && number <= MAX, "a default is within its bounds");
        Bounded(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number, for counts and lengths.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

impl<const MIN: u32, const MAX: u32> Setting for Bounded<MIN, MAX> {
    fn shape() -> Shape {
        Shape::Leaf(serde_json::json!({ "type": "integer", "minimum": MIN, "maximum": MAX }))
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let range = format!("a whole number from {MIN} to {MAX} is expected");
        let (problem, advice) = match &node.value {
            Value::Integer(number) => match u32::try_from(*number).ok().and_then(Self::new) {
                Some(number) => return Some(number),
                None if *number < i64::from(MIN) => (format!("is under {MIN}, {range}"), "write a larger one"),
                None => (format!("is over {MAX}, {range}"), "write a smaller one"),
            },
            Value::Text(text) if text.parse::<u32>().is_ok() => (format!("is a text, {range}"), "remove the quotes"),
            other => (format!("is {}, {range}", other.kind()), "write a plain number without a unit"),
        };
        reader.wrong(node, problem, advice);
        None
    }

    fn print(&self) -> Node {
        Node::bare(Value::Integer(i64::from(self.0)))
    }
}

/// A share in percent, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u8);

impl Share {
    /// A default, at most 100.
    pub(in crate::config) const fn of(percent: u8) -> Self {
        debug_assert!(percent <= 100, "a share is at most 100 %");
        Share(percent)
    }

    /// 0 to 100.
    pub const fn percent(self) -> u8 {
        self.0
    }
}

impl Scalar for Share {
    fn schema() -> Shape {
        Shape::text("^[0-9]{1,3}%$", "a percentage such as 50%")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        match text.strip_suffix('%').and_then(|number| number.trim_end().parse().ok()) {
            Some(percent) if percent <= 100 => Ok(Share(percent)),
            Some(_) => refuse("is over 100%", "write 0% to 100%"),
            None => refuse("is not a percentage", "write it like 50%"),
        }
    }

    fn text(&self) -> String {
        format!("{}%", self.0)
    }

    const NUMERIC: bool = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!(Share::parse("50%").unwrap().percent(), 50);
        assert_eq!(Share::parse("101%").unwrap_err().0, "is over 100%");
        for bad in ["50", "0.5", "%", "-1%", "300%"] {
            assert!(Share::parse(bad).is_err(), "{bad}");
        }
    }
}
