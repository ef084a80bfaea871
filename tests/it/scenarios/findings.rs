//! `findings.txt`: what `clusterset-dns check` must say about the objects, no more and no less.
//!
//! One line each, `CODE CLUSTER OBJECT` (`-` for none); `#` starts a comment. Conflicts of the merge (KEP-1645) stand there
//! too, as `REASON - NAMESPACE/NAME`.

use clusterset_dns::config::Config;
use clusterset_dns::model::Finding;
use clusterset_dns::model::merge::merge;
use clusterset_dns::run::offline::Loaded;
use clusterset_dns::run::survey;
use std::collections::BTreeSet;
use std::path::Path;

/// How the findings of the load differ from the file, if there is one.
pub fn difference(path: &Path, config: &Config, loaded: &Loaded) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let lines = text.lines().filter_map(|line| line.split('#').next());
    let due: BTreeSet<String> = lines.map(normal).filter(|line| !line.is_empty()).collect();
    let (met, messages) = met(config, loaded);
    let missing: Vec<&String> = due.difference(&met).collect();
    let surplus: Vec<&String> = met.difference(&due).collect();
    (due != met).then(|| {
        let messages = messages.join("\n    ");
        format!("{}:\n  missing {missing:#?}\n  not listed {surplus:#?}\n  all:\n    {messages}", path.display())
    })
}

/// The findings of `clusterset-dns check`, and the conflicts; both as lines, and the messages in full.
fn met(config: &Config, loaded: &Loaded) -> (BTreeSet<String>, Vec<String>) {
    let findings = match survey(config, false) {
        Ok(survey) => survey.findings,
        Err(errors) => panic!("{errors:?}"),
    };
    let set = loaded.publisher.clusterset();
    let conflict = |key| {
        merge(key, set).conflicts.into_iter().map(move |conflict| format!("{} - {key}", conflict.reason.as_str()))
    };
    let line = |finding: &Finding| {
        normal(&format!("{} {} {}", finding.code, or_dash(&finding.cluster), or_dash(&finding.object)))
    };
    let messages = findings.iter().map(Finding::to_string).collect();
    (findings.iter().map(line).chain(set.services().flat_map(conflict)).collect(), messages)
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn normal(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
