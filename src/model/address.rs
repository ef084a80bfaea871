//! Addresses: prefixes, and which addresses are refused whatever object names them (SOURCES.md section 4).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A CIDR range, masked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// Reads `10.1.0.0/16` or a bare address; host bits are masked away.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        Prefix::new(address, length.unwrap_or(if address.is_ipv4() { 32 } else { 128 }))
    }

    /// `None` when `length` is too long for the family.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) if length <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) if length <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
            _ => return None,
        };
        Some(Prefix { address, length })
    }

    /// The network address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Bits of the mask.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// True when `address` is of this family and inside.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && Prefix::new(address, self.length).is_some_and(|prefix| prefix == *self)
    }

    /// True when the two share an address.
    pub fn overlaps(&self, other: &Prefix) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why `address` is refused, in words that end a sentence; `None` when it may be answered.
pub fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => refusal_v4(v4),
        IpAddr::V6(v6) => refusal_v6(v6),
    }
}

fn refusal_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("is unspecified (0.0.0.0/8)"),
        [127, ..] => Some("is a loopback address"),
        [169, 254, ..] => Some("is a link-local address"),
        [224..=239, ..] => Some("is a multicast address"),
        [255, 255, 255, 255] => Some("is the broadcast address"),
        [100, 100, 100, 200] | [168, 63, 129, 16] => Some("is a cloud metadata address"),
        _ => None,
    }
}

fn refusal_v6(address: Ipv6Addr) -> Option<&'static str> {
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    if address.is_unspecified() {
        Some("is unspecified (::)")
    } else if address.is_loopback() {
        Some("is a loopback address")
    } else if address.is_unicast_link_local() {
        Some("is a link-local address")
    } else if address.is_multicast() {
        Some("is a multicast address")
    } else if address.to_ipv4_mapped().is_some() {
        Some("is an IPv4-mapped address")
    } else if address == METADATA {
        Some("is a cloud metadata address")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_masked_before_they_are_compared() {
        let a = Prefix::parse("10.96.0.0/12").unwrap();
        let b = Prefix::parse("10.97.0.0/12").unwrap();
        assert_eq!(a, b);
        assert!(a.overlaps(&b) && a.contains("10.111.255.255".parse().unwrap()));
        assert!(!a.contains("::1".parse().unwrap()));
        assert!(Prefix::parse("0.0.0.0/0").unwrap().contains("203.0.113.1".parse().unwrap()));
        assert!(Prefix::parse("10.0.0.0/33").is_none());
    }

    #[test]
    fn refuses_what_would_hit_the_client_itself_or_the_metadata_service() {
        let refused = ["0.1.2.3", "127.255.0.1", "169.254.169.254", "239.0.0.1", "255.255.255.255", "100.100.100.200"];
        let refused_v6 = ["::", "::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1", "fd00:ec2::254"];
        for text in refused.iter().chain(&refused_v6) {
            assert!(refusal(text.parse().unwrap()).is_some(), "{text}");
        }
        for text in ["10.0.0.1", "240.240.0.1", "fd00::1", "2001:2::1"] {
            assert!(refusal(text.parse().unwrap()).is_none(), "{text}");
        }
    }
}
