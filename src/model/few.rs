//! A list that usually has one entry: that one lies in the list itself.
//!
//! Nearly every Service has one cluster IP, and a list of one costs an allocation and three words to reach it.

use std::ops::Deref;

/// Reads as a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Few<T>(Held<T>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Held<T> {
    One(T),
    /// None, or several.
    Other(Box<[T]>),
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few(Held::Other(Box::default()))
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Held::One(one) => std::slice::from_ref(one),
            Held::Other(list) => list,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(mut list: Vec<T>) -> Self {
        match (list.len(), list.pop()) {
            (1, Some(one)) => Few(Held::One(one)),
            (_, last) => {
                list.extend(last);
                Few(Held::Other(list.into_boxed_slice()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn one_entry_takes_no_memory_of_its_own() {
        assert_eq!(size_of::<Few<IpAddr>>(), 24);
        for list in [vec![], vec![1], vec![1, 2], vec![3, 2, 1]] {
            let few = Few::from(list.clone());
            assert_eq!(*few, *list);
            assert_eq!(matches!(few.0, Held::One(_)), list.len() == 1);
        }
        assert_eq!(Few::default(), Few::<u8>::from(vec![]));
    }
}
