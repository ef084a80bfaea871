//! The hash maps of what changes often, by a faster hash than that of `std`.
//!
//! Keys are names that writers of objects choose, so each map has a random seed; the full strength of SipHash costs several
//! times as much, and one changed endpoint hashes some fifty times.

use std::collections::hash_map::Entry;
use std::hash::Hash;

/// A map by foldhash.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
/// A set by foldhash.
pub type Set<K> = std::collections::HashSet<K, foldhash::fast::RandomState>;

/// Values that are compared one by one before any is hashed: most lists are shorter, and a hash table costs an allocation.
const FEW: usize = 8;

/// Where each value was first seen.
#[derive(Debug)]
pub struct Firsts<T> {
    few: [Option<(T, usize)>; FEW],
    /// All of them, once there are more than a few.
    many: Option<Map<T, usize>>,
}

impl<T> Default for Firsts<T> {
    fn default() -> Self {
        Firsts { few: [const { None }; FEW], many: None }
    }
}

impl<T: Copy + Eq + Hash> Firsts<T> {
    /// Where `value` was first seen, if it was.
    pub fn place(&self, value: T) -> Option<usize> {
        match &self.many {
            None => self.few.iter().map_while(|place| *place).find(|(seen, _)| *seen == value).map(|(_, at)| at),
            Some(many) => many.get(&value).copied(),
        }
    }

    /// Where `value` was first seen; when it was not, it is seen `at` that place from now on.
    pub fn see(&mut self, value: T, at: usize) -> Option<usize> {
        if self.many.is_none() {
            for place in &mut self.few {
                match place {
                    Some((seen, first)) if *seen == value => return Some(*first),
                    Some(_) => {}
                    None => {
                        *place = Some((value, at));
                        return None;
                    }
                }
            }
        }
        let few = || self.few.iter().copied().flatten().collect();
        match self.many.get_or_insert_with(few).entry(value) {
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(place) => {
                place.insert(at);
                None
            }
        }
    }

    /// True for a value that was not seen before.
    pub fn is_new(&mut self, value: T) -> bool {
        self.see(value, 0).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_of_each_value_is_known_however_many_there_are() {
        for count in [0, 1, FEW, FEW + 1, 100] {
            let mut firsts = Firsts::default();
            for at in 0..count {
                assert_eq!((firsts.place(at * 3), firsts.see(at * 3, at)), (None, None), "{at} of {count}");
            }
            for at in 0..count {
                let places = (firsts.place(at * 3), firsts.see(at * 3, 999));
                assert_eq!(places, (Some(at), Some(at)), "{at} of {count}");
            }
            assert!(firsts.is_new(1) && !firsts.is_new(1), "{count}");
        }
    }
}
