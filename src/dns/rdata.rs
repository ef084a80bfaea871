//! RDATA in wire form, for compile.
//!
//! In: addresses, names, numbers. Out: octets as they stand in a record. Small pure functions; they allocate.

use super::name::Name;
use super::types::class;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Offset of the question's name in every message.
pub const QUESTION: u16 = 12;

/// A (RFC 1035 section 3.4.1).
pub fn a(address: Ipv4Addr) -> Vec<u8> {
    address.octets().to_vec()
}

/// AAAA (RFC 3596 section 2.2).
pub fn aaaa(address: Ipv6Addr) -> Vec<u8> {
    address.octets().to_vec()
}

/// SRV; the target is never compressed (RFC 2782).
pub fn srv(priority: u16, weight: u16, port: u16, target: &Name) -> Vec<u8> {
    let mut rdata = Vec::with_capacity(6 + target.wire().len());
    for number in [priority, weight, port] {
        rdata.extend_from_slice(&number.to_be_bytes());
    }
    rdata.extend_from_slice(target.wire());
    rdata
}

/// TXT with one text, cut into strings of at most 255 octets (RFC 1035 section 3.3.14).
pub fn txt(text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        return vec![0];
    }
    let string = |part: &[u8]| [&[part.len() as u8], part].concat();
    text.chunks(255).flat_map(string).collect()
}

/// CNAME, PTR or NS with an uncompressed name.
pub fn name(target: &Name) -> Vec<u8> {
    target.wire().to_vec()
}

/// A compressed name: `labels`, then a pointer to `offset` of the message. Labels over 63 octets are cut.
pub fn pointed_name(labels: &[&str], offset: u16) -> Vec<u8> {
    let label = |label: &&str| {
        let octets = &label.as_bytes()[..label.len().min(63)];
        [&[octets.len() as u8], octets].concat()
    };
    let mut wire: Vec<u8> = labels.iter().flat_map(label).collect();
    wire.extend_from_slice(&(0xc000 | offset).to_be_bytes());
    wire
}

/// NS `ns.dns.Z` at the zone's own name, as a pointer into the question.
pub fn zone_ns() -> Vec<u8> {
    pointed_name(&["ns", "dns"], QUESTION)
}

/// SOA of the zone at its own name (DNS.md section 4), names as pointers into the question. The serial is written
/// into each copy by the responder.
pub fn zone_soa(ttl: u32) -> Vec<u8> {
    let mut rdata = zone_ns();
    rdata.extend_from_slice(&pointed_name(&["hostmaster"], QUESTION));
    for number in [0, 7200, 1800, 86_400, ttl] {
        rdata.extend_from_slice(&u32::to_be_bytes(number));
    }
    rdata
}

/// A complete record, for glue: `owner` in wire form, compressed or not.
pub fn record(owner: &[u8], rtype: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(owner.len() + 10 + rdata.len());
    record.extend_from_slice(owner);
    record.extend_from_slice(&rtype.to_be_bytes());
    record.extend_from_slice(&class::IN.to_be_bytes());
    record.extend_from_slice(&ttl.to_be_bytes());
    record.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
    record.extend_from_slice(rdata);
    record
}

/// `owner` as it may stand in a reply to a question for `question`: a pointer into the question from the longest
/// suffix that the two share, the root excepted.
pub fn pointed_owner(owner: &Name, question: &Name) -> Vec<u8> {
    let (own, asked) = (owner.wire(), question.wire());
    let starts = |wire: &[u8]| {
        let mut at = 0;
        let mut starts = Vec::new();
        while let Some(length) = wire.get(at).filter(|length| **length > 0) {
            starts.push(at);
            at += 1 + usize::from(*length);
        }
        starts
    };
    let asked_starts = starts(asked);
    for start in starts(own) {
        if let Some(shared) = asked_starts.iter().find(|at| asked[**at..] == own[start..]) {
            let mut wire = own[..start].to_vec();
            wire.extend_from_slice(&(0xc000 | (QUESTION + *shared as u16)).to_be_bytes());
            return wire;
        }
    }
    own.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::{RData, RecordType};
    use hickory_proto::serialize::binary::{BinDecoder, Restrict};

    /// Reads RDATA that stands at its place behind a question for `question`.
    fn decode(question: &Name, rtype: RecordType, rdata: &[u8]) -> String {
        let message = [&[0; 12][..], question.wire(), rdata].concat();
        let mut decoder = BinDecoder::new(&message);
        decoder.read_slice(12 + question.wire().len()).unwrap();
        RData::read(&mut decoder, rtype, Restrict::new(rdata.len() as u16)).unwrap().to_string()
    }

    #[test]
    fn an_independent_decoder_reads_what_is_written() {
        let zone = Name::parse("clusterset.local").unwrap();
        let target = Name::parse("web.shop.svc.clusterset.local").unwrap();
        for (rtype, rdata, text) in [
            (RecordType::A, a(Ipv4Addr::new(10, 0, 0, 1)), "10.0.0.1"),
            (RecordType::AAAA, aaaa("fd00::1".parse().unwrap()), "fd00::1"),
            (RecordType::SRV, srv(1, 2, 80, &target), "1 2 80 web.shop.svc.clusterset.local."),
            (RecordType::TXT, txt(b"1.1.0"), "1.1.0"),
            (RecordType::CNAME, name(&target), "web.shop.svc.clusterset.local."),
            (RecordType::NS, zone_ns(), "ns.dns.clusterset.local."),
        ] {
            assert_eq!(decode(&zone, rtype, &rdata), text);
        }
        let soa = decode(&zone, RecordType::SOA, &zone_soa(5));
        assert_eq!(soa, "ns.dns.clusterset.local. hostmaster.clusterset.local. 0 7200 1800 86400 5");
    }

    #[test]
    fn owners_point_to_the_longest_shared_suffix() {
        let name = |text: &str| Name::parse(text).unwrap();
        let asked = name("_http._tcp.web.shop");
        assert_eq!(pointed_owner(&name("web.shop"), &asked), [0xc0, 12 + 11]);
        assert_eq!(pointed_owner(&name("h.web.shop"), &asked), [1, b'h', 0xc0, 12 + 11]);
        assert_eq!(pointed_owner(&name("x.y"), &asked), name("x.y").wire());
        assert_eq!(txt(&[b'x'; 300]).len(), 302);
    }
}
