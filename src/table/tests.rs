use super::*;
use crate::dns::types::rtype;
use crate::dns::{Name, rdata};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn record(rdata: Vec<u8>) -> Record {
    Record { rdata, cluster: NO_CLUSTER, glue: Glue::default() }
}

fn set(rtype: u16, records: Vec<Record>) -> RrSet {
    RrSet { rtype, ttl: 5, tiers: Vec::new(), records, draw: None, stale: false, serial: false }
}

fn addresses(last_octets: &[u8]) -> RrSet {
    let records = last_octets.iter().map(|last| record(rdata::a([10, 0, 0, *last].into()))).collect();
    RrSet { tiers: vec![last_octets.len() as u16], ..set(rtype::A, records) }
}

fn draft(owner: &str, sets: Vec<RrSet>) -> Draft {
    Draft { name: name(owner), zone: 0, presence: 1, order_of: Vec::new(), orders: vec![Order::from(sets)] }
}

fn put(owner: &str, last_octets: &[u8]) -> TableChange {
    TableChange::Put(Block::pack(&draft(owner, vec![addresses(last_octets)])))
}

fn zones(names: &[&str]) -> Frame {
    let zone = |text: &&str| ZoneSettings { name: name(text), kind: ZoneKind::Global, ttl: 5, unknown: 0 };
    Frame::new(FrameSettings { zones: names.iter().map(zone).collect(), ..FrameSettings::default() })
}

#[test]
fn a_block_reads_back_as_it_was_packed() {
    let target = name("web.shop.svc.clusterset.local");
    let glue = Glue { wire: rdata::record(&[0xc0, 0x20], rtype::A, 5, &[10, 0, 0, 1]), count: 1 };
    let srv = |port| rdata::srv(0, 1, port, &target);
    let weighted = RrSet {
        draw: Some(Box::new(std::array::from_fn(|slot| slot as u16 % 3))),
        stale: true,
        tiers: vec![2, 1],
        records: (1..=3).map(|last| Record { cluster: last, ..record(vec![10, 0, 0, last as u8]) }).collect(),
        ..addresses(&[1])
    };
    let unequal = vec![record(rdata::txt(b"a")), record(rdata::txt(b"abc")), record(rdata::txt(b""))];
    let soa = RrSet { serial: true, ..set(rtype::SOA, vec![record(rdata::zone_soa(5))]) };
    let with_glue = vec![record(srv(1)), Record { glue, ..record(srv(2)) }];
    let draft = Draft {
        name: name("web.shop.svc.clusterset.local"),
        zone: 3,
        presence: 0b1011,
        order_of: vec![0, 1, 0, 2],
        orders: vec![
            Order::from(vec![weighted, set(rtype::SRV, with_glue)]),
            Order { sets: vec![addresses(&[1])], by_cluster: vec![addresses(&[1, 2])] },
            Order::from(vec![set(rtype::TXT, unequal), soa]),
        ],
    };
    let block = Block::pack(&draft);
    assert_eq!(block.describe(), draft);
    assert_eq!((block.zone(), block.presence(), block.name()), (3, 0b1011, draft.name.wire()));
    assert!(block.exists_in(3) && !block.exists_in(2) && !block.exists_in(63));
    assert_eq!([0, 1, 2, 3, 4, 63].map(|view| block.order_of(view)), [0, 1, 0, 2, 0, 0]);
    assert_eq!(block.set(3, rtype::TXT).unwrap().records().len(), 3 * 12 + 2 + 4 + 1);
    assert_eq!(block.sets_by_cluster(1).map(|set| set.count).collect::<Vec<_>>(), [2]);
    assert_eq!(block.sets_by_cluster(3).count(), 2, "an order without sets by cluster has its own");
}

#[test]
fn what_no_message_can_carry_is_left_out() {
    let huge = set(rtype::TXT, vec![record(vec![0; 65_530])]);
    let block = Block::pack(&draft("a.b", vec![set(rtype::A, Vec::new()), huge, addresses(&[1])]));
    assert_eq!(block.describe().orders[0].sets, [addresses(&[1])]);
}

