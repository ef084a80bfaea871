//! Micro benches of the answer path and of one update, in memory: `bench/run micro`.
//!
//! The table is made from the bench clusterset by hand, one set per name, so that these figures move only with the rooms
//! table and responder. Later: merge, select and compile, from the same clusterset.

use clusterset_dns::dns::Name;
use clusterset_dns::dns::types::rtype;
use clusterset_dns::responder::{Client, DropReason, Transport, Verdict, respond};
use clusterset_dns::table::{
    Block, Draft, Frame, FrameSettings, Glue, NO_CLUSTER, Order, Record, RrSet, Table, TableChange, ZoneKind,
    ZoneSettings,
};
use clusterset_dns::transport::answerer::{Answerer, Slot};
use clusterset_dns_bench::clusterset::{Clusterset, ZONE};
use clusterset_dns_bench::expect::Questions;
use clusterset_dns_bench::manifests::question;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use std::net::{IpAddr, Ipv4Addr};

/// Services; names are about four times as many.
const SIZES: [u32; 2] = [10_000, 200_000];
const BATCH: usize = 32;

fn main() {
    divan::main();
}

fn set(services: u32) -> Clusterset {
    Clusterset::new(services, 5).expect("a size within the limits")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("generated names are valid")
}

fn addresses(owner: &str, tiers: &[&[Ipv4Addr]]) -> Draft {
    let record =
        |address: &Ipv4Addr| Record { rdata: address.octets().to_vec(), cluster: NO_CLUSTER, glue: Glue::default() };
    let records = tiers.iter().flat_map(|tier| tier.iter().map(record)).collect();
    let tiers = tiers.iter().map(|tier| tier.len() as u16).filter(|length| *length > 0).collect();
    let set = RrSet { rtype: rtype::A, ttl: 5, records, tiers, draw: None, stale: false, serial: false };
    let orders = vec![Order::from(vec![set])];
    Draft { name: name(owner), zone: 0, presence: 1, order_of: Vec::new(), orders }
}

fn empty(owner: &str) -> Draft {
    Draft { name: name(owner), zone: 0, presence: 1, order_of: Vec::new(), orders: vec![Order::default()] }
}

fn service_draft(set: &Clusterset, number: u32) -> Draft {
    let service = set.service(number);
    let (local, others) = service.answer();
    addresses(&service.dns_name(), &[&local, &others])
}

fn table(set: &Clusterset) -> Table {
    let zone = ZoneSettings { name: name(ZONE), kind: ZoneKind::Clusterset, ttl: 5, unknown: 0 };
    let table = Table::new(Frame::new(FrameSettings { zones: vec![zone], ..FrameSettings::default() }));
    let put = |draft: Draft| TableChange::Put(Block::pack(&draft));
    table.apply((0..set.services).map(|number| put(service_draft(set, number))));
    for number in 0..set.services {
        let service = set.service(number);
        table.apply(service.hosts().map(|(host, address)| put(addresses(&host, &[&[address]]))));
        let name = service.dns_name();
        table.apply([put(empty(&format!("_tcp.{name}"))), put(empty(&format!("_http._tcp.{name}")))]);
    }
    table.apply((0..set.namespaces()).map(|number| put(empty(&format!("ns-{number}.svc.{ZONE}")))));
    table
}

fn questions(set: &Clusterset) -> Questions {
    let mut questions = Questions::default();
    for number in 0..100_000 {
        questions.push(&question(set, number), false).expect("generated lines are valid");
    }
    questions
}

fn client() -> Client {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Client { address, transport: Transport::Udp, listener_view: None, random: 7 }
}

/// One query at a time, each with a guard of its own.
#[divan::bench(args = SIZES)]
fn respond_one(bencher: Bencher<'_, '_>, services: u32) {
    let set = set(services);
    let (table, questions) = (table(&set), questions(&set));
    let (mut next, mut reply) = (0, [0; 1232]);
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        next = (next + 1) % questions.len();
        black_box(respond(&table.pin(), &client(), questions.query(next), &mut reply))
    });
}

/// 32 queries as a UDP worker answers them: prepare all, look up all, write all.
#[divan::bench(args = SIZES)]
fn respond_batch(bencher: Bencher<'_, '_>, services: u32) {
    let set = set(services);
    let (table, questions) = (table(&set), questions(&set));
    let (mut next, mut scratch) = (0, <Table as Answerer>::Scratch::default());
    let mut replies = vec![[0u8; 1232]; BATCH];
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        next = (next + BATCH) % (questions.len() - BATCH);
        let mut slots: Vec<Slot<'_>> = Vec::with_capacity(BATCH);
        for (index, reply) in replies.iter_mut().enumerate() {
            let verdict = Verdict::Drop(DropReason::Short);
            slots.push(Slot { client: client(), query: questions.query(next + index), reply, verdict });
        }
        table.answer_batch(&mut scratch, &mut slots);
        black_box(&slots);
    });
}

/// A Block of one service name with up to eight addresses.
#[divan::bench]
fn pack(bencher: Bencher<'_, '_>) {
    let draft = service_draft(&set(100), 7);
    bencher.bench(|| Block::pack(black_box(&draft)));
}

/// One changed name: pack and apply.
#[divan::bench(args = SIZES)]
fn update(bencher: Bencher<'_, '_>, services: u32) {
    let set = set(services);
    let table = table(&set);
    let drafts: Vec<Draft> = (0..1000).map(|number| service_draft(&set, number * 7 % services)).collect();
    let mut next = 0;
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        next = (next + 1) % drafts.len();
        table.apply([TableChange::Put(Block::pack(&drafts[next]))]);
    });
}
