//! What an API server sends: one object, a page of a list, a watch event. All JSON, decoded item by item.

use super::lenient::{Faults, KeyText, Lenient};
use super::raw::{Raw, RawEvent, RawListMeta};
use super::{Context, Decoded, FieldPath, Outcome, convert};
use crate::model::fact::Kind;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Largest object that is read (RESILIENCE.md 2.2), in octets.
const MAX_OBJECT: usize = 2 << 20;

/// Bytes that are no such message; names line and column of the fault.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        DecodeError(error.to_string())
    }
}

/// `metadata` of a list page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListMeta {
    /// As sent, for resuming; compare with [`ListMeta::version`].
    pub resource_version: String,
    /// Of the next page; `None` on the last.
    pub continue_token: Option<String>,
    /// `remainingItemCount`.
    pub remaining: Option<u64>,
}

impl ListMeta {
    /// `resourceVersion` as a number, 0 when it is none.
    pub fn version(&self) -> u64 {
        self.resource_version.parse().unwrap_or(0)
    }
}

/// One event of a watch.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// ADDED or MODIFIED.
    Applied(Decoded),
    /// DELETED; the identity tells what is gone.
    Deleted(Decoded),
    /// BOOKMARK, at this `resourceVersion` (0 when it is no number).
    Bookmark(u64),
    /// ERROR.
    Error(Status),
}

/// The Status of a failed request or of an ERROR event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// HTTP status code, 0 when absent.
    pub code: u16,
    pub reason: String,
    pub message: String,
    pub retry_after_seconds: Option<u64>,
}

/// Decodes one object. `kind` is what the request asked for; `None` takes it from the object.
pub fn decode_json(kind: Option<Kind>, bytes: &[u8], context: &Context<'_>) -> Decoded {
    let faults = Faults::default();
    match whole(bytes, Lenient::<Raw<'_>>::new(&faults)) {
        Ok(raw) => within_limit(bytes.len(), convert::convert(raw, kind, &faults, None, context), context),
        Err(error) => convert::unreadable(kind, &error.to_string(), context),
    }
}

/// Decodes a page of a list, handing over each item as it is read.
///
/// # Errors
/// The bytes are no JSON, or no list; items handed over before stay handed over.
pub fn decode_list(
    kind: Kind,
    bytes: &[u8],
    context: &Context<'_>,
    each: impl FnMut(Decoded),
) -> Result<ListMeta, DecodeError> {
    let page = whole(bytes, Page { kind, context, each })?;
    page.ok_or_else(|| DecodeError("the reply is no list: it has no `items`".into()))
}

/// Decodes one line of a watch.
///
/// # Errors
/// The line is no JSON, or of an event type that is not known.
pub fn decode_event(kind: Kind, line: &[u8], context: &Context<'_>) -> Result<Event, DecodeError> {
    let faults = Faults::default();
    let event = whole(line, Lenient::<RawEvent<'_>>::new(&faults))?.unwrap_or_default();
    let object = |raw| within_limit(line.len(), convert::convert(raw, Some(kind), &faults, None, context), context);
    match event.event_type.as_deref() {
        Some("ADDED" | "MODIFIED") => Ok(Event::Applied(object(event.object))),
        Some("DELETED") => Ok(Event::Deleted(object(event.object))),
        Some("BOOKMARK") => Ok(Event::Bookmark(event.object.map_or(0, |raw| convert::resource_version(&raw)))),
        Some("ERROR") => Ok(Event::Error(status(event.object.unwrap_or_default()))),
        other => Err(DecodeError(format!("unknown watch event type {:?}", other.unwrap_or_default()))),
    }
}

fn status(raw: Raw<'_>) -> Status {
    Status {
        code: raw.code.and_then(|code| u16::try_from(code).ok()).unwrap_or(0),
        reason: raw.reason.unwrap_or_default().into_owned(),
        message: raw.message.unwrap_or_default().into_owned(),
        retry_after_seconds: raw
            .details
            .and_then(|details| details.retry_after_seconds)
            .and_then(|seconds| u64::try_from(seconds).ok()),
    }
}

/// Rejects an object of too many octets, whatever it says.
pub(super) fn within_limit(octets: usize, decoded: Decoded, context: &Context<'_>) -> Decoded {
    if octets <= MAX_OBJECT {
        return decoded;
    }
    let (kind, key) = decoded.identity();
    let Some(kind) = kind else { return decoded };
    let message = format!("the object has {octets} octets, at most {MAX_OBJECT} are read; its last good version stays");
    let name = key.as_ref().map_or("", |key| key.as_str()).trim_start_matches('/');
    let finding = context.finding("over-limit", Some(kind), name, &FieldPath::default(), message);
    Decoded { outcome: Outcome::Rejected { kind: Some(kind), key, finding }, ..decoded }
}

/// Reads exactly one JSON value.
pub(super) fn whole<'de, S: DeserializeSeed<'de>>(bytes: &'de [u8], seed: S) -> Result<S::Value, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = seed.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// The seed of a list page; `None`: a map without `items`.
struct Page<'c, 'a, F> {
    kind: Kind,
    context: &'c Context<'a>,
    each: F,
}

impl<'de, F: FnMut(Decoded)> DeserializeSeed<'de> for Page<'_, '_, F> {
    type Value = Option<ListMeta>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Decoded)> Visitor<'de> for Page<'_, '_, F> {
    type Value = Option<ListMeta>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut meta, mut items) = (ListMeta::default(), false);
        while let Some(key) = map.next_key_seed(KeyText)? {
            match &*key {
                "metadata" => meta = list_meta(map.next_value_seed(Lenient::new(&Faults::default()))?),
                "items" => {
                    map.next_value_seed(Items { kind: self.kind, context: self.context, each: &mut self.each })?;
                    items = true;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(items.then_some(meta))
    }
}

fn list_meta(raw: Option<RawListMeta<'_>>) -> ListMeta {
    let raw = raw.unwrap_or_default();
    ListMeta {
        resource_version: raw.resource_version.unwrap_or_default().into_owned(),
        continue_token: raw.continue_token.filter(|token| !token.is_empty()).map(|token| token.into_owned()),
        remaining: raw.remaining.and_then(|count| u64::try_from(count).ok()),
    }
}

/// The seed of `items`; null is an empty list, as Go writes it.
struct Items<'c, 'a, 'f, F> {
    kind: Kind,
    context: &'c Context<'a>,
    each: &'f mut F,
}

impl<'de, F: FnMut(Decoded)> DeserializeSeed<'de> for Items<'_, '_, '_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Decoded)> Visitor<'de> for Items<'_, '_, '_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for index in 0.. {
            let faults = Faults::default();
            let Some(raw) = list.next_element_seed(Lenient::<Raw<'_>>::new(&faults))? else { break };
            (self.each)(convert::convert(raw, Some(self.kind), &faults, Some(index), self.context));
        }
        Ok(())
    }
}
