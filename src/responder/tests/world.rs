//! A small table of every kind of name, and the way to ask it.

use super::reading::{Question, Read, read};
use crate::dns::types::rtype;
use crate::dns::{Name, rdata};
use crate::responder::{Client, Outcome, Transport, Verdict, respond};
use crate::table::{
    Block, ClusterColumn, Draft, Frame, FrameSettings, Glue, NO_CLUSTER, Order, Record, RrSet, Table, TableChange,
    ZoneKind, ZoneSettings,
};

pub const EAST: u16 = 0;
pub const WEST: u16 = 1;
pub const TWO_LABELS: u16 = 2;

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub fn record(rdata: Vec<u8>) -> Record {
    Record { rdata, cluster: NO_CLUSTER, glue: Glue::default() }
}

pub fn set(rtype: u16, records: Vec<Record>) -> RrSet {
    RrSet { rtype, ttl: 5, records, tiers: Vec::new(), draw: None, stale: false, serial: false }
}

/// A records in tiers: `(last octets, cluster)`, each a tier.
pub fn tiers(parts: &[(&[u8], u16)]) -> RrSet {
    let of = |(lasts, cluster): &(&[u8], u16)| {
        let cluster = *cluster;
        lasts.iter().map(move |last| Record { cluster, ..record(vec![10, 0, 0, *last]) }).collect::<Vec<_>>()
    };
    let lengths = parts.iter().map(|(lasts, _)| lasts.len() as u16).collect();
    RrSet { tiers: lengths, ..set(rtype::A, parts.iter().flat_map(of).collect()) }
}

/// The zones' number in the Frame: `clusterset.local` 0, `global` 1.
pub fn draft(owner: &str, sets: Vec<RrSet>) -> Draft {
    let owner = name(owner);
    let zone = u8::from(owner.is_within(&name("global")));
    Draft { name: owner, zone, presence: u64::MAX, order_of: Vec::new(), orders: vec![Order::from(sets)] }
}

pub fn put(table: &Table, owner: &str, sets: Vec<RrSet>) {
    put_draft(table, &draft(owner, sets));
}

pub fn put_draft(table: &Table, draft: &Draft) {
    table.apply([TableChange::Put(Block::pack(draft))]);
}

pub fn settings() -> FrameSettings {
    let zone = |text, kind| ZoneSettings { name: name(text), kind, ttl: 5, unknown: 0 };
    let cluster = |id, column| ClusterColumn { id: name(id), column, views: u64::MAX };
    FrameSettings {
        zones: vec![zone("clusterset.local", ZoneKind::Clusterset), zone("global", ZoneKind::Global)],
        clusters: vec![cluster("east", EAST), cluster("west", WEST), cluster("eu.prod", TWO_LABELS)],
        ..FrameSettings::default()
    }
}

/// Every kind of name that DNS.md section 1 lists, as compile would make it.
pub fn world() -> Table {
    let table = Table::new(Frame::new(settings()));
    for zone in ["clusterset.local", "global"] {
        let glue_owner = rdata::pointed_owner(&name("ns.dns").prepend([]).unwrap(), &name("x"));
        assert_eq!(glue_owner, name("ns.dns").wire());
        let glue = Glue {
            wire: rdata::record(&rdata::pointed_name(&["ns", "dns"], 12), rtype::A, 5, &[10, 96, 0, 10]),
            count: 1,
        };
        let soa = RrSet { serial: true, ..set(rtype::SOA, vec![record(rdata::zone_soa(5))]) };
        let ns = set(rtype::NS, vec![Record { glue, ..record(rdata::zone_ns()) }]);
        put(&table, zone, vec![soa, ns]);
        put(&table, &format!("ns.dns.{zone}"), vec![set(rtype::A, vec![record(vec![10, 96, 0, 10])])]);
        put(&table, &format!("dns.{zone}"), Vec::new());
    }
    for empty in ["svc", "pod", "shop.svc", "_tcp.web.shop.svc"] {
        put(&table, &format!("{empty}.clusterset.local"), Vec::new());
    }
    let version = RrSet { ttl: 28_800, ..set(rtype::TXT, vec![record(rdata::txt(b"1.1.0"))]) };
    put(&table, "dns-version.clusterset.local", vec![version]);
    let web = name("web.shop.svc.clusterset.local");
    let glue_for = |question: &Name| Glue {
        wire: rdata::record(&rdata::pointed_owner(&web, question), rtype::A, 5, &[10, 0, 0, 1]),
        count: 1,
    };
    let srv = |glue| set(rtype::SRV, vec![Record { glue, ..record(rdata::srv(0, 1, 80, &web)) }]);
    let addresses = tiers(&[(&[1], EAST)]);
    put(&table, "web.shop.svc.clusterset.local", vec![addresses, srv(glue_for(&web))]);
    let port = name("_http._tcp.web.shop.svc.clusterset.local");
    put(&table, "_http._tcp.web.shop.svc.clusterset.local", vec![srv(glue_for(&port))]);
    put(&table, "db.shop.svc.clusterset.local", vec![tiers(&[(&[1, 2], EAST), (&[11, 12, 13], WEST)])]);
    table.bump_serial(0, 1000);
    table.bump_serial(1, 1000);
    table
}

/// Who asks.
pub fn client(transport: Transport) -> Client {
    Client { address: "192.0.2.1".parse().unwrap(), transport, listener_view: None, random: 0 }
}

/// Asks over UDP; panics unless there is a reply.
pub fn asked(table: &Table, question: &Question) -> Read {
    asked_by(table, &client(Transport::Udp), question)
}

pub fn asked_by(table: &Table, client: &Client, question: &Question) -> Read {
    let (octets, _) = answered(table, client, &question.wire());
    read(&octets)
}

/// The reply's octets and what it counts as.
pub fn answered(table: &Table, client: &Client, query: &[u8]) -> (Vec<u8>, Outcome) {
    let mut reply = vec![0; 65_535];
    match respond(&table.pin(), client, query, &mut reply) {
        Verdict::Reply(length, outcome) => (reply[..length].to_vec(), outcome),
        other => panic!("{other:?} for {query:02x?}"),
    }
}

/// The last octets of the A records, in order.
pub fn lasts(read: &Read) -> Vec<u8> {
    read.answers.iter().map(|line| line.rsplit(['.', ' ']).next().unwrap().parse().unwrap()).collect()
}
