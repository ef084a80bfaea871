//! Hosts of global zones: which objects answer, in which order of rules, for whom.

use crate::model::cluster::{GatewayAddress, State};
use crate::model::fact::*;
use crate::model::fixture::*;
use crate::model::host::fact::*;
use crate::model::host::{HostAnswer, findings, merge_host};
use crate::model::policy::{AnswerMode, OwnPolicy, PolicyRule};
use crate::model::select::select_host;
use crate::model::trace::FindingTrace;
use crate::model::{Change, ClusterId, NoTrace, Prefix, View};
use std::sync::Arc;

mod entries;
mod records;
mod sets;

/// ServiceEntry `mesh/<name>` of one host with port http 80.
pub(super) fn entry(name: &str, host: &str) -> ServiceEntryFact {
    ServiceEntryFact {
        key: at(&format!("mesh/{name}")),
        hosts: vec![host.into()],
        addresses: Vec::new(),
        allocated: Vec::new(),
        ports: vec![EntryPort { name: "http".into(), protocol: Protocol::Tcp, number: 80, target_port: None }],
        allocates: Allocates::Nothing,
        resolution: Resolution::Endpoints,
        endpoints: Vec::new(),
        selector: None,
        exported: true,
        own: OwnPolicy::default(),
        origin: Origin::default(),
    }
}

/// `10.0.0.1` or a host name, then any of `cluster=`, `network=`, `region=`, `weight=`, `port=` (of http), `draining`, `down`.
pub(super) fn workload(text: &str) -> Workload {
    let mut words = text.split(' ');
    let address = words.next().unwrap();
    let mut found = workload_at(address.parse().map_or_else(|_| Ingress::Host(address.into()), Ingress::Ip));
    for word in words {
        match word.split_once('=') {
            Some(("cluster", id)) => found.cluster = Some(ClusterId::new(id)),
            Some(("network", name)) => found.network = Some(name.into()),
            Some(("region", name)) => found.region = Some(name.into()),
            Some(("weight", number)) => found.weight = number.parse().ok(),
            Some(("port", number)) => found.ports.push(("http".into(), number.parse().unwrap())),
            _ if word == "draining" => found.draining = true,
            _ if word == "down" => found.ready = false,
            _ => panic!("unknown word {word}"),
        }
    }
    found
}

pub(super) fn with_endpoints(name: &str, host: &str, endpoints: &[&str]) -> Fact {
    with(entry(name, host), |entry| entry.endpoints = endpoints.iter().map(|text| workload(text)).collect()).into()
}

pub(super) fn with_vips(name: &str, host: &str, vips: &[&str]) -> Fact {
    with(entry(name, host), |entry| entry.addresses = vips.iter().map(|text| ip(text)).collect()).into()
}

/// A DNSEndpoint `dns/<name>`.
pub(super) fn endpoint_of(name: &str, records: Vec<DnsRecord>) -> Fact {
    let (own, origin) = (OwnPolicy::default(), Origin::default());
    DnsEndpointFact { key: at(&format!("dns/{name}")), records, own, origin }.into()
}

/// Addresses of a host; the words behind them are `set=`, `weight=`, `failover=`, `region=`, `ttl=`, `multi`.
pub(super) fn addresses(host: &str, text: &str) -> DnsRecord {
    let ips = text.split(' ').filter_map(|word| word.parse().ok()).collect();
    record(host, RecordValues::Addresses(ips), text)
}

pub(super) fn record(host: &str, values: RecordValues, text: &str) -> DnsRecord {
    let mut record = DnsRecord { name: host.into(), values, ttl: None, routing: Routing::default() };
    for word in text.split(' ') {
        match word.split_once('=') {
            Some(("set", id)) => record.routing.set = Some(id.into()),
            Some(("weight", number)) => record.routing.weight = number.parse().ok(),
            Some(("failover", tier)) => record.routing.failover = tier.parse().ok(),
            Some(("region", name)) => record.routing.region = Some(name.into()),
            Some(("ttl", seconds)) => record.ttl = seconds.parse().ok(),
            _ => record.routing.multi_value |= word == "multi",
        }
    }
    record
}

impl World {
    fn host(&self, host: &str, view: &View) -> Option<HostAnswer> {
        select_host(&merge_host(&host.into(), &self.set), view, &self.set, &mut NoTrace)
    }

    /// As [`show`]; `absent`, or what a host without an address has instead.
    fn resolved(&self, host: &str, view: &View) -> String {
        let Some(answer) = self.host(host, view) else { return "absent".to_owned() };
        match &answer.records[..] {
            [] => show(&crate::model::Selection::Present(answer.addresses)),
            records => records.iter().map(|r| format!("{} {:?}", r.ttl, r.values)).collect::<Vec<_>>().join("; "),
        }
    }

    fn host_codes(&self, host: &str, view: &View) -> Vec<&'static str> {
        let mut trace = FindingTrace::default();
        let entry = merge_host(&host.into(), &self.set);
        select_host(&entry, view, &self.set, &mut trace);
        codes(&entry.findings).into_iter().chain(codes(&trace.0)).collect()
    }

    /// Hosts that one observation touched, sorted.
    fn touches(&mut self, id: &str, fact: Fact) -> Vec<String> {
        let touched = self.observe(id, Change::Apply { fact, findings: Vec::new() });
        let mut hosts: Vec<String> = touched.hosts.iter().map(ToString::to_string).collect();
        hosts.sort();
        hosts
    }
}
