//! The server beside other servers, question by question: every difference must be one of a list of rules.

mod beside_coredns;
mod beside_nsd;
mod coredns_rules;
mod nsd_rules;

use std::collections::{BTreeMap, BTreeSet};

use hickory_proto::rr::RecordType;

use crate::generated::model::Service;
use crate::generated::questions::Question;
use crate::generated::tree::{Node, Tree};
use crate::replies::Reply;

/// One question with both replies, and what stands at the name by the independent list of names.
pub struct Case<'a> {
    /// The name as it was asked.
    pub name: &'a str,
    /// The type asked for.
    pub rtype: RecordType,
    /// What stands there.
    pub node: Option<Node>,
    /// The service that the name belongs to.
    pub service: Option<&'a Service>,
    /// Whether the name, or one below it, has data in any of our replies.
    pub in_use: bool,
    /// The other server's reply.
    pub theirs: &'a Reply,
    /// Our reply.
    pub ours: &'a Reply,
}

/// One way in which the two servers differ on purpose.
pub struct Rule {
    /// What differs, and why that is right.
    pub reason: &'static str,
    /// Whether a differing case is of this kind.
    pub holds: fn(&Case<'_>) -> bool,
}

/// Compares all replies, and counts in words; a difference outside the rules fails, and so does a rule without any case.
pub fn compare(
    other: &str,
    questions: &[Question],
    tree: &Tree<'_>,
    replies: (&[Reply], &[Reply]),
    rules: &[Rule],
) -> String {
    let mut unlisted = Vec::new();
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    let in_use = names_in_use(replies.1);
    for (question, (theirs, ours)) in questions.iter().zip(replies.0.iter().zip(replies.1)) {
        if alike(theirs, ours) {
            continue;
        }
        let (name, rtype) = (question.0.as_str(), question.1);
        let in_use = in_use.contains(&name.to_lowercase());
        let case = Case { name, rtype, node: tree.node(name), service: tree.service(name), in_use, theirs, ours };
        match rules.iter().position(|rule| (rule.holds)(&case)) {
            Some(rule) => *found.entry(rule).or_default() += 1,
            None => unlisted.push(describe(other, &case)),
        }
    }
    for (rule, count) in &found {
        println!("{count:>6} answers differ from {other}: {}", rules[*rule].reason);
    }
    let shown = unlisted.len().min(40);
    assert!(
        unlisted.is_empty(),
        "{} of {} answers differ and no rule says so:\n{}",
        unlisted.len(),
        questions.len(),
        unlisted[..shown].join("\n")
    );
    let idle: Vec<_> =
        (0..rules.len()).filter(|rule| !found.contains_key(rule)).map(|rule| rules[rule].reason).collect();
    assert!(idle.is_empty(), "rules without a case: {idle:#?}");
    let (asked, differing) = (questions.len(), found.values().sum::<usize>());
    format!("{asked} questions compared with {other}: {differing} answers differ, by {} listed rules", rules.len())
}

/// The same reply. Faults are not compared: ours has none, and the other's are not ours to judge.
fn alike(theirs: &Reply, ours: &Reply) -> bool {
    let parts = |reply: &Reply| {
        let Reply { code, flags, answer, authority, additional, .. } = reply.clone();
        (code, flags, answer, authority, additional)
    };
    parts(theirs) == parts(ours)
}

/// Every name that has data in these replies, and every name above one.
fn names_in_use(replies: &[Reply]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for owner in replies.iter().flat_map(|reply| &reply.answer).filter_map(|line| line.split(' ').next()) {
        let starts = std::iter::once(0).chain(owner.match_indices('.').map(|(place, _)| place + 1));
        names.extend(starts.map(|start| owner[start..].to_owned()));
    }
    names
}

fn describe(other: &str, case: &Case<'_>) -> String {
    let Case { name, rtype, node, theirs, ours, .. } = case;
    format!("{name} {rtype} ({node:?})\n    {other}: {}\n    here: {}", shown(theirs), shown(ours))
}

/// A reply in short: an ordinary negative answer is its response code.
fn shown(reply: &Reply) -> String {
    let Reply { code, flags, answer, authority, additional, .. } = reply;
    if answer.is_empty() && additional.is_empty() && authority.len() == 1 && flags.iter().eq(&["AA"]) {
        return code.clone();
    }
    format!("{code} {flags:?} answer {answer:?} authority {authority:?} additional {additional:?}")
}

/// What every reply of ours must keep to, whatever another server says: `zone` is the zone of the questions.
pub fn assert_in_order(zone: &str, questions: &[Question], tree: Option<&Tree<'_>>, replies: &[Reply]) {
    let soa = format!("{zone} 5 SOA ns.dns.{zone} hostmaster.{zone} * 7200 1800 86400 5");
    let mut wrong = Vec::new();
    for ((name, rtype), reply) in questions.iter().zip(replies) {
        let mut faults = reply.faults.clone();
        let negative = reply.answer.is_empty();
        if reply.flags.iter().ne(&["AA"]) {
            faults.push("flags other than AA".to_owned());
        }
        if reply.authority.iter().ne(negative.then_some(&soa)) {
            faults.push("not the one SOA of a negative answer, or an authority section beside data".to_owned());
        }
        if !negative && reply.code != "NoError" {
            faults.push("data beside an error".to_owned());
        }
        if reply.answer.iter().any(|line| ttl(line) != if line.contains(" TXT ") { "28800" } else { "5" }) {
            faults.push("a time to live that nobody set".to_owned());
        }
        if reply.answer.iter().any(|line| line.split(' ').nth(2) == Some("SRV") && line.split(' ').nth(4) == Some("0"))
        {
            faults.push("an SRV record without weight".to_owned());
        }
        let targets: Vec<&str> = reply.data().iter().filter_map(|data| data.rsplit(' ').next()).collect();
        if reply.additional.iter().any(|line| !targets.contains(&line.split(' ').next().unwrap_or_default())) {
            faults.push("an additional record that no answer asks for".to_owned());
        }
        if tree.is_some_and(|tree| tree.node(name).is_none() != reply.is_nxdomain()) {
            faults.push("the name exists where it should not, or the other way round".to_owned());
        }
        let expected = tree.filter(|tree| *rtype != RecordType::ANY && tree.service(name).is_some());
        if expected.is_some_and(|tree| !says(reply, &tree.data(name, &rtype.to_string()))) {
            faults.push("other data than the clusterset has".to_owned());
        }
        if !faults.is_empty() {
            wrong.push(format!("{name} {rtype}: {faults:?}: {reply:?}"));
        }
    }
    let shown = wrong.len().min(20);
    assert!(wrong.is_empty(), "{} of {} replies:\n{}", wrong.len(), replies.len(), wrong[..shown].join("\n"));
}

/// Whether a reply holds these lines of [`Tree::data`] and nothing else; other types than theirs are not looked at.
fn says(reply: &Reply, lines: &BTreeSet<&str>) -> bool {
    let said = reply.answer.iter().filter_map(|line| match line.split(' ').collect::<Vec<_>>().as_slice() {
        [_, _, rtype @ ("A" | "AAAA"), address] => Some(format!("{rtype} {address}")),
        [_, _, "SRV", _, _, port, target] => Some(format!("SRV {port} {target}")),
        _ => None,
    });
    said.collect::<BTreeSet<_>>().iter().map(String::as_str).eq(lines.iter().copied())
}

fn ttl(line: &str) -> &str {
    line.split(' ').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::model::Clusterset;

    fn answered(code: &str, flags: &[&'static str]) -> Reply {
        Reply { code: code.to_owned(), flags: flags.iter().copied().collect(), ..Reply::default() }
    }

    /// Compares one question to which the other server says NXDOMAIN and ours NOERROR.
    fn compare_one(rules: &[Rule]) -> String {
        let set = Clusterset::new(1);
        let question = ("a.clusterset.local.".to_owned(), RecordType::A);
        let replies = [answered("NXDomain", &["AA"]), answered("NoError", &["AA"])];
        compare("another", &[question], &Tree::new(&set), (&replies[..1], &replies[1..]), rules)
    }

    #[test]
    fn a_listed_difference_passes() {
        let rule = Rule { reason: "so", holds: |case| case.theirs.is_nxdomain() && case.ours.is_nodata() };
        assert_eq!(compare_one(&[rule]), "1 questions compared with another: 1 answers differ, by 1 listed rules");
    }

    #[test]
    #[should_panic(expected = "1 of 1 answers differ and no rule says so")]
    fn an_unlisted_difference_fails() {
        compare_one(&[Rule { reason: "never", holds: |_| false }]);
    }

    #[test]
    #[should_panic(expected = "rules without a case: [\n    \"never\",\n]")]
    fn a_rule_that_never_applies_fails() {
        compare_one(&[Rule { reason: "so", holds: |_| true }, Rule { reason: "never", holds: |_| false }]);
    }
}
