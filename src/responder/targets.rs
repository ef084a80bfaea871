//! The addresses of SRV targets that are stored without any (RFC 2782, "Additional data"): a DNSEndpoint names targets whose
//! addresses belong to other names, so they are looked up when the records are sent.
//!
//! In: an SRV set already written as the answer. Out: additional records, a target's A and AAAA together or not at all.

use super::Client;
use super::answer::formed_sets;
use super::name_tree::{Place, Tree};
use super::prepare::Prepared;
use super::records::{Manner, RECORD_HEAD, write_set};
use super::reply::Reply;
use crate::dns::QuestionName;
use crate::dns::edns::OPTION;
use crate::dns::types::rtype;
use crate::table::{PackedSet, Pinned};

/// Most records whose targets are looked up: as many as a UDP reply of usual size has room for.
const MOST_TARGETS: usize = 32;
/// Octets of an SRV record before its target.
const TARGET: usize = RECORD_HEAD + 6;
/// Offsets that a pointer can hold (RFC 1035 section 4.1.4).
const POINTED: usize = 0x4000;
/// Octets that the mark of stale rows may take.
const EXTENDED_ERROR: usize = OPTION + 2;

/// Adds what the targets of the SRV set of `place` resolve to, inside our zones and in the view of the question. The set
/// was written right behind the question; one that has additional records of its own is left as it is.
#[cold]
pub(super) fn add(
    table: &Pinned<'_>,
    client: &Client,
    prepared: &Prepared,
    place: Place<'_>,
    reply: &mut Reply<'_, '_>,
) {
    let Place::Block(block) = place else { return };
    let Some(set) = block.set(prepared.view, rtype::SRV).filter(|set| !set.has_glue()) else { return };
    let mut at = prepared.query.question_end;
    let mut met = [0; MOST_TARGETS];
    for index in 0..set.count.min(MOST_TARGETS as u16) {
        let (begin, next) = (at + TARGET, at + set.length(index));
        met[usize::from(index)] = begin;
        let is_new = !met.iter().take(usize::from(index)).any(|before| is_same(reply, *before, begin, next));
        if begin < POINTED && is_new {
            add_target(table, client, prepared, begin, reply);
        }
        at = next;
    }
}

/// True when the target that begins at `before` is the one that stands in `begin..end`.
fn is_same(reply: &Reply<'_, '_>, before: usize, begin: usize, end: usize) -> bool {
    let written = reply.out.written();
    let (name, length) = (written.get(begin..end), end.saturating_sub(begin));
    let other = written.get(before..).and_then(|rest| rest.get(..length));
    name.zip(other).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
}

fn add_target(table: &Pinned<'_>, client: &Client, prepared: &Prepared, at: usize, reply: &mut Reply<'_, '_>) {
    let mut target = QuestionName::default();
    if target.read(reply.out.written(), at).is_none() {
        return;
    }
    let Some((_, zone)) = table.frame().zone_of(&target) else { return };
    let tree = Tree { table, zone, view: prepared.view };
    let (block, column) = match tree.place(&target, table.lookup(target.wire())) {
        Place::Block(block) => (block, None),
        Place::Formed(block, column) => (block, column),
        Place::Empty | Place::Nothing => return,
    };
    let addresses = || {
        let is_address = |set: &PackedSet<'_>| matches!(set.rtype, rtype::A | rtype::AAAA);
        formed_sets(block, column, prepared.view).filter(is_address)
    };
    let needed: usize = addresses().map(|set| set.records().len()).sum();
    if needed + EXTENDED_ERROR > reply.out.room() {
        return;
    }
    let answers = reply.answers;
    let manner = Manner { random: client.random, owner: 0xc000 | at as u16, column, serial: 0 };
    addresses().for_each(|set| write_set(reply, &set, manner));
    reply.additionals = reply.additionals.saturating_add(reply.answers - answers);
    reply.answers = answers;
}
