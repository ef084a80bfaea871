//! Holds every crate that is built, tests included, to `deny.toml`: licences, sources, banned crates, versions beside each
//! other. `cargo deny check` reads the same file where it is installed; advisories need its database, and so the network.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The quoted texts of the list `key` in the section `[section]` of deny.toml; in a list of tables those of `field`.
fn listed(section: &str, key: &str, field: Option<&str>) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let (_, rest) = text.split_once(&format!("[{section}]")).expect("the section");
    let (_, list) = rest.split_once(&format!("\n{key} = [")).expect("the list");
    let (list, _) = list.split_once(']').expect("its end");
    let texts = |text: &str| text.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    match field {
        None => texts(list).into_iter().collect(),
        Some(field) => {
            list.split(&format!("{field} = ")).skip(1).filter_map(|rest| texts(rest).first().cloned()).collect()
        }
    }
}

/// `cargo metadata` of what is built for `target`.
fn metadata(target: &str) -> Value {
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", target];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// True when the SPDX expression can be met by licences of `allowed`; those that it takes go to `taken`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>, taken: &mut BTreeSet<String>) -> bool {
    let words = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").replace(" WITH ", "+WITH+");
    let words: Vec<String> = words.split_whitespace().map(|word| word.replace("+WITH+", " WITH ")).collect();
    any_of(&mut words.as_slice(), allowed, taken)
}

fn any_of(words: &mut &[String], allowed: &BTreeSet<String>, taken: &mut BTreeSet<String>) -> bool {
    let mut met = all_of(words, allowed, taken);
    while words.first().is_some_and(|word| word == "OR") {
        *words = &words[1..];
        met |= all_of(words, allowed, taken);
    }
    met
}

fn all_of(words: &mut &[String], allowed: &BTreeSet<String>, taken: &mut BTreeSet<String>) -> bool {
    let mut met = true;
    loop {
        let Some((word, rest)) = words.split_first() else { return false };
        *words = rest;
        met &= match word.as_str() {
            "(" => {
                let inner = any_of(words, allowed, taken);
                *words = words.get(1..).unwrap_or_default();
                inner
            }
            licence => allowed.get(licence).is_some_and(|licence| {
                taken.insert(licence.clone());
                true
            }),
        };
        match words.first() {
            Some(word) if word == "AND" => *words = &words[1..],
            _ => return met,
        }
    }
}

#[test]
fn spdx_expressions_are_read() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only", true),
        ("GPL-3.0-only/MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("(GPL-3.0-only OR MIT) AND ISC", true),
        ("ISC AND (GPL-3.0-only OR Apache-2.0)", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed, &mut BTreeSet::new()), expected, "{expression}");
    }
}

#[test]
fn every_crate_has_a_licence_a_source_and_a_name_that_deny_toml_admits() {
    let (allowed, banned) = (listed("licenses", "allow", None), listed("bans", "deny", Some("name")));
    assert!(allowed.len() > 3 && banned.len() > 1, "{allowed:?} {banned:?}");
    let (mut wrong, mut taken) = (Vec::new(), BTreeSet::new());
    for target in TARGETS {
        for package in items(&metadata(target), "packages") {
            let what = format!("{} {}", text(package, "name"), text(package, "version"));
            if !is_allowed(text(package, "license"), &allowed, &mut taken) {
                wrong.push(format!("{what}: licence {:?}", text(package, "license")));
            }
            let source = text(package, "source");
            let ours = package["source"].is_null() && text(package, "name") == "clusterset-dns";
            if !ours && source != "registry+https://github.com/rust-lang/crates.io-index" {
                wrong.push(format!("{what}: source {source:?}"));
            }
            if banned.contains(text(package, "name")) {
                wrong.push(format!("{what}: banned"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let idle: Vec<_> = allowed.difference(&taken).collect();
    assert!(idle.is_empty(), "licences that no crate needs: {idle:?}");
}

/// Versions of each crate that the program is built from or with, without what only tests need.
fn versions(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let nodes: BTreeMap<&str, &Value> =
        items(&metadata["resolve"], "nodes").map(|node| (text(node, "id"), node)).collect();
    let (mut seen, mut ahead) = (BTreeSet::new(), vec![text(&metadata["resolve"], "root")]);
    while let Some(id) = ahead.pop() {
        if seen.insert(id) {
            let needed = |dependency: &&Value| items(dependency, "dep_kinds").any(|kind| kind["kind"] != "dev");
            ahead.extend(items(nodes[id], "deps").filter(needed).map(|dependency| text(dependency, "pkg")));
        }
    }
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for package in items(metadata, "packages").filter(|package| seen.contains(text(package, "id"))) {
        versions.entry(text(package, "name").to_owned()).or_default().insert(text(package, "version").to_owned());
    }
    versions
}

#[test]
fn crates_in_two_versions_are_those_that_deny_toml_names() {
    let named = listed("bans", "skip", Some("crate"));
    let mut twice = BTreeSet::new();
    for target in TARGETS {
        let versions = versions(&metadata(target));
        assert!(versions.len() > 100, "{versions:?}");
        twice.extend(versions.into_iter().filter(|(_, versions)| versions.len() > 1).map(|(name, _)| name));
    }
    let named: BTreeSet<String> =
        named.iter().map(|spec| spec.split_once('@').map_or(spec.as_str(), |(name, _)| name).to_owned()).collect();
    assert_eq!(twice, named, "left: found in several versions, right: skipped in deny.toml");
}
