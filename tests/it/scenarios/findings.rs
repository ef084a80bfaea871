//! `findings.txt`: what the load must complain about, no more and no less.
//!
//! One line each, `CODE CLUSTER OBJECT`, with the place in front of a comment if that helps a reader; `#` starts a
//! comment. Conflicts of the merge (KEP-1645) are listed as `REASON - NAMESPACE/NAME`.

use clusterset_dns::config::Config;
use clusterset_dns::model::merge::merge;
use clusterset_dns::model::select::select;
use clusterset_dns::model::trace::FindingTrace;
use clusterset_dns::model::{Finding, ServiceKey};
use clusterset_dns::run::offline::Loaded;
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

fn met(config: &Config, loaded: &Loaded) -> (BTreeSet<String>, Vec<String>) {
    let set = loaded.publisher.clusterset();
    let mut findings: Vec<Finding> =
        set.members().flat_map(|(_, member)| member.facts().findings().iter().cloned()).collect();
    let mut conflicts = BTreeSet::new();
    let keys: Vec<&ServiceKey> = set.services().collect();
    for key in keys {
        let service = merge(key, set);
        for view in config.views() {
            let mut trace = FindingTrace::default();
            select(&service, &view, set, &mut trace);
            findings.extend(trace.0);
        }
        findings.extend(service.findings);
        conflicts.extend(service.conflicts.iter().map(|conflict| format!("{} - {key}", conflict.reason.as_str())));
    }
    let line = |finding: &Finding| {
        normal(&format!("{} {} {}", finding.code, or_dash(&finding.cluster), or_dash(&finding.object)))
    };
    let messages = findings.iter().map(Finding::to_string).collect();
    (findings.iter().map(line).chain(conflicts).collect(), messages)
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn normal(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
