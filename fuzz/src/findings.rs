//! What every finding holds, whoever makes it.

use clusterset_dns::model::fact::Fact;
use clusterset_dns::model::finding::Finding;
use clusterset_dns::model::id::ClusterId;
use clusterset_dns::source::object::{Context, Outcome, decode_json, encode_json};

/// The context of cluster `east`.
pub fn context() -> Context<'static> {
    let mut context = Context::api(ClusterId::new("east"));
    context.known_clusters = [ClusterId::new("west")].into();
    context
}

/// A code, a cluster and a message; a place in `file` of so many lines, or none without a file.
pub fn check(finding: &Finding, file: Option<(&str, usize)>) {
    assert!(!finding.code.is_empty() && &*finding.cluster == "east" && !finding.message.is_empty(), "{finding:?}");
    assert!(finding.message.len() < 2_000, "{} octets: {finding}", finding.message.len());
    assert!(!finding.to_string().contains('\n'), "{finding:?}");
    match (&finding.place, file) {
        (None, None) => {}
        (Some(place), Some((path, lines))) => {
            assert!(&*place.path == path && (1..=lines).contains(&(place.line as usize)), "{lines} lines: {finding:?}");
        }
        (place, _) => unreachable!("{place:?}: {finding:?}"),
    }
}

/// A fact is written as JSON that reads back as the same fact.
pub fn check_fact(fact: &Fact) {
    let mut octets = Vec::new();
    encode_json(fact, &mut octets);
    let Outcome::Object { fact: again, .. } = decode_json(Some(fact.kind()), &octets, &context()).outcome else {
        unreachable!("{fact:?} was written as {}", String::from_utf8_lossy(&octets))
    };
    assert_eq!(again, *fact, "{}", String::from_utf8_lossy(&octets));
}
