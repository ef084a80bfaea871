//! A Block: everything one owner name answers, in all views, in one immutable run of octets.
//!
//! In: from [`Block::pack`] (`pack.rs`). Out: slices that the responder copies. Reading never panics: every access is
//! checked, and an offset that leads nowhere reads as empty.
//!
//! Layout, all numbers little-endian, offsets from the start of the Block:
//!
//! ```text
//!  0 presence u64 | 8 end of the name u16 | 10 length of the name u8 | 11 zone u8 | 12 orders u8 | 13 views u8
//! 14 the records that end with the name, if there are such; else the name
//!    order of each view: u8 x views, offset of each order: u16 x orders (both only when orders > 1)
//!    orders, each: sets u8 (bit 7: the name has an owner, though no sets; bit 6: sets by cluster follow), then per set
//!        12 octets, then, where bit 6 is set, the number u8 of the sets by cluster and 12 octets for each:
//!        type u16 | flags u8 | tiers u8 | records u16 | stride u16 | offset of records u16 | offset of tables u16
//!    tables, per set, what there is of: record lengths u16 x records (stride 0) | tier lengths u16 x tiers (tiers > 1)
//!        | start table u16 x 64 | cluster column u16 x records, one for all if they agree
//!        | glue (offset u16, length u16, records u16) x records
//!    records: complete, their owner a pointer to the question
//! ```
//!
//! The views are those up to the last in which the name exists. An SRV record that names its own owner ends with the
//! owner's name; it stands in front of the head of the orders, and its last octets are the name.
//!
//! Offsets of records, tables and glue count in octets; in a Block that is longer than 16 bits reach, in units of 32,
//! 1,024 or 32,768 octets. The upper two bits of the flags of each set say which.

use crate::dns::name::same_octets;
use triomphe::ThinArc;

/// Octets of one set in an order.
pub(super) const SET: usize = 12;
/// Octets of one entry of a glue table.
pub(super) const GLUE: usize = 6;
/// Slots of a start table (`answer: weighted`).
pub const DRAW_SLOTS: usize = 64;

/// In the octet that counts the sets of an order: the name has an owner.
pub(super) const OWNED: u8 = 0x80;
/// In the same octet: behind the sets stand those for the names of one cluster.
pub(super) const BY_CLUSTER: u8 = 0x40;
/// The rest of that octet.
const COUNT: u8 = 0x3f;
/// Most sets of an order: so few that the heads of all orders lie within reach of 16 bits.
pub(super) const MOST_SETS: usize = 31;

/// Flags of a set.
pub(super) mod flag {
    pub const STALE: u8 = 1;
    pub const SERIAL: u8 = 2;
    pub const DRAW: u8 = 4;
    pub const CLUSTERS: u8 = 8;
    pub const GLUE: u8 = 16;
    /// The cluster column has one entry for all records.
    pub const ONE_CLUSTER: u8 = 32;
    /// Where the number of the unit of offsets begins.
    pub const UNIT: u8 = 6;
}

/// The unit of that number is 1 octet shifted left so often.
#[inline]
pub(super) fn shift(unit: u8) -> u32 {
    5 * u32::from(unit)
}

/// One owner name with all its types, in all views (layout above).
/// A clone shares the octets: what copies a zone keeps them without another copy.
#[derive(Clone, PartialEq, Eq)]
pub struct Block(ThinArc<(), u8>);

impl Block {
    pub(super) fn new(octets: &[u8]) -> Self {
        Block(ThinArc::from_header_and_slice((), octets))
    }

    #[inline]
    pub(super) fn octets(&self) -> &[u8] {
        &self.0.slice
    }

    /// The lower-case owner name in wire form.
    #[inline]
    pub fn name(&self) -> &[u8] {
        let (end, length) = (self.name_end(), usize::from(octet(self.octets(), 10)));
        slice(self.octets(), end.saturating_sub(length), length)
    }

    /// True for the Block of `name`, in lower-case wire form.
    #[inline]
    pub fn is_of(&self, name: &[u8]) -> bool {
        let (octets, end) = (self.octets(), self.name_end());
        let own = octets.get(end.wrapping_sub(name.len())..end);
        usize::from(octet(octets, 10)) == name.len() && own.is_some_and(|own| same_octets(own, name))
    }

    /// Number of its zone in the Frame that compile knew.
    #[inline]
    pub fn zone(&self) -> u8 {
        octet(self.octets(), 11)
    }

    /// Bit v: the name exists in view v.
    #[inline]
    pub fn presence(&self) -> u64 {
        self.octets().first_chunk().map_or(0, |head| u64::from_le_bytes(*head))
    }

    /// True when the name exists in `view`.
    #[inline]
    pub fn exists_in(&self, view: u8) -> bool {
        self.presence() >> (view & 63) & 1 == 1
    }

    /// Octets of the whole Block.
    #[inline]
    pub fn size(&self) -> usize {
        self.octets().len()
    }

    /// How many orders there are.
    #[inline]
    pub fn order_count(&self) -> u8 {
        octet(self.octets(), 12)
    }

    /// How many views the order map names; 0 when every view uses order 0.
    #[inline]
    pub(super) fn views(&self) -> u8 {
        octet(self.octets(), 13)
    }

    /// Which order `view` has.
    #[inline]
    pub fn order_of(&self, view: u8) -> u8 {
        if view >= self.views() {
            return 0;
        }
        octet(self.octets(), self.name_end() + usize::from(view))
    }