#[test]
fn an_owner_without_records_is_no_empty_non_terminal() {
    let mark = || vec![RrSet::owner_mark()];
    let owned = Draft {
        presence: 0b111,
        order_of: vec![0, 1, 2],
        orders: [Vec::new(), mark(), vec![addresses(&[1])]].map(Order::from).into(),
        ..draft("a.b", Vec::new())
    };
    let block = Block::pack(&owned);
    assert_eq!(block.describe(), owned);
    assert_eq!([0, 1, 2].map(|view| block.is_owned(view)), [false, true, true]);
    assert_eq!([0, 1, 2].map(|view| block.sets(view).count()), [0, 0, 1]);
    assert!(Block::pack(&draft("a.b", mark())).is_owned(0) && !Block::pack(&draft("a.b", Vec::new())).is_owned(0));
}

#[test]
fn glue_that_repeats_the_answer_takes_no_room() {
    let own = rdata::record(&[0xc0, 0x0c], rtype::A, 5, &[10, 0, 0, 1]);
    let srv = |glue| set(rtype::SRV, vec![Record { glue, ..record(rdata::srv(0, 1, 80, &name("a.b"))) }]);
    let sizes = [Glue::default(), Glue { wire: own, count: 1 }]
        .map(|glue| Block::pack(&draft("a.b", vec![addresses(&[1]), srv(glue)])).size());
    assert_eq!(sizes[1] - sizes[0], block::GLUE, "only the entry of the glue table");
}

#[test]
fn a_typical_name_is_small() {
    let block = Block::pack(&draft("web.shop.svc.clusterset.local", vec![addresses(&[1, 2, 3, 4])]));
    assert_eq!(block.size(), 14 + 31 + 1 + 12 + 4 * 16);
    assert_eq!(Block::pack(&draft("shop.svc.clusterset.local", Vec::new())).size(), 14 + 27 + 1);
}

#[test]
fn records_that_end_with_the_name_share_its_octets() {
    let owner = name("web.shop.svc.clusterset.local");
    let row = |port, target: &Name| record(rdata::srv(0, 1, port, target));
    let own = || set(rtype::SRV, vec![row(80, &owner), row(443, &owner)]);
    let stale = || RrSet { stale: true, ..own() };
    let other = || set(rtype::SRV, vec![row(80, &owner), row(80, &name("h.web.shop.svc.clusterset.local"))]);
    let long = || set(rtype::SRV, vec![row(1, &owner); 6]);
    for (orders, size) in [
        (vec![vec![own()]], 12 + 2 * 18 + 31),
        (vec![vec![addresses(&[1]), own()]], 2 * 12 + 16 + 2 * 18 + 31),
        (vec![vec![], vec![other()], vec![own()], vec![stale()]], 4 + 4 * 2 + 3 + 3 * 12 + 4 * 18 + 31 + 31 + 33 + 4),
        (vec![vec![long()]], 12 + 6 * (18 + 31)),
    ] {
        let order_of = if orders.len() > 1 { (0..orders.len() as u8).collect() } else { Vec::new() };
        let orders: Vec<Order> = orders.into_iter().map(Order::from).collect();
        let draft = Draft {
            presence: (1 << orders.len()) - 1,
            order_of,
            orders,
            ..draft("web.shop.svc.clusterset.local", Vec::new())
        };
        let block = Block::pack(&draft);
        assert_eq!(block.describe(), draft);
        assert!(block.is_of(owner.wire()) && !block.is_of(&owner.wire()[1..]));
        assert_eq!(block.size(), 14 + 31 + 1 + size);
    }
}

#[test]
fn a_block_of_any_size_reads_back() {
    let glue = |last| Glue { wire: rdata::record(&[0xc0, 0x20], rtype::A, 5, &[10, 0, 0, last]), count: 1 };
    let texts = |first: u8| (0..250).map(|n| record([vec![250, first], vec![n; 249]].concat())).collect();
    let srv = |last| Record { glue: glue(last), ..record(rdata::srv(0, 1, 80, &name("elsewhere"))) };
    let order = |first| Order {
        sets: vec![set(rtype::TXT, texts(first)), set(rtype::SRV, vec![srv(first), srv(first + 1)])],
        by_cluster: vec![addresses(&[first]), addresses(&[first, 1])],
    };
    let draft = Draft {
        presence: u64::MAX,
        order_of: (0..64).collect(),
        orders: (0..64).map(order).collect(),
        ..draft("a.b", Vec::new())
    };
    let block = Block::pack(&draft);
    assert!(block.size() > 64 * 65_000);
    assert_eq!((block.describe(), block.presence()), (draft, u64::MAX));
}

