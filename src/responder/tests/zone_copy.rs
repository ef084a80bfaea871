//! What a zone transfer holds: what the responder answers, in messages that an independent decoder reads.

use super::reading::{Question, ask};
use super::world::{EAST, TWO_LABELS, answered, client, draft, name, put, put_draft, record, set, tiers, world};
use crate::dns::rdata;
use crate::dns::types::rtype;
use crate::responder::{Transport, ZoneCopy};
use crate::table::{Block, RrSet, Table, TableChange};
use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Owner and type to TTL and data.
type Sets = BTreeMap<(String, u16), BTreeSet<String>>;

fn messages(table: &Table, question: &Question) -> Vec<Vec<u8>> {
    let number = u8::from(question.name == name("global").wire());
    ZoneCopy::new(table.moment(number).unwrap(), &question.wire()).unwrap().collect()
}

fn decoded(messages: &[Vec<u8>]) -> Vec<Message> {
    let read = |octets: &Vec<u8>| Message::from_vec(octets).unwrap_or_else(|error| panic!("{error}: {octets:02x?}"));
    messages.iter().map(read).collect()
}

fn line(record: &Record) -> String {
    format!("{} {}", record.ttl, record.data)
}

fn add(sets: &mut Sets, record: &Record) {
    let key = (record.name.to_string().to_lowercase(), u16::from(record.record_type()));
    assert!(sets.entry(key).or_default().insert(line(record)), "{record} stands twice");
}

/// The sets of a transfer, one SOA at each end taken off.
fn transferred(table: &Table, zone: &str) -> Sets {
    let messages = decoded(&messages(table, &ask(zone, rtype::AXFR)));
    let records: Vec<&Record> = messages.iter().flat_map(|message| &message.answers).collect();
    let [first, middle @ .., last] = &records[..] else { panic!("{records:?}") };
    assert_eq!((first, u16::from(first.record_type())), (last, rtype::SOA));
    let mut sets = Sets::new();
    add(&mut sets, first);
    middle.iter().for_each(|record| add(&mut sets, record));
    assert_eq!(sets.keys().filter(|(_, of)| *of == rtype::SOA).count(), 1);
    sets
}

const TYPES: [u16; 8] =
    [rtype::A, rtype::AAAA, rtype::SRV, rtype::NS, rtype::SOA, rtype::TXT, rtype::CNAME, rtype::PTR];

/// What the responder answers for these names, each type by itself.
fn asked(table: &Table, names: &BTreeSet<String>) -> Sets {
    let mut sets = Sets::new();
    for owner in names {
        for qtype in TYPES {
            let (octets, _) = answered(table, &client(Transport::Tcp), &ask(owner, qtype).wire());
            let reply = Message::from_vec(&octets).unwrap();
            let own = |record: &&Record| {
                record.name.to_string().to_lowercase() == *owner && u16::from(record.record_type()) == qtype
            };
            reply.answers.iter().filter(own).for_each(|record| add(&mut sets, record));
        }
    }
    sets
}

#[test]
fn a_clusterset_zone_transfers_every_set_and_nothing_else() {
    let table = world();
    let sets = transferred(&table, "clusterset.local");
    let text: Vec<String> =
        sets.iter().flat_map(|((owner, _), set)| set.iter().map(move |line| format!("{owner} {line}"))).collect();
    assert_eq!(
        text,
        [
            "_http._tcp.web.shop.svc.clusterset.local. 5 0 1 80 web.shop.svc.clusterset.local.",
            "clusterset.local. 5 ns.dns.clusterset.local.",
            "clusterset.local. 5 ns.dns.clusterset.local. hostmaster.clusterset.local. 1000 7200 1800 86400 5",
            "db.shop.svc.clusterset.local. 5 10.0.0.1",
            "db.shop.svc.clusterset.local. 5 10.0.0.11",
            "db.shop.svc.clusterset.local. 5 10.0.0.12",
            "db.shop.svc.clusterset.local. 5 10.0.0.13",
            "db.shop.svc.clusterset.local. 5 10.0.0.2",
            "dns-version.clusterset.local. 28800 1.1.0",
            "ns.dns.clusterset.local. 5 10.96.0.10",
            "web.shop.svc.clusterset.local. 5 10.0.0.1",
            "web.shop.svc.clusterset.local. 5 0 1 80 web.shop.svc.clusterset.local.",
        ]
    );
}

