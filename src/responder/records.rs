//! Writes the records of one set: in tiers, rotated, cut at a record's border.
//!
//! In: a packed set. Out: answer records and their additional records. DNS.md section 3.

use super::reply::Reply;
use crate::dns::types::rtype;
use crate::table::PackedSet;
use crate::table::block::DRAW_SLOTS;

/// The pointer that every stored record has for its owner.
pub(super) const QUESTION_POINTER: u16 = 0xc00c;
/// Octets of a record before its RDATA.
pub(super) const RECORD_HEAD: usize = 12;
/// Octets of an A record.
const A_RECORD: usize = RECORD_HEAD + 4;
/// Tiers of at most so many A records are copied one by one.
const SHORT_TIER: usize = 8;
/// Octets of an SOA record's RDATA from the serial to its end.
const SERIAL_TO_END: usize = 20;

/// How the records of a set are to be written.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// The worker's random number for this query.
    pub random: u64,
    /// Pointer to the owner's name; [`QUESTION_POINTER`] but for what a CNAME led to.
    pub owner: u16,
    /// Only records of this cluster.
    pub column: Option<u16>,
    pub serial: u32,
}

/// Writes `set` as answers, and its glue while the answers are whole.
#[inline]
pub(super) fn write_set(reply: &mut Reply<'_, '_>, set: &PackedSet<'_>, manner: Manner) {
    // Of one cluster's records, the first that is written tells.
    if set.is_stale() && manner.column.is_none() {
        reply.set_stale();
    }
    let start = reply.out.at();
    let records = set.records();
    let rotates = set.tier_count() > 0 && set.count > 1 && matches!(set.rtype, rtype::A | rtype::AAAA);
    if manner.column.is_none()
        && let Some(free) = reply.out.claim(records.len())
    {
        if rotates {
            copy_tiers(set, records, manner.random, free);
        } else {
            free.copy_from_slice(records);
        }
        reply.answers += set.count;
    } else {
        write_part(reply, set, records, manner, rotates);
    }
    if manner.owner != QUESTION_POINTER {
        point_elsewhere(reply, start, set, manner.owner);
    }
    if set.has_serial() && reply.out.at() >= start + SERIAL_TO_END {
        let at = reply.out.at() - SERIAL_TO_END;
        reply.out.patch(at, &manner.serial.to_be_bytes());
    }
    if set.has_glue() && manner.owner == QUESTION_POINTER && !reply.truncated {
        write_glue(reply, set);
    }
}

/// Copies a set that fits whole: each tier in ring order from a random place, the first from a drawn one where there is
/// a start table.
#[inline]
fn copy_tiers(set: &PackedSet<'_>, records: &[u8], random: u64, free: &mut [u8]) {
    let stride = usize::from(set.stride);
    if set.tier_count() == 1 {
        let first = first_of_tier(set, 0, 0, usize::from(set.count), random);
        return copy_ring(records, first * stride, stride, free);
    }
    let (mut rest, mut free, mut before) = (records, free, 0);
    for tier in 0..set.tier_count() {
        let length = usize::from(set.tier(tier));
        let Some((run, other_tiers)) = rest.split_at_checked(length * stride) else { break };
        let (free_run, other_free) = free.split_at_mut(run.len());
        copy_ring(run, first_of_tier(set, tier, before, length, random) * stride, stride, free_run);
        (rest, free, before) = (other_tiers, other_free, before + length);
    }
    free.copy_from_slice(rest);
}

/// Copies records of `stride` octets from octet `first` on, then those before it.
#[inline]
fn copy_ring(run: &[u8], first: usize, stride: usize, free: &mut [u8]) {
    if stride == A_RECORD && run.len() <= SHORT_TIER * A_RECORD {
        return copy_short_ring(run.as_chunks().0, first / A_RECORD, free.as_chunks_mut().0);
    }
    let Some((tail, head)) = run.split_at_checked(first) else { return };
    let (free_head, free_tail) = free.split_at_mut(head.len());
    free_head.copy_from_slice(head);
    free_tail.copy_from_slice(tail);
}

/// Copies a few A records from the `first` on: cheaper than two calls of memcpy.
#[inline]
fn copy_short_ring(run: &[[u8; A_RECORD]], first: usize, free: &mut [[u8; A_RECORD]]) {
    let mut next = first;
    for free in free {
        let Some(record) = run.get(next) else { return };
        *free = *record;
        next += 1;
        if next == run.len() {
            next = 0;
        }
    }
}

/// Writes a set that does not fit, or one cluster of it.
#[cold]
fn write_part(reply: &mut Reply<'_, '_>, set: &PackedSet<'_>, records: &[u8], manner: Manner, rotates: bool) {
    let stride = usize::from(set.stride);
    if manner.column.is_some() {
        write_column(reply, set, records, manner);
    } else if stride == 0 {
        write_unequal(reply, set, records);
    } else if rotates {
        write_tiers(reply, set, records, manner.random);
    } else {
        write_run(reply, records, stride);
    }
}