#[test]
fn damaged_blocks_read_as_less_and_never_panic() {
    let srv =
        set(rtype::SRV, vec![record(rdata::srv(0, 1, 80, &name("a"))), record(rdata::srv(0, 1, 80, &name("ab")))]);
    let mut draft = draft("a.b", vec![addresses(&[1, 2]), srv]);
    draft.orders.push(Order::default());
    draft.order_of = vec![1, 0];
    let whole = Block::pack(&draft);
    let walk = |block: &Block| {
        for view in 0..64 {
            for set in block.sets(view) {
                let _ = (set.records(), set.draw(7), set.tier(1), set.ttl(), set.cluster(3), set.glue().count());
            }
        }
        let _ = (block.name(), block.touch(), block.describe());
    };
    for at in 0..whole.size() {
        walk(&Block::new(&whole.octets()[..at]));
        for value in [0, 0x7f, 0xff] {
            let mut octets = whole.octets().to_vec();
            octets[at] = value;
            walk(&Block::new(&octets));
        }
    }
}

#[test]
fn names_are_put_replaced_removed_and_counted() {
    let table = Table::default();
    table.apply([put("a.b", &[1]), put("c.b", &[1, 2])]);
    let first = table.figures();
    assert_eq!(first.names, 2);
    table.apply([put("a.b", &[1, 2, 3])]);
    assert_eq!(table.figures().bytes, first.bytes + 2 * 16);
    assert_eq!(table.pin().lookup(name("a.b").wire()).unwrap().set(0, rtype::A).unwrap().count, 3);
    let mut seen = 0;
    table.for_each(|_| seen += 1);
    assert_eq!(seen, 2);
    table.apply([TableChange::Remove(name("a.b")), TableChange::Remove(name("nobody")), put("d.b", &[1])]);
    assert!(table.pin().lookup(name("a.b").wire()).is_none());
    table.apply([TableChange::Remove(name("c.b")), TableChange::Remove(name("d.b"))]);
    assert_eq!(table.figures(), Figures::default());
}

#[test]
fn colliding_names_are_told_apart_through_puts_and_removals() {
    // One bit of hash: every name collides with half of the others.
    let table = Table::with_narrow_hash(Frame::default(), 1);
    let mut expected: HashMap<String, u8> = HashMap::new();
    let mut random = 12345u32;
    for round in 0..600 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let owner = format!("n{}.b", random >> 16 & 15);
        if random >> 28 < 5 {
            table.apply([TableChange::Remove(name(&owner))]);
            expected.remove(&owner);
        } else {
            table.apply([put(&owner, &[round as u8])]);
            expected.insert(owner, round as u8);
        }
        let pinned = table.pin();
        for number in 0..16 {
            let owner = format!("n{number}.b");
            let last =
                pinned.lookup(name(&owner).wire()).map(|block| block.describe().orders[0].sets[0].records[0].rdata[3]);
            assert_eq!(last, expected.get(&owner).copied(), "{owner} in round {round}");
        }
    }
    assert_eq!(table.figures().names, expected.len() as u64);
}

