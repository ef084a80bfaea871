//! Packs a draft into a Block, and reads a Block back.
//!
//! In: a [`Draft`] of compile. Out: a [`Block`] (layout in `block.rs`). Runs at change time only.

use super::block::{BY_CLUSTER, Block, DRAW_SLOTS, GLUE, MOST_SETS, OWNED, PackedSet, SET, flag, shift};
use super::draft::{Draft, Glue, NO_CLUSTER, Order, Record, RrSet};
use crate::dns::Name;
use crate::dns::types::class;
use std::collections::HashSet;
use std::fmt;

/// Pointer to the question's name, the owner of every record.
const OWNER: [u8; 2] = [0xc0, 0x0c];
/// Octets of a record before its RDATA.
const RECORD_HEAD: usize = 12;
/// Longest record that fits a message beside its header.
const LONGEST_RECORD: usize = 65_535 - 12;
/// Octets that are read together with the head.
const NEAR: usize = 256;
/// The largest unit of offsets.
const MOST_UNIT: u8 = 3;
/// Earlier runs of octets that a new run is compared with, so that glue equal to an answer is stored once.
const COMPARED_RUNS: usize = 16;

impl Block {
    /// Packs `draft`. A set without records is no set. What no message can carry is left out: records over 65,523
    /// octets, those after the 65,535th of a set, sets after the 31st of an order and orders after the 64th. Glue that
    /// an earlier record of the set has already is not repeated, and the orders of views without the name are not kept.
    pub fn pack(draft: &Draft) -> Block {
        let mut packer = Packer::new(0);
        packer.block(draft);
        while packer.bytes.len() > usize::from(u16::MAX) << shift(packer.unit) && packer.unit < MOST_UNIT {
            packer = Packer::new(packer.unit + 1);
            packer.block(draft);
        }
        Block::new(&packer.bytes)
    }

    /// Reads the Block back as the draft it was packed from (tests, AXFR, `explain`).
    pub fn describe(&self) -> Draft {
        Draft {
            name: Name::from_wire(self.name()).unwrap_or_else(Name::root),
            zone: self.zone(),
            presence: self.presence(),
            order_of: (0..self.views()).map(|view| self.order_of(view)).collect(),
            orders: (0..self.order_count()).map(|order| self.describe_order(order)).collect(),
        }
    }
}

impl Block {
    fn describe_order(&self, order: u8) -> Order {
        let mut sets: Vec<RrSet> = self.sets_of_order(order).map(|set| set.describe()).collect();
        if sets.is_empty() && self.is_order_owned(order) {
            sets.push(RrSet::owner_mark());
        }
        Order { sets, by_cluster: self.by_cluster(order).map(|set| set.describe()).collect() }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe().fmt(f)
    }
}

impl PackedSet<'_> {
    /// Reads the set back.
    pub fn describe(&self) -> RrSet {
        let mut rest = self.records();
        let glue = self.glue().map(|glue| Glue { wire: glue.records().to_vec(), count: glue.count });
        let glue = glue.chain(std::iter::repeat_with(Glue::default));
        let records = (0..self.count).zip(glue).map(|(index, glue)| {
            let (record, tail) = rest.split_at(self.length(index).min(rest.len()));
            rest = tail;
            Record { rdata: record.get(RECORD_HEAD..).unwrap_or(&[]).to_vec(), cluster: self.cluster(index), glue }
        });
        RrSet {
            rtype: self.rtype,
            ttl: self.ttl(),
            records: records.collect(),
            tiers: (0..self.tier_count()).map(|tier| self.tier(tier)).collect(),
            draw: self.has_draw().then(|| Box::new(std::array::from_fn(|slot| self.draw(slot)))),
            stale: self.is_stale(),
            serial: self.has_serial(),
        }
    }
}

/// True for a record that some message can carry.
fn fits(record: &Record) -> bool {
    RECORD_HEAD + record.rdata.len() <= LONGEST_RECORD
}

/// The sets that have a record to send, as many as an order can count.
fn packable(sets: &[RrSet]) -> Vec<&RrSet> {
    sets.iter().filter(|set| set.records.iter().any(fits)).take(MOST_SETS).collect()
}

/// A Block under construction.
struct Packer {
    bytes: Vec<u8>,
    /// Where the first runs of octets placed so far begin.
    runs: Vec<usize>,
    /// Number of the unit of offsets (`block.rs`).
    unit: u8,
}

