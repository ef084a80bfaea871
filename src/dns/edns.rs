//! EDNS(0): the OPT record of a query, and that of a reply (RFC 6891).
//!
//! In: fields of an OPT record. Out: what the client wants; octets of the reply's OPT record.

use super::types::rtype;
use super::writer::Writer;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets of an OPT record without options.
pub const OPT: usize = 11;
/// Octets of an option before its value.
pub const OPTION: usize = 4;

/// Option codes (IANA "DNS EDNS0 Option Codes").
pub mod option {
    pub const NSID: u16 = 3;
    pub const CLIENT_SUBNET: u16 = 8;
    pub const COOKIE: u16 = 10;
    pub const TCP_KEEPALIVE: u16 = 11;
    pub const EXTENDED_ERROR: u16 = 15;
}

/// What the OPT record of a query says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edns {
    /// Largest UDP reply that the client takes, octets.
    pub payload: u16,
    pub version: u8,
    /// DO.
    pub dnssec_ok: bool,
    /// The server's identity is wanted (RFC 5001).
    pub nsid: bool,
    /// The idle time is wanted (RFC 7828).
    pub keepalive: bool,
    /// A client subnet or cookie option that breaks its RFC: FORMERR.
    pub malformed_option: bool,
}

/// A valid client subnet option (RFC 7871 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSubnet {
    /// Its first octets: family, SOURCE PREFIX-LENGTH.
    head: [u8; 3],
    address: [u8; 16],
}

impl ClientSubnet {
    /// Octets of the address that are sent.
    fn sent(&self) -> usize {
        usize::from(self.head[2]).div_ceil(8)
    }

    /// The network address; `None` when the client withholds it (SOURCE PREFIX-LENGTH 0).
    pub fn address(&self) -> Option<IpAddr> {
        let [a, b, c, d, ..] = self.address;
        match self.head {
            [_, _, 0] => None,
            [_, 1, _] => Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d))),
            _ => Some(IpAddr::V6(Ipv6Addr::from(self.address))),
        }
    }

    /// Octets of the option in a reply.
    pub fn reply_length(&self) -> usize {
        OPTION + 4 + self.sent()
    }

    /// Writes the option of a reply (RFC 7871 section 7.2.1).
    pub fn write(&self, scope: u8, out: &mut Writer<'_>) {
        let [family_high, family_low, source] = self.head;
        out.option(option::CLIENT_SUBNET, 4 + self.sent());
        out.put(&[family_high, family_low, source, scope]);
        out.put(&self.address[..self.sent()]);
    }

    /// `None`: malformed. Family 0 is taken with a prefix of 0 octets, as old clients send it to opt out.
    fn read(value: &[u8]) -> Option<Self> {
        let [family_high, family_low, source, scope, sent @ ..] = value else { return None };
        let longest = match [*family_high, *family_low] {
            [0, 0] => 0,
            [0, 1] => 32,
            [0, 2] => 128,
            _ => return None,
        };
        if *source > longest || *scope != 0 || sent.len() != usize::from(*source).div_ceil(8) {
            return None;
        }
        let spare_bits = sent.len() * 8 - usize::from(*source);
        if sent.last().is_some_and(|last| last.trailing_zeros() < spare_bits as u32) {
            return None;
        }
        let mut address = [0; 16];
        address[..sent.len()].copy_from_slice(sent);
        Some(ClientSubnet { head: [*family_high, *family_low, *source], address })
    }
}

/// Reads an OPT record from its class, TTL and options; a valid client subnet option goes to `subnet`, apart from what
/// fits a register. `None`: the options are cut short. Those of an unknown version are not looked at.
#[inline]
pub fn read(class: u16, ttl: [u8; 4], options: &[u8], subnet: &mut Option<ClientSubnet>) -> Option<Edns> {
    let edns = Edns { payload: class, version: ttl[1], dnssec_ok: ttl[2] & 0x80 != 0, ..Edns::default() };
    if edns.version != 0 || options.is_empty() {
        return Some(edns);
    }
    read_options(edns, options, subnet)
}

