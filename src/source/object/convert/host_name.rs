//! Hosts of global zones: which texts can be names there (SOURCES.md section 4, "Names").

use super::identity::lower_case;
use super::report::{Report, quote};
use std::sync::Arc;

/// Longest host, in characters.
const MAX_HOST: usize = 253;

/// Which octets a label may hold beside letters, digits and `-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// ServiceEntries.
    Plain,
    /// DNSEndpoints: `_` too.
    Underscore,
}

/// Whether `*` may be the first label. A bare `*` is never a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcard {
    Allowed,
    Refused,
}

/// A host in lower case and without its final dot; what is none is a `bad-name`.
pub fn host_name(
    text: &str,
    alphabet: Alphabet,
    wildcard: Wildcard,
    path: impl Fn() -> String,
    report: &mut Report<'_, '_>,
) -> Option<Arc<str>> {
    let name = lower_case(text.strip_suffix('.').unwrap_or(text));
    let labels = match name.strip_prefix("*.") {
        Some(rest) if wildcard == Wildcard::Allowed => rest,
        _ => &*name,
    };
    let is_octet = |o: u8| o.is_ascii_alphanumeric() || o == b'-' || (o == b'_' && alphabet == Alphabet::Underscore);
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_octet);
    if name.len() <= MAX_HOST && labels.split('.').all(is_label) {
        return Some(report.share(&name));
    }
    let octets =
        if alphabet == Alphabet::Underscore { "letters, digits, `-` and `_`" } else { "letters, digits and `-`" };
    let star = if wildcard == Wildcard::Allowed { ", `*` only as the whole first label" } else { "" };
    let wanted = format!("a host name (labels of 1 to 63 {octets}, 253 characters in all{star})");
    report.add("bad-name", &path(), format!("{} is not {wanted}; it is left out", quote(text)));
    None
}
