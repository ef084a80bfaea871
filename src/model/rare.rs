//! A value that is usually the default one, or one of few: stored once, pointed to by many.
//!
//! Of 200,000 services nearly all have no own policy and the same traffic fields; a pointer each is what that may cost.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A type with one empty value that everybody can borrow.
pub trait Empty: Default + PartialEq + 'static {
    /// The default value.
    fn empty() -> &'static Self;
}

impl<T: PartialEq + 'static> Empty for Vec<T> {
    fn empty() -> &'static Self {
        const { &Vec::new() }
    }
}

/// Reads as a `T`; the default value takes no memory of its own.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Rare<T>(Option<Arc<T>>);

impl<T> Clone for Rare<T> {
    fn clone(&self) -> Self {
        Rare(self.0.clone())
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Rare(None)
    }
}

impl<T: Empty> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        Rare((value != *T::empty()).then(|| Arc::new(value)))
    }
}

impl<T: Empty> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::empty())
    }
}

impl<T: Empty + Clone> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(self.0.get_or_insert_with(|| Arc::new(T::default())))
    }
}

impl<T: Eq + Hash> Rare<T> {
    /// Points to the equal value of `known`, which takes this one in if it is new.
    pub fn share<S: BuildHasher>(&mut self, known: &mut HashSet<Arc<T>, S>) {
        let Some(own) = &self.0 else { return };
        match known.get(own) {
            Some(shared) => self.0 = Some(Arc::clone(shared)),
            None => drop(known.insert(Arc::clone(own))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::Traffic;

    #[test]
    fn the_default_takes_no_memory_and_equal_values_are_one() {
        let affinity = || Rare::from(Traffic { session_affinity: Some("ClientIP".into()), ..Traffic::default() });
        assert_eq!(size_of::<Rare<Traffic>>(), size_of::<usize>());
        assert!(Rare::from(Traffic::default()).0.is_none());
        let (mut one, mut other, mut known) = (affinity(), affinity(), HashSet::new());
        one.share(&mut known);
        other.share(&mut known);
        assert!(Arc::ptr_eq(&one.0.unwrap(), &other.0.unwrap()));
    }
}
