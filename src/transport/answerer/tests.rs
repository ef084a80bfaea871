//! The real table behind the real sockets.

use super::*;
use crate::dns::Name;
use crate::dns::types::rtype;
use crate::table::{
    Block, Draft, Frame, FrameSettings, Glue, NO_CLUSTER, Order, Record, RrSet, TableChange, ZoneKind, ZoneSettings,
};
use crate::telemetry::counters::Counters;
use crate::transport::{ListenSettings, Listeners};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// `web.shop.svc.clusterset.local` with one address; nothing is known about `global` yet.
fn table() -> Table {
    let zone = |text, kind, unknown| ZoneSettings { name: name(text), kind, ttl: 5, unknown };
    let zones = vec![zone("clusterset.local", ZoneKind::Clusterset, 0), zone("global", ZoneKind::Global, 1)];
    let table = Table::new(Frame::new(FrameSettings { zones, ..FrameSettings::default() }));
    let record = Record { rdata: vec![10, 0, 0, 1], cluster: NO_CLUSTER, glue: Glue::default() };
    let set = RrSet {
        rtype: rtype::A,
        ttl: 5,
        records: vec![record],
        tiers: vec![1],
        draw: None,
        stale: false,
        serial: false,
    };
    for (zone, owner, sets) in [
        (0, "clusterset.local", vec![]),
        (0, "svc.clusterset.local", vec![]),
        (0, "shop.svc.clusterset.local", vec![]),
        (0, "web.shop.svc.clusterset.local", vec![set]),
        (1, "global", vec![]),
    ] {
        let orders = vec![Order::from(sets)];
        let draft = Draft { name: name(owner), zone, presence: u64::MAX, order_of: Vec::new(), orders };
        table.apply([TableChange::Put(Block::pack(&draft))]);
    }
    table
}

fn query(id: u16, question: &str, qtype: u16) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend([0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    query.extend(name(question).wire());
    query.extend(qtype.to_be_bytes());
    query.extend([0, 1]);
    query
}

/// Queries with one right answer each, and the rcode of it.
fn questions() -> Vec<(Vec<u8>, u8)> {
    vec![
        (query(1, "web.shop.svc.clusterset.local", rtype::A), 0),
        (query(2, "web.shop.svc.clusterset.local", rtype::AAAA), 0),
        (query(3, "none.shop.svc.clusterset.local", rtype::A), 3),
        (query(4, "example.com", rtype::A), 5),
        (query(5, "none.shop.global", rtype::A), 2),
    ]
}

#[test]
fn a_batch_gives_the_answers_of_its_queries_one_by_one() {
    let (table, mut random) = (table(), Random::seeded());
    let asked = Asked { transport: Transport::Udp, view: None };
    let client = asked.client([127, 0, 0, 1].into(), &mut random);
    let mut queries: Vec<Vec<u8>> = questions().into_iter().map(|(query, _)| query).collect();
    queries.push(vec![1; 11]);
    let alone: Vec<_> = queries
        .iter()
        .map(|query| {
            let mut reply = vec![0; 512];
            (table.answer(&client, query, &mut reply), reply)
        })
        .collect();
    let (mut scratch, mut replies) = (Vec::new(), vec![vec![0; 512]; queries.len()]);
    for round in [1, queries.len(), 2] {
        let mut slots: Vec<Slot<'_>> = queries
            .iter()
            .zip(&mut replies)
            .take(round)
            .map(|(query, reply)| Slot { client, query, reply, verdict: Verdict::Transfer(9) })
            .collect();
        table.answer_batch(&mut scratch, &mut slots);
        for (slot, (verdict, reply)) in slots.iter().zip(&alone) {
            assert_eq!((slot.verdict, &*slot.reply), (*verdict, &reply[..]), "batch of {round}");
        }
    }
}

fn ask_udp(server: SocketAddr, query: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send_to(query, server).unwrap();
    let mut reply = [0; 1232];
    let length = socket.recv(&mut reply).unwrap();
    reply[..length].to_vec()
}

fn ask_tcp(server: SocketAddr, query: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(&[&(query.len() as u16).to_be_bytes()[..], query].concat()).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transport_gives_the_same_octets() {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let settings = ListenSettings { dns: vec![any.into()], grpc: vec![any.into()], ..ListenSettings::default() };
    let counters = Arc::new(Counters::default());
    let listeners = Listeners::bind(&settings).unwrap();
    let serving = listeners.start(Arc::new(table()), Arc::clone(&counters)).await.unwrap();
    let addresses = serving.local_addresses().clone();
    for (query, rcode) in questions() {
        let over_udp = ask_udp(addresses.dns[0], &query);
        assert_eq!((over_udp[3] & 0x0f, &over_udp[..2]), (rcode, &query[..2]));
        assert_eq!(ask_tcp(addresses.dns[0], &query), over_udp);
        #[cfg(feature = "grpc")]
        {
            use crate::transport::grpc::client::{GrpcError, query as ask_grpc};
            let over_grpc = ask_grpc(addresses.grpc[0], &query, Duration::from_secs(10)).await;
            match over_grpc {
                Ok(reply) => assert_eq!(reply, over_udp),
                Err(GrpcError::Status { code: tonic::Code::Unavailable, .. }) => assert_eq!(rcode, 2),
                Err(error) => panic!("rcode {rcode}: {error}"),
            }
        }
    }
    serving.drain(Duration::from_secs(10)).await;
    let total = |rcode: usize| -> u64 {
        let servers = counters.snapshot().servers;
        servers.iter().flat_map(|server| &server.cells).map(|cell| cell.responses[rcode]).sum()
    };
    let transports = if cfg!(feature = "grpc") { 3 } else { 2 };
    assert_eq!([0, 2, 3, 5].map(total), [2 * transports, transports, transports, transports]);
}
