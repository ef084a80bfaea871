//! The shape of a setting: what `check --schema` prints, what the documentation lists, and where the nearest known key comes from.
//!
//! In: each type's own [`Shape`]. Out: a JSON schema (draft 2020-12) and the list of all key paths.

use serde_json::{Map, Value, json};

/// What a setting accepts.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// One value; the JSON schema of it.
    Leaf(Value),
    /// Keys with values of their own.
    Section(Vec<Key>),
    /// Any number of values.
    List(Box<Shape>),
    /// Keys that the operator chooses.
    Table(Box<Shape>),
    /// The value or `null`.
    Nullable(Box<Shape>),
}

/// One key of a section.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub name: &'static str,
    /// One or two sentences.
    pub about: String,
    pub shape: Shape,
    pub required: bool,
    /// As JSON.
    pub default: Value,
}

impl Shape {
    /// A text with a pattern, and what it is in words.
    pub fn text(pattern: &str, about: &str) -> Self {
        Shape::Leaf(json!({ "type": "string", "pattern": pattern, "description": about }))
    }

    /// The JSON schema.
    pub fn schema(&self) -> Value {
        match self {
            Shape::Leaf(schema) => schema.clone(),
            Shape::Section(keys) => section_schema(keys),
            Shape::List(item) => json!({ "type": "array", "items": item.schema() }),
            Shape::Table(item) => json!({ "type": "object", "additionalProperties": item.schema() }),
            Shape::Nullable(inner) => json!({ "anyOf": [inner.schema(), { "type": "null" }] }),
        }
    }

    /// Adds all keys with their paths in documented order, sections before their keys: `listen`, `listen.dns`,
    /// `views[].name`.
    pub fn keys(&self, prefix: &str, listed: &mut Vec<(String, Key)>) {
        match self {
            Shape::Leaf(_) | Shape::Table(_) => {}
            Shape::Nullable(inner) => inner.keys(prefix, listed),
            Shape::List(item) => item.keys(&format!("{prefix}[]"), listed),
            Shape::Section(keys) => {
                for key in keys {
                    let path = if prefix.is_empty() { key.name.to_owned() } else { format!("{prefix}.{}", key.name) };
                    listed.push((path.clone(), key.clone()));
                    key.shape.keys(&path, listed);
                }
            }
        }
    }
}

fn section_schema(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut schema = key.shape.schema();
        if let Value::Object(schema) = &mut schema {
            // What a type says of itself (how a duration is written) follows what the key means.
            let kind = schema.get("description").and_then(Value::as_str).map(|text| format!(" ({text})"));
            schema.insert("description".into(), json!(format!("{}{}", key.about, kind.unwrap_or_default())));
            if !key.required {
                schema.insert("default".into(), key.default.clone());
            }
        }
        properties.insert(key.name.into(), schema);
    }
    let required: Vec<_> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// The known word nearest to `word`, if it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = word.to_ascii_lowercase();
    let scored = known.into_iter().map(|candidate| (distance(&typed, &candidate.to_ascii_lowercase()), candidate));
    let (edits, best) = scored.min_by_key(|(edits, _)| *edits)?;
    (edits <= 1 + word.chars().count() / 4).then_some(best)
}

/// Single-character edits, neighbours swapped counting as one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substitution = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitution.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_must_be_near() {
        let keys = ["listen", "limits", "log", "lameduck", "suspectAfter"];
        assert_eq!(nearest("lisen", keys), Some("listen"));
        assert_eq!(nearest("limtis", keys), Some("limits"));
        assert_eq!(nearest("suspectafter", keys), Some("suspectAfter"));
        assert_eq!(nearest("suspect_after", keys), Some("suspectAfter"));
        assert_eq!(nearest("resolver", keys), None);
    }
}
