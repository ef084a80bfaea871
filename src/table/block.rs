//! A Block: everything one owner name answers, in all views, in one immutable run of octets.
//!
//! In: from [`Block::pack`] (`pack.rs`). Out: slices that the responder copies. Reading never panics: every access is
//! checked, and an offset that leads nowhere reads as empty.
//!
//! Layout, all numbers little-endian, offsets from the start of the Block:
//!
//! ```text
//!  0 presence u64 | 8 zone u8 | 9 name length u8 | 10 orders u8 | 11 views u8
//! 12 name | order of each view: u8 x views | offset of each order: u32 x orders (only when orders > 1)
//!    orders, each: sets u8 (bit 7: the name has an owner, though no sets; bit 6: sets by cluster follow), then per set
//!        16 octets, then, where bit 6 is set, the number u8 of the sets by cluster and 16 octets for each:
//!        type u16 | flags u8 | tiers u8 | records u16 | stride u16 | offset of records u32 | offset of tables u32
//!    tables, per set, what there is of: record lengths u16 x records (stride 0) | tier lengths u16 x tiers (tiers > 1)
//!        | start table u16 x 64 | cluster column u16 x records | glue (offset u32, length u16, records u16) x records
//!    records: complete, their owner a pointer to the question
//! ```

use crate::dns::name::same_octets;
use std::sync::Arc;

/// Octets before the name.
pub(super) const FIXED: usize = 12;
/// Octets of one set in an order.
pub(super) const SET: usize = 16;
/// Octets of one entry of a glue table.
pub(super) const GLUE: usize = 8;
/// Slots of a start table (`answer: weighted`).
pub const DRAW_SLOTS: usize = 64;

/// In the octet that counts the sets of an order: the name has an owner.
pub(super) const OWNED: u8 = 0x80;
/// In the same octet: behind the sets stand those for the names of one cluster.
pub(super) const BY_CLUSTER: u8 = 0x40;
/// Most sets of an order: the rest of that octet.
pub(super) const MOST_SETS: u8 = 0x3f;

/// Flags of a set.
pub(super) mod flag {
    pub const STALE: u8 = 1;
    pub const SERIAL: u8 = 2;
    pub const DRAW: u8 = 4;
    pub const CLUSTERS: u8 = 8;
    pub const GLUE: u8 = 16;
}

/// One owner name with all its types, in all views (layout above).
/// A clone shares the octets: what copies a zone keeps them without another copy.
#[derive(Clone, PartialEq, Eq)]
pub struct Block(pub(super) Arc<[u8]>);

impl Block {
    /// The lower-case owner name in wire form.
    #[inline]
    pub fn name(&self) -> &[u8] {
        slice(&self.0, FIXED, usize::from(octet(&self.0, 9)))
    }

    /// True for the Block of `name`, in lower-case wire form.
    #[inline]
    pub fn is_of(&self, name: &[u8]) -> bool {
        let Some((head, rest)) = self.0.split_first_chunk::<FIXED>() else { return false };
        usize::from(head[9]) == name.len() && rest.get(..name.len()).is_some_and(|own| same_octets(own, name))
    }

    /// Number of its zone in the Frame that compile knew.
    #[inline]
    pub fn zone(&self) -> u8 {
        octet(&self.0, 8)
    }

    /// Bit v: the name exists in view v.
    #[inline]
    pub fn presence(&self) -> u64 {
        self.0.first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
    }

    /// True when the name exists in `view`.
    #[inline]
    pub fn exists_in(&self, view: u8) -> bool {
        self.presence() >> (view & 63) & 1 == 1
    }

    /// Octets of the whole Block.
    #[inline]
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// How many orders there are.
    pub fn order_count(&self) -> u8 {
        octet(&self.0, 10)
    }

    /// Which order `view` has.
    #[inline]
    pub fn order_of(&self, view: u8) -> u8 {
        let views = octet(&self.0, 11);
        if view >= views {
            return 0;
        }
        octet(&self.0, FIXED + self.name().len() + usize::from(view))
    }

    /// How many views the order map names; 0 when every view uses order 0.
    pub(super) fn mapped_views(&self) -> u8 {
        octet(&self.0, 11)
    }