#[test]
fn a_name_that_is_replaced_is_never_absent() {
    for mask in [u64::MAX, 1] {
        let table = Table::with_narrow_hash(Frame::default(), mask);
        table.apply([put("a.b", &[1]), put("c.b", &[1])]);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let pinned = table.pin();
                        let block = pinned.lookup(name("a.b").wire()).expect("the name is always there");
                        let set = block.set(0, rtype::A).unwrap();
                        let all_new = set.describe().records.iter().all(|record| record.rdata[3] == set.count as u8);
                        assert!(set.count > 0 && all_new, "a Block is seen whole");
                    }
                });
            }
            for round in 0..3000u16 {
                let count = round % 5 + 1;
                table.apply([put("a.b", &vec![count as u8; usize::from(count)])]);
                let other = name(&format!("n{}.b", round % 50));
                table.apply([if round % 3 == 0 { TableChange::Remove(other) } else { put(&other.to_string(), &[1]) }]);
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn serials_follow_the_clock_and_never_go_back() {
    let table = Table::new(zones(&["global", "clusterset.local"]));
    assert_eq!([1000, 1000, 900, 2000].map(|now| table.bump_serial(1, now)), [1000, 1001, 1002, 2000].map(Some));
    assert_eq!((table.bump_serial(0, 7), table.bump_serial(2, 7)), (Some(7), None));
    table.set_frame(zones(&["clusterset.local", "other"]));
    assert_eq!(table.frame().zone(0).unwrap().state.serial(), 2000, "kept for the zone of the same name");
    assert_eq!(table.bump_serial(0, 1), Some(2001));
}

#[test]
fn zones_know_their_deepest_wildcard_also_after_a_new_frame() {
    let depth = |table: &Table| table.frame().zone(0).unwrap().state.wildcard_labels();
    let table = Table::new(zones(&["global"]));
    table.apply([put("a.global", &[1]), put("*.elsewhere", &[1])]);
    assert_eq!(depth(&table), 0);
    table.apply([put("*.foo.global", &[1]), put("*.global", &[1])]);
    assert_eq!(depth(&table), 3);
    table.set_frame(zones(&["elsewhere"]));
    assert_eq!(depth(&table), 2);
}

#[test]
fn the_soa_of_a_negative_answer_points_to_the_zone() {
    let table = Table::new(zones(&["global"]));
    table.bump_serial(0, 0x0102_0304);
    let soa = table.frame().zone(0).unwrap().soa(0xc012);
    assert_eq!(&soa[..12], &[0xc0, 0x12, 0, 6, 0, 1, 0, 0, 0, 5, 0, 42]);
    assert_eq!(&soa[12..34], b"\x02ns\x03dns\xc0\x12\x0ahostmaster\xc0\x12");
    assert_eq!((&soa[34..38], &soa[50..]), (&[1, 2, 3, 4][..], &[0, 0, 0, 5][..]));
}

#[test]
fn a_moment_lies_between_two_publishes_and_stays() {
    let table = Table::new(zones(&["a"]));
    let names = ["x.a", "y.a", "z.a", "*.a", "w.a"];
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for last in (0..=u8::MAX).cycle() {
                table.apply(names.map(|owner| put(owner, &[last])));
                table.bump_serial(0, 0);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let mut serials = Vec::new();
        for _ in 0..200 {
            let moment = table.moment(0).unwrap();
            let lasts: Vec<Option<u8>> =
                moment.blocks().iter().map(|block| block.set(0, rtype::A)?.records().last().copied()).collect();
            assert!(lasts.is_empty() || lasts.len() == 5, "{lasts:?}");
            assert!(lasts.iter().all(|last| *last == lasts[0]), "{lasts:?}");
            serials.push(moment.serial());
        }
        stop.store(true, Ordering::Relaxed);
        assert!(serials.is_sorted());
    });
    let before = table.moment(0).unwrap();
    table.apply(names.map(|owner| TableChange::Remove(name(owner))));
    table.bump_serial(0, 0);
    assert_eq!((before.blocks().len(), table.moment(0).unwrap().blocks().len()), (5, 0));
    assert_eq!(table.moment(0).unwrap().serial(), before.serial() + 1);
    assert!(table.moment(1).is_none());
}

#[test]
fn a_global_zone_brings_the_services_that_names_are_formed_from() {
    let zone = |text, kind| ZoneSettings { name: name(text), kind, ttl: 5, unknown: 0 };
    let zones = vec![zone("c", ZoneKind::Clusterset), zone("g", ZoneKind::Global), zone("d", ZoneKind::Clusterset)];
    let table = Table::new(Frame::new(FrameSettings { zones, ..FrameSettings::default() }));
    let put = |owner: &str, zone| TableChange::Put(Block::pack(&Draft { zone, ..draft(owner, Vec::new()) }));
    let other = ["c", "svc.c", "n.svc.c", "p.s.n.svc.c", "s.n.pod.c"].map(|owner| put(owner, 0));
    table.apply(other.into_iter().chain([put("s.n.svc.c", 0), put("h.g", 1), put("s.n.svc.d", 2)]));
    let names =
        |blocks: &[Block]| blocks.iter().map(|block| Name::from_wire(block.name()).unwrap()).collect::<Vec<_>>();
    let moment = table.moment(1).unwrap();
    assert_eq!((names(moment.blocks()), names(moment.services())), (vec![name("h.g")], vec![name("s.n.svc.c")]));
    let moment = table.moment(0).unwrap();
    assert_eq!((moment.blocks().len(), moment.services().len()), (6, 0));
}
