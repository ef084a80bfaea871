//! A finding: one warning about one object, with a stable code (SOURCES.md, OPERATIONS.md section 9).

use std::fmt;
use std::sync::Arc;

/// One warning. Counted by `code`, logged once per object, listed by `check` and `explain`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Stable, kebab-case, such as `refused-address`.
    pub code: &'static str,
    /// Empty when no cluster is concerned.
    pub cluster: Arc<str>,
    /// `kind`, empty when the document has none that can be read.
    pub kind: Arc<str>,
    /// `namespace/name`, or a name alone for cluster-scoped objects; may be empty.
    pub object: Arc<str>,
    pub place: Option<Place>,
    /// What was met, what happens now, what to do. Never a value from a Secret.
    pub message: String,
}

/// A place in a file; line and column count from 1, 0 when unknown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub path: Arc<str>,
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for number in [self.line, self.column] {
            if number == 0 {
                break;
            }
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    /// `warning[refused-address]: a.yaml:14:9: cluster west: EndpointSlice shop/web: message`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "warning[{}]: ", self.code)?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.cluster.is_empty() {
            write!(f, "cluster {}: ", self.cluster)?;
        }
        match (self.kind.is_empty(), self.object.is_empty()) {
            (false, false) => write!(f, "{} {}: ", self.kind, self.object)?,
            (false, true) => write!(f, "{}: ", self.kind)?,
            (true, false) => write!(f, "{}: ", self.object)?,
            (true, true) => {}
        }
        f.write_str(&self.message)
    }
}
