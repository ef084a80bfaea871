//! `manifest`: any octets as a file of manifests: no panic, findings that name file and line, and the fast YAML reader
//! agrees with the full one wherever it does not leave a document to it.

use super::findings;
use clusterset_dns::source::manifests::parse_octets;
use clusterset_dns::source::object::{
    Decoded, Document, any_yaml_value, decode_any_yaml, decode_plain_yaml, plain_yaml_value,
};
use serde_json::Value;
use std::sync::Arc;

/// Reads `octets` as YAML and as JSON, and each document with both readers.
pub fn check(octets: &[u8]) {
    let lines = lines(octets);
    for path in ["a.yaml", "b.json"] {
        let contents = parse_octets(&Arc::from(path), octets, &findings::context());
        let entries = contents.entries.iter().flatten();
        for finding in contents.findings.iter().chain(entries.clone().flat_map(|entry| &entry.findings)) {
            findings::check(finding, Some((path, lines)));
        }
        for entry in entries {
            assert!((1..=lines).contains(&(entry.line as usize)) && entry.kind == entry.fact.kind());
            assert!(entry.key == entry.fact.key());
        }
    }
    if let Ok(text) = std::str::from_utf8(octets) {
        both_readers(text);
    }
}

/// Lines as YAML 1.2.2 section 5.4 breaks them: by LF, CR LF and a CR alone.
fn lines(octets: &[u8]) -> usize {
    let breaks = |pair: &&[u8]| pair[0] == b'\n' || (pair[0] == b'\r' && pair.get(1) != Some(&b'\n'));
    1 + (0..octets.len()).map(|at| &octets[at..octets.len().min(at + 2)]).filter(breaks).count()
}

fn both_readers(text: &str) {
    if let Some(value) = plain_yaml_value::<Value>(text) {
        assert_eq!(Some(value), any_yaml_value(text), "{text:?}");
    }
    let document = Document::new(text);
    let context = findings::context().in_file(&"a.yaml".into(), 1, Some(&document));
    if let Some(objects) = decode_plain_yaml::<Vec<Decoded>>(text, &context) {
        assert_eq!(Ok(objects), decode_any_yaml(text, &context), "{text:?}");
    }
}
