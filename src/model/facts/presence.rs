//! Which namespaces a cluster knows (SOURCES.md 1.7): its Namespace documents, and where any of its objects lie.

use crate::model::hashed::{Map, Set};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One text per namespace for all clusters: each of a hundred may know every one of a thousand.
#[derive(Debug, Clone, Default)]
pub struct NamespaceNames(Arc<Mutex<Set<Arc<str>>>>);

impl NamespaceNames {
    /// The shared text. Asked only when a namespace is new to a cluster.
    fn share(&self, name: &str) -> Arc<str> {
        let mut names = self.lock();
        if let Some(known) = names.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        names.insert(Arc::clone(&new));
        new
    }

    /// Forgets the names that nobody else holds.
    fn shrink(&self) {
        self.lock().retain(|name| Arc::strong_count(name) > 1);
    }

    fn lock(&self) -> MutexGuard<'_, Set<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Namespaces of one cluster.
#[derive(Debug, Default)]
pub struct Presence {
    uses: Map<Arc<str>, Use>,
    names: NamespaceNames,
}

#[derive(Debug, Default, Clone, Copy)]
struct Use {
    document: bool,
    objects: u32,
}

impl Presence {
    /// No namespaces yet; names are shared with whoever has the same `names`.
    pub(super) fn sharing(names: NamespaceNames) -> Self {
        Presence { names, ..Presence::default() }
    }

    /// Forgets the names that no cluster knows any more.
    pub(super) fn shrink(&self) {
        self.names.shrink();
    }

    /// True when the cluster knows the namespace.
    pub fn contains(&self, namespace: &str) -> bool {
        self.uses.contains_key(namespace)
    }

    /// Every namespace known.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<str>> {
        self.uses.keys()
    }

    /// Every namespace that has a document.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<str>> {
        self.uses.iter().filter(|(_, usage)| usage.document).map(|(name, _)| name)
    }

    /// True when nothing but its document shows that the namespace is there.
    pub(super) fn is_only_documented(&self, namespace: &str) -> bool {
        self.uses.get(namespace).is_some_and(|usage| usage.document && usage.objects == 0)
    }

    /// A Namespace document came or went; the name when presence changed, and whether the document is new or gone.
    pub(super) fn set_document(&mut self, namespace: &str, exists: bool) -> (Option<Arc<str>>, bool) {
        let mut differs = false;
        let change = self.change(namespace, |usage| {
            differs = usage.document != exists;
            usage.document = exists;
        });
        (change, differs)
    }

    /// An object in the namespace came; the name when that made the namespace known.
    pub(super) fn add_object(&mut self, namespace: &str) -> Option<Arc<str>> {
        self.change(namespace, |usage| usage.objects += 1)
    }

    /// An object in the namespace went; the name when it was the last sign of it.
    pub(super) fn remove_object(&mut self, namespace: &str) -> Option<Arc<str>> {
        self.change(namespace, |usage| usage.objects = usage.objects.saturating_sub(1))
    }

    /// The name when the change made the namespace known or unknown.
    fn change(&mut self, namespace: &str, apply: impl FnOnce(&mut Use)) -> Option<Arc<str>> {
        if let Some(usage) = self.uses.get_mut(namespace) {
            apply(usage);
            let is_known = usage.document || usage.objects > 0;
            return if is_known { None } else { self.uses.remove_entry(namespace).map(|(name, _)| name) };
        }
        let mut usage = Use::default();
        apply(&mut usage);
        let is_known = usage.document || usage.objects > 0;
        is_known.then(|| {
            let name = self.names.share(namespace);
            self.uses.insert(Arc::clone(&name), usage);
            name
        })
    }
}
