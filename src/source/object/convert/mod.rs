//! From a slim shape to a fact: the reader rules of SOURCES.md section 4 and the mirrors of section 1.4.
//!
//! In: a [`Raw`] and the faults met while reading it. Out: [`Decoded`]. One file per kind.

mod dns_endpoint;
mod entry;
mod export;
mod gateway;
mod host_name;
mod identity;
mod import;
mod node;
mod own;
mod port;
mod report;
mod service;
mod slice;
#[cfg(test)]
mod tests;
mod workload;

use super::lenient::Faults;
use super::raw::Raw;
use super::{Context, Decoded, FieldPath, Outcome};
use crate::model::fact::{Fact, Kind};
use crate::model::finding::Finding;
use identity::{Identity, Refusal};
use report::Report;

/// Converts one object. `hint` is the kind that was asked for; without it `apiVersion` and `kind` decide.
/// `item` is the object's index in its list document, for finding lines.
pub fn convert(
    raw: Option<Raw<'_>>,
    hint: Option<Kind>,
    faults: &Faults,
    item: Option<usize>,
    context: &Context<'_>,
) -> Decoded {
    let Some(raw) = raw else {
        let message = "the object is no map; it is left out".into();
        let finding = context.finding("bad-object", hint, "", &FieldPath { item, path: "" }, message);
        return Decoded {
            resource_version: 0,
            uid: None,
            outcome: Outcome::Rejected { kind: hint, key: None, finding },
        };
    };
    let resource_version = resource_version(&raw);
    let uid = raw.metadata.as_ref().and_then(|meta| meta.uid.as_deref()).map(Box::from);
    let outcome = match identity::kind_of(&raw, hint) {
        Ok(Some(kind)) => known_kind(&raw, kind, faults, item, context),
        Ok(None) => Outcome::Ignored { object: None },
        Err((kind, message)) => {
            let name = identity::display_name(&raw, kind);
            let finding = context.finding("bad-object", kind, &name, &FieldPath { item, path: "" }, message);
            Outcome::Rejected { kind, key: None, finding }
        }
    };
    let is_namespace = matches!(outcome, Outcome::Object { fact: Fact::Namespace(_), .. });
    Decoded { resource_version, uid: uid.filter(|_| is_namespace), outcome }
}

fn known_kind(raw: &Raw<'_>, kind: Kind, faults: &Faults, item: Option<usize>, context: &Context<'_>) -> Outcome {
    let reject = |key, (code, path, message): Refusal| {
        let name = identity::display_name(raw, Some(kind));
        let finding = context.finding(code, Some(kind), &name, &FieldPath { item, path }, message);
        Outcome::Rejected { kind: Some(kind), key, finding }
    };
    let identity = match Identity::read(raw, kind, &context.interner) {
        Ok(identity) => identity,
        Err(refusal) => return reject(None, refusal),
    };
    let mut report = Report::new(context, kind, identity.shown(), item);
    report.faults(faults);
    let fact = match kind {
        Kind::Namespace => Ok(node::namespace(raw, &identity, context)),
        Kind::Node => Ok(Some(node::node(raw, &identity, &mut report))),
        Kind::Service => Ok(Some(service::service(raw, &identity, &mut report))),
        Kind::EndpointSlice => slice::slice(raw, &identity, &mut report),
        Kind::ServiceExport => Ok(Some(export::export(raw, &identity, &mut report))),
        Kind::ServiceImport => Ok(import::import(raw, &identity, &mut report)),
        Kind::ServiceEntry => Ok(Some(entry::service_entry(raw, &identity, &mut report))),
        Kind::WorkloadEntry => Ok(workload::workload_entry(raw, &identity, &mut report)),
        Kind::DnsEndpoint => Ok(Some(dns_endpoint::dns_endpoint(raw, &identity, &mut report))),
        Kind::Gateway => Ok(Some(gateway::gateway(raw, &identity, &mut report))),
    };
    match fact {
        Ok(Some(fact)) => Outcome::Object { fact, findings: report.finish() },
        Ok(None) => Outcome::Ignored { object: Some((kind, identity.key)) },
        Err(refusal) => reject(Some(identity.key.clone()), refusal),
    }
}

/// `metadata.resourceVersion` as a number, 0 when it is none.
pub fn resource_version(raw: &Raw<'_>) -> u64 {
    raw.metadata
        .as_ref()
        .and_then(|meta| meta.resource_version.as_deref())
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}

/// Bytes that are no JSON value.
pub fn unreadable(kind: Option<Kind>, error: &str, context: &Context<'_>) -> Decoded {
    let message = format!("the object cannot be read: {error}; its last good version stays");
    let finding = context.finding("bad-object", kind, "", &FieldPath::default(), message);
    Decoded { resource_version: 0, uid: None, outcome: Outcome::Rejected { kind, key: None, finding } }
}

/// A document that is not `format`; `place` is line and column inside it.
pub fn unparsable(format: &str, error: &str, place: Option<(u64, u64)>, context: &Context<'_>) -> Finding {
    let error = without_position(error);
    let message = format!(
        "the document is no readable {format}: {error}; it is left out, what it held before stays; correct the file"
    );
    let mut finding = context.finding("bad-document", None, "", &FieldPath::default(), message);
    if let (Some(found), Some((line, column))) = (&mut finding.place, place) {
        found.line = context.line(u32::try_from(line).unwrap_or(0));
        found.column = u32::try_from(column).unwrap_or(0);
    }
    finding
}

/// The text of a reader's error without its own line and column: those count from the start of the document, and the
/// place of the finding says them.
fn without_position(error: &str) -> String {
    let Some((before, after)) = error.rsplit_once(" at line ") else { return error.to_owned() };
    let digits = |text: &'_ str| text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = &after[after.len() - digits(after)..];
    let Some(column) = rest.trim_start_matches(',').strip_prefix(" column ") else { return error.to_owned() };
    format!("{before}{}", &column[column.len() - digits(column)..])
}