#[test]
fn formed_global_names_transfer_as_plain_records_where_none_is_stored() {
    let table = world();
    put(&table, "all.shop.svc.clusterset.local", vec![tiers(&[(&[21], EAST), (&[22], TWO_LABELS)])]);
    put(&table, "web.shop.global", vec![set(rtype::TXT, vec![record(rdata::txt(b"stored"))])]);
    put(&table, "shop.global", Vec::new());
    put(&table, "db.shop.global", vec![RrSet::owner_mark()]);
    put(&table, "*.foo.global", vec![tiers(&[(&[30], EAST)])]);
    let mut elsewhere = draft("other.shop.svc.clusterset.local", vec![tiers(&[(&[40], EAST)])]);
    elsewhere.presence = 0b10;
    put_draft(&table, &elsewhere);
    let sets = transferred(&table, "global");
    let owners: Vec<String> = sets.keys().map(|(owner, of)| format!("{owner} {of}")).collect();
    assert_eq!(
        owners,
        [
            "*.foo.global. 1",
            "all.shop.global. 1",
            "all.shop.svc.east.global. 1",
            "all.shop.svc.eu.prod.global. 1",
            "db.shop.svc.east.global. 1",
            "db.shop.svc.west.global. 1",
            "global. 2",
            "global. 6",
            "ns.dns.global. 1",
            "web.shop.global. 16",
            "web.shop.svc.east.global. 1",
        ]
    );
    assert_eq!(
        sets[&("all.shop.svc.eu.prod.global.".to_owned(), rtype::A)],
        BTreeSet::from(["5 10.0.0.22".to_owned()])
    );
}

#[test]
fn messages_are_whole_and_small_and_each_repeats_the_question() {
    let table = world();
    for number in 0..2000u16 {
        let rdata = rdata::a([10, 1, (number >> 8) as u8, number as u8].into());
        put(&table, &format!("s{number}.shop.svc.clusterset.local"), vec![set(rtype::A, vec![record(rdata)])]);
    }
    let many = (0..4000u16).map(|number| record(rdata::a([10, 2, (number >> 8) as u8, number as u8].into())));
    put(&table, "many.shop.svc.clusterset.local", vec![set(rtype::A, many.collect())]);
    put(&table, "long.shop.svc.clusterset.local", vec![set(rtype::TXT, vec![record(rdata::txt(&[b'x'; 60_000]))])]);
    let mut question = ask("clusterset.local", rtype::IXFR).edns(1232);
    question.name = b"\x0aClusterSet\x05local\0".to_vec();
    let octets = messages(&table, &question);
    let long = octets.iter().filter(|message| message.len() > 16_384).count();
    assert!(octets.len() > 5 && long == 1, "{:?}", octets.iter().map(Vec::len).collect::<Vec<_>>());
    let mut count = 0;
    for (number, message) in decoded(&octets).iter().enumerate() {
        let meta = &message.metadata;
        assert_eq!((meta.id, meta.authoritative, meta.truncation, meta.recursion_desired), (0x1234, true, false, true));
        assert_eq!(message.queries[0].to_string(), "ClusterSet.local. IN IXFR");
        assert_eq!(message.edns.is_some(), number == 0, "OPT in the first message");
        assert!(!message.answers.is_empty());
        count += message.answers.len();
    }
    assert_eq!(count, 2000 + 4000 + 1 + 12 + 1, "with the second SOA");
    assert_eq!(asked(&table, &owners(&table, "clusterset.local")), transferred(&table, "clusterset.local"));
}

#[test]
fn a_record_that_no_reply_can_carry_does_not_stop_the_others() {
    let table = world();
    // It fits a message by itself, but not beside the question.
    put(&table, "huge.shop.svc.clusterset.local", vec![set(rtype::TXT, vec![record(rdata::txt(&[b'x'; 65_230]))])]);
    let sets = transferred(&table, "clusterset.local");
    assert!(!sets.keys().any(|(owner, _)| owner.starts_with("huge.")));
    assert_eq!(sets.len(), 8);
}

#[test]
fn a_transfer_goes_on_with_the_moment_at_which_it_began() {
    let table = world();
    let before = transferred(&table, "clusterset.local");
    let query = ask("clusterset.local", rtype::AXFR).wire();
    let copy = ZoneCopy::new(table.moment(0).unwrap(), &query).unwrap();
    put(&table, "new.shop.svc.clusterset.local", vec![tiers(&[(&[9], EAST)])]);
    table.apply([TableChange::Remove(name("db.shop.svc.clusterset.local"))]);
    table.bump_serial(0, 0);
    let messages = decoded(&copy.collect::<Vec<_>>());
    let mut sets = Sets::new();
    let all = || messages.iter().flat_map(|message| &message.answers);
    all().take(all().count() - 1).for_each(|record| add(&mut sets, record));
    assert_eq!(sets, before);
    let after = transferred(&table, "clusterset.local");
    assert_eq!(after.len(), before.len());
    assert_ne!(after, before);
}

