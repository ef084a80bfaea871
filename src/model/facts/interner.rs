//! One allocation per repeated text: zones, nodes, namespaces, port names of one cluster.
//!
//! In: texts as the source decoded them. Out: the shared copy of each.

use std::collections::HashSet;
use std::sync::Arc;

/// A set of shared texts.
#[derive(Debug, Default)]
pub struct Interner(HashSet<Arc<str>>);

impl Interner {
    /// Replaces `text` by the shared copy of the same text.
    pub fn share(&mut self, text: &mut Arc<str>) {
        match self.0.get(&**text) {
            Some(shared) => *text = Arc::clone(shared),
            None => {
                self.0.insert(Arc::clone(text));
            }
        }
    }

    /// As [`Interner::share`], for an absent text too.
    pub fn share_option(&mut self, text: &mut Option<Arc<str>>) {
        if let Some(text) = text {
            self.share(text);
        }
    }

    /// The shared copy of `text`, made when there is none.
    pub fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.0.get(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = text.into();
        self.0.insert(Arc::clone(&shared));
        shared
    }

    /// Forgets texts that nobody else holds.
    pub fn shrink(&mut self) {
        self.0.retain(|text| Arc::strong_count(text) > 1);
        self.0.shrink_to_fit();
    }
}
