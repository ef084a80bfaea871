//! A real table transferred over real sockets.

use super::*;
use crate::dns::types::rtype;
use crate::dns::{Name, rdata};
use crate::responder::TYPE_NAMES;
use crate::table::{
    Block, Draft, Frame, FrameSettings, Glue, NO_CLUSTER, Order, Record, RrSet, TableChange, ZoneKind, ZoneSettings,
};
use crate::telemetry::counters::Counters;
use crate::transport::{ListenSettings, Listeners, Serving};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const NAMES: u16 = 3000;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn put(owner: &str, sets: Vec<(u16, Vec<u8>)>) -> TableChange {
    let set = |(rtype, rdata)| RrSet {
        rtype,
        ttl: 5,
        records: vec![Record { rdata, cluster: NO_CLUSTER, glue: Glue::default() }],
        tiers: Vec::new(),
        draw: None,
        stale: false,
        serial: rtype == rtype::SOA,
    };
    let orders = vec![Order::from(sets.into_iter().map(set).collect::<Vec<_>>())];
    let draft = Draft { name: name(owner), zone: 0, presence: u64::MAX, order_of: Vec::new(), orders };
    TableChange::Put(Block::pack(&draft))
}

fn table(allow: &str) -> Arc<Table> {
    let zone = ZoneSettings { name: name("clusterset.local"), kind: ZoneKind::Clusterset, ttl: 5, unknown: 0 };
    let transfer_allow = vec![(allow.parse().unwrap(), 32)];
    let table = Table::new(Frame::new(FrameSettings { zones: vec![zone], transfer_allow, ..FrameSettings::default() }));
    table.apply([put("clusterset.local", vec![(rtype::SOA, rdata::zone_soa(5)), (rtype::NS, rdata::zone_ns())])]);
    let service = |number: u16| format!("s{number}.shop.svc.clusterset.local");
    table.apply((0..NAMES).map(|number| put(&service(number), vec![(rtype::A, vec![10, 0, 0, number as u8])])));
    table.bump_serial(0, 1000);
    Arc::new(table)
}

async fn serve(table: &Arc<Table>) -> (Serving, Arc<Counters>) {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let listeners = Listeners::bind(&ListenSettings { dns: vec![any.into()], ..ListenSettings::default() }).unwrap();
    let counters = Arc::new(Counters::default());
    (listeners.start(Arc::clone(table), Arc::clone(&counters)).await.unwrap(), counters)
}

fn query(zone: &str, qtype: u16) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(name(zone).wire());
    query.extend(qtype.to_be_bytes());
    query.extend([0, 1]);
    query
}

/// Queries, one after the other on one connection, and the messages of each until its second SOA or error.
async fn ask(server: SocketAddr, queries: &[Vec<u8>]) -> Vec<Vec<Message>> {
    let mut stream = TcpStream::connect(server).await.unwrap();
    for query in queries {
        stream.write_u16(query.len() as u16).await.unwrap();
        stream.write_all(query).await.unwrap();
    }
    let mut replies = Vec::new();
    for _ in queries {
        let (mut messages, mut soas) = (Vec::new(), 0);
        while soas < 2 {
            let length = timeout(Duration::from_secs(60), stream.read_u16()).await.unwrap().unwrap();
            let mut octets = vec![0; usize::from(length)];
            stream.read_exact(&mut octets).await.unwrap();
            let message = Message::from_vec(&octets).unwrap();
            soas += message.answers.iter().filter(|record| record.record_type() == RecordType::SOA).count();
            soas += usize::from(message.answers.len() < 2) * 2;
            messages.push(message);
        }
        replies.push(messages);
    }
    replies
}

fn records(messages: &[Message]) -> Vec<String> {
    messages.iter().flat_map(|message| &message.answers).map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_peers_copy_a_zone_at_once_and_each_has_it_whole() {
    let table = table("127.0.0.1");
    let (serving, counters) = serve(&table).await;
    let server = serving.local_addresses().dns[0];
    let peers = 3 * AT_A_TIME;
    let peers: Vec<_> = (0..peers)
        .map(|_| {
            let queries = ["clusterset.local", "clusterset.local"].map(|zone| query(zone, rtype::AXFR));
            let more = query("s1.shop.svc.clusterset.local", rtype::A);
            tokio::spawn(async move { ask(server, &[queries[0].clone(), more, queries[1].clone()]).await })
        })
        .collect();
    let count = peers.len();
    for peer in peers {
        let replies = peer.await.unwrap();
        assert_eq!(records(&replies[1]), ["s1.shop.svc.clusterset.local. 5 IN A 10.0.0.1"], "behind the transfer");
        for messages in [&replies[0], &replies[2]] {
            let records = records(messages);
            assert!(messages.len() > 1);
            assert_eq!((records.len(), records.first()), (usize::from(NAMES) + 3, records.last()));
        }
    }
    let asked: u64 = counters.snapshot().servers.iter().flat_map(|server| &server.cells).map(axfrs).sum();
    assert_eq!(asked, 2 * count as u64, "each counts once");
    serving.drain(Duration::from_secs(10)).await;
}

fn axfrs(cell: &crate::telemetry::counters::CellCounts) -> u64 {
    let slot = TYPE_NAMES.iter().position(|name| *name == "AXFR").unwrap();
    cell.requests.iter().map(|family| family[slot]).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_copies_a_zone_and_nothing_below_its_name_is_one() {
    for (allow, zone) in [("192.0.2.1", "clusterset.local"), ("127.0.0.1", "shop.svc.clusterset.local")] {
        let (serving, _) = serve(&table(allow)).await;
        let server = serving.local_addresses().dns[0];
        let replies = ask(server, &[query(zone, rtype::AXFR), query(zone, rtype::IXFR)]).await;
        for messages in replies {
            assert_eq!((messages.len(), messages[0].metadata.response_code), (1, ResponseCode::Refused), "{zone}");
        }
        serving.drain(Duration::from_secs(10)).await;
    }
}

#[tokio::test]
async fn a_zone_that_went_away_is_servfail() {
    let table = table("127.0.0.1");
    let mut transfer = begin(Arc::clone(&table), 7, query("clusterset.local", rtype::AXFR));
    let mut next = async || std::future::poll_fn(|cx| transfer.poll(cx)).await;
    let Some(Part::Message(message, Some((outcome, 34)))) = next().await else { panic!("no message") };
    assert_eq!((message[3], outcome.rcode()), (SERVFAIL, SERVFAIL));
    assert!(matches!(next().await, Some(Part::End)));
}
