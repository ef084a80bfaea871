//! Queries as octets, and the check of a reply against what is expected.

use crate::expect::{Expected, digest};

/// A query with id 0; `edns` adds an OPT record for 1,232 octets.
pub fn query(name: &str, rtype: u16, edns: bool) -> Vec<u8> {
    let mut query = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)];
    query.extend_from_slice(&wire_name(name));
    query.extend_from_slice(&rtype.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    if edns {
        query.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    }
    query
}

/// A name in wire form, lower case.
pub fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 2);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend(label.bytes().map(|octet| octet.to_ascii_lowercase()));
    }
    wire.push(0);
    wire
}

/// A number of two octets at `at`; 0 beyond the end.
pub fn number(message: &[u8], at: usize) -> u16 {
    message.get(at..at + 2).map_or(0, |octets| u16::from_be_bytes([octets[0], octets[1]]))
}

/// What is wrong with a reply; `None` if nothing is.
pub fn fault(query: &[u8], reply: &[u8], expected: &Expected) -> Option<String> {
    let (opt, question_end) = (number(query, 10), question_end(query));
    if reply.len() < question_end || reply[12..question_end] != query[12..question_end] {
        return Some("the question is not repeated".to_owned());
    }
    let (flags, rcode) = (reply[2], reply[3] & 0x0f);
    let counts = [number(reply, 6), number(reply, 8), number(reply, 10)];
    if flags & 0x86 != 0x84 {
        return Some(format!("flags {flags:#04x}: QR and AA must be set, TC clear"));
    }
    if rcode != expected.rcode || counts[0] != expected.answers {
        let (wanted, records) = (expected.rcode, expected.answers);
        return Some(format!("rcode {rcode} with {} answers, expected {wanted} with {records}", counts[0]));
    }
    if counts[1] != u16::from(expected.answers == 0) {
        return Some(format!("{} records in authority", counts[1]));
    }
    if opt != 0 && counts[2] == 0 {
        return Some("no OPT in the reply to a query with one".to_owned());
    }
    let Some((first, all)) = sums(reply, question_end, number(query, question_end - 4), expected) else {
        return Some("the answer section cannot be read".to_owned());
    };
    if all != expected.all {
        return Some("other records than expected".to_owned());
    }
    (first != expected.first).then(|| "the nearest records are not first".to_owned())
}

/// What is wrong with the reply of a server that has the zone but not its tiers.
pub fn fault_in_records(query: &[u8], reply: &[u8], expected: &Expected) -> Option<String> {
    let question_end = question_end(query);
    if reply.len() < question_end || reply[12..question_end] != query[12..question_end] {
        return Some("the question is not repeated".to_owned());
    }
    let (flags, rcode, answers) = (reply[2], reply[3] & 0x0f, number(reply, 6));
    if flags & 0x86 != 0x84 {
        return Some(format!("flags {flags:#04x}: QR and AA must be set, TC clear"));
    }
    if rcode != expected.rcode || answers != expected.answers {
        let (wanted, records) = (expected.rcode, expected.answers);
        return Some(format!("rcode {rcode} with {answers} answers, expected {wanted} with {records}"));
    }
    match sums(reply, question_end, number(query, question_end - 4), expected) {
        Some((_, all)) if all == expected.all => None,
        Some(_) => Some("other records than expected".to_owned()),
        None => Some("the answer section cannot be read".to_owned()),
    }
}

/// What is wrong with the reply of a server that has the addresses of the zone and nothing else of it.
pub fn fault_in_addresses(query: &[u8], reply: &[u8], expected: &Expected) -> Option<String> {
    const A: u16 = 1;
    let due = expected.answers > 0 && number(query, question_end(query) - 4) == A;
    if reply.len() >= 12 && number(reply, 6) == 0 && !due {
        return None;
    }
    fault_in_records(query, reply, expected)
}

/// Digests of the nearest records and of all: sums, so that rotation does not matter.
fn sums(reply: &[u8], mut at: usize, rtype: u16, expected: &Expected) -> Option<(u64, u64)> {
    let (mut first, mut all) = (0u64, 0u64);
    for index in 0..expected.answers {
        at = name_end(reply, at)?;
        let length = usize::from(number(reply, at + 8));
        let data = reply.get(at + 10..at + 10 + length)?;
        if number(reply, at) != rtype {
            return None;
        }
        let sum = digest(rtype, data);
        all = all.wrapping_add(sum);
        if index < expected.nearest {
            first = first.wrapping_add(sum);
        }
        at += 10 + length;
    }
    Some((first, all))
}

fn question_end(query: &[u8]) -> usize {
    name_end(query, 12).map_or(query.len(), |end| end + 4)
}

fn name_end(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}
