//! Phase three: writes the reply.
//!
//! In: a prepared query and the Block found for it. Out: octets and the [`Verdict`].

use super::chain;
use super::chaos;
use super::name_tree::{Place, Tree};
use super::outcome::type_slot;
use super::prepare::{Found, Prepared, Stage};
use super::records::{Manner, QUESTION_POINTER, write_set};
use super::reply::Reply;
use super::targets;
use super::{Client, DropReason, NO_ZONE, Outcome, Verdict};
use crate::dns::Writer;
use crate::dns::header::{HEADER, flag};
use crate::dns::types::{ede, rcode, rtype};
use crate::table::block::Sets;
use crate::table::{Block, PackedSet, Pinned};

/// Phase three: writes the reply to a message that went through [`super::prepare`] and [`super::find`].
#[inline]
pub fn answer(
    table: &Pinned<'_>,
    client: &Client,
    message: &[u8],
    prepared: &Prepared,
    found: Found<'_>,
    buffer: &mut [u8],
) -> Verdict {
    if buffer.len() < HEADER {
        return Verdict::Drop(DropReason::Short);
    }
    if prepared.stage == Stage::LookUp {
        return look_up(table, client, message, prepared, found, buffer);
    }
    without_look_up(table, client, message, prepared, buffer)
}

/// The verdicts that phase one reached.
fn without_look_up(
    table: &Pinned<'_>,
    client: &Client,
    message: &[u8],
    prepared: &Prepared,
    buffer: &mut [u8],
) -> Verdict {
    let (rcode, ede) = match prepared.stage {
        Stage::Drop(reason) => return Verdict::Drop(reason),
        Stage::Transfer => return Verdict::Transfer(prepared.zone),
        Stage::HeaderOnly(code) => return header_only(message, code, buffer),
        Stage::Unreadable => (rcode::FORMERR, 0),
        Stage::Error { rcode, ede } => (rcode, ede),
        Stage::Chaos(_) | Stage::LookUp => (rcode::NOERROR, 0),
    };
    let mut reply = Reply::start(table.frame(), client, message, prepared, buffer);
    reply.set_ede(ede);
    let chaos = matches!(prepared.stage, Stage::Chaos(_));
    if let Stage::Chaos(name) = prepared.stage {
        chaos::write(table.frame(), name, prepared.query.qtype, &mut reply);
    }
    let outcome = outcome(prepared, rcode, &reply).with_malformed(rcode == rcode::FORMERR);
    Verdict::Reply(reply.finish(rcode, chaos), outcome)
}

/// A verdict from the header alone: 12 octets.
#[cold]
fn header_only(message: &[u8], code: u8, buffer: &mut [u8]) -> Verdict {
    let [i0, i1, flags, ..] = *message else { return Verdict::Drop(DropReason::Short) };
    let kept = if code == rcode::NOTIMP { flag::OPCODE } else { flag::RD };
    let mut out = Writer::new(buffer);
    out.put(&[i0, i1, flag::QR | flags & kept, code, 0, 0, 0, 0, 0, 0, 0, 0]);
    let outcome = Outcome::new(NO_ZONE, 0, type_slot(0), code).with_malformed(code == rcode::FORMERR);
    Verdict::Reply(out.at(), outcome)
}

#[inline]
fn outcome(prepared: &Prepared, rcode: u8, reply: &Reply<'_, '_>) -> Outcome {
    let query = &prepared.query;
    let slot = if query.question_end > 0 { type_slot(query.qtype) } else { type_slot(0) };
    Outcome::new(prepared.zone, prepared.view, slot, rcode)
        .with_ede(reply.ede as u8)
        .with_truncated(reply.truncated)
        .with_stale(reply.stale)
        .with_dnssec_ok(query.edns.is_some_and(|edns| edns.dnssec_ok))
}

/// The verdict on a name, after its records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    Answered,
    /// Answered by a CNAME that stands for the type asked.
    Alias,
    /// No such type here: SOA, NOERROR.
    NoData,
    /// No such name: SOA, NXDOMAIN.
    NoName,
    /// Cannot be told yet: SERVFAIL, EDE 14.
    NotReady,
}