    /// The sets of `view`, the answer to type ANY first.
    #[inline]
    pub fn sets(&self, view: u8) -> Sets<'_> {
        self.sets_of_order(self.order_of(view))
    }

    /// The sets of one order.
    #[inline]
    pub fn sets_of_order(&self, order: u8) -> Sets<'_> {
        Sets::at(&self.0, self.order_at(order))
    }

    /// The sets of `view` in which the names of one cluster look for its addresses.
    #[inline]
    pub fn sets_by_cluster(&self, view: u8) -> Sets<'_> {
        let order = self.order_of(view);
        match octet(&self.0, self.order_at(order)) & BY_CLUSTER {
            0 => self.sets_of_order(order),
            _ => self.by_cluster(order),
        }
    }

    /// The sets that one order has beside its own for the names of one cluster.
    #[cold]
    pub(super) fn by_cluster(&self, order: u8) -> Sets<'_> {
        let at = self.order_at(order);
        let count = octet(&self.0, at);
        if count & BY_CLUSTER == 0 {
            return Sets { bytes: &self.0, heads: [].iter() };
        }
        Sets::at(&self.0, at + 1 + SET * usize::from(count & MOST_SETS))
    }

    /// True when `view` has a set here, or the name has an owner without any (DNS.md section 2).
    #[inline]
    pub fn is_owned(&self, view: u8) -> bool {
        self.is_order_owned(self.order_of(view))
    }

    #[inline]
    pub(super) fn is_order_owned(&self, order: u8) -> bool {
        octet(&self.0, self.order_at(order)) != 0
    }

    #[inline]
    fn order_at(&self, order: u8) -> usize {
        let bytes = &*self.0;
        let at = FIXED + usize::from(octet(bytes, 9)) + usize::from(octet(bytes, 11));
        match octet(bytes, 10) {
            0 | 1 => at,
            _ => long(bytes, at + 4 * usize::from(order)) as usize,
        }
    }

    /// The set of one type in `view`.
    #[inline]
    pub fn set(&self, view: u8, rtype: u16) -> Option<PackedSet<'_>> {
        self.sets(view).find(|set| set.rtype == rtype)
    }

    /// Reads one octet of each of the first cache lines, so that a batch waits for memory once and not once per name.
    #[inline]
    pub fn touch(&self) -> u8 {
        [0, 64, 128, 192].into_iter().fold(0, |seen, line| seen | octet(&self.0, line))
    }
}

/// Walks the sets of one order.
#[derive(Clone)]
pub struct Sets<'a> {
    bytes: &'a [u8],
    heads: std::slice::Iter<'a, [u8; SET]>,
}

impl<'a> Sets<'a> {
    /// Those whose number stands at `at`.
    #[inline]
    fn at(bytes: &'a [u8], at: usize) -> Self {
        let heads = match bytes.get(at..) {
            Some([count, rest @ ..]) => rest.get(..SET * usize::from(count & MOST_SETS)).unwrap_or(&[]),
            _ => &[],
        };
        Sets { bytes, heads: heads.as_chunks().0.iter() }
    }
}

impl<'a> Iterator for Sets<'a> {
    type Item = PackedSet<'a>;

    #[inline]
    fn next(&mut self) -> Option<PackedSet<'a>> {
        let [t0, t1, flags, tiers, c0, c1, s0, s1, d0, d1, d2, d3, x0, x1, x2, x3] = *self.heads.next()?;
        Some(PackedSet {
            bytes: self.bytes,
            rtype: u16::from_le_bytes([t0, t1]),
            flags,
            tiers,
            count: u16::from_le_bytes([c0, c1]),
            stride: u16::from_le_bytes([s0, s1]),
            data: u32::from_le_bytes([d0, d1, d2, d3]) as usize,
            tables: u32::from_le_bytes([x0, x1, x2, x3]) as usize,
        })
    }
}

/// One RRset of a Block, read in place.
#[derive(Clone, Copy)]
pub struct PackedSet<'a> {
    bytes: &'a [u8],
    /// Record type.
    pub rtype: u16,
    flags: u8,
    tiers: u8,
    /// How many records.
    pub count: u16,
    /// Octets of each record; 0 when they differ.
    pub stride: u16,
    data: usize,
    tables: usize,
}

impl<'a> PackedSet<'a> {
    /// Holds rows of a stale cluster (EDE 3).
    #[inline]
    pub fn is_stale(&self) -> bool {
        self.flags & flag::STALE != 0
    }

    /// Each copy carries the zone's serial (SOA).
    #[inline]
    pub fn has_serial(&self) -> bool {
        self.flags & flag::SERIAL != 0
    }

