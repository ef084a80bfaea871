//! Address ranges as sorted intervals: which of them an address is in, and how far around it that stays so.
//!
//! In: prefixes of the configuration with a number each. Out: the number of the longest prefix that holds an address.

use std::net::{IpAddr, Ipv6Addr};

/// An address range in configuration: network address and mask length. Host bits are ignored.
pub type Prefix = (IpAddr, u8);

/// Maps every address of one family to the number of its longest prefix.
///
/// The prefixes are flattened at load into disjoint intervals, so that a look-up is one binary search and the scope of
/// RFC 7871 (the shortest prefix around an address on which the number is constant) follows from the interval's ends.
/// The first octet of the address narrows the search, mostly to nothing.
#[derive(Debug, Clone, Default)]
struct Intervals<A> {
    /// Start of each interval, ascending; what lies before the first start has no number.
    starts: Vec<A>,
    /// The number of each interval.
    numbers: Vec<Option<u8>>,
    /// By the first octet of an address: how many intervals begin at or before the lowest and the highest address with it.
    /// Empty without prefixes.
    begun_by_octet: Vec<(u32, u32)>,
}

/// Numbers by address, both families.
#[derive(Debug, Clone, Default)]
pub struct PrefixMap {
    v4: Intervals<u32>,
    v6: Intervals<u128>,
}

/// What a look-up found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixMatch {
    /// Number of the longest prefix that holds the address.
    pub number: Option<u8>,
    /// Length of the shortest prefix around the address whose addresses all have this number.
    pub scope: u8,
}

impl PrefixMap {
    /// Of two equal prefixes the first wins. Mask lengths beyond the family's are cut.
    pub fn new(prefixes: impl IntoIterator<Item = (Prefix, u8)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for ((address, length), number) in prefixes {
            match address.to_canonical() {
                IpAddr::V4(v4_address) => v4.push((u128::from(v4_address.to_bits()), length.min(32), number)),
                IpAddr::V6(v6_address) => v6.push((v6_address.to_bits(), length.min(128), number)),
            }
        }
        PrefixMap { v4: Intervals::new(v4, |start| start as u32), v6: Intervals::new(v6, |start| start) }
    }

    /// True when it holds no prefix of either family.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.v4.starts.is_empty() && self.v6.starts.is_empty()
    }

    /// The number of the longest prefix that holds `address`. An IPv4-mapped address counts as IPv4.
    pub fn find(&self, address: IpAddr) -> PrefixMatch {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.find(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.find(v6.to_bits()),
        }
    }

    /// As [`PrefixMap::find`], the number alone.
    #[inline]
    pub fn number(&self, address: IpAddr) -> Option<u8> {
        match address {
            IpAddr::V4(v4) => self.v4.number(v4.to_bits()),
            IpAddr::V6(v6) => self.number_v6(v6),
        }
    }

    /// Apart, so that an IPv4 address is looked up in line.
    #[inline(never)]
    fn number_v6(&self, address: Ipv6Addr) -> Option<u8> {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.number(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.number(v6.to_bits()),
        }
    }

    /// The lowest address that some prefix holds, IPv4 before IPv6.
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.v4.first().map(|address| IpAddr::V4(address.into()));
        v4.or_else(|| self.v6.first().map(|address| IpAddr::V6(address.into())))
    }

    /// True when some prefix holds `address`.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        !self.is_empty() && self.number(address).is_some()
    }
}

impl<A: Copy + Ord + Default + Into<u128>> Intervals<A> {
    /// Bits of an address.
    const BITS: u8 = size_of::<A>() as u8 * 8;

    /// The lowest address that has a number.
    fn first(&self) -> Option<A> {
        let mut starts = self.starts.iter().zip(&self.numbers);
        starts.find(|(_, number)| number.is_some()).map(|(start, _)| *start)
    }

    /// From network address, length and number of each prefix; `narrow` makes an address of one that fits.
    fn new(mut prefixes: Vec<(u128, u8, u8)>, narrow: impl Fn(u128) -> A) -> Self {
        let bits = Self::BITS;
        if prefixes.is_empty() {
            return Intervals::default();
        }
        let family = u128::MAX >> (128 - u32::from(bits));
        let last_of = |start: u128, length: u8| start | family.checked_shr(u32::from(length)).unwrap_or(0);
        for (address, length, _) in &mut prefixes {
            *address &= !(last_of(0, *length)) & family;
        }
        prefixes.sort_by_key(|(address, length, _)| (*address, *length));
        prefixes.dedup_by_key(|(address, length, _)| (*address, *length));
        let mut edges: Vec<u128> = prefixes
            .iter()
            .flat_map(|(address, length, _)| [Some(*address), last_of(*address, *length).checked_add(1)])
            .flatten()
            .filter(|edge| *edge <= family)
            .collect();
        edges.push(0);
        edges.sort_unstable();
        edges.dedup();
        let holds = |edge: u128, prefix: &(u128, u8, u8)| prefix.0 <= edge && edge <= last_of(prefix.0, prefix.1);
        let number_at = |edge: u128| {
            let longest = prefixes.iter().filter(|prefix| holds(edge, prefix)).max_by_key(|prefix| prefix.1);
            longest.map(|prefix| prefix.2)
        };
        let mut starts: Vec<(u128, Option<u8>)> = edges.into_iter().map(|edge| (edge, number_at(edge))).collect();
        starts.dedup_by_key(|(_, number)| *number);
        let begun = |address: u128| starts.partition_point(|(start, _)| *start <= address) as u32;
        let lowest = |octet: u32| u128::from(octet) << (bits - 8);
        let begun_by_octet =
            (0..=255).map(|octet| (begun(lowest(octet)), begun(lowest(octet) | family >> 8))).collect();
        let (starts, numbers) = starts.into_iter().map(|(start, number)| (narrow(start), number)).unzip();
        Intervals { starts, numbers, begun_by_octet }
    }

