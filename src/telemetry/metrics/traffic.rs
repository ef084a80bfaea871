//! The series of queries and connections: CoreDNS's names, and what the transports count.

use super::families::Families;
use crate::responder::{NO_ZONE, TYPE_NAMES, Transport};
use crate::telemetry::counters::{CellCounts, DROP_REASONS, REFUSALS, ServerCounts, Snapshot, StreamCounts, TIMEOUTS};
use crate::telemetry::histogram::{Histogram, MESSAGE_BYTES, REQUEST_SECONDS};
use std::collections::BTreeMap;

/// Texts of the Frame's numbers.
pub(super) struct Labels<'a> {
    /// Zone with its final dot; the number beside it is its serial.
    pub zones: &'a [(String, u32)],
    pub views: &'a [String],
}

impl Labels<'_> {
    fn zone(&self, number: u8) -> &str {
        const UNLISTED: &str = "other";
        match number {
            NO_ZONE => "dropped",
            number => self.zones.get(usize::from(number)).map_or(UNLISTED, |(name, _)| name),
        }
    }

    /// A view that a reload removed keeps its number as a name.
    fn view(&self, number: u8) -> String {
        self.views.get(usize::from(number)).cloned().unwrap_or_else(|| number.to_string())
    }
}

/// Rcodes by number (IANA); the last one stands for every other.
const RCODES: [&str; crate::telemetry::counters::RCODES] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
    "DSOTYPENI",
    "12",
    "13",
    "14",
    "15",
    "BADVERS",
    "other",
];
/// The name of this server where CoreDNS names a plugin.
const PLUGIN: &str = "clusterset";
const FAMILIES: [&str; 2] = ["1", "2"];

/// gRPC counts as tcp, as in CoreDNS.
fn proto(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "udp",
        Transport::Tcp | Transport::Grpc => "tcp",
    }
}

/// Adds every series of the counters. Series that only ever are zero are left out, save where an alert reads them.
pub(super) fn add(families: &mut Families, counts: &Snapshot, labels: &Labels<'_>) {
    requests(families, counts, labels);
    responses(families, counts, labels);
    sizes(families, counts, labels);
    enabled(families, counts, labels);
    messages(families, counts, labels);
    streams(families, &counts.tcp, &counts.grpc);
}

/// Sums `value` over the cells that share `key`: TCP and gRPC are one protocol, and most names have no protocol label.
fn sum<K: Ord>(
    counts: &Snapshot,
    mut visit: impl FnMut(&ServerCounts, &CellCounts, &mut dyn FnMut(K, u64)),
) -> BTreeMap<K, u64> {
    let mut sums = BTreeMap::new();
    for server in &counts.servers {
        for cell in &server.cells {
            visit(server, cell, &mut |key, value| {
                if value > 0 {
                    *sums.entry(key).or_insert(0) += value;
                }
            });
        }
    }
    sums
}

fn requests(families: &mut Families, counts: &Snapshot, labels: &Labels<'_>) {
    let sums = sum(counts, |server, cell, add| {
        for (family, by_type) in FAMILIES.into_iter().zip(&cell.requests) {
            for (rtype, requests) in TYPE_NAMES.into_iter().zip(by_type) {
                add((server.server.clone(), cell.zone, cell.view, proto(server.transport), family, rtype), *requests);
            }
        }
    });
    for ((server, zone, view, proto, family, rtype), requests) in sums {
        let values = [&*server, labels.zone(zone), &labels.view(view), proto, family, rtype];
        families.add("dns_requests_total", &values, requests as f64);
    }
}

fn responses(families: &mut Families, counts: &Snapshot, labels: &Labels<'_>) {
    let sums = sum(counts, |server, cell, add| {
        for (rcode, responses) in RCODES.into_iter().zip(cell.responses) {
            add((server.server.clone(), cell.zone, cell.view, rcode), responses);
        }
    });
    for ((server, zone, view, rcode), responses) in sums {
        let values = [&*server, labels.zone(zone), &labels.view(view), rcode, PLUGIN];
        families.add("dns_responses_total", &values, responses as f64);
    }
}

/// Counts per bucket, summed over cells.
#[derive(Default)]
struct Buckets {
    counts: Vec<u64>,
    sum: u64,
}

impl Buckets {
    fn absorb(&mut self, counts: &[u64], sum: u64) {
        self.counts.resize(counts.len(), 0);
        self.counts.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        self.sum += sum;
    }
}

