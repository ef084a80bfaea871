//! A query: one question, and the OPT record if there is one.
//!
//! In: octets of a message whose header passed the gate. Out: what the responder needs, held by value; the octets
//! themselves stay where they are. Never allocates, and trusts no count of the header.

use super::edns::{self, ClientSubnet, Edns};
use super::header::{HEADER, Header};
use super::question_name::QuestionName;
use super::types::rtype;

/// A query that was read. Reuse one for many messages: the name's buffer need not be cleared.
#[derive(Clone, Default)]
pub struct Query {
    /// The name asked, in lower case.
    pub name: QuestionName,
    pub qtype: u16,
    pub qclass: u16,
    /// Offset after the question: the octets before it are repeated in the reply. 0 when the question is unreadable.
    pub question_end: usize,
    pub edns: Option<Edns>,
    /// The client's network (RFC 7871).
    pub subnet: Option<ClientSubnet>,
}

/// What of a query cannot be read (FORMERR).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    Question,
    /// A record after the question, or the OPT record.
    Record,
}

impl Query {
    /// Reads a message with one question.
    #[inline]
    pub fn read(&mut self, message: &[u8], header: &Header) -> Result<(), Unreadable> {
        self.question_end = 0;
        self.edns = None;
        self.subnet = None;
        let at = self.name.read(message, HEADER).ok_or(Unreadable::Question)?;
        let [t0, t1, c0, c1] = *message.get(at..).and_then(<[u8]>::first_chunk).ok_or(Unreadable::Question)?;
        self.qtype = u16::from_be_bytes([t0, t1]);
        self.qclass = u16::from_be_bytes([c0, c1]);
        self.question_end = at + 4;
        if header.answers | header.authorities | header.additionals != 0 {
            self.edns = lone_opt(message, at + 4, header, &mut self.subnet);
            if self.edns.is_none() {
                self.edns = find_opt(message, at + 4, header, &mut self.subnet).ok_or(Unreadable::Record)?;
            }
        }
        Ok(())
    }
}

/// One record of a message, where it stands.
struct RecordAt {
    root_owner: bool,
    rtype: u16,
    class: u16,
    ttl: [u8; 4],
    /// Where the RDATA begins.
    rdata: usize,
    /// Offset after the record.
    end: usize,
}

/// Reads the record at `at`; `None` when it is cut short.
fn record(message: &[u8], at: usize) -> Option<RecordAt> {
    let head = skip_name(message, at)?;
    let [t0, t1, c0, c1, l0, l1, l2, l3, r0, r1] = *message.get(head..)?.first_chunk()?;
    let rdata = head + 10;
    let end = rdata + usize::from(u16::from_be_bytes([r0, r1]));
    (end <= message.len()).then_some(RecordAt {
        root_owner: head == at + 1,
        rtype: u16::from_be_bytes([t0, t1]),
        class: u16::from_be_bytes([c0, c1]),
        ttl: [l0, l1, l2, l3],
        rdata,
        end,
    })
}

/// Offset after the name at `at`, which may end in a compression pointer. Pointers are not followed.
fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *message.get(at)?;
        match length >> 6 {
            0 if length == 0 => return Some(at + 1),
            0 => at += 1 + usize::from(length),
            3 => return (at + 2 <= message.len()).then_some(at + 2),
            _ => return None,
        }
    }
}

/// The OPT record as the last and only record of the message, as almost every client sends it: `None` says nothing.
#[inline]
fn lone_opt(message: &[u8], at: usize, header: &Header, subnet: &mut Option<ClientSubnet>) -> Option<Edns> {
    if header.answers | header.authorities != 0 || header.additionals != 1 {
        return None;
    }
    let (head, options) = message.get(at..)?.split_first_chunk::<{ edns::OPT }>()?;
    let [0, 0, 41, p0, p1, t0, t1, t2, t3, l0, l1] = *head else { return None };
    if usize::from(u16::from_be_bytes([l0, l1])) != options.len() {
        return None;
    }
    edns::read(u16::from_be_bytes([p0, p1]), [t0, t1, t2, t3], options, subnet)
}

