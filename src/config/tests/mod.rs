//! The configuration as a whole: defaults, messages, keys without effect, conversion.

mod convert;
mod defaults;
mod documentation;
mod messages;
mod semantics;

use super::reader::Setting;
use super::shape::Key;
use super::{Config, Diagnostic, Draft};

/// All keys with their paths in documented order, such as `listen.dns` or `clusters[].name`.
fn keys() -> Vec<(String, Key)> {
    let mut keys = Vec::new();
    Config::shape().keys("", &mut keys);
    keys
}

/// A file with one cluster, so that only what a test adds is wrong, and `text` behind it.
fn with_cluster(text: &str) -> String {
    format!("clusters: [{{ name: west, source: {{ manifests: {{ path: west }} }} }}]\n{text}")
}

/// Reads and checks `text` as `config.yaml`.
fn read(text: &str) -> (Config, Vec<Diagnostic>) {
    Draft::parse(text, "config.yaml").check()
}

/// What is said of `text`, one line each.
fn said(text: &str) -> Vec<String> {
    read(text).1.iter().map(|diagnostic| diagnostic.to_string()).collect()
}

/// The configuration in `text`, of which nothing may be wrong.
fn clean(text: &str) -> Config {
    let (config, diagnostics) = read(text);
    assert_eq!(diagnostics, [], "{text}");
    config
}
