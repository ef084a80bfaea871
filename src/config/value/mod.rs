//! The values of single settings: durations, sizes, prefixes, listen addresses, globs.
//!
//! In: a scalar as written. Out: a typed value, or what is allowed and what to write.

mod name;
mod network;
mod number;
mod path;
mod period;
mod reporting;
mod size;

pub use name::{ClusterName, ExportGlob, Glob, ReverseZone, ZoneName};
pub use network::{Gateway, ListenAddress, ListenAddresses, NameserverAddress};
pub use number::{Bounded, Share};
pub use path::{FilePath, HealthPath};
pub use period::Period;
pub use reporting::{LogFilter, MetricPrefix};
pub use size::{MemoryLimit, Size};

use super::reader::{Reader, Setting};
use super::shape::Shape;
use super::tree::{Node, Value};
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::model::Prefix;
use crate::model::policy::Preference;

/// A setting that is written as one scalar.
pub trait Scalar: Sized {
    /// Pattern and description for the schema.
    fn schema() -> Shape;
    /// Reads it as written. The error is (what is wrong and what is allowed, what to do).
    fn parse(text: &str) -> Result<Self, (String, String)>;
    /// How it is written.
    fn text(&self) -> String;
    /// True when a number without a unit may stand here.
    const NUMERIC: bool = false;
    /// A path is taken relative to the configuration file; others are left alone.
    fn resolved(self, _resolve: impl Fn(&str) -> PathBuf) -> Self {
        self
    }
}

impl<T: Scalar> Setting for T {
    fn shape() -> Shape {
        T::schema()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = match &node.value {
            Value::Text(text) => text.clone(),
            Value::Integer(number) if T::NUMERIC => number.to_string(),
            Value::Float(number) if T::NUMERIC => number.to_string(),
            other => {
                let advice = match other {
                    Value::Bool(_) | Value::Integer(_) | Value::Float(_) => "put it in quotes",
                    _ => "write one value",
                };
                reader.wrong(node, format!("is {}, a text is expected", other.kind()), advice);
                return None;
            }
        };
        match T::parse(&text) {
            Ok(value) => Some(value.resolved(|path| reader.resolve(path))),
            Err((problem, advice)) => {
                reader.wrong(node, problem, &advice);
                None
            }
        }
    }

    fn print(&self) -> Node {
        let text = self.text();
        match text.parse() {
            Ok(number) if T::NUMERIC => Node::bare(Value::Integer(number)),
            _ => Node::text(text),
        }
    }
}

/// Reads a value that stands on the command line; the error says what is wrong and what to write.
///
/// # Errors
/// It is no such value.
pub fn parse<T: Scalar>(text: &str) -> Result<T, String> {
    T::parse(text).map_err(|(problem, advice)| format!("it {problem}; {advice}"))
}

/// Shorthand for a refusal.
fn refuse<T>(problem: impl Into<String>, advice: impl Into<String>) -> Result<T, (String, String)> {
    Err((problem.into(), advice.into()))
}

impl Scalar for String {
    fn schema() -> Shape {
        Shape::Leaf(serde_json::json!({ "type": "string" }))
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        if text.chars().any(char::is_control) {
            return refuse("holds a control character", "remove it");
        }
        Ok(text.to_owned())
    }

    fn text(&self) -> String {
        self.clone()
    }
}

impl Scalar for Prefix {
    fn schema() -> Shape {
        Shape::text("^[0-9a-fA-F.:]+(/[0-9]+)?$", "an address or a range such as 10.1.0.0/16")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        match Prefix::parse(text) {
            Some(prefix) => Ok(prefix),
            None => refuse("is not an address range", "write it like 10.1.0.0/16 or fd00:1::/48"),
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Scalar for SocketAddr {
    fn schema() -> Shape {
        Shape::text("^.+:[0-9]+$", "an address with a port such as 10.0.0.1:53")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        ListenAddress::parse(text).map(|address| address.0)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Scalar for Preference {
    fn schema() -> Shape {
        Shape::text("^[^ ]+$", "a cluster, region:NAME or zone:NAME")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let (kind, name) = text.split_once(':').unwrap_or(("", text));
        if name.is_empty() || name.contains(char::is_whitespace) {
            return refuse("names nothing", "write a cluster name, region:NAME or zone:NAME");
        }
        match kind {
            "" => Ok(Preference::Cluster(name.into())),
            "region" => Ok(Preference::Region(name.into())),
            "zone" => Ok(Preference::Zone(name.into())),
            _ => refuse("is no cluster, region:NAME or zone:NAME", "write one of the three"),
        }
    }

    fn text(&self) -> String {
        match self {
            Preference::Cluster(name) => name.to_string(),
            Preference::Region(name) => format!("region:{name}"),
            Preference::Zone(name) => format!("zone:{name}"),
        }
    }
}
