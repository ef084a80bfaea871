//! Gathers the findings of one object.

use crate::model::fact::Kind;
use crate::model::finding::Finding;
use crate::model::id::is_label;
use crate::model::{address, fact::Family};
use crate::source::object::lenient::Faults;
use crate::source::object::{Context, FieldPath};
use std::net::IpAddr;
use std::sync::Arc;

/// Findings kept of one object; one more counts the rest.
const MAX_FINDINGS: usize = 16;

/// The findings of one object, and what they all name.
pub struct Report<'c, 'a> {
    pub context: &'c Context<'a>,
    kind: Kind,
    object: &'c str,
    item: Option<usize>,
    findings: Vec<Finding>,
    surplus: usize,
    /// Paths of the fields of a wrong type.
    mistyped: Vec<String>,
}

impl<'c, 'a> Report<'c, 'a> {
    pub fn new(context: &'c Context<'a>, kind: Kind, object: &'c str, item: Option<usize>) -> Self {
        Report { context, kind, object, item, findings: Vec::new(), surplus: 0, mistyped: Vec::new() }
    }

    /// Adds a finding about the field at `path`.
    pub fn add(&mut self, code: &'static str, path: &str, message: String) {
        if self.findings.len() == MAX_FINDINGS {
            self.surplus += 1;
            return;
        }
        let field = FieldPath { item: self.item, path };
        self.findings.push(self.context.finding(code, Some(self.kind), self.object, &field, message));
    }

    /// Adds a finding for each field of a wrong type.
    pub fn faults(&mut self, faults: &Faults) {
        let (list, surplus) = faults.take();
        for fault in list {
            let message = format!("is {}, {} is expected; the field counts as absent", fault.met, fault.expected);
            let path = fault.path();
            self.add("wrong-type", &path, message);
            self.mistyped.push(path);
        }
        self.surplus += surplus;
    }

    /// True when the field at `path` was of a wrong type: it counts as absent, and that has been said.
    pub fn is_mistyped(&self, path: &str) -> bool {
        self.mistyped.iter().any(|mistyped| mistyped == path)
    }

    /// The findings, with a last one that counts what was too many.
    pub fn finish(mut self) -> Vec<Finding> {
        if self.surplus > 0 {
            let message = format!("{} more findings of this object are not listed", self.surplus);
            let field = FieldPath { item: self.item, path: "" };
            self.findings.push(self.context.finding("more-findings", Some(self.kind), self.object, &field, message));
        }
        self.findings
    }

    /// The shared copy of a text.
    pub fn share(&self, text: &str) -> Arc<str> {
        self.context.interner.share(text)
    }

    /// Reads an address that may be answered; `lost` says what a refused one costs.
    pub fn address(
        &mut self,
        text: &str,
        family: Option<Family>,
        path: impl Fn() -> String,
        lost: &str,
    ) -> Option<IpAddr> {
        match usable_address(text, family) {
            Ok(address) => Some(address),
            Err(reason) => {
                self.add("refused-address", &path(), format!("{} {reason}; {lost}", quote(text)));
                None
            }
        }
    }

    /// A DNS host name of SOURCES.md section 4, lower-cased and without its final dot.
    pub fn host(&mut self, text: &str, path: impl Fn() -> String) -> Option<Arc<str>> {
        let name = super::identity::lower_case(text.strip_suffix('.').unwrap_or(text));
        if name.len() <= 253 && name.split('.').all(is_label) {
            return Some(self.share(&name));
        }
        self.add("bad-name", &path(), format!("{} is not a host name; it is left out", quote(text)));
        None
    }
}

/// Why `text` is no address that may be answered, in words that follow it.
fn usable_address(text: &str, family: Option<Family>) -> Result<IpAddr, &'static str> {
    let wanted = match family {
        Some(Family::V4) => "is not an IPv4 address",
        Some(Family::V6) => "is not an IPv6 address",
        None => "is not an IP address",
    };
    let address: IpAddr = match text.parse() {
        Ok(address) => address,
        Err(_) if text.contains('%') => return Err("has a zone id"),
        Err(_) if has_leading_zero(text) => return Err("has an octet with a leading zero"),
        Err(_) => return Err(wanted),
    };
    if family.is_some_and(|family| (family == Family::V4) != address.is_ipv4()) {
        return Err(wanted);
    }
    address::refusal(address).map_or(Ok(address), Err)
}

fn has_leading_zero(text: &str) -> bool {
    let octets: Vec<&str> = text.split('.').collect();
    octets.len() == 4
        && octets.iter().all(|octet| !octet.is_empty() && octet.bytes().all(|b| b.is_ascii_digit()))
        && octets.iter().any(|octet| octet.len() > 1 && octet.starts_with('0'))
}

/// `text` in quotes, cut to 80 characters.
pub fn quote(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}
