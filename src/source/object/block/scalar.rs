//! Scalars, flow collections on one line, and literal blocks.

use super::Bail;
use super::lines::{is_key, quoted};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Deepest nesting of flow collections.
const MAX_DEPTH: u32 = 4;

/// A scalar: typed by what it looks like, or text as it stands.
pub enum Scalar<'de> {
    Plain(&'de str),
    Text(&'de str),
}

impl<'de> Deserializer<'de> for Scalar<'de> {
    type Error = Bail;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Bail> {
        let text = match self {
            Scalar::Text(text) => return visitor.visit_borrowed_str(text),
            Scalar::Plain(text) => text,
        };
        match text.as_bytes() {
            b"true" => visitor.visit_bool(true),
            b"false" => visitor.visit_bool(false),
            b"null" | b"~" => visitor.visit_unit(),
            _ if is_text(text) => visitor.visit_borrowed_str(text),
            digits => visitor.visit_i64(integer(digits).ok_or(Bail)?),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// True for words that some version of YAML, or some reader, takes for a truth value, null or a number.
pub fn is_word(text: &str) -> bool {
    const WORDS: [&str; 12] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan", "infinity"];
    text.len() <= 8 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// True for plain scalars that are text without doubt.
fn is_text(text: &str) -> bool {
    let numeric = |octet: u8| octet.is_ascii_digit() || matches!(octet, b'.' | b'-' | b':' | b'/');
    match text.as_bytes()[0] {
        b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'_' => !is_word(text),
        // Addresses, ranges, times, UIDs: more separators than a number has.
        b'0'..=b'9' | b':' => {
            let count = |of: &[u8]| text.bytes().filter(|octet| of.contains(octet)).count();
            text.bytes().all(|octet| numeric(octet) || octet.is_ascii_alphabetic())
                && (count(b".:") > 1 || count(b"-") > 2)
        }
        _ => false,
    }
}

/// A decimal number in its canonical form.
fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = matches!(digits.len(), 1..=18)
        && digits.iter().all(u8::is_ascii_digit)
        && (digits[0] != b'0' || (digits.len() == 1 && text.len() == 1));
    canonical.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

/// The text of a literal block: its lines less the indentation of the first.
pub fn literal(lines: &str, strip: bool) -> Result<String, Bail> {
    let indent = lines.len() - lines.trim_start_matches(' ').len();
    let mut text = String::with_capacity(lines.len());
    for line in lines.lines() {
        let (blank, content) = line.split_at(indent.min(line.len()));
        if !blank.bytes().all(|octet| octet == b' ') {
            return Err(Bail);
        }
        text.push_str(content);
        text.push('\n');
    }
    text.truncate(text.trim_end_matches('\n').len());
    if !strip {
        text.push('\n');
    }
    Ok(text)
}

/// Reads flow collections from the front of a text.
pub struct Flow<'de> {
    rest: &'de str,
    depth: u32,
}

impl<'de> Flow<'de> {
    /// Reads a collection that takes all of `text`.
    pub fn whole<V: Visitor<'de>>(text: &'de str, visitor: V) -> Result<V::Value, Bail> {
        let mut flow = Flow { rest: text, depth: 0 };
        let value = flow.node(visitor)?;
        if flow.rest.is_empty() { Ok(value) } else { Err(Bail) }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn eat(&mut self, expected: char) -> bool {
        let tail = self.rest.strip_prefix(expected);
        self.rest = tail.unwrap_or(self.rest);
        tail.is_some()
    }

    fn node<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Bail> {
        let bracket = self.rest.bytes().next().ok_or(Bail)?;
        match bracket {
            b'[' | b'{' if self.depth < MAX_DEPTH => {
                self.rest = &self.rest[1..];
                self.depth += 1;
                let close = if bracket == b'[' { ']' } else { '}' };
                let value = if bracket == b'[' {
                    visitor.visit_seq(Inside { flow: self, close, first: true })
                } else {
                    visitor.visit_map(Inside { flow: self, close, first: true })
                }?;
                self.depth -= 1;
                Ok(value)
            }
            b'"' | b'\'' => {
                let (inner, rest) = quoted(self.rest, bracket).ok_or(Bail)?;
                self.rest = rest;
                visitor.visit_borrowed_str(inner)
            }
            _ => Scalar::Plain(self.plain()?).deserialize_any(visitor),
        }
    }

    /// A plain scalar of harmless characters only.
    fn plain(&mut self) -> Result<&'de str, Bail> {
        let end = self.rest.find([',', ']', '}']).ok_or(Bail)?;
        let text = self.rest[..end].trim_end_matches(' ');
        let harmless = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_' | b'/' | b':');
        let sound =
            !text.is_empty() && text.bytes().all(harmless) && !text.ends_with(':') && !text.starts_with(['-', ':']);
        self.rest = &self.rest[end..];
        if sound { Ok(text) } else { Err(Bail) }
    }

    /// A key and the `:` behind it.
    fn key(&mut self) -> Result<&'de str, Bail> {
        let first = self.rest.bytes().next().ok_or(Bail)?;
        let (name, rest) = match first {
            b'"' | b'\'' => quoted(self.rest, first).ok_or(Bail)?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let inside = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_' | b'/');
                self.rest.split_at(self.rest.bytes().position(|octet| !inside(octet)).ok_or(Bail)?)
            }
            _ => return Err(Bail),
        };
        self.rest = rest.strip_prefix(": ").filter(|_| is_key(name)).ok_or(Bail)?;
        self.skip_spaces();
        Ok(name)
    }
}

/// The inside of a collection, up to `close`.
struct Inside<'f, 'de> {
    flow: &'f mut Flow<'de>,
    close: char,
    first: bool,
}

impl Inside<'_, '_> {
    /// True when another entry stands ahead.
    fn more(&mut self) -> Result<bool, Bail> {
        self.flow.skip_spaces();
        let comma = !self.first && self.flow.eat(',');
        self.flow.skip_spaces();
        if self.flow.eat(self.close) {
            return Ok(false);
        }
        let more = self.first || comma;
        self.first = false;
        if more { Ok(true) } else { Err(Bail) }
    }
}

impl<'de> SeqAccess<'de> for Inside<'_, 'de> {
    type Error = Bail;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Bail> {
        if self.more()? { seed.deserialize(Ahead(self.flow)).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Inside<'_, 'de> {
    type Error = Bail;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Bail> {
        if self.more()? { seed.deserialize(Scalar::Text(self.flow.key()?)).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Bail> {
        seed.deserialize(Ahead(self.flow))
    }
}

/// The node that stands ahead.
struct Ahead<'f, 'de>(&'f mut Flow<'de>);

impl<'de> Deserializer<'de> for Ahead<'_, 'de> {
    type Error = Bail;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Bail> {
        self.0.node(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
