//! One whole list of a kind, in pages, handed over only when the last page is in (RESILIENCE.md 4.1).
//!
//! In: a collection's path. Out: every object of it, decoded one by one, and the resourceVersion to watch from.

use super::Limits;
use super::client::{Connection, Deadline, Encoding, short};
use super::counters::Verb;
use super::fault::{Fault, Stop};
use super::pulse::Pulse;
use crate::model::{Fact, Finding, Kind};
use crate::source::object::{Context, DecodeError, Decoded, ListMeta, Outcome, decode_list};

/// A complete list.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub version: u64,
    pub facts: Vec<Fact>,
    /// Of the objects, and of those that were rejected.
    pub findings: Vec<Finding>,
}

impl Whole {
    fn take(&mut self, decoded: Decoded) {
        match decoded.outcome {
            Outcome::Object { fact, findings } => {
                self.facts.push(fact);
                self.findings.extend(findings);
            }
            Outcome::Rejected { finding, .. } => self.findings.push(finding),
            Outcome::Ignored { .. } => {}
        }
    }
}

/// What a list reads.
pub(super) struct Request<'r> {
    pub connection: &'r Connection,
    pub path: &'r str,
    pub kind: Kind,
    pub context: &'r Context<'static>,
    pub limits: &'r Limits,
}

impl Request<'_> {
    /// Lists the kind whole; each page is a sign of life.
    ///
    /// # Errors
    /// The first fault of any page; nothing of the list is handed over then.
    pub async fn whole(&self, pulse: &Pulse) -> Result<Whole, Stop> {
        let deadline = Deadline::after(self.connection.timing().list);
        let (mut whole, mut limit, mut token) = (Whole::default(), self.limits.page_items, String::new());
        loop {
            let octets = match self.page(limit, &token, deadline).await {
                Err(Fault::TooLarge(..)) if limit > 1 => {
                    limit /= 2;
                    continue;
                }
                page => page?,
            };
            let meta = decode_list(self.kind, &octets, self.context, |decoded| whole.take(decoded));
            let meta = meta.map_err(|error| garbled(&error))?;
            pulse.beat().await?;
            match meta.continue_token {
                Some(next) => token = next,
                None => return Ok(finished(whole, &meta)?),
            }
        }
    }

    async fn page(&self, limit: u32, token: &str, deadline: Deadline) -> Result<Vec<u8>, Fault> {
        let path = format!("{}?limit={limit}{}", self.path, continued(token));
        page(self.connection, Verb::List, &path, self.limits.page_octets, deadline).await
    }
}

/// The resourceVersion of the collection, by a consistent list of one item.
///
/// # Errors
/// Any fault of the request, or a reply that is no list.
pub(super) async fn newest(
    connection: &Connection,
    verb: Verb,
    path: &str,
    limits: &Limits,
    deadline: Deadline,
) -> Result<u64, Fault> {
    let octets = page(connection, verb, &format!("{path}?limit=1"), limits.page_octets, deadline).await?;
    let list: OnlyMeta = serde_json::from_slice(&octets).map_err(|error| Fault::Garbled(error.to_string()))?;
    list.metadata.resource_version.parse().map_err(|_| Fault::Garbled("resourceVersion is no number".to_owned()))
}

/// A list of which only the version matters.
#[derive(serde::Deserialize)]
struct OnlyMeta {
    metadata: Version,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    resource_version: String,
}

/// One page of at most `most` octets.
///
/// # Errors
/// Any fault of the request.
pub(super) async fn page(
    connection: &Connection,
    verb: Verb,
    path: &str,
    most: usize,
    deadline: Deadline,
) -> Result<Vec<u8>, Fault> {
    let mut frames = deadline.bound(connection.get(verb, path, Encoding::Gzip)).await?;
    frames.whole(most, deadline).await
}

fn finished(mut whole: Whole, meta: &ListMeta) -> Result<Whole, Fault> {
    whole.version = meta.version();
    if whole.version == 0 {
        return Err(Fault::Garbled(format!("the list's resourceVersion {:?} is no number", meta.resource_version)));
    }
    Ok(whole)
}

/// A path and more of its query; the path may have a selector already.
pub(super) fn with_query(path: &str, query: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}{query}")
}

/// The part of a query that asks for the page behind a continue token.
pub(super) fn continued(token: &str) -> String {
    match token {
        "" => String::new(),
        token => format!("&continue={}", escaped(token)),
    }
}

/// A text as a query value: everything but unreserved characters escaped (RFC 3986 section 2.3).
pub(super) fn escaped(token: &str) -> String {
    let mut text = String::with_capacity(token.len());
    for octet in token.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(octet)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

fn garbled(error: &DecodeError) -> Fault {
    Fault::Garbled(short(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continue_tokens_are_escaped() {
        assert_eq!(continued(""), "");
        assert_eq!(continued("eyJ2Ij0=/+a"), "&continue=eyJ2Ij0%3D%2F%2Ba");
    }
}