#[test]
fn a_question_for_another_name_has_no_copy() {
    let table = world();
    for owner in ["svc.clusterset.local", "global"] {
        assert!(ZoneCopy::new(table.moment(0).unwrap(), &ask(owner, rtype::AXFR).wire()).is_none());
    }
}

/// Every name that may answer in a zone: what is stored, and what is formed.
fn owners(table: &Table, zone: &str) -> BTreeSet<String> {
    let mut owners = BTreeSet::new();
    table.for_each(|block| {
        let owner = crate::dns::Name::from_wire(block.name()).unwrap();
        if owner.is_within(&name(zone)) {
            owners.insert(owner.to_string());
        }
        if let Some(service) = owner.to_string().strip_suffix(".svc.clusterset.local.")
            && zone == "global"
        {
            owners.insert(format!("{service}.global."));
            owners.extend(["east", "west", "eu.prod", "prod"].map(|id| format!("{service}.svc.{id}.global.")));
        }
    });
    owners
}

fn any_set() -> impl Strategy<Value = RrSet> {
    prop_oneof![
        4 => prop::collection::btree_map(any::<u8>(), 0..4u16, 1..6).prop_map(|rows| {
            let cluster = |number| if number == 3 { crate::table::NO_CLUSTER } else { number };
            let row = |(last, number): (u8, u16)| crate::table::Record { cluster: cluster(number), ..record(vec![10, 0, 0, last]) };
            let records: Vec<_> = rows.into_iter().map(row).collect();
            RrSet { tiers: vec![records.len() as u16], ..set(rtype::A, records) }
        }),
        1 => any::<u8>().prop_map(|last| RrSet { tiers: vec![1], ..set(rtype::AAAA, vec![record([&[0xfd; 15][..], &[last]].concat())]) }),
        1 => Just(set(rtype::TXT, vec![record(rdata::txt(b"a")), record(rdata::txt(b"bcd"))])),
        1 => any::<u16>().prop_map(|port| set(rtype::SRV, vec![record(rdata::srv(0, 1, port, &name("web.shop.svc.clusterset.local")))])),
    ]
}

fn any_owner() -> impl Strategy<Value = String> {
    let service = ("[ab]", "[xy]").prop_map(|(service, namespace)| format!("{service}.{namespace}"));
    (service, 0..6u8).prop_map(|(service, form)| match form {
        0..=2 => format!("{service}.svc.clusterset.local"),
        3 => format!("{service}.global"),
        4 => format!("{service}.svc.east.global"),
        _ => format!("h.{service}.svc.clusterset.local"),
    })
}

fn any_blocks() -> impl Strategy<Value = Vec<(String, Vec<RrSet>, u64)>> {
    let sets = prop::collection::vec(any_set(), 0..3).prop_map(|mut sets: Vec<RrSet>| {
        sets.sort_by_key(|set| set.rtype);
        sets.dedup_by_key(|set| set.rtype);
        sets
    });
    prop::collection::vec((any_owner(), sets, 0..4u64), 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_transfer_holds_what_the_responder_answers_for_every_name(blocks in any_blocks()) {
        let table = world();
        for (owner, mut sets, presence) in blocks {
            if sets.is_empty() && presence > 1 {
                sets.push(RrSet::owner_mark());
            }
            put_draft(&table, &crate::table::Draft { presence, ..draft(&owner, sets) });
        }
        for zone in ["clusterset.local", "global"] {
            prop_assert_eq!(transferred(&table, zone), asked(&table, &owners(&table, zone)));
        }
    }
}

/// `cargo test --release --lib weigh_a_large_zone -- --ignored --nocapture` prints what docs/architecture.md says.
#[test]
#[ignore = "prints figures"]
fn weigh_a_large_zone() {
    let table = world();
    for number in 0..200_000u32 {
        let [_, a, b, c] = number.to_be_bytes();
        let records = (0..3).map(|last| record(vec![10 + last, a, b, c])).collect();
        let owner = format!("s{number}.shop.svc.clusterset.local");
        table.apply([TableChange::Put(Block::pack(&draft(&owner, vec![set(rtype::A, records)])))]);
    }
    let start = std::time::Instant::now();
    let moment = table.moment(0).unwrap();
    let (taken, names) = (start.elapsed(), moment.blocks().len());
    let messages: Vec<usize> = ZoneCopy::new(moment, &ask("clusterset.local", rtype::AXFR).wire())
        .unwrap()
        .map(|message| message.len())
        .collect();
    let (all, octets) = (start.elapsed(), messages.iter().sum::<usize>());
    println!(
        "{names} names: moment {taken:?} and {} octets of pointers; {} messages, {octets} octets, {all:?} in all",
        names * size_of::<Block>(),
        messages.len()
    );
}
