//! The own annotations `clusterset-dns.io/*` (SOURCES.md section 5).

use super::report::{Report, quote};
use crate::model::AnswerMode;
use crate::model::policy::{OwnPolicy, Preference};
use crate::model::probe::Request;
use crate::source::object::raw::{Annotations, Raw};
use std::sync::Arc;

const MAX_TTL: i64 = 3_600;
const MAX_WEIGHT: u32 = 1_000;

/// Reads the annotations of the object; on a ServiceExport those of `spec.exportedAnnotations` stand behind them.
pub fn own_policy(raw: &Raw<'_>, report: &mut Report<'_, '_>) -> OwnPolicy {
    let own = raw.metadata.as_ref().and_then(|meta| meta.annotations.as_ref());
    let exported = raw.spec.as_ref().and_then(|spec| spec.exported_annotations.as_ref());
    if own.is_none() && exported.is_none() {
        return OwnPolicy::default();
    }
    let mut reader = Reader { own, raw, report };
    OwnPolicy {
        answer: reader.read("clusterset-dns.io/answer", |own| &own.answer, answer),
        ttl: reader.read("clusterset-dns.io/ttl", |own| &own.ttl, ttl),
        weight: reader.read("clusterset-dns.io/weight", |own| &own.weight, weight),
        prefer: reader.read("clusterset-dns.io/prefer", |own| &own.prefer, prefer),
        drain: reader.read("clusterset-dns.io/drain", |own| &own.drain, drain).unwrap_or(false),
        health: reader.read("clusterset-dns.io/health", |own| &own.health, health),
    }
}

type Field<'r, 'de> = fn(&'r Annotations<'de>) -> &'r Option<std::borrow::Cow<'de, str>>;

struct Reader<'r, 'de, 'p, 'c, 'a> {
    own: Option<&'r Annotations<'de>>,
    raw: &'r Raw<'de>,
    report: &'p mut Report<'c, 'a>,
}

impl<'r, 'de> Reader<'r, 'de, '_, '_, '_> {
    /// Parses one annotation; what does not parse counts as absent.
    fn read<T>(
        &mut self,
        key: &str,
        field: Field<'r, 'de>,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let exported = || self.raw.spec.as_ref()?.exported_annotations.as_ref()?.get(key);
        let (text, place) = match self.own.and_then(|own| field(own).as_ref()) {
            Some(text) => (text, "metadata.annotations"),
            None => (exported()?, "spec.exportedAnnotations"),
        };
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(wanted) => {
                let message = format!("{} is not {wanted}; the annotation counts as absent", quote(text));
                self.report.add("bad-annotation", &format!("{place}[{key}]"), message);
                None
            }
        }
    }
}

fn answer(text: &str) -> Result<AnswerMode, &'static str> {
    match text {
        "ordered" => Ok(AnswerMode::Ordered),
        "nearest" => Ok(AnswerMode::Nearest),
        "weighted" => Ok(AnswerMode::Weighted),
        _ => Err("`ordered`, `nearest` or `weighted`"),
    }
}

fn ttl(text: &str) -> Result<u32, &'static str> {
    let seconds: i64 = text.parse().map_err(|_| "a number of seconds")?;
    Ok(seconds.clamp(0, MAX_TTL) as u32)
}

fn weight(text: &str) -> Result<u32, &'static str> {
    text.parse().ok().filter(|weight| *weight <= MAX_WEIGHT).ok_or("a number in 0..1000")
}

fn drain(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "`true` or `false`")
}

fn prefer(text: &str) -> Result<Arc<[Preference]>, &'static str> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let parsed: Option<Vec<_>> = entries
        .map(|entry| match entry.split_once(':') {
            None => Some(Preference::Cluster(entry.into())),
            Some((_, "")) => None,
            Some(("region", name)) => Some(Preference::Region(name.trim().into())),
            Some(("zone", name)) => Some(Preference::Zone(name.trim().into())),
            Some(_) => None,
        })
        .collect();
    parsed
        .filter(|entries| !entries.is_empty())
        .map(Arc::from)
        .ok_or("a list such as `west, region:eu-west-1, zone:eu-west-1a`")
}

/// `tcp:5432`, `http:8080/health`, `https:8443/`; kept as written.
fn health(text: &str) -> Result<Arc<str>, &'static str> {
    Request::parse(text).map(|_| text.into()).ok_or("a probe such as `tcp:5432` or `http:8080/health`")
}
