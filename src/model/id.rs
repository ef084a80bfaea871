//! Identifiers: clusters (KEP-1645 cluster id, schema 1.0.0 section 2.1) and services (namespaced names).

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// The id of a cluster. Any text can be one; only [`ClusterId::is_nameable`] ids make DNS names.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(Arc<str>);

impl ClusterId {
    /// Wraps a text as it stands.
    pub fn new(text: &str) -> Self {
        ClusterId(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for one RFC 1123 label or two joined by a dot, lower case, under 128 characters.
    pub fn is_nameable(&self) -> bool {
        self.0.len() < 128 && self.0.split('.').count() <= 2 && self.0.split('.').all(is_label)
    }
}

/// True for an RFC 1123 label: 1 to 63 of `a-z 0-9 -`, no hyphen at either end, lower case.
pub fn is_label(text: &str) -> bool {
    let octets = text.as_bytes();
    (1..=63).contains(&octets.len())
        && octets.iter().all(|o| o.is_ascii_lowercase() || o.is_ascii_digit() || *o == b'-')
        && octets[0] != b'-'
        && octets[octets.len() - 1] != b'-'
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Namespace and name of an object; for services the unit of namespace sameness (KEP-1645).
///
/// One shared text `namespace/name`, so that copies in several maps cost a pointer.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceKey(Arc<str>);

impl ServiceKey {
    /// Joins the two; neither may hold a slash (both are RFC 1123 labels by then).
    pub fn new(namespace: &str, name: &str) -> Self {
        let mut text = String::with_capacity(namespace.len() + 1 + name.len());
        text.push_str(namespace);
        text.push('/');
        text.push_str(name);
        ServiceKey(text.into())
    }

    /// The part before the slash.
    pub fn namespace(&self) -> &str {
        self.slash().map_or("", |at| &self.0[..at])
    }

    /// The part after the slash.
    pub fn name(&self) -> &str {
        self.slash().map_or(&*self.0, |at| &self.0[at + 1..])
    }

    /// Octet by octet: names are short, and a search made for long texts takes several times as long.
    fn slash(&self) -> Option<usize> {
        self.0.bytes().position(|octet| octet == b'/')
    }

    /// `namespace/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that a set of keys can be asked for a text; hash and order are those of the text.
impl Borrow<str> for ServiceKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ServiceKey {
    /// Takes `namespace/name` as it stands.
    fn from(text: &str) -> Self {
        ServiceKey(text.into())
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_ids_are_one_label_or_two() {
        for good in ["east", "east.prod", "a-1"] {
            assert!(ClusterId::new(good).is_nameable(), "{good}");
        }
        for bad in [
            "",
            "East",
            "a.b.c",
            "-a",
            "a-",
            "a..b",
            "a_b",
            &"a".repeat(64),
            &["a".repeat(63), "b".repeat(63), "c".into()].join(""),
        ] {
            assert!(!ClusterId::new(bad).is_nameable(), "{bad}");
        }
    }
}
