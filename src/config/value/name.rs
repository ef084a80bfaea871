//! Names: zones, clusters, and patterns of names.

use super::super::shape::Shape;
use super::{Scalar, refuse};
use crate::model::id::is_label;

/// A domain name in lower case without a final dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZoneName(String);

impl ZoneName {
    /// A default.
    pub(in crate::config) fn known(name: &'static str) -> Self {
        ZoneName(name.to_owned())
    }

    /// `clusterset.local`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels left of `zone`, when this one is below it.
    pub fn below(&self, zone: &ZoneName) -> Option<&str> {
        self.0.strip_suffix(&zone.0)?.strip_suffix('.')
    }
}

impl Scalar for ZoneName {
    fn schema() -> Shape {
        Shape::text("^[0-9a-zA-Z.-]+$", "a domain name")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let name = text.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        if name.is_empty() {
            return refuse("is the root, which is no zone of ours", "write a domain name such as clusterset.local");
        }
        if name.len() > 253 {
            return refuse("is longer than 253 characters", "write a shorter domain name");
        }
        match name.split('.').find(|label| !is_label(label)) {
            None => Ok(ZoneName(name.to_owned())),
            Some("") => refuse("has an empty label", "write a domain name such as clusterset.local"),
            Some(label) => refuse(
                format!("is not a domain name: the label {label:?} is not 1 to 63 of a-z, 0-9 and -"),
                "write a domain name such as clusterset.local",
            ),
        }
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

/// A zone below `in-addr.arpa` or `ip6.arpa`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReverseZone(pub ZoneName);

impl Scalar for ReverseZone {
    fn schema() -> Shape {
        Shape::text("(in-addr|ip6)\\.arpa\\.?$", "a reverse zone such as 10.in-addr.arpa")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let zone = ZoneName::parse(text)?;
        let below = |root: &str| zone.0 == root || zone.0.ends_with(&format!(".{root}"));
        if !below("in-addr.arpa") && !below("ip6.arpa") {
            return refuse("is not below in-addr.arpa or ip6.arpa", "write it like 10.in-addr.arpa");
        }
        Ok(ReverseZone(zone))
    }

    fn text(&self) -> String {
        self.0.text()
    }
}

/// The name of a cluster, as an entry of `clusters` gives it; its shape is checked with the entries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ClusterName(String);

impl ClusterName {
    /// Wraps a name.
    pub fn new(name: impl Into<String>) -> Self {
        ClusterName(name.into())
    }

    /// The name; empty when none is set.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name; `None` when none is set.
    pub fn get(&self) -> Option<&str> {
        Some(self.as_str()).filter(|name| !name.is_empty())
    }
}

impl Scalar for ClusterName {
    fn schema() -> Shape {
        Shape::text("^([a-z0-9-]+(\\.[a-z0-9-]+)?)?$", "a cluster name: one DNS label, or two joined by a dot")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        String::parse(text).map(ClusterName)
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

/// A pattern in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// A default: matches all.
    pub(in crate::config) fn all() -> Self {
        Glob("*".to_owned())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const GLOB_ADVICE: &str = "use lower-case letters, digits, - and ., and * for any run of characters";

impl Scalar for Glob {
    fn schema() -> Shape {
        Shape::text("^[a-z0-9.*-]+$", "a pattern; * stands for any run of characters")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.*".contains(c);
        if text.is_empty() || !text.chars().all(fits) {
            return refuse("is not a pattern of names", GLOB_ADVICE);
        }
        Ok(Glob(text.to_owned()))
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}

/// Exports by namespace and name, each a pattern: `kube-system/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportGlob {
    pub namespace: Glob,
    pub name: Glob,
}

impl ExportGlob {
    /// A default.
    pub(in crate::config) fn known(namespace: &str, name: &str) -> Self {
        ExportGlob { namespace: Glob(namespace.to_owned()), name: Glob(name.to_owned()) }
    }
}

impl std::fmt::Display for ExportGlob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace.0, self.name.0)
    }
}

impl Scalar for ExportGlob {
    fn schema() -> Shape {
        Shape::text("^[a-z0-9.*-]+/[a-z0-9.*-]+$", "NAMESPACE/NAME, * stands for any run of characters")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        let Some((namespace, name)) = text.split_once('/') else {
            return refuse("has no namespace", "write it as NAMESPACE/NAME, such as kube-system/*");
        };
        Ok(ExportGlob { namespace: Glob::parse(namespace)?, name: Glob::parse(name)? })
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_folded_and_compared_by_label() {
        let zone = ZoneName::parse("Clusterset.LOCAL.").unwrap();
        assert_eq!(zone.as_str(), "clusterset.local");
        assert_eq!(ZoneName::parse("svc.clusterset.local").unwrap().below(&zone), Some("svc"));
        assert_eq!(ZoneName::parse("xclusterset.local").unwrap().below(&zone), None);
        assert_eq!(zone.below(&zone), None);
        for bad in ["", ".", "a..b", "a_b.local", "-a.local", "*.local"] {
            assert!(ZoneName::parse(bad).is_err(), "{bad}");
        }
        assert!(ReverseZone::parse("10.in-addr.arpa").is_ok() && ReverseZone::parse("10.in-addr.arp").is_err());
    }

    #[test]
    fn patterns_know_one_wildcard() {
        assert!(Glob::parse("kube-*").is_ok() && Glob::parse("kube-?").is_err() && Glob::parse("").is_err());
        assert_eq!(ExportGlob::parse("kube-system/*").unwrap().text(), "kube-system/*");
        assert!(ExportGlob::parse("kube-system").is_err() && ExportGlob::parse("a/b/c").is_err());
    }
}
