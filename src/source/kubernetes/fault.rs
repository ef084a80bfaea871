//! What can go wrong between us and an API server, in words and as a metrics label.

use super::cluster::Closed;
use super::course::Class;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The label `code` of every counter: statuses and the names of other faults.
pub const CODES: [&str; 25] = [
    "200",
    "400",
    "401",
    "403",
    "404",
    "405",
    "410",
    "422",
    "429",
    "500",
    "501",
    "502",
    "503",
    "504",
    "connect",
    "head",
    "silence",
    "cut",
    "deadline",
    "too-large",
    "garbled",
    "credential",
    "identity",
    "panic",
    "other",
];

/// One fault of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No connection, or it broke before a response.
    Connect(String),
    /// No response head in time.
    Head(Duration),
    /// A status that is not 2xx, of the response or inside a watch.
    Status { code: u16, text: String, retry_after: Option<Duration> },
    /// No octet of the body in time.
    Silence(Duration),
    /// The body ended in the middle.
    Cut(String),
    /// A list took too long.
    Deadline(Duration),
    /// More octets than are read; what and how many.
    TooLarge(&'static str, usize),
    /// Not what the API sends.
    Garbled(String),
    /// The credential cannot be read.
    Credential(String),
    /// The API server is not, or not alone, that of the cluster.
    Identity(String),
    /// Discovery no longer lists the kind.
    NotServed,
}

impl Fault {
    /// The label in metrics: a status code or a word.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Status { code, .. } => status_label(*code),
            Fault::Connect(_) => "connect",
            Fault::Head(_) => "head",
            Fault::Silence(_) => "silence",
            Fault::Cut(_) => "cut",
            Fault::Deadline(_) => "deadline",
            Fault::TooLarge(..) => "too-large",
            Fault::Garbled(_) => "garbled",
            Fault::Credential(_) => "credential",
            Fault::Identity(_) => "identity",
            Fault::NotServed => "404",
        }
    }

    /// How the course of the kind goes on.
    pub(super) fn class(&self) -> Class {
        match self {
            Fault::Status { code: 410, .. } => Class::Gone,
            Fault::Status { code: 404, .. } => Class::Missing,
            Fault::Status { code: 403, .. } => Class::Forbidden,
            // The line that is too long would come again for ever; a new list does not hold it as one line.
            Fault::Garbled(_) | Fault::TooLarge(..) => Class::Garbled,
            _ => Class::Other,
        }
    }

    /// How long the server asked us to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Fault::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What the operator can do, where that is known.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Fault::Status { code: 401, .. } => "; renew the credential: its file is read again",
            Fault::Status { code: 403, .. } => "; grant `list` and `watch` on it",
            Fault::Connect(_) => "; check address, network and certificates",
            _ => "",
        }
    }
}

/// Why a step ended early.
#[derive(Debug)]
pub(super) enum Stop {
    Fault(Fault),
    Closed,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

impl From<Closed> for Stop {
    fn from(Closed: Closed) -> Self {
        Stop::Closed
    }
}

/// The label of a status; any other 2xx is 200, codes without a label of their own are `other`.
pub(super) fn status_label(code: u16) -> &'static str {
    if (200..300).contains(&code) {
        return CODES[0];
    }
    let same = |label: &&&str| label.parse() == Ok(code);
    CODES.iter().find(same).copied().unwrap_or("other")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Connect(cause) => write!(f, "no connection: {cause}"),
            Fault::Head(limit) => write!(f, "no response within {limit:?}"),
            Fault::Status { code, text, .. } => write!(f, "{code} {text}"),
            Fault::Silence(limit) => write!(f, "the response fell silent for {limit:?}"),
            Fault::Cut(cause) => write!(f, "the response was cut off: {cause}"),
            Fault::Deadline(limit) => write!(f, "not complete within {limit:?}"),
            Fault::TooLarge(what, limit) => write!(f, "{what} has more than {limit} octets"),
            Fault::Garbled(cause) => write!(f, "not what a Kubernetes API sends: {cause}"),
            Fault::Credential(cause) => write!(f, "no credential: {cause}"),
            Fault::Identity(cause) => f.write_str(cause),
            Fault::NotServed => f.write_str("discovery no longer lists it"),
        }
    }
}

/// The innermost cause of an error, which names the fault; the layers above only say "client error".
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_label_and_a_class() {
        let status = |code| Fault::Status { code, text: "Gone".into(), retry_after: None };
        let cases = [
            (status(410), "410", Class::Gone),
            (status(404), "404", Class::Missing),
            (status(403), "403", Class::Forbidden),
            (status(418), "other", Class::Other),
            (Fault::Cut("eof".into()), "cut", Class::Other),
            (Fault::TooLarge("a line", 9), "too-large", Class::Garbled),
            (Fault::Garbled("x".into()), "garbled", Class::Garbled),
        ];
        for (fault, code, class) in cases {
            assert_eq!((fault.code(), fault.class()), (code, class), "{fault}");
            assert!(CODES.contains(&fault.code()));
        }
        assert_eq!(status_label(201), "200");
        assert_eq!(status(410).to_string(), "410 Gone");
    }
}
