//! The table that fuzzed queries are asked of: every kind of name, small.

use clusterset_dns::dns::types::rtype;
use clusterset_dns::dns::{Name, rdata};
use clusterset_dns::table::{
    Block, ClusterColumn, Draft, Frame, FrameSettings, Glue, NO_CLUSTER, Order, Record, RrSet, Table, TableChange,
    ZoneKind, ZoneSettings,
};

fn name(text: &str) -> Name {
    Name::parse(text).expect("the names of this file are valid")
}

fn record(rdata: Vec<u8>) -> Record {
    Record { rdata, cluster: NO_CLUSTER, glue: Glue::default() }
}

fn set(rtype: u16, records: Vec<Record>) -> RrSet {
    RrSet { rtype, ttl: 5, records, tiers: Vec::new(), draw: None, stale: false, serial: false }
}

/// `count` addresses, in tiers of at most four, every second of the second cluster.
fn addresses(count: u16) -> RrSet {
    let one = |number: u16| Record { cluster: number % 2, ..record(vec![10, 0, (number >> 8) as u8, number as u8]) };
    let tiers = (0..count).step_by(4).map(|start| (count - start).min(4)).collect();
    RrSet { tiers, stale: count > 50, ..set(rtype::A, (0..count).map(one).collect()) }
}

fn block(owner: &str, sets: Vec<RrSet>) -> TableChange {
    let owner = name(owner);
    let zone = u8::from(owner.is_within(&name("global")));
    let draft = Draft { name: owner, zone, presence: !2, order_of: Vec::new(), orders: vec![Order::from(sets)] };
    TableChange::Put(Block::pack(&draft))
}

fn frame() -> Frame {
    let zone = |text, kind, unknown| ZoneSettings { name: name(text), kind, ttl: 5, unknown };
    let prefix = |text: &str, length| (text.parse().expect("the addresses of this file are valid"), length);
    Frame::new(FrameSettings {
        zones: vec![zone("clusterset.local", ZoneKind::Clusterset, 4), zone("global", ZoneKind::Global, 0)],
        views: vec![(prefix("10.2.0.0", 16), 1), (prefix("10.3.0.0", 16), 2)],
        trusted_forwarders: vec![prefix("127.0.0.1", 32)],
        transfer_allow: vec![prefix("127.0.0.1", 32)],
        clusters: vec![ClusterColumn { id: name("east"), column: 0, views: u64::MAX }],
        nsid: b"pod".to_vec(),
        chaos_version: Some("v".to_owned()),
        ..FrameSettings::default()
    })
}

fn srv(owner: &str, target: &str, count: u16) -> RrSet {
    let target = name(target);
    let glue = rdata::record(&rdata::pointed_owner(&target, &name(owner)), rtype::A, 5, &[10, 0, 0, 1]);
    let one = |port| Record { glue: Glue { wire: glue.clone(), count: 1 }, ..record(rdata::srv(0, 1, port, &target)) };
    set(rtype::SRV, (1..=count).map(one).collect())
}

/// Every kind of name.
pub fn table() -> Table {
    let table = Table::new(frame());
    let alias = |target| vec![set(rtype::CNAME, vec![record(rdata::name(&name(target)))])];
    let apex = || {
        let soa = RrSet { serial: true, ..set(rtype::SOA, vec![record(rdata::zone_soa(5))]) };
        vec![soa, set(rtype::NS, vec![record(rdata::zone_ns())])]
    };
    let (a, b) = ("a.n.svc.clusterset.local", "_p._tcp.a.n.svc.clusterset.local");
    let draw = RrSet { draw: Some(Box::new(std::array::from_fn(|slot| slot as u16 % 4))), ..addresses(9) };
    table.apply([
        block("clusterset.local", apex()),
        block("global", apex()),
        block("svc.clusterset.local", Vec::new()),
        block("n.svc.clusterset.local", Vec::new()),
        block(a, vec![addresses(3), srv(a, a, 2)]),
        block(b, vec![srv(b, a, 40)]),
        block("b.n.svc.clusterset.local", vec![addresses(200)]),
        block("w.n.svc.clusterset.local", vec![draw]),
        block("t.clusterset.local", vec![set(rtype::TXT, vec![record(rdata::txt(b"x")), record(rdata::txt(b"yz"))])]),
        block("c.global", alias("d.global")),
        block("d.global", alias("b.n.svc.clusterset.local")),
        block("e.global", alias("clusterset.local")),
        block("l.global", alias("l.global")),
        block("m.global", alias("nobody.global")),
        block("*.x.global", alias("q.x.global")),
        block("x.global", Vec::new()),
        block("*.y.global", vec![addresses(2)]),
        block("y.global", Vec::new()),
    ]);
    table
}
