//! `docs/dns-behaviour.md` names every scenario, and nothing that is not there.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_page_of_behaviour_names_every_scenario_and_only_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/dns-behaviour.md")).expect("docs/dns-behaviour.md");
    let folders = std::fs::read_dir(root.join("tests/scenarios")).expect("tests/scenarios").flatten();
    let folders: BTreeSet<String> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let linked = page.split("](../tests/scenarios/").skip(1).filter_map(|rest| rest.split('/').next());
    let linked: BTreeSet<String> = linked.map(String::from).collect();
    let unlisted: Vec<&String> = folders.difference(&linked).collect();
    assert!(unlisted.is_empty(), "add to docs/dns-behaviour.md: {unlisted:?}");
    let gone: Vec<&String> = linked.difference(&folders).collect();
    assert!(gone.is_empty(), "docs/dns-behaviour.md names scenarios that are not there: {gone:?}");
    for (file, test) in page.split('`').filter_map(|word| word.split_once(".rs::")) {
        let text = std::fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
        assert!(text.contains(&format!("fn {test}(")), "docs/dns-behaviour.md: there is no test {test} in {file}.rs");
    }
}

/// DNS.md section 4: with search lists NXDOMAIN is the commonest answer. The figures are those that the gate compares with.
#[test]
fn denying_a_name_is_the_cheapest_answer() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/instructions/figures");
    let text = std::fs::read_to_string(path).expect("bench/instructions/figures");
    let figures = text.lines().filter_map(|line| line.split_once(' '));
    let figures: Vec<(&str, u32)> = figures.filter_map(|(class, count)| Some((class, count.parse().ok()?))).collect();
    let cheapest = figures.iter().min_by_key(|(_, count)| *count).map(|(class, _)| *class);
    assert_eq!((cheapest, figures.len() > 4), (Some("nxdomain"), true), "{figures:?}");
}
