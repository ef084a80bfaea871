//! Address sets: which A and AAAA records a name has, and in which order they may be sent.
//!
//! In: targets of an [`Answer`], cut and sorted. Out: [`RrSet`]s with tiers, the weighted draw and the cluster column.

use super::weight::draw_table;
use super::{Columns, Settings};
use crate::dns::types::{class, rtype};
use crate::model::hashed::Firsts;
use crate::model::{AnswerMode, Target};
use crate::table::{Glue, Record, RrSet};
use std::net::IpAddr;

/// Octets left for records in the largest message: 65,535 less header, question and an OPT record with options.
pub(super) const MESSAGE_ROOM: usize = 65_535 - 12 - 259 - 1024;
/// Octets of an A and of an AAAA record whose owner is a pointer.
const A_LENGTH: usize = 16;
const AAAA_LENGTH: usize = 28;

/// The two families in the order in which their sets stand in a Block.
pub(super) const FAMILIES: [u16; 2] = [rtype::A, rtype::AAAA];

/// Type of the record that holds `address`.
pub(super) fn rtype_of(address: IpAddr) -> u16 {
    if address.is_ipv4() { rtype::A } else { rtype::AAAA }
}

/// RDATA of an A (RFC 1035 section 3.4.1) or AAAA record (RFC 3596 section 2.2).
pub(super) fn address_rdata(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

impl Glue {
    /// Adds one complete record with the given owner octets.
    pub(super) fn push(&mut self, owner: &[u8], rtype: u16, ttl: u32, rdata: &[u8]) {
        let ([t0, t1], [c0, c1]) = (rtype.to_be_bytes(), class::IN.to_be_bytes());
        let ([s0, s1, s2, s3], [l0, l1]) = (ttl.to_be_bytes(), (rdata.len() as u16).to_be_bytes());
        self.wire.reserve(owner.len() + 10 + rdata.len());
        self.wire.extend_from_slice(owner);
        self.wire.extend_from_slice(&[t0, t1, c0, c1, s0, s1, s2, s3, l0, l1]);
        self.wire.extend_from_slice(rdata);
        self.count += 1;
    }

    /// Adds the A or AAAA record of an address.
    pub(super) fn push_address(&mut self, owner: &[u8], ttl: u32, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.push(owner, rtype::A, ttl, &v4.octets()),
            IpAddr::V6(v6) => self.push(owner, rtype::AAAA, ttl, &v6.octets()),
        }
    }

    /// A and AAAA records of `addresses`, IPv4 first.
    pub(super) fn of_addresses(owner: &[u8], ttl: u32, addresses: &[IpAddr]) -> Glue {
        let mut glue = Glue::default();
        for family in FAMILIES {
            for address in addresses.iter().filter(|address| rtype_of(**address) == family) {
                glue.push_address(owner, ttl, *address);
            }
        }
        glue
    }
}

/// One family's set of plain addresses in one tier; `None` when the family has none.
pub(super) fn address_set(rtype: u16, ttl: u32, rows: impl Iterator<Item = (IpAddr, u16)>) -> Option<RrSet> {
    let mut seen = Firsts::default();
    let records: Vec<Record> = rows
        .filter(|(address, _)| rtype_of(*address) == rtype && seen.is_new(*address))
        .map(|(address, cluster)| Record { rdata: address_rdata(address), cluster, glue: Glue::default() })
        .collect();
    let tiers = vec![records.len() as u16];
    (!records.is_empty()).then_some(RrSet { rtype, ttl, records, tiers, draw: None, stale: false, serial: false })
}

/// How many of `targets` are served: the longest prefix whose families each fit the message and
/// `maxAnswerRecords`, so that A and AAAA keep the same endpoints (DNS.md section 1).
pub(super) fn served<'a>(targets: impl ExactSizeIterator<Item = &'a Target>, settings: &Settings) -> usize {
    let limit = |length| match settings.max_answer_records {
        0 => MESSAGE_ROOM / length,
        most => most.min(MESSAGE_ROOM / length),
    };
    let (mut v4, mut v6) = (0, 0);
    let least = targets.len().min(1);
    let fits = |target: &&Target| {
        v4 += target.addresses.iter().filter(|address| address.is_ipv4()).count();
        v6 += target.addresses.iter().filter(|address| address.is_ipv6()).count();
        v4 <= limit(A_LENGTH) && v6 <= limit(AAAA_LENGTH)
    };
    targets.take_while(fits).count().max(least)
}

/// The A and AAAA sets of some targets, which are sorted by tier.
pub(super) fn target_sets(targets: &[Target], mode: AnswerMode, ttl: u32, columns: &Columns) -> Vec<RrSet> {
    let is_new = || {
        let mut seen = Firsts::default();
        move |_: u16, address: IpAddr| seen.is_new(address)
    };
    FAMILIES.into_iter().filter_map(|family| target_set(family, targets, mode, ttl, columns, is_new())).collect()
}

/// As [`target_sets`], to be read one cluster at a time: an address that several clusters have stands there for each.
pub(super) fn sets_by_cluster(targets: &[Target], mode: AnswerMode, ttl: u32, columns: &Columns) -> Vec<RrSet> {
    let is_new = || {
        let mut seen = Firsts::default();
        move |cluster: u16, address: IpAddr| seen.is_new((cluster, address))
    };
    FAMILIES.into_iter().filter_map(|family| target_set(family, targets, mode, ttl, columns, is_new())).collect()
}

fn target_set(
    family: u16,
    targets: &[Target],
    mode: AnswerMode,
    ttl: u32,
    columns: &Columns,
    mut is_new: impl FnMut(u16, IpAddr) -> bool,
) -> Option<RrSet> {
    let addresses = targets.iter().flat_map(|target| &target.addresses);
    let count = addresses.filter(|address| rtype_of(**address) == family).count();
    if count == 0 {
        return None;
    }
    let (records, tiers) = (Vec::with_capacity(count), Vec::new());
    let mut set = RrSet { rtype: family, ttl, records, tiers, draw: None, stale: false, serial: false };
    let mut weights = Vec::new();
    for tier in targets.chunk_by(|a, b| a.tier == b.tier && a.stale == b.stale) {
        let before = set.records.len();
        for target in tier {
            for address in target.addresses.iter().filter(|address| rtype_of(**address) == family) {
                let cluster = columns.of(target.cluster.as_ref());
                if is_new(cluster, *address) {
                    set.records.push(Record { rdata: address_rdata(*address), cluster, glue: Glue::default() });
                    set.stale |= target.stale || target.restored;
                    if mode == AnswerMode::Weighted {
                        weights.push(target.weight);
                    }
                }
            }
        }
        if set.records.len() > before {
            set.tiers.push((set.records.len() - before) as u16);
        }
    }
    if mode == AnswerMode::Weighted {
        let first = usize::from(*set.tiers.first()?);
        set.draw = draw_table(&weights[..first]);
    }
    (!set.records.is_empty()).then_some(set)
}