    /// The sets of `view`, the answer to type ANY first.
    #[inline]
    pub fn sets(&self, view: u8) -> Sets<'_> {
        self.sets_of_order(self.order_of(view))
    }

    /// The sets of one order.
    #[inline]
    pub fn sets_of_order(&self, order: u8) -> Sets<'_> {
        Sets::at(self.octets(), self.order_at(order))
    }

    /// The sets of `view` in which the names of one cluster look for its addresses.
    #[inline]
    pub fn sets_by_cluster(&self, view: u8) -> Sets<'_> {
        let order = self.order_of(view);
        match octet(self.octets(), self.order_at(order)) & BY_CLUSTER {
            0 => self.sets_of_order(order),
            _ => self.by_cluster(order),
        }
    }

    /// The sets that one order has beside its own for the names of one cluster.
    #[cold]
    pub(super) fn by_cluster(&self, order: u8) -> Sets<'_> {
        let at = self.order_at(order);
        let count = octet(self.octets(), at);
        if count & BY_CLUSTER == 0 {
            return Sets { bytes: self.octets(), heads: [].iter() };
        }
        Sets::at(self.octets(), at + 1 + SET * usize::from(count & COUNT))
    }

    /// True when `view` has a set here, or the name has an owner without any (DNS.md section 2).
    #[inline]
    pub fn is_owned(&self, view: u8) -> bool {
        self.is_order_owned(self.order_of(view))
    }

    #[inline]
    pub(super) fn is_order_owned(&self, order: u8) -> bool {
        octet(self.octets(), self.order_at(order)) != 0
    }

    #[inline]
    fn name_end(&self) -> usize {
        usize::from(short(self.octets(), 8))
    }

    #[inline]
    fn order_at(&self, order: u8) -> usize {
        let at = self.name_end();
        match self.order_count() {
            0 | 1 => at,
            _ => usize::from(short(self.octets(), at + usize::from(self.views()) + 2 * usize::from(order))),
        }
    }

    /// The set of one type in `view`.
    #[inline]
    pub fn set(&self, view: u8, rtype: u16) -> Option<PackedSet<'_>> {
        self.sets(view).find(|set| set.rtype == rtype)
    }

    /// Reads one octet of each of the first cache lines, so that a batch waits for memory once and not once per name. The
    /// length stands in front of the octets and brings the first line along.
    #[inline]
    pub fn touch(&self) -> u8 {
        [48, 112, 176, 240].into_iter().fold(0, |seen, line| seen | octet(self.octets(), line))
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
            Some([count, rest @ ..]) => rest.get(..SET * usize::from(count & COUNT)).unwrap_or(&[]),
            _ => &[],
        };
        Sets { bytes, heads: heads.as_chunks().0.iter() }
    }
}

impl<'a> Iterator for Sets<'a> {
    type Item = PackedSet<'a>;

    #[inline]
    fn next(&mut self) -> Option<PackedSet<'a>> {
        let [t0, t1, flags, tiers, c0, c1, s0, s1, d0, d1, x0, x1] = *self.heads.next()?;
        let shift = shift(flags >> flag::UNIT);
        Some(PackedSet {
            bytes: self.bytes,
            rtype: u16::from_le_bytes([t0, t1]),
            flags,
            tiers,
            count: u16::from_le_bytes([c0, c1]),
            stride: u16::from_le_bytes([s0, s1]),
            data: usize::from(u16::from_le_bytes([d0, d1])) << shift,
            tables: usize::from(u16::from_le_bytes([x0, x1])) << shift,
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
        let index = if self.flags & flag::ONE_CLUSTER == 0 { usize::from(index) } else { 0 };
        short(self.bytes, self.clusters_at() + 2 * index)
    }

    /// The additional records of each record; nothing when no record has any.
    #[inline]
    pub fn glue(&self) -> impl Iterator<Item = PackedGlue<'a>> + use<'a> {
        let count = if self.has_glue() { usize::from(self.count) } else { 0 };
        let (table, bytes) = (slice(self.bytes, self.glue_at(), GLUE * count), self.bytes);
        let shift = shift(self.flags >> flag::UNIT);
        table.as_chunks::<GLUE>().0.iter().map(move |&[a0, a1, l0, l1, c0, c1]| {
            let (at, length) = (usize::from(u16::from_le_bytes([a0, a1])) << shift, u16::from_le_bytes([l0, l1]));
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
        let clusters = match self.flags & (flag::CLUSTERS | flag::ONE_CLUSTER) {
            0 => 0,
            flag::CLUSTERS => usize::from(self.count),
            _ => 1,
        };
        self.clusters_at() + 2 * clusters
    }
}

/// The additional records of one record, read in place.
#[derive(Clone, Copy)]
pub struct PackedGlue<'a> {
    bytes: &'a [u8],
    at: usize,
    length: u16,
    /// How many records.
    pub count: u16,
}

impl<'a> PackedGlue<'a> {
    /// The records, complete.
    #[inline]
    pub fn records(&self) -> &'a [u8] {
        slice(self.bytes, self.at, usize::from(self.length))
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
fn slice(bytes: &[u8], at: usize, length: usize) -> &[u8] {
    bytes.get(at..).and_then(|rest| rest.get(..length)).unwrap_or(&[])
}
