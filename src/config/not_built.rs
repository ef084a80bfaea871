//! Keys that are parsed and checked but have no effect in this version.
//!
//! Whoever builds a feature deletes its lines from [`NOT_BUILT`], nothing else. The documentation marks the same keys.

use super::Config;
use super::diagnostic::{Diagnostic, NOT_BUILT as CODE, Severity};
use super::draft::Draft;
use super::keys::{ClusterEntry, Policy};
use super::reader::Setting;
use super::tree::Node;

/// When a key counts as set.
enum When {
    /// Its value differs from the default.
    Changed,
}

/// The keys, in documented order; `[]` is each entry of a list.
const NOT_BUILT: &[(&str, When)] = &[
    ("clusters[].adapters", When::Changed),
    ("clusterset", When::Changed),
    ("tierBy", When::Changed),
    ("log.queries", When::Changed),
    ("adapters", When::Changed),
    ("istio.clusterLocalities", When::Changed),
    ("istio.selectPods", When::Changed),
    ("cilium.defaultPrivate", When::Changed),
    ("k8gb.geoTags", When::Changed),
];

/// The keys without effect, which the documentation marks.
#[cfg(test)]
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    NOT_BUILT.iter().map(|(key, _)| *key)
}

/// One warning for each key that is set.
pub(super) fn check(draft: &Draft) -> Vec<Diagnostic> {
    let printed = draft.config.print();
    let defaults = Config::default().print();
    let check = |(key, when): &(&str, When)| {
        let field = match key.split_once("[].") {
            None => differs(&printed, &defaults, key, when).then(|| (*key).to_owned()),
            Some((list, rest)) => {
                let default = default_entry(list);
                let items = printed.find(list).map(Node::items).unwrap_or_default();
                let first = items.iter().position(|item| differs(item, &default, rest, when));
                first.map(|index| format!("{list}[{index}].{rest}"))
            }
        }?;
        Some(warning(draft, field, when))
    };
    NOT_BUILT.iter().filter_map(check).collect()
}

fn default_entry(list: &str) -> Node {
    match list {
        "clusters" => ClusterEntry::default().print(),
        _ => Policy::default().print(),
    }
}

fn differs(printed: &Node, defaults: &Node, path: &str, when: &When) -> bool {
    let node = printed.find(path);
    match when {
        When::Changed => node != defaults.find(path),
    }
}

fn warning(draft: &Draft, field: String, when: &When) -> Diagnostic {
    let message = match when {
        When::Changed => "not built yet, so the setting has no effect; remove it until a release has it",
    };
    let place = draft.key_place(&field);
    Diagnostic { place, ..Diagnostic::new(Severity::Warning, CODE, message) }.of_field(field)
}
