//! Which namespaces a cluster knows (SOURCES.md 1.7): its Namespace documents, and where any of its objects lie.

use std::collections::HashMap;
use std::sync::Arc;

/// Namespaces of one cluster.
#[derive(Debug, Default)]
pub struct Presence(HashMap<Arc<str>, Use>);

#[derive(Debug, Default, Clone, Copy)]
struct Use {
    document: bool,
    objects: u32,
}

impl Presence {
    /// True when the cluster knows the namespace.
    pub fn contains(&self, namespace: &str) -> bool {
        self.0.contains_key(namespace)
    }

    /// Every namespace known.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    /// Every namespace that has a document.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().filter(|(_, usage)| usage.document).map(|(name, _)| name)
    }

    /// True when nothing but its document shows that the namespace is there.
    pub(super) fn is_only_documented(&self, namespace: &str) -> bool {
        self.0.get(namespace).is_some_and(|usage| usage.document && usage.objects == 0)
    }

    /// A Namespace document came or went; the name when presence changed, and whether the document is new or gone.
    pub(super) fn set_document(&mut self, namespace: &Arc<str>, exists: bool) -> (Option<Arc<str>>, bool) {
        let mut differs = false;
        let change = self.change(namespace, |usage| {
            differs = usage.document != exists;
            usage.document = exists;
        });
        (change, differs)
    }

    /// An object in the namespace came; the name when that made the namespace known.
    pub(super) fn add_object(&mut self, namespace: &Arc<str>) -> Option<Arc<str>> {
        self.change(namespace, |usage| usage.objects += 1)
    }

    /// An object in the namespace went; the name when it was the last sign of it.
    pub(super) fn remove_object(&mut self, namespace: &Arc<str>) -> Option<Arc<str>> {
        self.change(namespace, |usage| usage.objects = usage.objects.saturating_sub(1))
    }

    fn change(&mut self, namespace: &Arc<str>, apply: impl FnOnce(&mut Use)) -> Option<Arc<str>> {
        let before = self.0.contains_key(namespace);
        let usage = self.0.entry(Arc::clone(namespace)).or_default();
        apply(usage);
        let after = usage.document || usage.objects > 0;
        if !after {
            self.0.remove(namespace);
        }
        (before != after).then(|| Arc::clone(namespace))
    }
}
