//! A fast reader for the plain block YAML that manifests are made of.
//!
//! In: one document. Out: the same serde values as the full YAML reader gives, at a tenth of its cost, or [`Bail`].
//!
//! Taken is what kubectl prints and people write, and of that only what no rule of YAML gives a second meaning: a mapping at
//! column 0, plain ASCII, one dash a line, values behind their key or dash, keys of letters, digits and `_-./`, plain scalars of
//! few punctuation marks, flow collections on one line, `|` literals. Everything else is left to the full reader (anchors, tags,
//! escapes, carriage returns, scalars over several lines, odd numbers, documents that are no mapping), which also words
//! the errors. Tests and the fuzz target `manifest` hold the two readers together.

mod lines;
mod scalar;
#[cfg(test)]
mod tests;

use lines::{Token, Value, tokens};
use scalar::Scalar;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

/// The document needs the full reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bail;

impl fmt::Display for Bail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not plain block YAML")
    }
}

impl std::error::Error for Bail {}

impl de::Error for Bail {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Bail
    }
}

/// Longest key; YAML ends one at 1,024 characters (1.2.2 section 7.4.2).
const MAX_KEY: usize = 512;

/// Deepest nesting; deeper documents are left to the full reader.
const MAX_DEPTH: u32 = 64;

/// Reads a document.
///
/// # Errors
/// The document needs the full reader; nothing of the seed's work counts.
pub fn read<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Result<S::Value, Bail> {
    let tokens = tokens(text).ok_or(Bail)?;
    let mut cursor = Cursor { tokens: &tokens, at: 0, depth: 0 };
    let value = seed.deserialize(Node { cursor: &mut cursor, parent: -1 })?;
    if cursor.at == tokens.len() { Ok(value) } else { Err(Bail) }
}

struct Cursor<'t, 'de> {
    tokens: &'t [Token<'de>],
    at: usize,
    depth: u32,
}

impl<'de> Cursor<'_, 'de> {
    fn peek(&self) -> Option<Token<'de>> {
        self.tokens.get(self.at).copied()
    }

    /// Counts one level of nesting while `read` runs.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Bail>) -> Result<T, Bail> {
        self.depth += 1;
        let value = if self.depth > MAX_DEPTH { Err(Bail) } else { read(self) };
        self.depth -= 1;
        value
    }
}

/// The value that stands at columns right of `parent`; nothing there is null.
struct Node<'c, 't, 'de> {
    cursor: &'c mut Cursor<'t, 'de>,
    parent: i32,
}

impl<'de> Deserializer<'de> for Node<'_, '_, 'de> {
    type Error = Bail;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Bail> {
        let parent = self.parent;
        match self.cursor.peek() {
            Some(Token::Dash { column }) if column > parent => self.cursor.nested(|cursor| {
                let value = visitor.visit_seq(Items { cursor, column })?;
                cursor.ends_at(column, value)
            }),
            Some(Token::Key { column, .. }) if column > parent => self.cursor.nested(|cursor| {
                let value = visitor.visit_map(Entries { cursor, column, value: None })?;
                cursor.ends_at(column, value)
            }),
            Some(Token::Value { column, value }) if column > parent => {
                self.cursor.at += 1;
                value.deserialize_any(visitor)
            }
            _ => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl Cursor<'_, '_> {
    /// `value`, if what follows a block at `column` does not stand right of it, which only bad YAML does.
    fn ends_at<T>(&self, column: i32, value: T) -> Result<T, Bail> {
        let next = self.peek().map_or(-1, |token| token.column());
        let dash_after_dash = matches!(self.peek(), Some(Token::Dash { column: next }) if next == column);
        if next > column || dash_after_dash { Err(Bail) } else { Ok(value) }
    }
}

/// A block sequence whose dashes stand at `column`.
struct Items<'c, 't, 'de> {
    cursor: &'c mut Cursor<'t, 'de>,
    column: i32,
}

impl<'de> SeqAccess<'de> for Items<'_, '_, 'de> {
    type Error = Bail;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Bail> {
        match self.cursor.peek() {
            Some(Token::Dash { column }) if column == self.column => {}
            _ => return Ok(None),
        }
        self.cursor.at += 1;
        seed.deserialize(Node { cursor: self.cursor, parent: self.column }).map(Some)
    }
}

/// A block mapping whose keys stand at `column`.
struct Entries<'c, 't, 'de> {
    cursor: &'c mut Cursor<'t, 'de>,
    column: i32,
    value: Option<Option<Value<'de>>>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_, 'de> {
    type Error = Bail;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Bail> {
        match self.cursor.peek() {
            Some(Token::Key { column, name, value }) if column == self.column => {
                self.cursor.at += 1;
                self.value = Some(value);
                seed.deserialize(Scalar::Text(name)).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Bail> {
        if let Some(value) = self.value.take().ok_or(Bail)? {
            return seed.deserialize(value);
        }
        // A sequence may stand at the column of its key.
        let same_column = matches!(self.cursor.peek(), Some(Token::Dash { column }) if column == self.column);
        seed.deserialize(Node { cursor: self.cursor, parent: self.column - i32::from(same_column) })
    }
}
