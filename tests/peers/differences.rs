//! `differences.txt`: where the server answers otherwise than CoreDNS on purpose, and why.

use std::collections::BTreeMap;

use crate::api_server::repository;

/// The two answers of one listed question, each as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What CoreDNS says.
    pub coredns: String,
    /// What the server says.
    pub here: String,
}

/// The listed questions (`name type`) with their answers.
pub fn listed() -> BTreeMap<String, Pair> {
    let path = repository().join("tests/peers/differences.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads blocks of `reason:`, `coredns:`, `here:` and the questions that they hold for.
fn read(text: &str) -> Result<BTreeMap<String, Pair>, String> {
    let mut listed = BTreeMap::new();
    let (mut coredns, mut here) = (None, None);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        match line.split_once(": ") {
            Some(("reason", _)) => (coredns, here) = (None, None),
            Some(("coredns", answer)) => coredns = Some(answer.to_owned()),
            Some(("here", answer)) => here = Some(answer.to_owned()),
            _ => {
                let (Some(coredns), Some(here)) = (&coredns, &here) else {
                    return Err(format!("{line:?}: a question stands below its reason, coredns and here lines"));
                };
                if coredns == here {
                    return Err(format!("{line:?}: the answers do not differ"));
                }
                add(&mut listed, line, &Pair { coredns: coredns.clone(), here: here.clone() })?;
            }
        }
    }
    Ok(listed)
}

fn add(listed: &mut BTreeMap<String, Pair>, line: &str, pair: &Pair) -> Result<(), String> {
    let (name, kinds) = line.split_once(' ').ok_or_else(|| format!("{line:?} names no type"))?;
    for kind in kinds.split_whitespace() {
        if listed.insert(format!("{name} {kind}"), pair.clone()).is_some() {
            return Err(format!("{name} {kind} stands twice"));
        }
    }
    Ok(())
}

#[test]
fn the_list_can_be_read() {
    assert!(!listed().is_empty());
}

#[test]
fn blocks_without_answers_or_with_equal_ones_are_refused() {
    for (text, said) in [
        ("a. A\n", "stands below"),
        ("reason: x\ncoredns: NOERROR\na. A\n", "stands below"),
        ("reason: x\ncoredns: NOERROR\nhere: NXDOMAIN\na. A\nreason: y\nb. A\n", "stands below"),
        ("reason: x\ncoredns: NOERROR\nhere: NOERROR\na. A\n", "do not differ"),
        ("reason: x\ncoredns: NOERROR\nhere: NXDOMAIN\na. A A\n", "stands twice"),
        ("reason: x\ncoredns: NOERROR\nhere: NXDOMAIN\na.\n", "names no type"),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.contains(said), "{text:?}: {error}");
    }
}
