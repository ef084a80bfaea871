//! A diagnostic: one error, warning or note, as a line for people or as JSON for programs (OPERATIONS.md section 9).
//!
//! In: from the reader, the checks, the command line, and findings about objects. Out: one line, on a terminal followed
//! by the source line with a caret.

use crate::model::Finding;
use crate::model::finding::Place;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;

/// Code of everything that is wrong in the configuration.
pub const CONFIG: &str = "config";
/// Code of a key whose feature this version does not have.
pub const NOT_BUILT: &str = "not-built";
/// Code of a file or folder that cannot be read: nothing could be checked.
pub const UNREADABLE: &str = "unreadable";

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; never changes an exit code.
    Note,
    /// The server runs, but perhaps not as meant.
    Warning,
    /// The server does not start; a reload keeps the old configuration.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable, kebab-case.
    pub code: &'static str,
    /// Where in a file, as far as known.
    pub place: Option<Place>,
    /// The cluster concerned; empty when there is none.
    pub cluster: String,
    /// Kind and name of the object concerned, such as `EndpointSlice shop/web`; may be empty.
    pub object: String,
    /// Path of the configuration key concerned, such as `clusters[1].reach`; may be empty.
    pub field: String,
    /// The offending value as written; may be empty. Never a value from a Secret.
    pub value: String,
    /// What is wrong, what happens now, what to do.
    pub message: String,
    /// The line of the file at `place`, for the caret; may be empty.
    pub source_line: String,
}

impl Diagnostic {
    /// A message of the configuration without a place.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic {
            severity,
            code,
            place: None,
            cluster: String::new(),
            object: String::new(),
            field: String::new(),
            value: String::new(),
            message: message.into(),
            source_line: String::new(),
        }
    }

    /// With the place it is about.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// With the key it is about.
    pub fn of_field(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }

    /// True for errors.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// One line, and with `terminal` the source line and a caret below it.
    pub fn render(&self, terminal: bool) -> String {
        let line = self.to_string();
        let column = self.place.as_ref().map_or(0, |place| place.column as usize);
        if !terminal || self.source_line.is_empty() || column == 0 {
            return line;
        }
        let indent: String =
            self.source_line.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("{line}\n    {}\n    {indent}^", self.source_line)
    }

    /// The key as it reads behind `cluster west: `, without the entry that this names already.
    fn field_in_cluster(&self) -> &str {
        let inside = self.field.strip_prefix("clusters[").and_then(|rest| rest.split_once(']'));
        match inside {
            Some((_, rest)) if !self.cluster.is_empty() => match rest.trim_start_matches('.') {
                "name" => "",
                key => key,
            },
            _ => &self.field,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: ", self.severity, self.code)?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.cluster.is_empty() {
            write!(f, "cluster {}: ", self.cluster)?;
        }
        for subject in [&self.object, self.field_in_cluster()] {
            if !subject.is_empty() {
                write!(f, "{subject}: ")?;
            }
        }
        f.write_str(&self.message)
    }
}

impl From<&Finding> for Diagnostic {
    fn from(finding: &Finding) -> Self {
        let object = [&*finding.kind, &*finding.object].map(str::to_owned);
        Diagnostic {
            place: finding.place.clone(),
            cluster: finding.cluster.to_string(),
            object: object.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
            ..Diagnostic::new(Severity::Warning, finding.code, finding.message.clone())
        }
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("severity", &self.severity.to_string())?;
        map.serialize_entry("code", self.code)?;
        if let Some(place) = &self.place {
            map.serialize_entry("file", &*place.path)?;
            for (key, number) in [("line", place.line), ("column", place.column)] {
                if number > 0 {
                    map.serialize_entry(key, &number)?;
                }
            }
        }
        let texts =
            [("cluster", &self.cluster), ("object", &self.object), ("field", &self.field), ("value", &self.value)];
        for (key, text) in texts {
            if !text.is_empty() {
                map.serialize_entry(key, text)?;
            }
        }
        map.serialize_entry("message", &self.message)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Diagnostic {
        Diagnostic {
            cluster: "west".into(),
            field: "clusters[1].reach".into(),
            value: "pods".into(),
            source_line: "  reach: pods".into(),
            ..Diagnostic::new(Severity::Error, CONFIG, "\"pods\" is not allowed; write auto")
        }
        .at(Place { path: "config.yaml".into(), line: 31, column: 10 })
    }

    #[test]
    fn one_line_names_all_that_is_known() {
        let line = "error[config]: config.yaml:31:10: cluster west: reach: \"pods\" is not allowed; write auto";
        assert_eq!(sample().render(false), line);
        assert_eq!(sample().render(true), format!("{line}\n      reach: pods\n             ^"));
    }

    #[test]
    fn json_has_the_same_as_keys() {
        let json = serde_json::to_value(sample()).unwrap();
        let expected = serde_json::json!({
            "severity": "error", "code": "config", "file": "config.yaml", "line": 31, "column": 10, "cluster": "west",
            "field": "clusters[1].reach", "value": "pods", "message": "\"pods\" is not allowed; write auto",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_finding_reads_the_same_as_a_diagnostic() {
        let finding = Finding {
            code: "refused-address",
            cluster: "west".into(),
            kind: "EndpointSlice".into(),
            object: "shop/web".into(),
            place: Some(Place { path: "web.yaml".into(), line: 14, column: 9 }),
            message: "left out".into(),
        };
        assert_eq!(Diagnostic::from(&finding).to_string(), finding.to_string());
    }
}
