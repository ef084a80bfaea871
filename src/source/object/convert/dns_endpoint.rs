//! DNSEndpoints of external-dns (SOURCES.md 3.9).

use super::host_name::{Alphabet, Wildcard, host_name};
use super::identity::Identity;
use super::own::own_policy;
use super::report::{Report, quote};
use crate::model::fact::{Fact, Family};
use crate::model::host::fact::{DnsEndpointFact, DnsRecord, RecordValues, Routing, SrvValue};
use crate::source::object::raw::{Raw, present};
use crate::source::object::raw_host::SpecEndpoint;
use std::sync::Arc;

/// Longest TTL, seconds.
const MAX_TTL: i64 = 3_600;
/// Longest character-string of a TXT record, octets (RFC 1035 section 3.3.14).
const MAX_STRING: usize = 255;
/// Longest TXT value, octets.
const MAX_TEXT: usize = 32_768;
/// Largest `aws/weight` that is told apart.
const MAX_WEIGHT: u32 = 65_535;

/// A DNSEndpoint; entries that cannot be served are findings.
pub fn dns_endpoint(raw: &Raw<'_>, identity: &Identity<'_>, report: &mut Report<'_, '_>) -> Fact {
    let mut records = Vec::new();
    if let Some(spec) = &raw.spec {
        for (index, entry) in present(&spec.endpoints) {
            records.extend(record(entry, &format!("spec.endpoints[{index}]"), report));
        }
    }
    Fact::DnsEndpoint(Box::new(DnsEndpointFact {
        key: identity.key.clone(),
        records,
        own: own_policy(raw, report),
        origin: report.context.origin(super::resource_version(raw)),
    }))
}

fn record(raw: &SpecEndpoint<'_>, path: &str, report: &mut Report<'_, '_>) -> Option<DnsRecord> {
    let name = raw.dns_name.as_deref().unwrap_or("");
    let name_path = || format!("{path}.dnsName");
    let name = host_name(name, Alphabet::Underscore, Wildcard::Allowed, name_path, report)?;
    let values = Targets { raw, path }.read(report)?;
    let ttl = raw.record_ttl.filter(|ttl| *ttl > 0).map(|ttl| ttl.min(MAX_TTL) as u32);
    Some(DnsRecord { name, values, ttl, routing: routing(raw, path, report) })
}

/// The targets of one entry.
struct Targets<'r, 'de> {
    raw: &'r SpecEndpoint<'de>,
    path: &'r str,
}

impl Targets<'_, '_> {
    /// `None`: nothing usable is left.
    fn read(&self, report: &mut Report<'_, '_>) -> Option<RecordValues> {
        match self.raw.record_type.as_deref().unwrap_or("").to_ascii_uppercase().as_str() {
            "A" => self.addresses(Family::V4, report),
            "AAAA" => self.addresses(Family::V6, report),
            "CNAME" => self.hosts(report).into_iter().next().map(RecordValues::Alias),
            "PTR" => Some(self.hosts(report)).filter(|list| !list.is_empty()).map(RecordValues::Pointers),
            "TXT" => self.list(text, report).map(RecordValues::Texts),
            "SRV" => self.list(service, report).map(RecordValues::Services),
            other => {
                let message = format!("{} is not served; the entry is left out", quote(other));
                report.add("type-not-served", &format!("{}.recordType", self.path), message);
                None
            }
        }
    }

    fn targets(&self) -> impl Iterator<Item = (String, &str)> {
        present(&self.raw.targets).map(|(index, text)| (format!("{}.targets[{index}]", self.path), &**text))
    }

    fn addresses(&self, family: Family, report: &mut Report<'_, '_>) -> Option<RecordValues> {
        let mut addresses = Vec::new();
        for (path, text) in self.targets() {
            addresses.extend(report.address(text, Some(family), || path.clone(), "it is left out"));
        }
        (!addresses.is_empty()).then_some(RecordValues::Addresses(addresses))
    }