/// Answers a question inside a zone.
#[inline]
fn look_up(
    table: &Pinned<'_>,
    client: &Client,
    message: &[u8],
    prepared: &Prepared,
    found: Found<'_>,
    buffer: &mut [u8],
) -> Verdict {
    let query = &prepared.query;
    let mut reply = Reply::start(table.frame(), client, message, prepared, buffer);
    let Some(zone) = table.frame().zone(prepared.zone) else {
        return Verdict::Drop(DropReason::Short);
    };
    let tree = Tree { table, zone, view: prepared.view };
    let place = tree.place(&query.name, found.0);
    let manner = Manner { random: client.random, owner: QUESTION_POINTER, column: None, serial: zone.state.serial() };
    let mut finding = write_place(&mut reply, place, prepared, manner);
    let mut rcode = rcode::NOERROR;
    if finding == Finding::NoName && tree.may_be_unknown(&query.name) {
        finding = Finding::NotReady;
    }
    match finding {
        Finding::Answered => {
            if query.qtype == rtype::SRV && reply.additionals == 0 && !reply.truncated {
                let at = query.question_end;
                targets::add(table, client, prepared, place, at, &mut reply);
            }
        }
        Finding::Alias => rcode = chain::follow(table, client, prepared, place, &mut reply),
        Finding::NoData | Finding::NoName => {
            let start = HEADER + query.name.suffix_start(zone.labels);
            reply.authority(&zone.soa(0xc000 | start as u16));
            rcode = if finding == Finding::NoName { rcode::NXDOMAIN } else { rcode::NOERROR };
        }
        Finding::NotReady => {
            rcode = rcode::SERVFAIL;
            reply.set_ede(ede::NOT_READY);
        }
    }
    let outcome = outcome(prepared, rcode, &reply);
    Verdict::Reply(reply.finish(rcode, rcode != rcode::SERVFAIL), outcome)
}

/// Writes what `place` has for the type asked: its set, else its CNAME, else nothing.
#[inline]
pub(super) fn write_place(reply: &mut Reply<'_, '_>, place: Place<'_>, prepared: &Prepared, manner: Manner) -> Finding {
    let qtype = match prepared.query.qtype {
        // RFC 1995 section 4: an up-to-date or datagram IXFR query is answered with the SOA record alone.
        rtype::IXFR => rtype::SOA,
        qtype => qtype,
    };
    match place {
        Place::Block(block) => {
            let wanted = |set: &PackedSet<'_>| set.rtype == qtype || qtype == rtype::ANY || set.rtype == rtype::CNAME;
            let Some(set) = block.sets(prepared.view).find(wanted) else { return Finding::NoData };
            write_set(reply, &set, manner);
            if set.rtype == rtype::CNAME && qtype != rtype::CNAME && qtype != rtype::ANY {
                return Finding::Alias;
            }
            Finding::Answered
        }
        Place::Formed(block, column) => {
            let is_address = |set: &PackedSet<'_>| matches!(set.rtype, rtype::A | rtype::AAAA);
            let wanted = |set: &PackedSet<'_>| is_address(set) && (set.rtype == qtype || qtype == rtype::ANY);
            let before = reply.answers;
            let mut rtype = None;
            for set in formed_sets(block, column, prepared.view).filter(wanted) {
                if rtype.is_some_and(|rtype| rtype != set.rtype) {
                    break;
                }
                write_set(reply, &set, Manner { column, ..manner });
                let is_answered = reply.answers > before;
                if reply.truncated || is_answered && column.is_none() {
                    return Finding::Answered;
                }
                // One cluster may have a second set of the type, of stale rows.
                rtype = is_answered.then_some(set.rtype);
            }
            if reply.answers > before { Finding::Answered } else { Finding::NoData }
        }
        Place::Empty => Finding::NoData,
        Place::Nothing => Finding::NoName,
    }
}

/// The sets of a service that a name formed from it reads: with a cluster column those that hold every address of each cluster.
#[inline]
pub(super) fn formed_sets(block: &Block, column: Option<u16>, view: u8) -> Sets<'_> {
    match column {
        Some(_) => block.sets_by_cluster(view),
        None => block.sets(view),
    }
}