    /// How many intervals begin at or before `address`.
    #[inline]
    fn begun(&self, address: A) -> usize {
        let octet = (address.into() >> (Self::BITS - 8)) as usize;
        let Some(&(lowest, highest)) = self.begun_by_octet.get(octet) else { return 0 };
        match self.starts.get(lowest as usize..highest as usize) {
            None | Some([]) => lowest as usize,
            Some(amid) => lowest as usize + amid.partition_point(|start| *start <= address),
        }
    }

    #[inline]
    fn number(&self, address: A) -> Option<u8> {
        self.numbers.get(self.begun(address).wrapping_sub(1)).copied().flatten()
    }

    fn find(&self, address: A) -> PrefixMatch {
        let after = self.begun(address);
        let at = after.wrapping_sub(1);
        let (Some(start), Some(number)) = (self.starts.get(at), self.numbers.get(at)) else {
            return PrefixMatch { number: None, scope: 0 };
        };
        let (address, start): (u128, u128) = (address.into(), (*start).into());
        // A prefix of n bits around the address leaves out a neighbour when they differ within the first n bits.
        let bits_to_leave_out = |neighbour: u128| {
            let shared = (address ^ neighbour).leading_zeros() as u8 - (128 - Self::BITS);
            shared + 1
        };
        let below = start.checked_sub(1).map_or(0, bits_to_leave_out);
        let above = self.starts.get(after).map_or(0, |next| bits_to_leave_out((*next).into()));
        PrefixMatch { number: *number, scope: below.max(above) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(prefixes: &[(&str, u8, u8)]) -> PrefixMap {
        PrefixMap::new(prefixes.iter().map(|(address, length, number)| ((address.parse().unwrap(), *length), *number)))
    }

    #[test]
    fn the_longest_prefix_wins_and_the_scope_is_where_the_choice_is_constant() {
        let map = map(&[("10.0.0.0", 8, 1), ("10.2.0.0", 16, 2), ("10.2.128.0", 17, 1), ("fd00::", 8, 3)]);
        let cases = [
            ("10.1.2.3", Some(1), 15),
            ("10.2.2.3", Some(2), 17),
            ("10.2.200.3", Some(1), 17),
            ("::ffff:10.2.2.3", Some(2), 17),
            ("11.0.0.1", None, 8),
            ("200.0.0.1", None, 1),
            ("fd12::1", Some(3), 8),
            ("2001:db8::1", None, 1),
        ];
        for (address, number, scope) in cases {
            let address = address.parse().unwrap();
            assert_eq!((map.find(address), map.number(address)), (PrefixMatch { number, scope }, number), "{address}");
        }
    }

    #[test]
    fn every_address_of_the_scope_has_the_same_number() {
        let map = map(&[("0.0.0.0", 0, 9), ("10.9.0.0", 16, 1), ("10.9.8.0", 24, 2), ("10.9.8.7", 32, 3)]);
        for address in [0u32, 0x0a09_0001, 0x0a09_0807, 0x0a09_0806, 0x0a0a_0000, u32::MAX] {
            let at = |bits: u32| map.find(IpAddr::from(bits.to_be_bytes()));
            let found = at(address);
            let host = u32::MAX.checked_shr(u32::from(found.scope)).unwrap_or(0);
            for other in [address & !host, address | host] {
                assert_eq!(at(other).number, found.number, "{address:x} {other:x}");
            }
            // One bit less, and some address has another number.
            let wider = u32::MAX.checked_shr(u32::from(found.scope) - 1).unwrap_or(0);
            let first_octets = [0u32, 0x0a09_0000, 0x0a09_0800, 0x0a09_0807, 0x0a09_0808, 0x0a0a_0000, u32::MAX];
            let inside = |other: &u32| other & !wider == address & !wider;
            let known = first_octets.into_iter().filter(inside).chain([address & !wider, address | wider]);
            assert!(known.into_iter().any(|other| at(other).number != found.number), "{address:x} {found:?}");
        }
    }

    #[test]
    fn without_prefixes_the_scope_is_everything() {
        assert_eq!(map(&[]).find("10.0.0.1".parse().unwrap()), PrefixMatch { number: None, scope: 0 });
        assert!(!map(&[]).contains("10.0.0.1".parse().unwrap()));
    }
}
