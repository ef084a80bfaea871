//! `docs/resilience.md` names a test for every fault, every row of this folder, and nothing that is not there.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_page_of_faults_names_every_row_and_only_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let page = read("docs/resilience.md");
    let named: BTreeSet<(&str, &str)> = page.split('`').filter_map(|word| word.split_once(".rs::")).collect();
    for (file, test) in &named {
        let text = read(&format!("{file}.rs"));
        assert!(text.contains(&format!("fn {test}(")), "docs/resilience.md: there is no test {test} in {file}.rs");
    }
    let heads = ["| fault ", "|---"];
    let rows = page.lines().filter(|line| line.starts_with('|') && !heads.iter().any(|head| line.starts_with(head)));
    for row in rows {
        assert!(row.contains(".rs::") || row.contains("no test yet"), "a row without a test: {row}");
    }
    for file in ["brake", "imports", "large", "panics", "rows"] {
        let file = format!("tests/it/outages/{file}");
        let text = read(&format!("{file}.rs"));
        let tests = text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
        for test in tests {
            assert!(named.contains(&(file.as_str(), test)), "add to docs/resilience.md: {test} of {file}.rs");
        }
    }
}
