//! The hash maps of what changes often, by a faster hash than that of `std`.
//!
//! Keys are names that writers of objects choose, so each map has a random seed; the full strength of SipHash costs several
//! times as much, and one changed endpoint hashes some fifty times.

/// A map by foldhash.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
/// A set by foldhash.
pub type Set<K> = std::collections::HashSet<K, foldhash::fast::RandomState>;
