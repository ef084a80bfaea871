//! The zones and the names that exist in each of them whatever the clusters say (DNS.md sections 1 and 2).

use super::rrset::address_set;
use crate::dns::types::rtype;
use crate::dns::{Name, NameError};
use crate::model::ServiceKey;
use crate::table::{Draft, Glue, NO_CLUSTER, Order, Record, RrSet};
use std::net::IpAddr;

/// The version of the Kubernetes DNS specification that is followed.
const DNS_VERSION: &str = "1.1.0";
const DNS_VERSION_TTL: u32 = 28_800;
/// A pointer to the question's name (RFC 1035 section 4.1.4).
pub(super) const QUESTION: [u8; 2] = [0xc0, 0x0c];

/// What kind of names live in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ZoneKind {
    /// `<svc>.<ns>.svc.Z` (KEP-1645).
    Clusterset,
    /// ServiceEntry-style hosts and formed names.
    Global,
    /// Names of addresses, below `in-addr.arpa` or `ip6.arpa`.
    Reverse,
}

/// One zone of authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    pub name: Name,
    pub kind: ZoneKind,
    /// Number of the zone in Blocks and in the Frame.
    pub number: u8,
    /// `svc.<zone>`, the parent of every namespace.
    pub svc: Name,
}

impl Zone {
    /// `<svc>.<ns>.svc.<zone>`.
    ///
    /// # Errors
    /// The name is longer than 255 octets.
    pub fn service(&self, key: &ServiceKey) -> Result<Name, NameError> {
        self.svc.prepend([key.name().as_bytes(), key.namespace().as_bytes()])
    }
}

/// All zones, numbered in the order of the configuration: clusterset zones, global zones, reverse zones.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    pub list: Vec<Zone>,
    /// TTL of zone data and of negative answers, seconds.
    pub ttl: u32,
    /// Addresses of `ns.dns.<zone>`.
    pub nameserver: Vec<IpAddr>,
}

impl Zones {
    /// Numbers the zones. Fails when `svc.`, `dns-version.` or `ns.dns.` would not fit before one of them.
    pub fn new(clusterset: &[Name], global: &[Name], ttl: u32, nameserver: Vec<IpAddr>) -> Result<Self, NameError> {
        let kinds = clusterset.iter().map(|name| (name, ZoneKind::Clusterset));
        let kinds = kinds.chain(global.iter().map(|name| (name, ZoneKind::Global)));
        let mut list = Vec::new();
        for ((name, kind), number) in kinds.zip(0u8..) {
            name.child("dns-version")?;
            list.push(Zone { name: name.clone(), kind, number, svc: name.child("svc")? });
        }
        Ok(Zones { list, ttl, nameserver })
    }

    /// Adds reverse zones behind the others. Fails when `ns.dns.` would not fit before one of them.
    pub fn with_reverse(mut self, reverse: &[Name]) -> Result<Self, NameError> {
        for (name, number) in reverse.iter().zip(self.list.len() as u8..) {
            name.child("dns")?.child("ns")?;
            self.list.push(Zone { name: name.clone(), kind: ZoneKind::Reverse, number, svc: name.child("svc")? });
        }
        Ok(self)
    }

    /// The zones of one kind.
    pub fn of_kind(&self, kind: ZoneKind) -> impl Iterator<Item = &Zone> {
        self.list.iter().filter(move |zone| zone.kind == kind)
    }
}

/// The names a zone has by itself: apex, name server, and in a clusterset zone `svc`, `pod` and `dns-version`.
pub fn zone_names(zone: &Zone, zones: &Zones) -> Result<Vec<Draft>, NameError> {
    let everywhere = |name: Name, sets: Vec<RrSet>| Draft {
        name,
        zone: zone.number,
        presence: u64::MAX,
        order_of: Vec::new(),
        orders: vec![Order::from(sets)],
    };
    let dns = zone.name.child("dns")?;
    let mut addresses = name_server_addresses(zones);
    if addresses.is_empty() {
        // The name is the zone's own nevertheless: none is formed there.
        addresses.push(RrSet::owner_mark());
    }
    let mut drafts = vec![
        everywhere(zone.name.clone(), vec![soa(zones.ttl), name_server(zones)]),
        everywhere(dns.child("ns")?, addresses),
        everywhere(dns, Vec::new()),
    ];
    if zone.kind == ZoneKind::Clusterset {
        drafts.push(everywhere(zone.svc.clone(), Vec::new()));
        drafts.push(everywhere(zone.name.child("pod")?, Vec::new()));
        drafts.push(everywhere(zone.name.child("dns-version")?, vec![dns_version()]));
    }
    Ok(drafts)
}

fn plain_set(rtype: u16, ttl: u32, rdata: Vec<u8>, glue: Glue) -> RrSet {
    let record = Record { rdata, cluster: NO_CLUSTER, glue };
    RrSet { rtype, ttl, records: vec![record], tiers: Vec::new(), draw: None, stale: false, serial: false }
}

/// The labels `ns.dns` before a pointer to the apex, which is the question.
fn name_server_at_apex() -> Vec<u8> {
    [b"\x02ns\x03dns".as_slice(), &QUESTION].concat()
}

/// The SOA of the apex; the serial is written by the responder (RFC 1035 section 3.3.13, DNS.md section 4).
fn soa(ttl: u32) -> RrSet {
    let mut rdata = name_server_at_apex();
    rdata.extend_from_slice(b"\x0ahostmaster");
    rdata.extend_from_slice(&QUESTION);
    for number in [0, 7200, 1800, 86_400, ttl] {
        rdata.extend_from_slice(&u32::to_be_bytes(number));
    }
    RrSet { serial: true, ..plain_set(rtype::SOA, ttl, rdata, Glue::default()) }
}

fn name_server(zones: &Zones) -> RrSet {
    let mut glue = Glue::default();
    for set in name_server_addresses(zones) {
        for record in &set.records {
            glue.push(&name_server_at_apex(), set.rtype, set.ttl, &record.rdata);
        }
    }
    plain_set(rtype::NS, zones.ttl, name_server_at_apex(), glue)
}

fn name_server_addresses(zones: &Zones) -> Vec<RrSet> {
    let rows = || zones.nameserver.iter().map(|address| (*address, NO_CLUSTER));
    let one_tier = |set: RrSet| RrSet { tiers: Vec::new(), ..set };
    [rtype::A, rtype::AAAA]
        .into_iter()
        .filter_map(|rtype| address_set(rtype, zones.ttl, rows()))
        .map(one_tier)
        .collect()
}

fn dns_version() -> RrSet {
    let rdata = [&[DNS_VERSION.len() as u8], DNS_VERSION.as_bytes()].concat();
    plain_set(rtype::TXT, DNS_VERSION_TTL, rdata, Glue::default())
}
