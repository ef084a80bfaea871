//! Which file owns which object, in about 30 octets an object: a folder may hold a million.

use crate::model::fact::{Kind, ObjectKey};
use std::collections::HashMap;
use std::sync::Arc;

type Hashing = foldhash::fast::RandomState;

/// Bits of a packed owner that hold the number of the file; the rest holds the fingerprint.
const FILE_BITS: u32 = 24;
const KINDS: usize = Kind::ALL.len();

/// The file that an object is read from, and what it looked like there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub file: Arc<str>,
    /// Changes when the fact or a finding does; 40 bits count.
    pub fingerprint: u64,
}

/// All objects of a folder.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// By the position of the kind in [`Kind::ALL`]; the value is fingerprint and file number.
    objects: [HashMap<ObjectKey, u64, Hashing>; KINDS],
    files: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32, Hashing>,
}

impl Owners {
    pub(super) fn get(&self, kind: Kind, key: &ObjectKey) -> Option<Owner> {
        self.objects[position(kind)].get(key).map(|packed| self.unpack(*packed))
    }

    /// Notes the owner of an object; true when it is new or differs from what was noted.
    pub(super) fn insert(&mut self, kind: Kind, key: ObjectKey, owner: &Owner) -> bool {
        let number = self.number(&owner.file);
        let packed = owner.fingerprint << FILE_BITS | u64::from(number);
        // A Service, its export and its import have one name: one text for all.
        let known = self.objects.iter().find_map(|objects| objects.get_key_value(&key));
        let key = known.map_or(key, |(known, _)| known.clone());
        self.objects[position(kind)].insert(key, packed) != Some(packed)
    }

    /// Keeps the objects for which `stays` is true.
    pub(super) fn retain(&mut self, mut stays: impl FnMut(Kind, &ObjectKey, &Arc<str>) -> bool) {
        let files = &self.files;
        for (kind, objects) in Kind::ALL.into_iter().zip(&mut self.objects) {
            objects.retain(|key, packed| stays(kind, key, &files[file_of(*packed)]));
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Kind, &ObjectKey, &Arc<str>)> {
        let of_kind = move |(kind, objects)| {
            let objects: &HashMap<ObjectKey, u64, Hashing> = objects;
            objects.iter().map(move |(key, packed)| (kind, key, &self.files[file_of(*packed)]))
        };
        Kind::ALL.into_iter().zip(&self.objects).flat_map(of_kind)
    }

    pub(super) fn len(&self) -> usize {
        self.objects.iter().map(HashMap::len).sum()
    }

    pub(super) fn clear(&mut self) {
        *self = Owners::default();
    }

    fn number(&mut self, file: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(file) {
            return *number;
        }
        // Past 16 million files the last number stands for several: a change in one is then read as one in all.
        let number = u32::try_from(self.files.len()).unwrap_or(u32::MAX).min((1 << FILE_BITS) - 1);
        self.files.push(Arc::clone(file));
        self.numbers.insert(Arc::clone(file), number);
        number
    }

    fn unpack(&self, packed: u64) -> Owner {
        Owner { file: Arc::clone(&self.files[file_of(packed)]), fingerprint: packed >> FILE_BITS }
    }
}

fn file_of(packed: u64) -> usize {
    (packed & ((1 << FILE_BITS) - 1)) as usize
}

fn position(kind: Kind) -> usize {
    Kind::ALL.iter().position(|known| *known == kind).expect("ALL holds every kind")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_found_again_and_only_a_difference_is_news() {
        let mut owners = Owners::default();
        let key = ObjectKey::new("shop", "web");
        let owner = |file: &str, fingerprint| Owner { file: file.into(), fingerprint };
        assert!(owners.insert(Kind::Service, key.clone(), &owner("a.yaml", 7)));
        assert!(!owners.insert(Kind::Service, key.clone(), &owner("a.yaml", 7)));
        assert!(owners.insert(Kind::Service, key.clone(), &owner("b.yaml", 7)));
        assert!(owners.insert(Kind::Service, key.clone(), &owner("b.yaml", 8)));
        assert!(owners.insert(Kind::ServiceExport, key.clone(), &owner("a.yaml", 1)));
        assert_eq!(owners.get(Kind::Service, &key), Some(owner("b.yaml", 8)));
        assert_eq!(owners.len(), 2);
        owners.retain(|_, _, file| &**file != "b.yaml");
        assert_eq!(owners.get(Kind::Service, &key), None);
        assert_eq!(owners.iter().count(), 1);
    }
}
