//! A view: where a client stands (DNS.md section 6).

use super::cluster::Locality;
use super::id::ClusterId;
use std::sync::Arc;

/// Most views one server can have: presence in a Block is one 64-bit word.
pub const MAX_VIEWS: usize = 64;

/// One standpoint. View 0 is `local`, the default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Empty for the local view.
    pub name: Arc<str>,
    /// The cluster its clients stand in; `None`: no cluster of the registry.
    pub cluster: Option<ClusterId>,
    pub locality: Locality,
    /// Namespaces visible in this view.
    pub namespaces: NamespaceFilter,
}

/// Globs over namespaces; `deny` wins. Empty `allow` means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceFilter {
    pub allow: Vec<Arc<str>>,
    pub deny: Vec<Arc<str>>,
}

impl NamespaceFilter {
    /// True when the view may see `namespace`.
    pub fn admits(&self, namespace: &str) -> bool {
        let hit = |globs: &[Arc<str>]| globs.iter().any(|glob| glob_matches(glob, namespace));
        (self.allow.is_empty() || hit(&self.allow)) && !hit(&self.deny)
    }
}

/// Matches `text` against a glob in which `*` stands for any run of characters, also none.
pub fn glob_matches(glob: &str, text: &str) -> bool {
    // Octet by octet: a search made for long texts takes several times as long, and each change asks several globs.
    let star = glob.bytes().position(|octet| octet == b'*');
    match star.map(|at| (&glob[..at], &glob[at + 1..])) {
        None => glob == text,
        Some((head, "")) => text.starts_with(head),
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && glob_matches(tail, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_any_run_of_characters() {
        assert!(glob_matches("*", "shop"));
        assert!(glob_matches("kube-*", "kube-system"));
        assert!(glob_matches("a*c*e", "abcde"));
        assert!(!glob_matches("kube-*", "shop"));
        assert!(!glob_matches("shop", "shop-2"));
    }
}
