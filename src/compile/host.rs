//! The names of one host in a global zone: which exist, and what stands at each (DNS.md section 2).
//!
//! In: a host's [`HostAnswer`] per group of views. Out: [`HostClaim`]s: names in a global zone are shared between hosts (their
//! ancestors, a host that is also an ancestor), so publish counts claims and [`compose`] makes the Draft.

use super::Settings;
use super::merge_views::{ViewNames, draft, fold};
use super::rrset::{MESSAGE_ROOM, served, target_sets};
use super::srv::{cluster_set_ip_rows, srv_set};
use super::zone::{Zone, ZoneKind};
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::model::fact::Protocol;
use crate::model::host::fact::{RecordValues, SrvValue};
use crate::model::{HostAnswer, HostRecords};
use crate::table::{Draft, Glue, NO_CLUSTER, Order, Record, RrSet};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one host says about one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostClaim {
    /// The name as this host would have it.
    pub draft: Draft,
    /// True for the host itself and its SRV names: the records are its own. False for names that must exist between
    /// them and the zone.
    pub owns: bool,
}

/// Every name of a host. `answers` holds each distinct answer with the views (bits) that see it; the masks are disjoint.
/// A host that no global zone covers, or that is no name, has none.
pub fn compile_host(host: &str, answers: &[(u64, HostAnswer)], settings: &Settings) -> Vec<HostClaim> {
    let Ok(name) = Name::parse(host) else { return Vec::new() };
    let Some(zone) = zone_of(&name, settings) else { return Vec::new() };
    let names = answers.iter().map(|(mask, answer)| (*mask, Scope { host: &name, zone, answer, settings }.names()));
    let claim = |draft: Draft| {
        let owns = draft.orders.iter().any(|order| !order.sets.is_empty());
        HostClaim { draft, owns }
    };
    fold(zone.number, names.collect()).into_iter().map(claim).collect()
}

fn zone_of<'a>(name: &Name, settings: &'a Settings) -> Option<&'a Zone> {
    let global = settings.zones.of_kind(ZoneKind::Global).filter(|zone| name.is_within(&zone.name));
    global.max_by_key(|zone| zone.name.wire().len())
}

/// The Draft of a name: in each view the records of the first of `owners` that has the name there, else nothing but
/// existence where `ancestors` (a bit per view) says so. `None`: the name exists nowhere.
pub fn compose(name: &Name, zone: u8, owners: &[Draft], ancestors: u64) -> Option<Draft> {
    let mut orders: Vec<(u64, Order)> = Vec::new();
    let mut add = |mask: u64, order: &Order| match orders.iter_mut().find(|(_, other)| other == order) {
        Some((views, _)) => *views |= mask,
        None => orders.push((mask, order.clone())),
    };
    let mut taken = 0;
    for owner in owners {
        for view in (0..64).filter(|view| (owner.presence & !taken) >> view & 1 == 1) {
            let index = owner.order_of.get(view).copied().unwrap_or(0);
            if let Some(order) = owner.orders.get(usize::from(index)) {
                add(1 << view, order);
            }
        }
        taken |= owner.presence;
    }
    if ancestors & !taken != 0 {
        add(ancestors & !taken, &Order::default());
    }
    (!orders.is_empty()).then(|| draft(name.clone(), zone, orders))
}

/// One answer under one host.
struct Scope<'a> {
    host: &'a Name,
    zone: &'a Zone,
    answer: &'a HostAnswer,
    settings: &'a Settings,
}

