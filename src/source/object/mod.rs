//! One object: from bytes, JSON or YAML, to a fact with its findings.
//!
//! In: an item of an API list, a watch event, or a document of a manifest. Out: [`Decoded`]. Leniency, reader rules
//! and mirrors are those of SOURCES.md sections 1.4 and 4; a bad object never ends a list or a watch.
//!
//! `encode` writes a fact back as such an object, for the snapshot.
//!
//! ```text
//! bytes ─▶ lenient ─▶ raw shapes ─▶ convert ─▶ Decoded { Fact + findings | Rejected | Ignored }
//! ```

mod block;
mod context;
mod convert;
mod document;
mod encode;
mod lenient;
mod list;
mod locate;
mod raw;
mod raw_host;
#[cfg(test)]
mod tests;
pub(in crate::source) mod time;

pub use context::{Context, FieldPath, Interner, Source};
pub use document::{
    Collect, any_yaml_value, decode_any_yaml, decode_json_reader, decode_json_text, decode_plain_yaml, decode_yaml,
    plain_yaml_value,
};
pub use encode::encode_json;
pub use list::{DecodeError, Event, ListMeta, Status, decode_event, decode_json, decode_list};
pub use locate::Document;

use crate::model::fact::{Fact, Kind, ObjectKey};
use crate::model::finding::Finding;

/// What became of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// `metadata.resourceVersion`; 0 when absent or no number.
    pub resource_version: u64,
    /// `metadata.uid`, kept for Namespaces only (the one of `kube-system` identifies a cluster).
    pub uid: Option<Box<str>>,
    pub outcome: Outcome,
}

/// The three ways an object can end.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It says something; the findings are what was left out of it.
    Object { fact: Fact, findings: Vec<Finding> },
    /// It cannot be used: the last good version stays.
    Rejected { kind: Option<Kind>, key: Option<ObjectKey>, finding: Finding },
    /// It says nothing to us: a kind that is not read, or a mirror (SOURCES.md 1.4). An earlier version of it is
    /// to be forgotten. `None` when the kind is not read.
    Ignored { object: Option<(Kind, ObjectKey)> },
}

impl Decoded {
    /// Kind and key, as far as they are known.
    pub fn identity(&self) -> (Option<Kind>, Option<ObjectKey>) {
        match &self.outcome {
            Outcome::Object { fact, .. } => (Some(fact.kind()), Some(fact.key())),
            Outcome::Rejected { kind, key, .. } => (*kind, key.clone()),
            Outcome::Ignored { object } => object.clone().unzip(),
        }
    }
}
