//! A document of a manifest: one object of any kind, or a `List` of them.

use super::lenient::{Faults, KeyText, Lenient};
use super::list::{whole, within_limit};
use super::raw::Raw;
use super::{Context, Decoded, block, convert};
use crate::model::finding::Finding;
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Options;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

/// Where the objects of a document go; made anew for each attempt to read it.
pub trait Collect: Default {
    /// Takes one object; `is_item` when it stands in a list.
    fn collect(&mut self, object: Decoded, is_item: bool);
}

impl Collect for Vec<Decoded> {
    fn collect(&mut self, object: Decoded, _is_item: bool) {
        self.push(object);
    }
}

/// Decodes one YAML document. An empty one gives nothing.
///
/// # Errors
/// The text is no YAML; the finding names line and column.
pub fn decode_yaml<T: Collect>(text: &str, context: &Context<'_>) -> Result<T, Box<Finding>> {
    match decode_plain_yaml(text, context) {
        Some(objects) => Ok(objects),
        None => decode_any_yaml(text, context),
    }
}

/// The same by the fast reader alone; `None`: the document is left to the full one.
pub fn decode_plain_yaml<T: Collect>(text: &str, context: &Context<'_>) -> Option<T> {
    attempt(text.len(), context, |seed| block::read(text, seed)).ok()
}

/// The same by the full reader alone.
///
/// # Errors
/// As of [`decode_yaml`].
pub fn decode_any_yaml<T: Collect>(text: &str, context: &Context<'_>) -> Result<T, Box<Finding>> {
    let parsed = attempt(text.len(), context, |seed| {
        serde_saphyr::with_deserializer_from_str_with_options(text, yaml_options(), |yaml| seed.deserialize(yaml))
    });
    parsed.map_err(|error| {
        let place = error.location().map(|at| (at.line(), at.column()));
        Box::new(convert::unparsable("YAML", &error.without_snippet().to_string(), place, context))
    })
}

/// Any value that the fast YAML reader alone reads; `None`: the document is left to the full one.
pub fn plain_yaml_value<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    block::read(text, PhantomData).ok()
}

/// Any value that the full YAML reader alone reads; `None`: the text is no YAML.
pub fn any_yaml_value<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_saphyr::from_str_with_options(text, yaml_options()).ok()
}

/// Decodes one JSON document.
///
/// # Errors
/// The text is no JSON; the finding names line and column.
pub fn decode_json_text<T: Collect>(text: &str, context: &Context<'_>) -> Result<T, Box<Finding>> {
    attempt(text.len(), context, |seed| whole(text.as_bytes(), seed)).map_err(|error| bad_json(&error, context))
}

/// Decodes one JSON document that is not held in memory, of about `octets`.
///
/// # Errors
/// The bytes are no JSON, or cannot be read; the finding names line and column.
pub fn decode_json_reader<T: Collect>(
    reader: impl Read,
    octets: usize,
    context: &Context<'_>,
) -> Result<T, Box<Finding>> {
    let parsed = attempt(octets, context, |seed| {
        let mut json = serde_json::Deserializer::from_reader(reader);
        let document = seed.deserialize(&mut json)?;
        json.end().map(|()| document)
    });
    parsed.map_err(|error| bad_json(&error, context))
}

fn bad_json(error: &serde_json::Error, context: &Context<'_>) -> Box<Finding> {
    let place = Some((error.line() as u64, error.column() as u64));
    Box::new(convert::unparsable("JSON", &error.to_string(), place, context))
}

/// Reads a document by `read` into a new collection.
fn attempt<'de, T: Collect, E>(
    octets: usize,
    context: &Context<'_>,
    read: impl FnOnce(DocumentSeed<'_, '_, T>) -> Result<Option<Parsed<'de>>, E>,
) -> Result<T, E> {
    context.start_over();
    let (faults, mut objects) = (Faults::default(), T::default());
    let parsed = read(DocumentSeed { faults: &faults, context, objects: &mut objects })?;
    Ok(finish(parsed, objects, &faults, octets, context))
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

/// A document as read: the object itself, and the items that could not be handed over yet.
#[derive(Default)]
struct Parsed<'de> {
    raw: Raw<'de>,
    pending: Vec<Pending<'de>>,
}

/// An item that names no kind: waits for the `kind` of the list (`ServiceList`), which may stand behind the items.
struct Pending<'de> {
    index: usize,
    raw: Box<Raw<'de>>,
    faults: Faults,
}

/// What the document says, once it is read whole.
fn finish<T: Collect>(
    document: Option<Parsed<'_>>,
    mut objects: T,
    faults: &Faults,
    octets: usize,
    context: &Context<'_>,
) -> T {
    let Some(Parsed { raw, pending }) = document else { return objects };
    let (kind, version) = (raw.kind.clone().unwrap_or_default(), raw.api_version.clone());
    let Some(item_kind) = kind.strip_suffix("List") else {
        // Its `items`, if it has any, are no objects.
        let object = within_limit(octets, convert::convert(Some(raw), None, faults, None, context), context);
        let mut objects = T::default();
        objects.collect(object, false);
        return objects;
    };
    for Pending { index, mut raw, faults } in pending {
        if !item_kind.is_empty() {
            raw.kind = Some(item_kind.to_owned().into());
            raw.api_version = raw.api_version.take().or_else(|| version.as_ref().map(|text| text.to_string().into()));
        }
        objects.collect(convert::convert(Some(*raw), None, &faults, Some(index), context), true);
    }
    objects
}

struct DocumentSeed<'f, 'a, T> {
    faults: &'f Faults,
    context: &'f Context<'a>,
    objects: &'f mut T,
}

impl<'de, T: Collect> DeserializeSeed<'de> for DocumentSeed<'_, '_, T> {
    type Value = Option<Parsed<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Collect> Visitor<'de> for DocumentSeed<'_, '_, T> {
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
                "items" => parsed.pending = map.next_value_seed(ItemsSeed(self.context, &mut *self.objects))?,
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
struct ItemsSeed<'f, 'a, T>(&'f Context<'a>, &'f mut T);

impl<'de, T: Collect> DeserializeSeed<'de> for ItemsSeed<'_, '_, T> {
    type Value = Vec<Pending<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Collect> Visitor<'de> for ItemsSeed<'_, '_, T> {
    type Value = Vec<Pending<'de>>;

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
        let mut pending = Vec::new();
        for index in 0.. {
            let faults = Faults::default();
            let Some(raw) = list.next_element_seed(Lenient::<Raw<'de>>::new(&faults))? else { break };
            match raw {
                Some(raw) if raw.kind.is_none() => pending.push(Pending { index, raw: Box::new(raw), faults }),
                raw => self.1.collect(convert::convert(raw, None, &faults, Some(index), self.0), true),
            }
        }
        Ok(pending)
    }
}