    fn hosts(&self, report: &mut Report<'_, '_>) -> Vec<Arc<str>> {
        let mut hosts = Vec::new();
        for (path, text) in self.targets() {
            hosts.extend(host_name(text, Alphabet::Underscore, Wildcard::Refused, || path.clone(), report));
        }
        hosts
    }

    fn list<T>(
        &self,
        read: fn(&str, &str, &mut Report<'_, '_>) -> Option<T>,
        report: &mut Report<'_, '_>,
    ) -> Option<Vec<T>> {
        let mut values = Vec::new();
        for (path, target) in self.targets() {
            values.extend(read(target, &path, report));
        }
        (!values.is_empty()).then_some(values)
    }
}

/// A TXT target: one or more quoted strings, or plain text. Strings over 255 octets are split.
fn text(target: &str, path: &str, report: &mut Report<'_, '_>) -> Option<Vec<Arc<str>>> {
    if target.len() > MAX_TEXT {
        let message = format!("has {} octets, at most {MAX_TEXT} are served; it is left out", target.len());
        report.add("over-limit", path, message);
        return None;
    }
    let strings = match target.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => quoted.split("\" \"").collect(),
        None => vec![target],
    };
    Some(strings.into_iter().flat_map(split).map(Arc::from).collect())
}

/// Runs of at most 255 octets that end where characters end; one empty run for an empty text.
fn split(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut rest = text;
    while rest.len() > MAX_STRING {
        let end = (0..=MAX_STRING).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(MAX_STRING);
        let (run, tail) = rest.split_at(end);
        runs.push(run);
        rest = tail;
    }
    runs.push(rest);
    runs
}

/// `priority weight port target`.
fn service(target: &str, path: &str, report: &mut Report<'_, '_>) -> Option<SrvValue> {
    let fields: Vec<&str> = target.split_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|text| text.parse::<u16>().ok());
    let ([_, _, _, host], Some(priority), Some(weight), Some(port @ 1..)) = (&*fields, number(0), number(1), number(2))
    else {
        let wanted = "`priority weight port target`; it is left out";
        report.add("bad-record", path, format!("{} is not {wanted}", quote(target)));
        return None;
    };
    let target = host_name(host, Alphabet::Underscore, Wildcard::Refused, || path.to_owned(), report)?;
    Some(SrvValue { priority, weight, port, target })
}

fn routing(raw: &SpecEndpoint<'_>, path: &str, report: &mut Report<'_, '_>) -> Routing {
    let set = raw.set_identifier.as_deref().filter(|id| !id.is_empty()).map(|id| report.share(id));
    let mut routing = Routing { set, ..Routing::default() };
    for (index, property) in present(&raw.provider_specific) {
        let (name, value) = (property.name.as_deref().unwrap_or(""), property.value.as_deref().unwrap_or(""));
        let sound = match name {
            "aws/weight" => {
                routing.weight = value.parse().ok().map(|weight: u32| weight.min(MAX_WEIGHT));
                routing.weight.is_some()
            }
            "aws/failover" => {
                routing.failover = match value {
                    "PRIMARY" => Some(0),
                    "SECONDARY" => Some(1),
                    _ => None,
                };
                routing.failover.is_some()
            }
            "aws/multi-value-answer" => {
                routing.multi_value = value.is_empty() || value == "true";
                true
            }
            "aws/region" | "aws/geoproximity-region" => {
                routing.region = Some(value).filter(|region| !region.is_empty()).map(|region| report.share(region));
                routing.region.is_some()
            }
            _ if name.starts_with("aws/geo") => {
                let message = format!("{} has no counterpart here; the records are served without it", quote(name));
                report.add("policy-not-mapped", &format!("{path}.providerSpecific[{index}].name"), message);
                true
            }
            _ => true,
        };
        if !sound {
            let message = format!("{} is no value of {name}; it counts as absent", quote(value));
            report.add("policy-not-mapped", &format!("{path}.providerSpecific[{index}].value"), message);
        }
    }
    routing
}