impl Packer {
    fn new(unit: u8) -> Self {
        Packer { bytes: Vec::with_capacity(512), runs: Vec::new(), unit }
    }

    fn block(&mut self, draft: &Draft) {
        let name = draft.name.wire();
        let orders = &draft.orders[..draft.orders.len().min(64)];
        let views = if orders.len() > 1 { 64 - draft.presence.leading_zeros() as usize } else { 0 };
        self.bytes.extend_from_slice(&draft.presence.to_le_bytes());
        self.bytes.extend_from_slice(&[0, 0, name.len() as u8, draft.zone, orders.len() as u8, views as u8]);
        match orders.iter().flat_map(|order| &order.sets).find(|set| self.ends_with_name(set, name)) {
            Some(set) => _ = self.records(set),
            None => self.bytes.extend_from_slice(name),
        }
        let end = self.bytes.len() as u16;
        self.bytes[8..10].copy_from_slice(&end.to_le_bytes());
        if orders.len() > 1 {
            self.bytes.extend((0..views).map(|view| draft.order_of.get(view).copied().unwrap_or(0)));
        }
        self.orders(orders);
    }

    /// True when the records of `set` may stand in front of the name, which they end with: where the name is still among what
    /// [`Block::touch`] brings.
    fn ends_with_name(&self, set: &RrSet, name: &[u8]) -> bool {
        let is_last = set.records.last().is_some_and(|record| record.rdata.ends_with(name));
        let length = || set.records.iter().map(|record| RECORD_HEAD + record.rdata.len()).sum::<usize>();
        is_last && self.unit == 0 && self.bytes.len() + length() <= NEAR
    }

    /// Writes the heads of all orders, then what they point to.
    fn orders(&mut self, orders: &[Order]) {
        let table = self.bytes.len();
        if orders.len() > 1 {
            self.bytes.resize(table + 2 * orders.len(), 0);
        }
        let mut heads = Vec::with_capacity(orders.len());
        for (index, order) in orders.iter().enumerate() {
            let at = self.bytes.len();
            if orders.len() > 1 {
                self.bytes[table + 2 * index..][..2].copy_from_slice(&(at as u16).to_le_bytes());
            }
            let sets = packable(&order.sets);
            let by_cluster = packable(&order.by_cluster);
            let owned = sets.is_empty() && order.sets.iter().any(RrSet::is_owner_mark);
            let more = if by_cluster.is_empty() { 0 } else { BY_CLUSTER };
            self.bytes.push(sets.len() as u8 | more | if owned { OWNED } else { 0 });
            self.bytes.resize(at + 1 + SET * sets.len(), 0);
            heads.push((at + 1, sets));
            if more != 0 {
                let at = self.bytes.len();
                self.bytes.push(by_cluster.len() as u8);
                self.bytes.resize(at + 1 + SET * by_cluster.len(), 0);
                heads.push((at + 1, by_cluster));
            }
        }
        for (at, sets) in heads {
            let placed: Vec<(Vec<&Record>, u16)> = sets.iter().map(|set| self.records(set)).collect();
            for (index, (set, (records, data))) in sets.iter().zip(placed).enumerate() {
                let head = self.tables(set, &records, data);
                self.bytes[at + SET * index..][..SET].copy_from_slice(&head);
            }
        }
    }

