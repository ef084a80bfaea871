//! Cuts a document into tokens: dashes, keys with their inline values, and values that stand alone.

use super::scalar::{Flow, Scalar, is_word, literal};
use super::{Bail, MAX_KEY};
use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// One token; columns count from 0.
#[derive(Debug, Clone, Copy)]
pub enum Token<'de> {
    Dash { column: i32 },
    Key { column: i32, name: &'de str, value: Option<Value<'de>> },
    Value { column: i32, value: Value<'de> },
}

impl Token<'_> {
    pub fn column(&self) -> i32 {
        match *self {
            Token::Dash { column } | Token::Key { column, .. } | Token::Value { column, .. } => column,
        }
    }
}

/// A value on one line, or a literal block.
#[derive(Debug, Clone, Copy)]
pub enum Value<'de> {
    Plain(&'de str),
    Quoted(&'de str),
    /// `[...]` or `{...}`, not yet read.
    Flow(&'de str),
    /// The lines of a `|` block, uncut; true: without a final line break (`|-`).
    Literal(&'de str, bool),
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Bail;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Bail> {
        match self {
            Value::Plain(text) => Scalar::Plain(text).deserialize_any(visitor),
            Value::Quoted(text) => visitor.visit_borrowed_str(text),
            Value::Flow(text) => Flow::whole(text, visitor),
            Value::Literal(text, strip) => visitor.visit_string(literal(text, strip)?),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The tokens of a document; `None` when it needs the full reader. A document that is no mapping at column 0 does: one
/// that is a scalar or empty ends by rules of its own.
pub fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut reader = Reader { rest: text, tokens: Vec::with_capacity(text.len() / 16) };
    while let Some(line) = reader.line() {
        reader.take(line)?;
    }
    matches!(reader.tokens.first(), Some(Token::Key { column: 0, .. })).then_some(reader.tokens)
}

struct Reader<'de> {
    rest: &'de str,
    tokens: Vec<Token<'de>>,
}

impl<'de> Reader<'de> {
    /// The next line without its break.
    fn line(&mut self) -> Option<&'de str> {
        let (line, rest) = next_line(self.rest)?;
        self.rest = rest;
        Some(line)
    }

    fn take(&mut self, line: &'de str) -> Option<()> {
        let mut rest = line.trim_start_matches(' ');
        if rest.is_empty() || rest.starts_with('#') {
            // A control character has no place in YAML, in a comment neither.
            return rest.bytes().all(simple).then_some(());
        }
        if !rest.bytes().all(simple) || line.starts_with("---") || line.starts_with("...") {
            return None;
        }
        let mut dash = None;
        if let Some(tail) = rest.strip_prefix('-').filter(|tail| tail.is_empty() || tail.starts_with(' ')) {
            let column = (line.len() - rest.len()) as i32;
            self.tokens.push(Token::Dash { column });
            dash = Some(column);
            rest = tail.trim_start_matches(' ');
            if rest.is_empty() || rest.starts_with('#') {
                return Some(());
            }
        }
        let column = (line.len() - rest.len()) as i32;
        let token = match split_key(rest)? {
            Some((name, value)) => Token::Key { column, name, value: self.value(value, column)? },
            // A value that stands alone on its line may go on from the line before; a dash behind a dash is none.
            None => Token::Value { column, value: self.value(rest, dash?)?? },
        };
        self.tokens.push(token);
        Some(())
    }

    /// The inline value in `text`; the inner `None` when there is none. A literal takes the lines right of `owner`.
    fn value(&mut self, text: &'de str, owner: i32) -> Option<Option<Value<'de>>> {
        let text = text.trim_start_matches(' ');
        match text.bytes().next() {
            None | Some(b'#') => Some(None),
            Some(quote @ (b'"' | b'\'')) => {
                let (inner, rest) = quoted(text, quote)?;
                blank_or_comment(rest).then_some(Some(Value::Quoted(inner)))
            }
            Some(b'[' | b'{') => {
                let end = text.rfind([']', '}'])? + 1;
                blank_or_comment(&text[end..]).then_some(Some(Value::Flow(&text[..end])))
            }
            Some(b'|') => {
                let strip = match without_comment(text) {
                    "|" => false,
                    "|-" => true,
                    _ => return None,
                };
                Some(Some(Value::Literal(self.literal_lines(owner)?, strip)))
            }
            Some(_) => Some(Some(Value::Plain(plain(text)?))),
        }
    }

    /// The lines that follow and are blank or stand right of `owner`.
    fn literal_lines(&mut self, owner: i32) -> Option<&'de str> {
        let all = self.rest;
        while let Some((line, rest)) = next_line(self.rest) {
            let content = line.trim_start_matches(' ');
            if !content.is_empty() && (line.len() - content.len()) as i32 <= owner {
                break;
            }
            self.rest = rest;
        }
        let lines = &all[..all.len() - self.rest.len()];
        // A first line that is blank hides how far the block is indented; spaces alone on a later line may be text.
        let indented = lines.lines().next().is_some_and(|line| !line.trim().is_empty());
        let sound = |line: &str| (line.is_empty() || !line.trim().is_empty()) && line.bytes().all(simple);
        (indented && lines.split('\n').all(sound)).then_some(lines)
    }
}

/// ASCII that is no control character, tab or carriage return: anything else has rules of its own.
fn simple(octet: u8) -> bool {
    (0x20..0x7f).contains(&octet)
}

fn next_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.split_once('\n').unwrap_or((text, "")))
}

/// Splits `key: value`; the inner `None` when the line is no entry of a mapping.
fn split_key(text: &str) -> Option<Option<(&str, &str)>> {
    if let Some(quote @ (b'"' | b'\'')) = text.bytes().next() {
        let (name, rest) = quoted(text, quote)?;
        return match rest.strip_prefix(':') {
            Some(value) if value.is_empty() || value.starts_with(' ') => is_key(name).then_some(Some((name, value))),
            Some(_) => None,
            None => Some(None),
        };
    }
    if text.starts_with(['[', '{', '|']) {
        return Some(None);
    }
    let end = text.bytes().position(|octet| !is_key_octet(octet)).unwrap_or(text.len());
    match text[end..].strip_prefix(':') {
        Some(value) if value.is_empty() || value.starts_with(' ') => {
            is_key(&text[..end]).then_some(Some((&text[..end], value)))
        }
        _ => Some(None),
    }
}

fn is_key_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.' | b'/')
}