/// Histograms, and DO, by server, zone and view.
fn sizes(families: &mut Families, counts: &Snapshot, labels: &Labels<'_>) {
    let mut durations: BTreeMap<(&str, u8, u8), (Buckets, u64)> = BTreeMap::new();
    let mut octets: BTreeMap<(&str, u8, u8, &str), (Buckets, Buckets)> = BTreeMap::new();
    for server in &counts.servers {
        for cell in &server.cells {
            let (buckets, dnssec_ok) = durations.entry((&server.server, cell.zone, cell.view)).or_default();
            buckets.absorb(&cell.durations, cell.duration_nanos);
            *dnssec_ok += cell.dnssec_ok;
            let key = (&*server.server, cell.zone, cell.view, proto(server.transport));
            let (requests, responses) = octets.entry(key).or_default();
            requests.absorb(&cell.request_sizes, cell.request_octets);
            responses.absorb(&cell.response_sizes, cell.response_octets);
        }
    }
    for ((server, zone, view), (buckets, dnssec_ok)) in durations {
        let values = [server, labels.zone(zone), &labels.view(view)];
        let seconds = Histogram::from_counts(REQUEST_SECONDS, buckets.counts, buckets.sum as f64 / 1e9);
        families.histogram("dns_request_duration_seconds", &values, &seconds);
        families.add("dns_do_requests_total", &values, dnssec_ok as f64);
    }
    for ((server, zone, view, proto), (requests, responses)) in octets {
        let values = [server, labels.zone(zone), &labels.view(view), proto];
        for (name, buckets) in [("dns_request_size_bytes", requests), ("dns_response_size_bytes", responses)] {
            let sizes = Histogram::from_counts(MESSAGE_BYTES, buckets.counts, buckets.sum as f64);
            families.histogram(name, &values, &sizes);
        }
    }
}

fn enabled(families: &mut Families, counts: &Snapshot, labels: &Labels<'_>) {
    let servers: std::collections::BTreeSet<&str> = counts.servers.iter().map(|server| &*server.server).collect();
    for server in servers {
        for (zone, _) in labels.zones {
            families.add("plugin_enabled", &[server, zone, "", PLUGIN], 1.0);
        }
    }
}

/// What has a label of its own beside zone and server.
fn messages(families: &mut Families, counts: &Snapshot, labels: &Labels<'_>) {
    for (view, replies) in sum(counts, |_, cell, add| add(cell.view, cell.stale)) {
        families.add("stale_answers_total", &[&labels.view(view)], replies as f64);
    }
    let truncated = sum(counts, |server, cell, add| add(proto(server.transport), cell.truncated));
    for proto in ["udp", "tcp"] {
        families.add("truncated_total", &[proto], truncated.get(proto).copied().unwrap_or(0) as f64);
    }
    let (mut ede, mut dropped, mut malformed) = (BTreeMap::new(), [0; DROP_REASONS.len()], [0; 3]);
    for server in &counts.servers {
        for (code, replies) in server.ede.iter().enumerate().filter(|(_, replies)| **replies > 0) {
            *ede.entry(code).or_insert(0) += replies;
        }
        if server.transport == Transport::Udp {
            dropped.iter_mut().zip(server.dropped).for_each(|(total, count)| *total += count);
        }
        malformed[server.transport as usize] += server.malformed;
    }
    for (code, replies) in ede {
        families.add("ede_total", &[&code.to_string()], replies as f64);
    }
    for (reason, messages) in DROP_REASONS.into_iter().zip(dropped) {
        families.add("udp_dropped_total", &[reason], messages as f64);
    }
    for (transport, messages) in ["udp", "tcp", "grpc"].into_iter().zip(malformed) {
        families.add("malformed_total", &[transport], messages as f64);
    }
}

fn streams(families: &mut Families, tcp: &StreamCounts, grpc: &StreamCounts) {
    families.add("tcp_connections", &[], tcp.connections as f64);
    families.add("grpc_connections", &[], grpc.connections as f64);
    for (name, counts) in [("tcp_refused_total", tcp), ("grpc_refused_total", grpc)] {
        for (reason, connections) in REFUSALS.into_iter().zip(counts.refused) {
            families.add(name, &[reason], connections as f64);
        }
    }
    for (kind, connections) in TIMEOUTS.into_iter().zip(tcp.timeouts) {
        families.add("tcp_timeouts_total", &[kind], connections as f64);
    }
}
