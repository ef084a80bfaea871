//! Phases one and two: read a query, judge it, find its name.
//!
//! In: a message. Out: [`Prepared`] (what is to be done, by value) and [`Found`] (the Block of the name, if any).
//! One gate for every transport (DNS.md section 5).

use super::{Client, DropReason, Transport, chaos, transfer};
use crate::dns::types::{class, ede, rcode, rtype};
use crate::dns::{ClientSubnet, Header, Query, Unreadable};
use crate::table::{Block, Frame, Pinned, PrefixMatch};

/// What is to be done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Send nothing.
    Drop(DropReason),
    /// Judged by the header alone: 12 octets. NOTIMP goes out with its flags cleared.
    HeaderOnly(u8),
    /// FORMERR without OPT.
    Unreadable,
    /// Refused or wrong: question and OPT.
    Error { rcode: u8, ede: u16 },
    /// A CH question that has an answer.
    Chaos(chaos::ChaosName),
    /// Stream the zone.
    Transfer,
    /// Look the name up.
    LookUp,
}

/// A message that was read and judged. Reuse one per place of a batch.
#[derive(Clone)]
pub struct Prepared {
    pub(super) query: Query,
    pub(super) stage: Stage,
    pub(super) zone: u8,
    pub(super) view: u8,
    /// SCOPE PREFIX-LENGTH of the reply, when the client subnet option is answered.
    pub(super) scope: Option<u8>,
    hash: u64,
}

impl Default for Prepared {
    fn default() -> Self {
        Prepared {
            query: Query::default(),
            stage: Stage::Drop(DropReason::Short),
            zone: super::NO_ZONE,
            view: 0,
            scope: None,
            hash: 0,
        }
    }
}

/// The Block of the name asked, in whatever views it exists.
#[derive(Clone, Copy, Default)]
pub struct Found<'g>(pub(super) Option<&'g Block>);

/// Phase one: reads `message`, judges it and hashes its name.
#[inline]
pub fn prepare(table: &Pinned<'_>, client: &Client, message: &[u8], into: &mut Prepared) {
    into.zone = super::NO_ZONE;
    into.view = 0;
    into.scope = None;
    into.stage = judge(table, client, message, into);
    if into.stage == Stage::LookUp {
        into.hash = table.hash(into.query.name.wire());
    }
}

/// Phase two: finds the Block and touches its cache lines.
#[inline]
pub fn find<'g>(table: &'g Pinned<'_>, prepared: &Prepared) -> Found<'g> {
    if prepared.stage != Stage::LookUp {
        return Found(None);
    }
    let block = table.lookup_hashed(prepared.hash, prepared.query.name.wire());
    if let Some(block) = block {
        std::hint::black_box(block.touch());
    }
    Found(block)
}

/// The gate: header, question, OPT, client, class, zone, in this order.
#[inline]
fn judge(table: &Pinned<'_>, client: &Client, message: &[u8], into: &mut Prepared) -> Stage {
    let Some(header) = Header::read(message) else { return Stage::Drop(DropReason::Short) };
    if header.is_response() {
        return Stage::Drop(DropReason::Response);
    }
    if header.opcode() != 0 {
        return Stage::HeaderOnly(rcode::NOTIMP);
    }
    if header.questions != 1 {
        return Stage::HeaderOnly(rcode::FORMERR);
    }
    match into.query.read(message, &header) {
        Ok(()) => {}
        Err(Unreadable::Question) => return Stage::HeaderOnly(rcode::FORMERR),
        Err(Unreadable::Record) => return Stage::Unreadable,
    }
    let frame = table.frame();
    if let Some(edns) = &into.query.edns {
        if edns.version != 0 {
            return Stage::Error { rcode: rcode::BADVERS, ede: 0 };
        }
        if edns.malformed_option {
            return Stage::Error { rcode: rcode::FORMERR, ede: 0 };
        }
    }
    if !frame.allow_query.is_empty() && !frame.allow_query.contains(client.address) {
        return refused(ede::PROHIBITED);
    }
    (into.view, into.scope) = match (client.listener_view, into.query.subnet) {
        (None, None) => (frame.views.number(client.address).unwrap_or(0), None),
        (_, subnet) => choose_view(frame, client, subnet),
    };
    match into.query.qclass {
        class::IN | class::ANY => {}
        class::CH => return chaos::judge(frame, &into.query),
        _ => return refused(ede::NOT_AUTHORITATIVE),
    }
    let Some((number, zone)) = frame.zone_of(&into.query.name) else {
        return refused(ede::NOT_AUTHORITATIVE);
    };
    into.zone = number;
    match into.query.qtype {
        rtype::AXFR | rtype::IXFR => transfer::judge(frame, zone, client, message, &into.query),
        _ => Stage::LookUp,
    }
}

pub(super) fn refused(ede: u16) -> Stage {
    Stage::Error { rcode: rcode::REFUSED, ede }
}

/// The view of a query, and the scope of its client subnet option if that is answered (DNS.md section 6): the
/// listener's, then the subnet's, then the client's own prefix, then `local`.
fn choose_view(frame: &Frame, client: &Client, subnet: Option<ClientSubnet>) -> (u8, Option<u8>) {
    let subnet = subnet.filter(|_| frame.trusted_forwarders.contains(client.address));
    let scope_of_nothing = subnet.map(|_| 0);
    if let Some(view) = client.listener_view {
        return (view, scope_of_nothing);
    }
    if frame.views.is_empty() {
        return (0, scope_of_nothing);
    }
    if let Some(address) = subnet.and_then(|subnet| subnet.address()) {
        let PrefixMatch { number, scope } = frame.views.find(address);
        if let Some(view) = number {
            return (view, Some(scope));
        }
        // The client's own prefix decides, but it could be overruled by the subnet within this scope.
        return (frame.views.number(client.address).unwrap_or(0), Some(scope));
    }
    (frame.views.number(client.address).unwrap_or(0), scope_of_nothing)
}

/// True for transports whose replies are bounded by the message format alone.
pub(super) fn is_stream(transport: Transport) -> bool {
    transport != Transport::Udp
}
