//! NOTIFY messages and their acknowledgements (RFC 1996 sections 3 and 4).
//!
//! In: a zone. Out: octets; and back from octets to which question was acknowledged.

use crate::dns::header::{HEADER, flag};
use crate::dns::types::{class, rtype};
use crate::dns::{Header, QuestionName};
use crate::table::Zone;

/// OPCODE 4 at its place in the third octet of a message.
const NOTIFY: u8 = 4 << 3;
/// Pointer to the question.
const QUESTION_POINTER: u16 = 0xc00c;

/// Tells of the zone's present serial: question SOA, and the SOA record itself as a hint.
pub(super) fn notify(zone: &Zone, id: u16) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend_from_slice(&[NOTIFY | flag::AA, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
    message.extend_from_slice(zone.name.wire());
    message.extend_from_slice(&rtype::SOA.to_be_bytes());
    message.extend_from_slice(&class::IN.to_be_bytes());
    message.extend_from_slice(&zone.soa(QUESTION_POINTER));
    message
}

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub id: u16,
    pub rcode: u8,
    /// The zone in the question, lower-case wire form; `None` when the question is left out.
    pub zone: Option<Vec<u8>>,
}

/// Reads a response to NOTIFY; `None` for anything else.
pub(super) fn read_reply(message: &[u8]) -> Option<Reply> {
    let header = Header::read(message)?;
    if !header.is_response() || header.flags & flag::OPCODE != NOTIFY {
        return None;
    }
    let mut name = QuestionName::default();
    let asked = header.questions > 0 && name.read(message, HEADER).is_some();
    let rcode = message.get(3)? & 15;
    Some(Reply { id: u16::from_be_bytes(header.id), rcode, zone: asked.then(|| name.wire().to_vec()) })
}