/// Walks all records after the question. `None`: one is cut short, or there is more than one OPT record, or one outside
/// the additional section or with another owner than the root (RFC 6891 section 6.1.1).
#[cold]
fn find_opt(message: &[u8], mut at: usize, header: &Header, subnet: &mut Option<ClientSubnet>) -> Option<Option<Edns>> {
    let mut found = None;
    let before = u32::from(header.answers) + u32::from(header.authorities);
    for index in 0..before + u32::from(header.additionals) {
        let record = record(message, at)?;
        if record.rtype == rtype::OPT {
            if found.is_some() || !record.root_owner || index < before {
                return None;
            }
            let options = message.get(record.rdata..record.end)?;
            found = Some(edns::read(record.class, record.ttl, options, subnet)?);
        }
        at = record.end;
    }
    Some(found)
}

/// The serial of the first SOA record in the authority section, which an IXFR query carries (RFC 1995 section 3).
pub fn authority_serial(message: &[u8], question_end: usize) -> Option<u32> {
    let header = Header::read(message)?;
    let mut at = question_end;
    for _ in 0..header.answers {
        at = record(message, at)?.end;
    }
    for _ in 0..header.authorities {
        let soa = record(message, at)?;
        if soa.rtype == rtype::SOA {
            let serial = skip_name(message, skip_name(message, soa.rdata)?)?;
            return message.get(serial..soa.end)?.first_chunk().map(|octets| u32::from_be_bytes(*octets));
        }
        at = soa.end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &[u8] = b"\x01a\0\0\x01\0\x01";
    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0";
    const OTHER: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x0a\0\0\x01";

    fn message(counts: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
        let [questions, answers, authorities, additionals] = counts;
        let header = [0, 7, 1, 0, 0, questions, 0, answers, 0, authorities, 0, additionals];
        [&header[..], &parts.concat()].concat()
    }

    fn read(message: &[u8]) -> Result<Query, Unreadable> {
        let mut query = Query::default();
        query.read(message, &Header::read(message).unwrap()).map(|()| query)
    }

    #[test]
    fn finds_the_opt_record_wherever_it_stands() {
        for (counts, parts) in [
            ([1, 0, 0, 1], vec![QUESTION, OPT]),
            ([1, 0, 0, 2], vec![QUESTION, OTHER, OPT]),
            ([1, 1, 1, 2], vec![QUESTION, OTHER, OTHER, OPT, OTHER]),
        ] {
            let query = read(&message(counts, &parts)).unwrap();
            assert_eq!((query.qtype, query.qclass, query.question_end), (1, 1, 19));
            let edns = query.edns.unwrap();
            assert_eq!((edns.payload, edns.version, edns.dnssec_ok), (1232, 0, true));
        }
        assert!(read(&message([1, 0, 0, 0], &[QUESTION])).unwrap().edns.is_none());
        assert!(read(&message([1, 0, 0, 0], &[QUESTION, b"trailing octets"])).unwrap().edns.is_none());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let named_opt = [b"\x01a".as_slice(), OPT].concat();
        for (counts, parts, what) in [
            ([1, 0, 0, 0], vec![b"\x01a\0\0\x01\0".as_slice()], Unreadable::Question),
            ([1, 0, 0, 0], vec![b"\xc0\x0c\0\x01\0\x01"], Unreadable::Question),
            ([1, 0, 0, 1], vec![QUESTION], Unreadable::Record),
            ([1, 0, 0, 1], vec![QUESTION, &OPT[..10]], Unreadable::Record),
            ([1, 0, 0, 2], vec![QUESTION, OPT, OPT], Unreadable::Record),
            ([1, 1, 0, 0], vec![QUESTION, OPT], Unreadable::Record),
            ([1, 0, 0, 1], vec![QUESTION, &named_opt], Unreadable::Record),
            ([1, 255, 255, 255], vec![QUESTION, OTHER], Unreadable::Record),
        ] {
            assert_eq!(read(&message(counts, &parts)).err(), Some(what), "{counts:?} {parts:?}");
        }
    }

    #[test]
    fn the_serial_of_an_ixfr_query_is_read_from_the_authority_section() {
        let soa =
            b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x1a\x02ns\xc0\x0c\0\0\0\0\x2a\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01";
        let query = message([1, 1, 1, 0], &[QUESTION, OTHER, soa]);
        assert_eq!(authority_serial(&query, 19), Some(42));
        assert_eq!(authority_serial(&message([1, 0, 0, 0], &[QUESTION]), 19), None);
        assert_eq!(authority_serial(&query[..query.len() - 17], 19), None);
    }
}
