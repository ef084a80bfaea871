//! SRV sets: rows, priorities, weights and the targets' addresses (DNS.md section 1, "SRV"; RFC 2782).

use super::rrset::{FAMILIES, MESSAGE_ROOM, rtype_of};
use super::weight::SrvWeights;
use super::{Settings, SrvPriority};
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::model::hashed::Firsts;
use crate::model::{Answer, Host, Target};
use crate::table::{Glue, NO_CLUSTER, Record, RrSet};
use std::collections::BTreeMap;

/// One row before its weight is known.
pub(super) struct Row<'a> {
    pub priority: u16,
    pub weight: u32,
    pub port: u16,
    pub target: &'a Name,
    pub glue: Glue,
    pub stale: bool,
}

/// The set of `rows`; `None` when there are none. Rows that the largest message cannot hold are cut at the end.
pub(super) fn srv_set(mut rows: Vec<Row<'_>>, ttl: u32, settings: &Settings) -> Option<RrSet> {
    rows.sort_by_key(|row| row.priority);
    if settings.max_answer_records > 0 {
        rows.truncate(settings.max_answer_records);
    }
    let mut set = RrSet {
        rtype: rtype::SRV,
        ttl,
        records: Vec::with_capacity(rows.len()),
        tiers: Vec::new(),
        draw: None,
        stale: false,
        serial: false,
    };
    let mut room = MESSAGE_ROOM;
    for group in rows.chunk_by_mut(|a, b| a.priority == b.priority) {
        let weights = SrvWeights::new(group.iter().map(|row| row.weight));
        for row in group {
            let length = 12 + 6 + row.target.wire().len();
            if length > room {
                return Some(set);
            }
            room -= length;
            set.stale |= row.stale;
            let glue = std::mem::take(&mut row.glue);
            let rdata = rdata(row, weights.of(row.weight));
            set.records.push(Record { rdata, cluster: NO_CLUSTER, glue });
        }
    }
    (!set.records.is_empty()).then_some(set)
}

fn rdata(row: &Row<'_>, weight: u16) -> Vec<u8> {
    let mut rdata = Vec::with_capacity(6 + row.target.wire().len());
    for number in [row.priority, weight, row.port] {
        rdata.extend_from_slice(&number.to_be_bytes());
    }
    rdata.extend_from_slice(row.target.wire());
    rdata
}

/// Priorities of hosts: they rise in the order in which the answer stands, so that a client that reads them tries targets as one
/// does that takes the first address.
pub(super) struct Priorities(BTreeMap<Place, u16>);

/// Where a host stands among the others; the smallest comes first.
type Place = (bool, bool, u8);

fn place(host: &Host) -> Place {
    (host.ill, host.stale, host.tier)
}

impl Priorities {
    /// `none`: 0, stale rows 1, rows that fail their health check 2. `tier`: the tier; stale rows one after the last tier before
    /// them, whatever their tier; rows that fail their check after all of these, in the same way.
    pub fn new<'a>(settings: &Settings, hosts: impl Iterator<Item = &'a Host>) -> Self {
        let mut priorities: BTreeMap<Place, u16> = hosts.map(|host| (place(host), 0)).collect();
        let mut before: Option<(Place, u16)> = None;
        for (&(ill, stale, tier), priority) in &mut priorities {
            *priority = match (settings.srv_priority, before) {
                (SrvPriority::None, _) if ill => 2,
                (SrvPriority::None, _) => u16::from(stale),
                (SrvPriority::Tier, Some(((_, true, _), last))) if stale && before.is_some_and(|(b, _)| b.0 == ill) => {
                    last
                }
                (SrvPriority::Tier, Some((_, last))) if ill || stale => last + 1,
                (SrvPriority::Tier, None) if stale => 1,
                (SrvPriority::Tier, _) => u16::from(tier),
            };
            before = Some(((ill, stale, tier), *priority));
        }
        Priorities(priorities)
    }

    pub fn of(&self, host: &Host) -> u16 {
        self.0.get(&place(host)).copied().unwrap_or(0)
    }
}

/// Rows of a ClusterSetIP service: one per port number in `numbers`, target the service name; the first brings the
/// additional records of all. None when it has no address, for every printed target must resolve.
pub(super) fn cluster_set_ip_rows<'a>(
    answer: &Answer,
    served: &[Target],
    numbers: impl Iterator<Item = u16>,
    service: &'a Name,
    owner: &[u8],
) -> Vec<Row<'a>> {
    let stale = !served.is_empty() && served.iter().all(|target| target.stale);
    let restored = served.iter().any(|target| target.restored);
    let (priority, stale) = (u16::from(stale), stale || restored);
    let mut seen = Firsts::default();
    let numbers = numbers.filter(|number| seen.is_new(*number));
    let row = |port| Row { priority, weight: 1, port, target: service, glue: Glue::default(), stale };
    let mut rows: Vec<Row<'a>> = numbers.map(row).collect();
    let Some(first) = rows.first_mut() else { return rows };
    for family in FAMILIES {
        let mut seen = Firsts::default();
        for address in served.iter().flat_map(|target| &target.addresses) {
            if rtype_of(*address) == family && seen.is_new(*address) {
                first.glue.push_address(owner, answer.ttl, *address);
            }
        }
    }
    if first.glue.count == 0 { Vec::new() } else { rows }
}

/// A host and everything its rows need.
pub(super) struct SrvHost<'a> {
    pub host: &'a Host,
    pub target: Name,
    /// Owner octets of its glue: its labels and a pointer into the question, or the pointer alone at its own name.
    pub owner: Vec<u8>,
    pub priority: u16,
}

impl SrvHost<'_> {
    /// One row per distinct port number that `wanted` picks.
    pub(super) fn rows(&self, ttl: u32, wanted: impl Fn(&crate::model::fact::Port) -> bool) -> Vec<Row<'_>> {
        let mut seen = Firsts::default();
        let ports = self.host.ports.iter().filter(|port| wanted(port) && seen.is_new(port.number));
        let row = |port: &crate::model::fact::Port| Row {
            priority: self.priority,
            weight: self.host.weight,
            port: port.number,
            target: &self.target,
            glue: Glue::of_addresses(&self.owner, ttl, &self.host.addresses),
            stale: self.host.stale || self.host.restored,
        };
        ports.map(row).collect()
    }
}
