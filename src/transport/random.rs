//! A worker's own random numbers: rotation and weighted draws, no secrets.

use std::hash::{BuildHasher, RandomState};

/// xorshift64* (Marsaglia; Vigna 2016): three shifts and one multiplication.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Seeded from the process's hash keys, differently each time.
    pub fn seeded() -> Self {
        Random(RandomState::new().hash_one(0u8) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_spread_in_high_and_low_bits() {
        let mut random = Random::seeded();
        let numbers: Vec<u64> = (0..1_000).map(|_| random.next()).collect();
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 1_000);
        for residue in 0..3 {
            let count = numbers.iter().filter(|n| *n % 3 == residue).count();
            assert!((200..500).contains(&count), "residue {residue}: {count} of 1000");
        }
    }
}
