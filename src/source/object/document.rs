//! A document of a manifest: one object of any kind, or a `List` of them.

use super::lenient::{Faults, KeyText, Lenient};
use super::list::{whole, within_limit};
use super::raw::Raw;
use super::{Context, Decoded, block, convert};
use crate::model::finding::Finding;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Options;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use std::fmt;

/// Decodes one YAML document. An empty one gives nothing.
///
/// # Errors
/// The text is no YAML; the finding names line and column.
pub fn decode_yaml(text: &str, context: &Context<'_>) -> Result<Vec<Decoded>, Box<Finding>> {
    let faults = Faults::default();
    if let Ok(document) = block::read(text, DocumentSeed { faults: &faults, context }) {
        return Ok(finish(document, &faults, text.len(), context));
    }
    let faults = Faults::default();
    let parsed = serde_saphyr::with_deserializer_from_str_with_options(text, yaml_options(), |deserializer| {
        DocumentSeed { faults: &faults, context }.deserialize(deserializer)
    });
    match parsed {
        Ok(document) => Ok(finish(document, &faults, text.len(), context)),
        Err(error) => {
            let place = error.location().map(|at| (at.line(), at.column()));
            Err(Box::new(convert::unparsable("YAML", &error.without_snippet().to_string(), place, context)))
        }
    }
}

/// Decodes one JSON document.
///
/// # Errors
/// The text is no JSON; the finding names line and column.
pub fn decode_json_text(text: &str, context: &Context<'_>) -> Result<Vec<Decoded>, Box<Finding>> {
    let faults = Faults::default();
    match whole(text.as_bytes(), DocumentSeed { faults: &faults, context }) {
        Ok(document) => Ok(finish(document, &faults, text.len(), context)),
        Err(error) => {
            let place = Some((error.line() as u64, error.column() as u64));
            Err(Box::new(convert::unparsable("JSON", &error.to_string(), place, context)))
        }
    }
}

/// Settings of the YAML reader: values as kubectl reads them, no budget (a file may hold 200,000 objects), alias
/// limits as they stand.
pub(super) fn yaml_options() -> Options {
    serde_saphyr::options! {
        budget: None,
        emit_comments: false,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// A document as read: the object itself, and its items if it has any.
#[derive(Default)]
struct Parsed<'de> {
    raw: Raw<'de>,
    items: Vec<Item<'de>>,
}

/// An item of a list document.
enum Item<'de> {
    Done(Decoded),
    /// Names no kind: waits for the `kind` of the list (`ServiceList`), which may stand behind the items.
    Pending {
        index: usize,
        raw: Box<Raw<'de>>,
        faults: Faults,
    },
}

/// What the document says, once it is read whole.
fn finish(document: Option<Parsed<'_>>, faults: &Faults, octets: usize, context: &Context<'_>) -> Vec<Decoded> {
    let Some(Parsed { raw, items }) = document else { return Vec::new() };
    let (kind, version) = (raw.kind.clone().unwrap_or_default(), raw.api_version.clone());
    let Some(item_kind) = kind.strip_suffix("List") else {
        return vec![within_limit(octets, convert::convert(Some(raw), None, faults, None, context), context)];
    };
    let finish_item = |item| match item {
        Item::Done(decoded) => decoded,
        Item::Pending { index, mut raw, faults } => {
            if !item_kind.is_empty() {
                raw.kind = Some(item_kind.to_owned().into());
                raw.api_version = raw.api_version.take().or_else(|| version.as_ref().map(|v| v.to_string().into()));
            }
            convert::convert(Some(*raw), None, &faults, Some(index), context)
        }
    };
    items.into_iter().map(finish_item).collect()
}

struct DocumentSeed<'f, 'a> {
    faults: &'f Faults,
    context: &'f Context<'a>,
}

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_, '_> {
    type Value = Option<Parsed<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed<'_, '_> {
    type Value = Option<Parsed<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with apiVersion and kind")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parsed = Parsed::default();
        while let Some(key) = map.next_key_seed(KeyText)? {
            match &*key {
                "items" => parsed.items = map.next_value_seed(ItemsSeed(self.context))?,
                key => {
                    if !parsed.raw.read_field(key, &mut map, self.faults)? {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
        }
        Ok(Some(parsed))
    }
}

/// The seed of `items`. In an object that is no list they are dropped, so anything is taken.
struct ItemsSeed<'f, 'a>(&'f Context<'a>);

impl<'de> DeserializeSeed<'de> for ItemsSeed<'_, '_> {
    type Value = Vec<Item<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ItemsSeed<'_, '_> {
    type Value = Vec<Item<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        for index in 0.. {
            let faults = Faults::default();
            let Some(raw) = list.next_element_seed(Lenient::<Raw<'de>>::new(&faults))? else { break };
            items.push(match raw {
                Some(raw) if raw.kind.is_none() => Item::Pending { index, raw: Box::new(raw), faults },
                raw => Item::Done(convert::convert(raw, None, &faults, Some(index), self.0)),
            });
        }
        Ok(items)
    }
}
