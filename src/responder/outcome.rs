//! What one answered query counts as: one packed word, added by transport to its worker's counters.

use crate::dns::types::rtype;

/// Types that have a metric label of their own (CoreDNS's list); slot `TYPE_NAMES.len() - 1` is every other type.
pub const TYPE_NAMES: [&str; 20] = [
    "A", "AAAA", "MX", "SOA", "CNAME", "PTR", "TXT", "NS", "SRV", "DS", "DNSKEY", "RRSIG", "NSEC", "NSEC3", "HTTPS",
    "SVCB", "IXFR", "AXFR", "ANY", "other",
];

/// The index into [`TYPE_NAMES`] of a record type.
#[inline]
pub fn type_slot(qtype: u16) -> u8 {
    match SLOTS.get(usize::from(qtype)) {
        Some(slot) => *slot,
        None => slot_of(qtype),
    }
}

/// The slots of the types that are asked, without branches.
static SLOTS: [u8; 66] = {
    let mut slots = [0; 66];
    let mut qtype = 0;
    while qtype < slots.len() {
        slots[qtype] = slot_of(qtype as u16);
        qtype += 1;
    }
    slots
};

const fn slot_of(qtype: u16) -> u8 {
    match qtype {
        rtype::A => 0,
        rtype::AAAA => 1,
        rtype::MX => 2,
        rtype::SOA => 3,
        rtype::CNAME => 4,
        rtype::PTR => 5,
        rtype::TXT => 6,
        rtype::NS => 7,
        rtype::SRV => 8,
        rtype::DS => 9,
        rtype::DNSKEY => 10,
        rtype::RRSIG => 11,
        rtype::NSEC => 12,
        rtype::NSEC3 => 13,
        rtype::HTTPS => 14,
        rtype::SVCB => 15,
        rtype::IXFR => 16,
        rtype::AXFR => 17,
        rtype::ANY => 18,
        _ => 19,
    }
}

/// The zone number of a query that reached no zone (metric label `dropped`).
pub const NO_ZONE: u8 = u8::MAX;

/// The verdict on one query, without its octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome(u64);

impl Outcome {
    /// `zone`: Frame zone number or [`NO_ZONE`]; `type_slot`: index into [`TYPE_NAMES`]; `rcode`: 0..=16.
    pub const fn new(zone: u8, view: u8, type_slot: u8, rcode: u8) -> Self {
        Outcome(zone as u64 | (view as u64) << 8 | (type_slot as u64) << 16 | (rcode as u64) << 24)
    }

    /// With an extended DNS error code in the reply (RFC 8914); 0 is none.
    pub const fn with_ede(self, code: u8) -> Self {
        Outcome(self.0 & !(0xff << 32) | (code as u64) << 32)
    }

    /// With TC set.
    pub const fn with_truncated(self, on: bool) -> Self {
        Outcome(self.0 & !(1 << 40) | (on as u64) << 40)
    }

    /// With rows of a stale cluster in the reply.
    pub const fn with_stale(self, on: bool) -> Self {
        Outcome(self.0 & !(1 << 41) | (on as u64) << 41)
    }

    /// With DO set in the query.
    pub const fn with_dnssec_ok(self, on: bool) -> Self {
        Outcome(self.0 & !(1 << 42) | (on as u64) << 42)
    }

    /// With a message that was not well-formed (FORMERR; `malformed_total`).
    pub const fn with_malformed(self, on: bool) -> Self {
        Outcome(self.0 & !(1 << 43) | (on as u64) << 43)
    }

    pub const fn zone(self) -> u8 {
        self.0 as u8
    }

    pub const fn view(self) -> u8 {
        (self.0 >> 8) as u8
    }

    pub const fn type_slot(self) -> u8 {
        (self.0 >> 16) as u8
    }

    pub const fn rcode(self) -> u8 {
        (self.0 >> 24) as u8
    }

    pub const fn ede(self) -> u8 {
        (self.0 >> 32) as u8
    }

    pub const fn truncated(self) -> bool {
        self.0 & (1 << 40) != 0
    }

    pub const fn stale(self) -> bool {
        self.0 & (1 << 41) != 0
    }

    pub const fn dnssec_ok(self) -> bool {
        self.0 & (1 << 42) != 0
    }

    pub const fn malformed(self) -> bool {
        self.0 & (1 << 43) != 0
    }
}