    /// Writes the tables of one set; returns its head.
    fn tables(&mut self, set: &RrSet, records: &[&Record], data: u16) -> [u8; SET] {
        let lengths: Vec<u16> = records.iter().map(|record| (RECORD_HEAD + record.rdata.len()) as u16).collect();
        let stride = match lengths.split_first() {
            Some((first, rest)) if rest.iter().all(|length| length == first) => *first,
            _ => 0,
        };
        let mut flags =
            (u8::from(set.stale) * flag::STALE) | (u8::from(set.serial) * flag::SERIAL) | (self.unit << flag::UNIT);
        let glue = records.iter().any(|record| record.glue.count > 0).then(|| self.glue_table(records));
        let tables = self.begin();
        if stride == 0 {
            self.shorts(&lengths);
        }
        // Tiers that do not cover the records (some were left out, or there are too many) become one.
        let covered = set.tiers.iter().map(|tier| usize::from(*tier)).sum::<usize>() == records.len();
        let one = [records.len() as u16];
        let tiers = if set.tiers.is_empty() || (covered && set.tiers.len() <= 255) { &*set.tiers } else { &one };
        if tiers.len() > 1 {
            self.shorts(tiers);
        }
        if let Some(draw) = &set.draw {
            flags |= flag::DRAW;
            self.shorts(&draw[..DRAW_SLOTS]);
        }
        let column = records.first().map_or(NO_CLUSTER, |record| record.cluster);
        if records.iter().any(|record| record.cluster != column) {
            flags |= flag::CLUSTERS;
            self.bytes.extend(records.iter().flat_map(|record| record.cluster.to_le_bytes()));
        } else if column != NO_CLUSTER {
            flags |= flag::CLUSTERS | flag::ONE_CLUSTER;
            self.shorts(&[column]);
        }
        if let Some(glue) = glue {
            flags |= flag::GLUE;
            self.bytes.extend_from_slice(&glue);
        }
        let mut head = [0; SET];
        head[..2].copy_from_slice(&set.rtype.to_le_bytes());
        head[2] = flags;
        head[3] = tiers.len() as u8;
        head[4..6].copy_from_slice(&(records.len() as u16).to_le_bytes());
        head[6..8].copy_from_slice(&stride.to_le_bytes());
        head[8..10].copy_from_slice(&data.to_le_bytes());
        head[10..].copy_from_slice(&self.offset(tables).to_le_bytes());
        head
    }

    /// Writes the complete records of one set; returns those that fit, and where they begin.
    fn records<'a>(&mut self, set: &'a RrSet) -> (Vec<&'a Record>, u16) {
        let whole = set.records.iter().filter(|record| fits(record));
        let records: Vec<&Record> = whole.take(usize::from(u16::MAX)).collect();
        let (at, out) = (self.begin(), &mut self.bytes);
        for record in &records {
            let ([t0, t1], [c0, c1]) = (set.rtype.to_be_bytes(), class::IN.to_be_bytes());
            let ([s0, s1, s2, s3], [l0, l1]) = (set.ttl.to_be_bytes(), (record.rdata.len() as u16).to_be_bytes());
            out.extend_from_slice(&[OWNER[0], OWNER[1], t0, t1, c0, c1, s0, s1, s2, s3, l0, l1]);
            out.extend_from_slice(&record.rdata);
        }
        let at = self.place(at);
        (records, at)
    }

    /// Writes the additional records; returns the table that points to them.
    fn glue_table(&mut self, records: &[&Record]) -> Vec<u8> {
        let mut table = Vec::with_capacity(GLUE * records.len());
        let mut seen: HashSet<&[u8], foldhash::fast::RandomState> = HashSet::default();
        for record in records {
            let wire = &*record.glue.wire;
            let is_new = !wire.is_empty() && (records.len() == 1 || seen.insert(wire));
            let wanted = wire.len() <= LONGEST_RECORD && is_new;
            let (wire, count) = if wanted { (&*record.glue.wire, record.glue.count) } else { (&[][..], 0) };
            let at = self.begin();
            self.bytes.extend_from_slice(wire);
            table.extend_from_slice(&self.place(at).to_le_bytes());
            table.extend_from_slice(&(wire.len() as u16).to_le_bytes());
            table.extend_from_slice(&count.to_le_bytes());
        }
        table
    }

    /// Keeps the run that was written from `at` on, unless the same octets stand where an earlier run began. Returns
    /// where they are.
    ///
    /// A and AAAA of a service follow each other, so the glue of its SRV records is found there.
    fn place(&mut self, at: usize) -> u16 {
        let (before, run) = self.bytes.split_at(at);
        if let Some(known) = self.runs.iter().copied().find(|known| before.get(*known..*known + run.len()) == Some(run))
        {
            self.bytes.truncate(at);
            return self.offset(known);
        }
        if self.runs.len() < COMPARED_RUNS {
            self.runs.push(at);
        }
        self.offset(at)
    }

    /// Where the next run can begin so that an offset reaches it.
    fn begin(&mut self) -> usize {
        let at = self.bytes.len().next_multiple_of(1 << shift(self.unit));
        self.bytes.resize(at, 0);
        at
    }

    fn offset(&self, at: usize) -> u16 {
        (at >> shift(self.unit)) as u16
    }

    fn shorts(&mut self, numbers: &[u16]) {
        self.bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
}
