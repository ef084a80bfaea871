//! `docs/configuration.md` lists every key once, in order, with its default and whether it has an effect yet;
//! the schema has the same keys.

use super::super::not_built;
use super::super::shape::Shape;
use super::super::tree::Node;
use super::*;

const DOCUMENT: &str = include_str!("../../../docs/configuration.md");
const MARK: &str = "*not built yet*";

/// The table rows of the document: key, default, and the whole row.
fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let code = |cell: &'static str| cell.trim().strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
    let row = |line: &'static str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let key = cells.next()?.strip_suffix('`')?;
        let default = cells.nth(1)?;
        Some((key, code(default).unwrap_or(default), line))
    };
    DOCUMENT.lines().filter_map(row).collect()
}

/// True for a key that has keys of its own: it has a heading, not a row.
fn is_section(shape: &Shape) -> bool {
    match shape {
        Shape::Section(keys) => !keys.is_empty(),
        Shape::List(inner) | Shape::Nullable(inner) => is_section(inner),
        Shape::Leaf(_) | Shape::Table(_) => false,
    }
}

/// Keys of a health check are documented once, under `policies[].health`.
fn is_repeated(path: &str) -> bool {
    path.starts_with("clusters[].health.")
}

#[test]
fn every_key_has_its_row_in_order() {
    let keys = keys();
    let leaves = keys.iter().filter(|(path, key)| !is_section(&key.shape) && !is_repeated(path));
    let expected: Vec<_> = leaves.map(|(path, _)| path.as_str()).collect();
    let documented: Vec<_> = rows().into_iter().map(|(key, ..)| key).collect();
    for path in &expected {
        assert!(documented.contains(path), "{path} is not in docs/configuration.md");
    }
    for path in &documented {
        assert!(expected.contains(path), "{path} of docs/configuration.md is no key");
    }
    assert_eq!(documented, expected, "the order differs");
}

#[test]
fn every_section_has_its_heading() {
    let headings: Vec<_> = DOCUMENT.lines().filter(|line| line.starts_with('#')).collect();
    for (path, _) in keys().iter().filter(|(path, key)| is_section(&key.shape) && !is_repeated(path)) {
        let code = format!("`{path}`");
        assert!(headings.iter().any(|heading| heading.contains(&code)), "{path} has no heading");
    }
}

#[test]
fn every_default_is_the_true_one() {
    for (path, default, _) in rows() {
        let keys = keys();
        let Some((_, key)) = keys.iter().find(|(known, _)| known == path) else { panic!("{path} is no key") };
        if key.required {
            assert_eq!(default, "required", "{path}");
            continue;
        }
        let documented: Node = serde_saphyr::from_str(default).unwrap();
        assert_eq!(serde_json::to_value(documented).unwrap(), key.default, "{path}");
    }
}

#[test]
fn keys_without_effect_are_marked() {
    let not_built: Vec<_> = not_built::keys().collect();
    for (path, _, row) in rows() {
        assert_eq!(row.contains(MARK), not_built.contains(&path), "{path}");
    }
}

#[test]
fn the_schema_has_every_key_and_no_other() {
    fn collect(prefix: &str, schema: &serde_json::Value, paths: &mut Vec<String>) {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            paths.push(path.clone());
            collect(&path, inner, paths);
            collect(&path, &inner["anyOf"][0], paths);
            collect(&format!("{path}[]"), &inner["items"], paths);
        }
    }
    let mut found = Vec::new();
    collect("", &Config::schema(), &mut found);
    let mut expected: Vec<_> = keys().into_iter().map(|(path, _)| path).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        Config::schema()["properties"]["ttl"],
        serde_json::json!({
            "type": "integer", "minimum": 0, "maximum": 3600, "default": 5, "description": "TTL of answers, in seconds.",
        })
    );
}

#[test]
fn the_example_of_the_document_is_clean() {
    for example in DOCUMENT.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        clean(example);
    }
}
