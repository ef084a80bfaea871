//! Which namespaces a cluster knows (SOURCES.md 1.7): its Namespace documents, and where any of its objects lie.

use crate::model::hashed::Map;
use std::sync::Arc;

/// Namespaces of one cluster.
#[derive(Debug, Default)]
pub struct Presence(Map<Arc<str>, Use>);

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
        let change = self.change(
            namespace,
            || Arc::clone(namespace),
            |usage| {
                differs = usage.document != exists;
                usage.document = exists;
            },
        );
        (change, differs)
    }

    /// An object in the namespace came; the name when that made the namespace known.
    pub(super) fn add_object(&mut self, namespace: &str) -> Option<Arc<str>> {
        self.change(namespace, || namespace.into(), |usage| usage.objects += 1)
    }

    /// An object in the namespace went; the name when it was the last sign of it.
    pub(super) fn remove_object(&mut self, namespace: &str) -> Option<Arc<str>> {
        self.change(namespace, || namespace.into(), |usage| usage.objects = usage.objects.saturating_sub(1))
    }

    /// The name when the change made the namespace known or unknown; `name` is kept of one that was not.
    fn change(
        &mut self,
        namespace: &str,
        name: impl FnOnce() -> Arc<str>,
        apply: impl FnOnce(&mut Use),
    ) -> Option<Arc<str>> {
        if let Some(usage) = self.0.get_mut(namespace) {
            apply(usage);
            let is_known = usage.document || usage.objects > 0;
            return if is_known { None } else { self.0.remove_entry(namespace).map(|(name, _)| name) };
        }
        let mut usage = Use::default();
        apply(&mut usage);
        let is_known = usage.document || usage.objects > 0;
        is_known.then(|| {
            let name = name();
            self.0.insert(Arc::clone(&name), usage);
            name
        })
    }
}