    /// Has a 64-slot start table.
    #[inline]
    pub fn has_draw(&self) -> bool {
        self.flags & flag::DRAW != 0
    }

    /// Has a cluster column.
    #[inline]
    pub fn has_clusters(&self) -> bool {
        self.flags & flag::CLUSTERS != 0
    }

    /// Some record has additional records.
    #[inline]
    pub fn has_glue(&self) -> bool {
        self.flags & flag::GLUE != 0
    }

    /// Seconds, one for the whole set.
    pub fn ttl(&self) -> u32 {
        let ttl = slice(self.bytes, self.data + 6, 4);
        ttl.first_chunk().map_or(0, |octets| u32::from_be_bytes(*octets))
    }

    /// All records, in answer order.
    #[inline]
    pub fn records(&self) -> &'a [u8] {
        let length = match self.stride {
            0 => (0..self.count).map(|index| self.length(index)).sum(),
            stride => usize::from(stride) * usize::from(self.count),
        };
        slice(self.bytes, self.data, length)
    }

    /// Octets of record `index`.
    #[inline]
    pub fn length(&self, index: u16) -> usize {
        match self.stride {
            0 => usize::from(short(self.bytes, self.tables + 2 * usize::from(index))),
            stride => usize::from(stride),
        }
    }

    /// Number of tiers; 0: never rotated.
    #[inline]
    pub fn tier_count(&self) -> u8 {
        self.tiers
    }

    /// Records in tier `index`.
    #[inline]
    pub fn tier(&self, index: u8) -> u16 {
        match self.tiers {
            0 | 1 => self.count,
            _ => short(self.bytes, self.tiers_at() + 2 * usize::from(index)),
        }
    }

    /// The record that slot `slot` of the start table names; 0 without a table.
    #[cold]
    pub fn draw(&self, slot: usize) -> u16 {
        if !self.has_draw() {
            return 0;
        }
        short(self.bytes, self.draw_at() + 2 * (slot % DRAW_SLOTS))
    }

    /// The cluster column of record `index`; [`super::NO_CLUSTER`] without a column.
    #[inline]
    pub fn cluster(&self, index: u16) -> u16 {
        if !self.has_clusters() {
            return super::NO_CLUSTER;
        }
        short(self.bytes, self.clusters_at() + 2 * usize::from(index))
    }

    /// The additional records of each record; nothing when no record has any.
    #[inline]
    pub fn glue(&self) -> impl Iterator<Item = PackedGlue<'a>> + use<'a> {
        let count = if self.has_glue() { usize::from(self.count) } else { 0 };
        let (table, bytes) = (slice(self.bytes, self.glue_at(), GLUE * count), self.bytes);
        table.as_chunks::<GLUE>().0.iter().map(move |&[a0, a1, a2, a3, l0, l1, c0, c1]| {
            let (at, length) = (u32::from_le_bytes([a0, a1, a2, a3]), u16::from_le_bytes([l0, l1]));
            PackedGlue { bytes, at, length, count: u16::from_le_bytes([c0, c1]) }
        })
    }

    fn tiers_at(&self) -> usize {
        self.tables + if self.stride == 0 { 2 * usize::from(self.count) } else { 0 }
    }

    fn draw_at(&self) -> usize {
        self.tiers_at() + if self.tiers > 1 { 2 * usize::from(self.tiers) } else { 0 }
    }

    fn clusters_at(&self) -> usize {
        self.draw_at() + if self.has_draw() { 2 * DRAW_SLOTS } else { 0 }
    }

    fn glue_at(&self) -> usize {
        self.clusters_at() + if self.has_clusters() { 2 * usize::from(self.count) } else { 0 }
    }
}

/// The additional records of one record, read in place.
#[derive(Clone, Copy)]
pub struct PackedGlue<'a> {
    bytes: &'a [u8],
    at: u32,
    length: u16,
    /// How many records.
    pub count: u16,
}

impl<'a> PackedGlue<'a> {
    /// The records, complete.
    #[inline]
    pub fn records(&self) -> &'a [u8] {
        slice(self.bytes, self.at as usize, usize::from(self.length))
    }
}

#[inline]
fn octet(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

#[inline]
fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |octets| u16::from_le_bytes(*octets))
}

#[inline]
fn long(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |octets| u32::from_le_bytes(*octets))
}

#[inline]
fn slice(bytes: &[u8], at: usize, length: usize) -> &[u8] {
    bytes.get(at..).and_then(|rest| rest.get(..length)).unwrap_or(&[])
}