/// Appends records of `stride` octets, as many as fit.
fn write_run(reply: &mut Reply<'_, '_>, run: &[u8], stride: usize) {
    let fit = reply.out.room().min(run.len()) / stride;
    reply.out.put(&run[..fit * stride]);
    reply.answers += fit as u16;
    reply.truncated |= fit * stride < run.len();
}

/// Appends records of unequal length, as many as fit.
fn write_unequal(reply: &mut Reply<'_, '_>, set: &PackedSet<'_>, mut records: &[u8]) {
    for index in 0..set.count {
        let (record, rest) = records.split_at(set.length(index).min(records.len()));
        if !reply.out.put(record) {
            reply.truncated = true;
            return;
        }
        reply.answers += 1;
        records = rest;
    }
}

/// As [`copy_tiers`], as many records as fit.
fn write_tiers(reply: &mut Reply<'_, '_>, set: &PackedSet<'_>, records: &[u8], random: u64) {
    let stride = usize::from(set.stride);
    let mut rest = records;
    let mut before = 0;
    for tier in 0..set.tier_count() {
        let length = usize::from(set.tier(tier));
        let Some((run, after)) = rest.split_at_checked(length * stride) else { return };
        let (tail, head) = run.split_at(first_of_tier(set, tier, before, length, random) * stride);
        for part in [head, tail] {
            write_run(reply, part, stride);
            if reply.truncated {
                return;
            }
        }
        (before, rest) = (before + length, after);
    }
}

/// Which record of a tier of `length` records, `before` others before it, comes first.
#[inline]
fn first_of_tier(set: &PackedSet<'_>, tier: u8, before: usize, length: usize, random: u64) -> usize {
    if length <= 1 {
        return 0;
    }
    if tier == 0 && set.has_draw() {
        let drawn = usize::from(set.draw((random >> 32) as usize % DRAW_SLOTS));
        return drawn.saturating_sub(before) % length;
    }
    // Another 32 bits of the random number for each tier, scaled to the length.
    let bits = random.rotate_left(u32::from(tier) * 11) as u32;
    ((u64::from(bits) * length as u64) >> 32) as usize
}

/// The records of one cluster only, tier by tier: the one loop over endpoints (DESIGN.md, "Formed global names").
fn write_column(reply: &mut Reply<'_, '_>, set: &PackedSet<'_>, records: &[u8], manner: Manner) {
    let stride = usize::from(set.stride);
    if stride == 0 {
        return;
    }
    let total = usize::from(set.count);
    let mut before = 0;
    for tier in 0..set.tier_count().max(1) {
        let length = usize::from(set.tier(tier)).min(total - before);
        let first = match set.tier_count() {
            0 => 0,
            _ => first_of_tier(set, tier, before, length, manner.random),
        };
        for step in 0..length {
            let index = before + (first + step) % length;
            if Some(set.cluster(index as u16)) != manner.column {
                continue;
            }
            let Some(record) = records.get(index * stride..(index + 1) * stride) else { return };
            if set.is_stale() && !reply.stale {
                reply.set_stale();
            }
            write_run(reply, record, stride);
            if reply.truncated {
                return;
            }
        }
        before += length;
    }
}

/// Additional records, a record's together or not at all.
fn write_glue(reply: &mut Reply<'_, '_>, set: &PackedSet<'_>) {
    for glue in set.glue() {
        if glue.count > 0 && reply.out.put(glue.records()) {
            reply.additionals = reply.additionals.saturating_add(glue.count);
        }
    }
}

/// Makes `owner` the owner of the records written from `start` on, and the base of the pointers in NS and SOA data.
#[cold]
fn point_elsewhere(reply: &mut Reply<'_, '_>, start: usize, set: &PackedSet<'_>, owner: u16) {
    let names = match set.rtype {
        rtype::NS => 1,
        rtype::SOA => 2,
        _ => 0,
    };
    let mut at = start;
    while let Some([_, _, rest @ ..]) = reply.out.written().get(at..) {
        let Some([high, low]) = rest.get(8..).and_then(<[u8]>::first_chunk::<2>) else { return };
        let length = RECORD_HEAD + usize::from(u16::from_be_bytes([*high, *low]));
        reply.out.patch(at, &owner.to_be_bytes());
        rebase_names(reply, at + RECORD_HEAD, names, owner);
        at += length;
    }
}

/// Moves the pointers at the end of `names` successive names from the question to `owner`.
fn rebase_names(reply: &mut Reply<'_, '_>, mut at: usize, names: usize, owner: u16) {
    let mut left = names;
    while left > 0 {
        let Some(&length) = reply.out.written().get(at) else { return };
        match length {
            0 => (at, left) = (at + 1, left - 1),
            1..=63 => at += 1 + usize::from(length),
            _ => {
                let low = reply.out.written().get(at + 1).copied().unwrap_or(0);
                let pointer = u16::from_be_bytes([length, low]);
                let moved = pointer.wrapping_sub(QUESTION_POINTER).wrapping_add(owner);
                reply.out.patch(at, &moved.to_be_bytes());
                (at, left) = (at + 2, left - 1);
            }
        }
    }
}