impl Scope<'_> {
    fn names(&self) -> ViewNames {
        let mut names = ViewNames::default();
        names.add_below(self.host.clone(), &self.zone.name, self.at_host());
        // What a wildcard stands for has no name that an SRV record could point to.
        if !self.host.wire().starts_with(b"\x01*") {
            self.service_names(&mut names);
        }
        names
    }

    fn at_host(&self) -> Vec<RrSet> {
        let answer = &self.answer.addresses;
        let targets = &answer.targets[..served(answer.targets.iter(), self.settings)];
        let mut sets = target_sets(targets, answer.mode, answer.ttl, &self.settings.columns);
        sets.extend(self.answer.records.iter().filter_map(|records| self.record_set(records)));
        if sets.is_empty() {
            sets.push(RrSet::owner_mark());
        }
        sets
    }

    /// `_<port>._tcp|_udp.<host>`, target the host (SOURCES.md 3.4).
    fn service_names(&self, names: &mut ViewNames) {
        let answer = &self.answer.addresses;
        let targets = &answer.targets[..served(answer.targets.iter(), self.settings)];
        let wanted: BTreeSet<(&Arc<str>, Protocol)> =
            answer.ports.iter().map(|port| (&port.name, port.protocol)).collect();
        for (port, protocol) in wanted {
            let labels = [format!("_{port}"), format!("_{}", protocol.label())];
            let Ok(name) = self.host.prepend(labels.iter().map(String::as_bytes)) else { continue };
            let offset = 12 + name.wire().len() - self.host.wire().len();
            let owner = u16::to_be_bytes(0xc000 | offset as u16);
            let of_port = answer.ports.iter().filter(|other| other.name == *port && other.protocol == protocol);
            let numbers = of_port.map(|port| port.number);
            let rows = cluster_set_ip_rows(answer, targets, numbers, self.host, &owner);
            let set = srv_set(rows, answer.ttl, self.settings).unwrap_or_else(RrSet::owner_mark);
            names.add_below(name, self.host, vec![set]);
        }
    }

    /// The set of records that are no addresses; `None` when none of them can stand on the wire.
    fn record_set(&self, records: &HostRecords) -> Option<RrSet> {
        let name = |text: &Arc<str>| Name::parse(text).ok().map(|name| name.wire().to_vec());
        let (rtype, rdata): (u16, Vec<Vec<u8>>) = match &records.values {
            RecordValues::Addresses(_) => return None,
            RecordValues::Alias(target) => (rtype::CNAME, name(target).into_iter().collect()),
            RecordValues::Pointers(targets) => (rtype::PTR, targets.iter().filter_map(name).collect()),
            RecordValues::Texts(texts) => (rtype::TXT, texts.iter().map(|strings| text_rdata(strings)).collect()),
            RecordValues::Services(rows) => (rtype::SRV, rows.iter().filter_map(srv_rdata).collect()),
        };
        let mut room = MESSAGE_ROOM;
        let most = match self.settings.max_answer_records {
            0 => usize::MAX,
            most => most,
        };
        let fits = |rdata: &Vec<u8>| {
            let left = room.checked_sub(12 + rdata.len());
            room = left.unwrap_or(room);
            left.is_some()
        };
        let record = |rdata| Record { rdata, cluster: NO_CLUSTER, glue: Glue::default() };
        let records_kept: Vec<Record> = rdata.into_iter().filter(fits).take(most).map(record).collect();
        let (ttl, stale) = (records.ttl, records.stale);
        let set = RrSet { rtype, ttl, records: records_kept, tiers: Vec::new(), draw: None, stale, serial: false };
        (!set.records.is_empty()).then_some(set)
    }
}

/// Character-strings, each behind its length (RFC 1035 section 3.3.14).
fn text_rdata(strings: &[Arc<str>]) -> Vec<u8> {
    let mut rdata = Vec::new();
    for string in strings {
        let octets = &string.as_bytes()[..string.len().min(255)];
        rdata.push(octets.len() as u8);
        rdata.extend_from_slice(octets);
    }
    rdata
}

/// RFC 2782; the target is never compressed.
fn srv_rdata(row: &SrvValue) -> Option<Vec<u8>> {
    let target = Name::parse(&row.target).ok()?;
    let mut rdata = Vec::with_capacity(6 + target.wire().len());
    for number in [row.priority, row.weight, row.port] {
        rdata.extend_from_slice(&number.to_be_bytes());
    }
    rdata.extend_from_slice(target.wire());
    Some(rdata)
}