/// True for keys that are a text however they are written: no number, no `<<`, nothing like `null` or `yes`.
pub fn is_key(name: &str) -> bool {
    name.len() <= MAX_KEY
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(is_key_octet)
        && !is_word(name)
}

/// What stands in quotes at the start, and what follows; `None` with escapes or without an end on the line.
pub fn quoted(text: &str, quote: u8) -> Option<(&str, &str)> {
    let inner = &text[1..];
    let end = inner.bytes().position(|octet| octet == quote || octet == b'\\' && quote == b'"')?;
    let rest = &inner[end + 1..];
    (inner.as_bytes()[end] == quote && !(quote == b'\'' && rest.starts_with('\''))).then_some((&inner[..end], rest))
}

/// A plain scalar without its comment; `None` when an octet of it could give it another meaning anywhere in YAML.
fn plain(text: &str) -> Option<&str> {
    let text = without_comment(text);
    let dash = text.starts_with('-') && !text[1..].starts_with(|next: char| next.is_ascii_digit());
    let harmless = |octet: u8| octet.is_ascii_alphanumeric() || b" ._-/:=+@,()~".contains(&octet);
    let sound = text.bytes().all(harmless) && !text.contains(": ") && !text.ends_with(':');
    (sound && !dash && !text.starts_with(['@', ',', '='])).then_some(text)
}

fn without_comment(text: &str) -> &str {
    text.find(" #").map_or(text, |end| &text[..end]).trim_end_matches(' ')
}

fn blank_or_comment(text: &str) -> bool {
    let rest = text.trim_start_matches(' ');
    rest.is_empty() || (rest.starts_with('#') && rest.len() < text.len())
}