fn read_options(mut edns: Edns, mut options: &[u8], subnet: &mut Option<ClientSubnet>) -> Option<Edns> {
    while let [c0, c1, l0, l1, rest @ ..] = options {
        let (value, next) = rest.split_at_checked(usize::from(u16::from_be_bytes([*l0, *l1])))?;
        match u16::from_be_bytes([*c0, *c1]) {
            option::NSID => edns.nsid = true,
            option::TCP_KEEPALIVE => edns.keepalive = true,
            option::CLIENT_SUBNET => {
                *subnet = ClientSubnet::read(value);
                edns.malformed_option |= subnet.is_none();
            }
            // RFC 7873 section 5.2.2: client cookie alone, or with a server cookie of 8 to 32 octets.
            option::COOKIE => edns.malformed_option |= !matches!(value.len(), 8 | 16..=40),
            _ => {}
        }
        options = next;
    }
    options.is_empty().then_some(edns)
}

impl Writer<'_> {
    /// Writes an OPT record without its options, whose octets are `options`. `extended_rcode`: the upper eight bits.
    #[inline]
    pub fn opt(&mut self, payload: u16, extended_rcode: u8, dnssec_ok: bool, options: usize) {
        let [t0, t1] = rtype::OPT.to_be_bytes();
        let [p0, p1] = payload.to_be_bytes();
        let [o0, o1] = (options as u16).to_be_bytes();
        self.put(&[0, t0, t1, p0, p1, extended_rcode, 0, u8::from(dnssec_ok) << 7, 0, o0, o1]);
    }

    /// Writes the head of an option of `length` octets.
    pub fn option(&mut self, code: u16, length: usize) {
        self.put(&code.to_be_bytes());
        self.put(&(length as u16).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_both(code: u16, value: &[u8]) -> (Edns, Option<ClientSubnet>) {
        let option = [&code.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat();
        let mut subnet = None;
        (read(1232, [0; 4], &option, &mut subnet).unwrap(), subnet)
    }

    fn read_option(code: u16, value: &[u8]) -> Edns {
        read_both(code, value).0
    }

    #[test]
    fn client_subnets_are_checked_as_rfc_7871_says() {
        for (value, address) in [
            (&[0, 1, 24, 0, 10, 2, 3][..], Some("10.2.3.0")),
            (&[0, 1, 20, 0, 10, 2, 0x30], Some("10.2.48.0")),
            (&[0, 2, 16, 0, 0xfd, 1], Some("fd01::")),
            (&[0, 1, 0, 0], None),
            (&[0, 0, 0, 0], None),
        ] {
            let (edns, subnet) = read_both(option::CLIENT_SUBNET, value);
            assert!(!edns.malformed_option, "{value:?}");
            assert_eq!(subnet.unwrap().address(), address.map(|text| text.parse().unwrap()), "{value:?}");
        }
        for value in [
            &[0, 1, 24][..],
            &[0, 1, 24, 0, 10, 2],
            &[0, 1, 24, 0, 10, 2, 3, 4],
            &[0, 1, 20, 0, 10, 2, 0x31],
            &[0, 1, 24, 8, 10, 2, 3],
            &[0, 1, 33, 0, 10, 2, 3, 4, 0],
            &[0, 3, 8, 0, 1],
            &[0, 0, 8, 0, 1],
        ] {
            assert!(read_option(option::CLIENT_SUBNET, value).malformed_option, "{value:?}");
        }
    }

    #[test]
    fn cookies_are_checked_and_otherwise_ignored() {
        for (length, malformed) in [(0, true), (7, true), (8, false), (9, true), (16, false), (40, false), (41, true)] {
            assert_eq!(read_option(option::COOKIE, &vec![1; length]).malformed_option, malformed, "{length} octets");
        }
    }

    #[test]
    fn options_that_are_cut_short_are_unreadable_unless_the_version_is_unknown() {
        assert_eq!(read(512, [0; 4], &[0, 3, 0, 1], &mut None), None);
        assert_eq!(read(512, [0; 4], &[0, 3, 0], &mut None), None);
        assert_eq!(read(512, [0, 1, 0, 0], &[0, 3, 0], &mut None).unwrap().version, 1);
        assert!(read_option(option::NSID, &[]).nsid && read_option(option::TCP_KEEPALIVE, &[]).keepalive);
    }
}
