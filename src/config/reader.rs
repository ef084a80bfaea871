//! Reading: from located nodes to typed settings. A wrong value is reported and its default kept, so that one run reports all.
//!
//! In: a [`Node`]. Out: a typed value, and [`Diagnostic`]s in the reader.

use super::diagnostic::{CONFIG, Diagnostic, Severity};
use super::shape::{Shape, nearest};
use super::tree::{Entry, Node, Position, Value};
use crate::model::finding::Place;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A type that stands in the configuration.
pub trait Setting: Sized {
    /// What it accepts, for the schema.
    fn shape() -> Shape;
    /// Reads it; `None` after a report.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self>;
    /// How it is written in the effective configuration.
    fn print(&self) -> Node;
}

/// Where reading stands, and what it has found.
#[derive(Debug)]
pub struct Reader {
    file: Arc<str>,
    folder: PathBuf,
    path: String,
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    /// `file` is named in messages; paths in the configuration are relative to its folder.
    pub fn new(file: &str) -> Self {
        let folder = Path::new(file).parent().map(Path::to_path_buf).unwrap_or_default();
        Reader { file: file.into(), folder, path: String::new(), diagnostics: Vec::new() }
    }

    /// What was found.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// A path of the configuration, relative to the file that names it.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Reports an error at a value: `problem` says what is wrong and what is allowed, `advice` what to do.
    pub fn wrong(&mut self, node: &Node, problem: impl AsRef<str>, advice: &str) {
        let value = shown(&node.value);
        let quoted = if value.is_empty() { String::new() } else { format!("{value} ") };
        let message = format!("{quoted}{}; {advice}", problem.as_ref());
        self.report(node.at, message, value.trim_matches('"').to_owned());
    }

    fn report(&mut self, at: Position, message: String, value: String) {
        let place = Place { path: self.file.clone(), line: at.line, column: at.column };
        let diagnostic = Diagnostic { value, ..Diagnostic::new(Severity::Error, CONFIG, message) };
        self.diagnostics.push(diagnostic.at(place).of_field(self.path.clone()));
    }

    /// Runs `read` one step further down: `.key` or `[index]`.
    pub fn step<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        if length == 0 {
            self.path.push_str(step.trim_start_matches('.'))
        } else {
            self.path.push_str(step)
        }
        let value = read(self);
        self.path.truncate(length);
        value
    }

    /// The entries of a section, after a report of every key that is not in `known` and of every missing one of `required`.
    pub fn section<'n>(&mut self, node: &'n Node, known: &[&str], required: &[&str]) -> Option<&'n [Entry]> {
        let Value::Map(entries) = &node.value else {
            let problem = format!("is {}, a map of keys is expected", node.value.kind());
            self.wrong(node, problem, &format!("its keys are {}", known.join(", ")));
            return None;
        };
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let advice = match nearest(&entry.key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys here: {}", known.join(", ")),
            };
            let message = format!("unknown key `{}`; {advice}", entry.key);
            self.report(entry.at, message, entry.key.clone());
        }
        for key in required {
            if entries.iter().all(|entry| entry.key != *key || entry.node.value == Value::Null) {
                self.report(node.at, format!("`{key}` is missing; it has no default, add it"), String::new());
            }
        }
        Some(entries)
    }

    /// Reads the value of `key` into `target`; an absent or empty one leaves the default.
    pub fn key<T: Setting>(&mut self, entries: &[Entry], key: &str, target: &mut T) {
        let Some(entry) = entries.iter().find(|entry| entry.key == key && entry.node.value != Value::Null) else {
            return;
        };
        if let Some(value) = self.step(&format!(".{key}"), |reader| T::read(&entry.node, reader)) {
            *target = value;
        }
    }
}

/// A value as a message quotes it; empty for lists and maps.
fn shown(value: &Value) -> String {
    match value {
        Value::Null | Value::List(_) | Value::Map(_) => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => format!("{text:?}"),
    }
}

impl Setting for bool {
    fn shape() -> Shape {
        Shape::Leaf(serde_json::json!({ "type": "boolean" }))
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::Bool(value) = node.value else {
            reader.wrong(node, "is not true or false", "write `true` or `false` without quotes");
            return None;
        };
        Some(value)
    }

    fn print(&self) -> Node {
        Node::bare(Value::Bool(*self))
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::List(items) = &node.value else {
            reader.wrong(node, format!("is {}, a list is expected", node.value.kind()), "put it in brackets: [a, b]");
            return None;
        };
        let read = |(index, item): (usize, &Node)| reader.step(&format!("[{index}]"), |reader| T::read(item, reader));
        Some(items.iter().enumerate().filter_map(read).collect())
    }

    fn print(&self) -> Node {
        Node::bare(Value::List(self.iter().map(T::print).collect()))
    }
}

impl<T: Setting> Setting for Option<T> {
    fn shape() -> Shape {
        Shape::Nullable(Box::new(T::shape()))
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        T::read(node, reader).map(Some)
    }

    fn print(&self) -> Node {
        self.as_ref().map_or(Node::default(), T::print)
    }
}

/// Keys that the operator chooses.
impl<T: Setting> Setting for BTreeMap<String, T> {
    fn shape() -> Shape {
        Shape::Table(Box::new(T::shape()))
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let problem = format!("is {}, a map is expected", node.value.kind());
            reader.wrong(node, problem, "write it as { name: value }");
            return None;
        };
        let read = |entry: &Entry| {
            let value = reader.step(&format!(".{}", entry.key), |reader| T::read(&entry.node, reader))?;
            Some((entry.key.clone(), value))
        };
        Some(entries.iter().filter_map(read).collect())
    }

    fn print(&self) -> Node {
        let entry =
            |(key, value): (&String, &T)| Entry { key: key.clone(), at: Position::default(), node: value.print() };
        Node::bare(Value::Map(self.iter().map(entry).collect()))
    }
}
