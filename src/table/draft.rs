//! A draft: everything about one owner name, before it is packed into a Block.
//!
//! In: from `compile`. Out: to `Block::pack`. Drafts are short-lived; only Blocks stay in memory.

use crate::dns::Name;

/// No cluster: the column of an address that belongs to no one cluster, and of records that are no addresses.
pub const NO_CLUSTER: u16 = u16::MAX;

/// One owner name with all its types, in all views.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Draft {
    pub name: Name,
    /// Number of its zone in the Frame.
    pub zone: u8,
    /// Bit v: the name exists in view v. Absent there = NXDOMAIN.
    pub presence: u64,
    /// `order_of[v]` is the index into `orders` for view v. Empty: every view uses order 0.
    pub order_of: Vec<u8>,
    /// At least one; views that agree share one. An order without sets is an empty non-terminal (NODATA).
    pub orders: Vec<Order>,
}

/// What the views of one order answer. The first set is the answer to type ANY (RFC 8482).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Order {
    pub sets: Vec<RrSet>,
    /// Read in place of `sets` for the names of one cluster (DNS.md section 2): A and AAAA, tier by tier, of every cluster,
    /// those cut from `sets` included; what is stale in sets of its own behind the others. Empty: `sets` will do.
    pub by_cluster: Vec<RrSet>,
}

impl From<Vec<RrSet>> for Order {
    fn from(sets: Vec<RrSet>) -> Self {
        Order { sets, by_cluster: Vec::new() }
    }
}

/// One RRset. Its owner on the wire is a pointer to the question (0xC00C).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RrSet {
    pub rtype: u16,
    /// Seconds, one for the whole set.
    pub ttl: u32,
    /// In answer order: tier by tier, then the stable order of compile.
    pub records: Vec<Record>,
    /// Lengths of the tiers, nearest first; their sum is `records.len()`. Empty: one tier that is never rotated.
    /// A and AAAA rotate per query inside each tier (DNS.md section 3).
    pub tiers: Vec<u16>,
    /// `Some`: the first record is drawn per query from this table of record indexes, the rest of its tier
    /// follows in ring order (`answer: weighted`).
    pub draw: Option<Box<[u16; 64]>>,
    /// Holds rows of a stale cluster: EDE 3 (RFC 8914).
    pub stale: bool,
    /// The SOA serial of the zone is written into each copy (rdata layout of RFC 1035 section 3.3.13).
    pub serial: bool,
}

impl RrSet {
    /// Stands alone in an order: the name has an owner but no record. It differs from an empty non-terminal only in a
    /// global zone, where an owned name outranks a formed one (DNS.md section 2).
    pub fn owner_mark() -> Self {
        let (records, tiers) = (Vec::new(), Vec::new());
        RrSet { rtype: 0, ttl: 0, records, tiers, draw: None, stale: false, serial: false }
    }

    /// True for [`RrSet::owner_mark`].
    pub fn is_owner_mark(&self) -> bool {
        self.rtype == 0 && self.records.is_empty()
    }
}

/// One record of a set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// RDATA in wire form. Names inside may be compressed only by pointers into the question
    /// (NS and SOA data, where the owner is no wildcard), never SRV targets.
    pub rdata: Vec<u8>,
    /// Cluster column: which cluster an A or AAAA belongs to, [`NO_CLUSTER`] if none.
    pub cluster: u16,
    /// Additional records of this record (an SRV target's A and AAAA, an NS name's addresses): complete records,
    /// owner name included, which is a pointer into the question where it shares a suffix with it.
    /// They are added together or left out together.
    pub glue: Glue,
}

/// Complete additional records.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Glue {
    pub wire: Vec<u8>,
    pub count: u16,
}
