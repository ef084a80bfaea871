//! Cuts a document into tokens: dashes, keys with their inline values, and values that stand alone.

use super::scalar::{Flow, Scalar, literal};
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

/// The tokens of a document; `None` when it needs the full reader.
pub fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut reader = Reader { rest: text, tokens: Vec::with_capacity(text.len() / 16) };
    while let Some(line) = reader.line() {
        reader.take(line)?;
    }
    Some(reader.tokens)
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
        // The column of the innermost block that the line's value belongs to.
        let mut owner = -1;
        loop {
            let column = (line.len() - rest.len()) as i32;
            let Some(tail) = rest.strip_prefix('-').filter(|tail| tail.is_empty() || tail.starts_with(' ')) else {
                break;
            };
            self.tokens.push(Token::Dash { column });
            owner = column;
            rest = tail.trim_start_matches(' ');
            if rest.is_empty() || rest.starts_with('#') {
                return Some(());
            }
        }
        let column = (line.len() - rest.len()) as i32;
        let token = match split_key(rest)? {
            Some((name, value)) => Token::Key { column, name, value: self.value(value, column)? },
            None => Token::Value { column, value: self.value(rest, owner)?? },
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
            // A literal that is the whole document would take its end (`---`) for text.
            Some(b'|') if owner < 0 => None,
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
        // A first line that is blank, or a tab, hides how far the block is indented.
        let indented = lines.lines().next().is_some_and(|line| !line.trim().is_empty());
        (indented && lines.bytes().all(|octet| octet == b'\n' || simple(octet))).then_some(lines)
    }
}

/// ASCII that is no control character: anything else has rules of its own.
fn simple(octet: u8) -> bool {
    (0x20..0x7f).contains(&octet)
}

fn next_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    Some((line.strip_suffix('\r').unwrap_or(line), rest))
}

/// Splits `key: value`; the inner `None` when the line is no entry of a mapping.
fn split_key(text: &str) -> Option<Option<(&str, &str)>> {
    if let Some(quote @ (b'"' | b'\'')) = text.bytes().next() {
        let (name, rest) = quoted(text, quote)?;
        return match rest.strip_prefix(':') {
            Some(value) if value.is_empty() || value.starts_with(' ') => {
                (name.len() <= MAX_KEY).then_some(Some((name, value)))
            }
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
            is_plain_key(&text[..end]).then_some(Some((&text[..end], value)))
        }
        _ => Some(None),
    }
}

fn is_key_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.' | b'/')
}

fn is_plain_key(name: &str) -> bool {
    name.len() <= MAX_KEY
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && !name.eq_ignore_ascii_case("null")
}

/// What stands in quotes at the start, and what follows; `None` with escapes or without an end on the line.
pub fn quoted(text: &str, quote: u8) -> Option<(&str, &str)> {
    let inner = &text[1..];
    let end = inner.bytes().position(|octet| octet == quote || octet == b'\\' && quote == b'"')?;
    let rest = &inner[end + 1..];
    (inner.as_bytes()[end] == quote && !(quote == b'\'' && rest.starts_with('\''))).then_some((&inner[..end], rest))
}

/// A plain scalar without its comment; `None` when its first octets or a `: ` give it another meaning.
fn plain(text: &str) -> Option<&str> {
    let text = without_comment(text);
    let indicator = text.starts_with(['&', '*', '!', '>', '%', '@', '`', '?', ',', ']', '}', '#', '-'])
        && !text[1..].starts_with(|c: char| text.starts_with('-') && c.is_ascii_digit());
    (!indicator && !text.contains(": ") && !text.ends_with(':')).then_some(text)
}

fn without_comment(text: &str) -> &str {
    text.find(" #").map_or(text, |end| &text[..end]).trim_end_matches(' ')
}

fn blank_or_comment(text: &str) -> bool {
    let rest = text.trim_start_matches(' ');
    rest.is_empty() || (rest.starts_with('#') && rest.len() < text.len())
}
