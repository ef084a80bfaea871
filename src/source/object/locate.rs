//! The line of a field, found by reading the document a second time; only findings pay for it.

use super::lenient::KeyText;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// Fields located per document; later findings carry the document's first line.
const MAX_LOCATED: u32 = 16;
/// Longer documents are not read twice (1 MiB).
const MAX_TEXT: usize = 1 << 20;

/// The text of one document, for looking up lines.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    located: AtomicU32,
}

impl<'a> Document<'a> {
    /// A document; its first line counts as 1.
    pub fn new(text: &'a str) -> Self {
        Document { text, located: AtomicU32::new(0) }
    }

    /// The document is read from its start: what was located in an attempt that came to nothing does not count.
    pub fn start_over(&self) {
        self.located.store(0, Ordering::Relaxed);
    }

    /// Line and column from 1 of `path` (such as `spec.ports[0].port`) below the root or below `items[item]`.
    pub fn locate(&self, item: Option<usize>, path: &str) -> Option<(u32, u32)> {
        if self.text.len() > MAX_TEXT || self.located.fetch_add(1, Ordering::Relaxed) >= MAX_LOCATED {
            return None;
        }
        let mut steps: Vec<Step<'_>> = item.into_iter().flat_map(|i| [Step::Key("items"), Step::Index(i)]).collect();
        steps.extend(path_steps(path));
        let options = super::document::yaml_options();
        serde_saphyr::with_deserializer_from_str_with_options(self.text, options, |d| Locate(&steps).deserialize(d))
            .ok()
            .flatten()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// Splits `spec.exportedLabels[a.b/c][2]` into its steps.
fn path_steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, tail) = inner.split_once(']').unwrap_or((inner, ""));
            steps.push(step.parse().map_or(Step::Key(step), Step::Index));
            rest = tail;
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            steps.push(Step::Key(&name[..end]));
            rest = &name[end..];
        }
    }
    steps
}

/// Walks along the steps; past the last one it takes the position. A step that is missing gives the last position
/// reached, which is that of its parent.
struct Locate<'a>(&'a [Step<'a>]);

type Position = Option<(u32, u32)>;

impl<'de> DeserializeSeed<'de> for Locate<'_> {
    type Value = Position;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Position, D::Error> {
        if self.0.is_empty() {
            let spanned = <serde_saphyr::Spanned<IgnoredAny> as serde::Deserialize>::deserialize(deserializer)?;
            let number = |n: u64| u32::try_from(n).unwrap_or(0);
            return Ok(Some((number(spanned.referenced.line()), number(spanned.referenced.column()))));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Locate<'_> {
    type Value = Position;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Position, A::Error> {
        let (first, rest) = (self.0[0], &self.0[1..]);
        let mut found = None;
        while let Some(key) = map.next_key_seed(KeyText)? {
            if found.is_none() && Step::Key(&key) == first {
                found = map.next_value_seed(Locate(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Position, A::Error> {
        let (first, rest) = (self.0[0], &self.0[1..]);
        let mut found = None;
        for index in 0.. {
            let item = if Step::Index(index) == first {
                list.next_element_seed(Locate(rest))?.map(|position| found = position)
            } else {
                list.next_element::<IgnoredAny>()?.map(drop)
            };
            if item.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn visit_unit<E>(self) -> Result<Position, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Position, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Position, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Position, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Position, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Position, E> {
        Ok(None)
    }
}
