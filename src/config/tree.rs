//! The configuration file as a tree in which every key and value knows its line and column.
//!
//! In: YAML text, through serde-saphyr. Out: [`Node`]s for the typed readers, and back to YAML or JSON for `check --print-config`.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_saphyr::{Location, Spanned};
use std::fmt;

/// Line and column, counted from 1; 0 where a value comes from no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        let number = |n: u64| u32::try_from(n).unwrap_or(0);
        Position { line: number(location.line()), column: number(location.column()) }
    }
}

/// One value and where it stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    pub at: Position,
    pub value: Value,
}

/// What stands there.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub at: Position,
    pub node: Node,
}

impl Value {
    /// What kind of value it is, in the words of an error message.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "empty",
            Value::Bool(_) => "true or false",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

impl Node {
    /// A value without a place, for printing.
    pub fn bare(value: Value) -> Self {
        Node { at: Position::default(), value }
    }

    /// A text without a place, for printing.
    pub fn text(text: impl Into<String>) -> Self {
        Node::bare(Value::Text(text.into()))
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entry of `key`, if this is a map that has one.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value at a path such as `clusters[1].freshness.grace`.
    pub fn find(&self, path: &str) -> Option<&Node> {
        steps(path).try_fold(self, |node, step| node.step(step))
    }

    /// Where the value at `path` stands, else where the nearest part of the path that is there does.
    /// `None` when not even the first step is in the file.
    pub fn position(&self, path: &str) -> Option<Position> {
        let mut node = self;
        let mut found = None;
        for step in steps(path) {
            let Some(next) = node.step(step) else { break };
            node = next;
            found = Some(node.at);
        }
        found
    }

    /// Where the key that ends `path` stands.
    pub fn key_position(&self, path: &str) -> Option<Position> {
        let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
        Some(self.find(parent)?.entry(key)?.at)
    }

    /// Takes out the value at `path`, as a command-line flag that replaces it does.
    pub fn remove(&mut self, path: &str) {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let Value::Map(entries) = &mut self.value else { return };
        if rest.is_empty() {
            entries.retain(|entry| entry.key != first);
        } else if let Some(entry) = entries.iter_mut().find(|entry| entry.key == first) {
            entry.node.remove(rest);
        }
    }

    fn step(&self, step: Step<'_>) -> Option<&Node> {
        match step {
            Step::Key(key) => self.entry(key).map(|entry| &entry.node),
            Step::Item(index) => self.items().get(index),
        }
    }
}

enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

/// Splits `clusters[1].name` into `clusters`, item 1, `name`.
fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    path.split('.').filter(|part| !part.is_empty()).flat_map(|part| {
        let (key, index) = part.split_once('[').unwrap_or((part, ""));
        let item = index.trim_end_matches(']').parse().ok().map(Step::Item);
        std::iter::once(Step::Key(key)).chain(item)
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Node { at: spanned.referenced.into(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(node) = seq.next_element()? {
            items.push(node);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            entries.push(Entry { at: key.referenced.into(), key: key.value, node: map.next_value()? });
        }
        Ok(Value::Map(entries))
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for entry in entries {
                    map.serialize_entry(&entry.key, &entry.node)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Node {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let tree = parse("a: 1\nb:\n  - x: 10.0.0.0/8\n    y: [no, 5s]\n  - {z: ~}\n");
        assert_eq!(tree.position("b[0].x"), Some(Position { line: 3, column: 8 }));
        assert_eq!(tree.key_position("b[0].y"), Some(Position { line: 4, column: 5 }));
        assert_eq!(tree.position("b[0].y[1]"), Some(Position { line: 4, column: 13 }));
        assert_eq!(tree.position("b[1].missing"), tree.position("b[1]"));
        assert_eq!(tree.position("missing"), None);
    }

    #[test]
    fn a_removed_value_is_no_longer_found() {
        let mut tree = parse("listen: { dns: ['[::]:53'], health: '' }");
        tree.remove("listen.dns");
        assert!(tree.find("listen.dns").is_none() && tree.find("listen.health").is_some());
    }
}
