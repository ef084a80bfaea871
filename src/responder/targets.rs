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

/// Places for the targets met: more than twice as many as the largest message has SRV records.
const PLACES: usize = 8192;
/// Octets of an SRV record before its target.
const TARGET: usize = RECORD_HEAD + 6;
/// Offsets that a pointer can hold (RFC 1035 section 4.1.4).
const POINTED: usize = 0x4000;
/// Octets that the mark of stale rows may take.
const EXTENDED_ERROR: usize = OPTION + 2;

/// Adds what the targets of the SRV set of `place` resolve to, inside our zones and in the view of the question. The set
/// was written at `at`, behind the question or behind the CNAMEs that led to it. Behind the question a set that has additional
/// records of its own is left as it is; elsewhere those were not sent, for their owners point into the question.
///
/// Never inlined: the places for the targets would enlarge the frame of every answer.
#[cold]
#[inline(never)]
pub(super) fn add(
    table: &Pinned<'_>,
    client: &Client,
    prepared: &Prepared,
    place: Place<'_>,
    mut at: usize,
    reply: &mut Reply<'_, '_>,
) {
    let Place::Block(block) = place else { return };
    let behind_question = at == prepared.query.question_end;
    let set = block.set(prepared.view, rtype::SRV).filter(|set| !(set.has_glue() && behind_question));
    let Some(set) = set else { return };
    let mut met = Met([0; PLACES]);
    for index in 0..set.count {
        let (begin, next) = (at + TARGET, at + set.length(index));
        if begin >= POINTED {
            return;
        }
        if met.is_new(reply.out.written(), begin, next) {
            add_target(table, client, prepared, begin, reply);
        }
        at = next;
    }
}

/// Where in the reply the targets stand that were met, by their octets. 0: a free place.
struct Met([u16; PLACES]);

impl Met {
    /// Notes the target that stands in `begin..end`; false when it was met before.
    fn is_new(&mut self, written: &[u8], begin: usize, end: usize) -> bool {
        let Some(name) = written.get(begin..end) else { return false };
        let fold = |hash: u32, octet: &u8| (hash ^ u32::from(octet.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
        let first = name.iter().fold(0x811c_9dc5, fold) as usize;
        for step in 0..PLACES {
            let Some(place) = self.0.get_mut((first + step) % PLACES) else { return false };
            if *place == 0 {
                *place = begin as u16;
                return true;
            }
            let before = usize::from(*place);
            if written.get(before..before + name.len()).is_some_and(|before| before.eq_ignore_ascii_case(name)) {
                return false;
            }
        }
        false
    }
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
