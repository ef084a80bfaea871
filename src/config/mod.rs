//! The configuration: one YAML file and the flags that override it, as typed values.
//!
//! In: the file (CONFIG.md is the contract). Out: a [`Config`] with every default filled in, its conversion to the
//! model's clusters, views and policies, and [`Diagnostic`]s with file, line and column.
//!
//! ```text
//! text ─serde-saphyr─▶ tree (every node knows its place) ─reader─▶ Config ─check─▶ diagnostics
//!                                                                        └convert─▶ model
//! ```
//!
//! Every key is declared once, in `keys`, with its type, default and description; reading, `--print-config` and
//! `--schema` follow from that. A reload reads the file anew and compares ([`Config::restart_keys`], [`Config::carried_over`]).

mod check;
mod convert;
pub mod diagnostic;
mod draft;
mod keys;
mod not_built;
mod reader;
mod reload;
mod section;
mod shape;
mod tree;
pub mod value;

pub use check::name_problem;
pub use convert::{ConfiguredCluster, SourceSpec, watch_timeout};
pub use diagnostic::{Diagnostic, Severity};
pub use draft::Draft;
pub use keys::*;

use reader::Setting;

impl Config {
    /// The effective configuration as YAML, keys in documented order.
    pub fn to_yaml(&self) -> String {
        serde_saphyr::to_string(&self.print()).unwrap_or_default()
    }

    /// The JSON schema of the configuration file (draft 2020-12).
    pub fn schema() -> serde_json::Value {
        let mut schema = Config::shape().schema();
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema["title"] = "clusterset-dns configuration".into();
        schema
    }
}

#[cfg(test)]
mod tests;
