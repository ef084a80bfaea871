//! Codes in words: rcodes as `dig` prints them, extended DNS errors (RFC 8914 section 4), flags.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

/// An extended DNS error of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExtendedError {
    pub code: u16,
    /// EXTRA-TEXT, often empty.
    pub text: String,
}

/// Meanings of the codes 0 to 24 (IANA registry "Extended DNS Error Codes").
const MEANINGS: [&str; 25] = [
    "Other",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDomain Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
];

impl ExtendedError {
    /// The registered meaning.
    pub fn meaning(&self) -> &'static str {
        MEANINGS.get(usize::from(self.code)).copied().unwrap_or("unassigned here")
    }

    /// What this server means by it.
    pub fn here(&self) -> Option<&'static str> {
        match self.code {
            3 => Some("some of these addresses belong to a cluster without recent contact"),
            14 => Some("a cluster that could own the name has not been read yet; ask again soon"),
            18 => Some("this client may not ask this"),
            20 => Some("the name is in none of the configured zones"),
            _ => None,
        }
    }
}

/// Every EDE option of the reply.
pub(super) fn extended_errors(message: &Message) -> Vec<ExtendedError> {
    let Some(edns) = &message.edns else { return Vec::new() };
    let read = |option: &EdnsOption| match option {
        EdnsOption::Unknown(15, octets) => {
            let (code, text) = octets.split_first_chunk::<2>()?;
            let text = String::from_utf8_lossy(text).into_owned();
            Some(ExtendedError { code: u16::from_be_bytes(*code), text })
        }
        _ => None,
    };
    edns.options().get_all(EdnsCode::Unknown(15)).into_iter().filter_map(read).collect()
}

/// The mnemonic (RFC 1035 section 4.1.1, RFC 6895), or the number.
pub(super) fn rcode(code: ResponseCode) -> String {
    const NAMES: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
        "NOTZONE",
    ];
    match u16::from(code) {
        16 => "BADVERS".to_owned(),
        number => NAMES.get(usize::from(number)).map_or_else(|| format!("RCODE{number}"), |name| (*name).to_owned()),
    }
}

/// Lower-case names of the flags that are set, in `dig`'s order.
pub(super) fn flags(message: &Message) -> Vec<&'static str> {
    let header = &message.metadata;
    let flags = [
        (true, "qr"),
        (header.authoritative, "aa"),
        (header.truncation, "tc"),
        (header.recursion_desired, "rd"),
        (header.recursion_available, "ra"),
        (header.authentic_data, "ad"),
        (header.checking_disabled, "cd"),
    ];
    flags.into_iter().filter_map(|(set, name)| set.then_some(name)).collect()
}

/// The order of the answer's data, which `--count` compares: `10.1.0.3 10.1.0.4`.
pub(super) fn order(message: &Message) -> String {
    let data: Vec<String> = message.answers.iter().map(|record: &Record| record.data.to_string()).collect();
    if data.is_empty() { format!("({}, no records)", rcode(message.metadata.response_code)) } else { data.join(" ") }
}

/// Distinct values with how often each came, the most frequent first.
pub(super) fn tally(values: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}
