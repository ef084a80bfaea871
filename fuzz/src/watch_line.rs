//! `watch_line`: any octets as a line of a watch: no panic, the event that an independent reading of the JSON finds, and
//! no event in a line that is cut short.

use super::findings;
use clusterset_dns::model::fact::Kind;
use clusterset_dns::source::object::{Decoded, Event, Outcome, decode_event};
use serde_json::Value;

/// Decodes `octets` as a line of each kind, and cut short.
pub fn check(octets: &[u8]) {
    let context = findings::context();
    for kind in Kind::ALL {
        let event = decode_event(kind, octets, &context);
        match &event {
            Ok(Event::Applied(decoded) | Event::Deleted(decoded)) => check_decoded(kind, decoded),
            Ok(Event::Bookmark(_)) => {}
            Ok(Event::Error(status)) => assert!(status.message.len() <= octets.len()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if let Ok(value) = serde_json::from_slice::<Value>(octets) {
            check_type(&value, event.as_ref().ok());
        }
    }
    cut_short(octets);
}

fn check_decoded(kind: Kind, decoded: &Decoded) {
    match &decoded.outcome {
        Outcome::Object { fact, findings } => {
            assert_eq!(fact.kind(), kind);
            findings.iter().for_each(|finding| findings::check(finding, None));
            findings::check_fact(fact);
        }
        Outcome::Rejected { kind: of, finding, .. } => {
            assert_eq!(*of, Some(kind));
            findings::check(finding, None);
        }
        Outcome::Ignored { object } => assert_eq!(object.as_ref().map(|(kind, _)| *kind), Some(kind)),
    }
}

/// The event is of the type that the line names.
fn check_type(line: &Value, event: Option<&Event>) {
    let object = &line["object"];
    let is_right = match (line["type"].as_str(), event) {
        (Some("ADDED" | "MODIFIED"), Some(Event::Applied(_))) | (Some("DELETED"), Some(Event::Deleted(_))) => true,
        (Some("BOOKMARK"), Some(Event::Bookmark(version))) => {
            let text = object["metadata"]["resourceVersion"].as_str();
            *version == text.and_then(|text| text.parse().ok()).unwrap_or(0)
        }
        (Some("ERROR"), Some(Event::Error(status))) => {
            // A whole number is one in every notation.
            let code = object["code"].as_f64().filter(|code| code.fract() == 0.0 && (0.0..65_536.0).contains(code));
            f64::from(status.code) == code.unwrap_or(0.0)
        }
        (Some("ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"), _) => false,
        (_, event) => event.is_none(),
    };
    assert!(is_right, "{line} was read as {event:?}");
}

/// Without its last brace a line is no event.
fn cut_short(octets: &[u8]) {
    let whole = octets.trim_ascii();
    let is_object = whole.starts_with(b"{") && serde_json::from_slice::<Value>(whole).is_ok();
    for length in [whole.len().saturating_sub(1), whole.len() / 2, whole.len() / 3] {
        if is_object {
            assert!(decode_event(Kind::Service, &whole[..length], &findings::context()).is_err(), "{length} octets");
        }
    }
}
