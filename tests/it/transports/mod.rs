//! The same message over UDP, TCP and gRPC gets the same verdict, through real sockets (DNS.md section 5).

mod edns;
mod messages;
mod shown;

use clusterset_dns::dns::types::rtype;
use clusterset_dns::dns::{Name, rdata};
use clusterset_dns::table::{
    Block, Draft, Frame, FrameSettings, Glue, NO_CLUSTER, Order, Record, RrSet, Table, TableChange, ZoneKind,
    ZoneSettings,
};
use clusterset_dns::telemetry::counters::Counters;
use clusterset_dns::transport::grpc::client::{Client, GrpcError};
use clusterset_dns::transport::{ListenSettings, Listeners, Serving};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(30);
/// A name with one address, so that nothing rotates.
const WEB: &str = "web.shop.svc.clusterset.local";

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn set(rtype: u16, rdata: Vec<Vec<u8>>) -> RrSet {
    let record = |rdata| Record { rdata, cluster: NO_CLUSTER, glue: Glue::default() };
    let records = rdata.into_iter().map(record).collect();
    RrSet { rtype, ttl: 5, records, tiers: Vec::new(), draw: None, stale: false, serial: rtype == 6 }
}

fn frame_settings() -> FrameSettings {
    let zone = |text, kind, unknown| ZoneSettings { name: name(text), kind, ttl: 5, unknown };
    FrameSettings {
        // Nothing is known of `global` yet.
        zones: vec![zone("clusterset.local", ZoneKind::Clusterset, 0), zone("global", ZoneKind::Global, 1)],
        nsid: b"pod-7".to_vec(),
        chaos_version: Some("v1".into()),
        ..FrameSettings::default()
    }
}

/// `web` with an address and a text, `big` with more addresses than a datagram holds.
fn table() -> Table {
    let table = Table::new(Frame::new(frame_settings()));
    let soa = || set(rtype::SOA, vec![rdata::zone_soa(5)]);
    let address = |last: u8| vec![10, 0, 0, last];
    for (zone, owner, sets) in [
        (0, "clusterset.local", vec![soa()]),
        (0, "svc.clusterset.local", vec![]),
        (0, "shop.svc.clusterset.local", vec![]),
        (0, WEB, vec![set(rtype::A, vec![address(1)]), set(rtype::TXT, vec![rdata::txt(b"x")])]),
        (0, "big.shop.svc.clusterset.local", vec![set(rtype::A, (0..200).map(address).collect())]),
        (1, "global", vec![soa()]),
    ] {
        let orders = vec![Order::from(sets)];
        let draft = Draft { name: name(owner), zone, presence: u64::MAX, order_of: Vec::new(), orders };
        table.apply([TableChange::Put(Block::pack(&draft))]);
    }
    table
}

/// A server on loopback and one connection of each kind to it.
struct World {
    table: Arc<Table>,
    serving: Serving,
    udp: UdpSocket,
    tcp: SocketAddr,
    grpc: Client,
}

impl World {
    async fn start() -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let settings = ListenSettings { dns: vec![any.into()], grpc: vec![any.into()], ..ListenSettings::default() };
        let listeners = Listeners::bind(&settings).unwrap();
        let table = Arc::new(table());
        let serving = listeners.start(Arc::clone(&table), Arc::new(Counters::default())).await.unwrap();
        let (dns, grpc) = (serving.local_addresses().dns[0], serving.local_addresses().grpc[0]);
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.connect(dns).unwrap();
        udp.set_read_timeout(Some(LIMIT)).unwrap();
        World { table, serving, udp, tcp: dns, grpc: Client::connect(grpc, LIMIT).await.unwrap() }
    }

    /// The replies over UDP, TCP and gRPC; `None` where the message is dropped.
    async fn ask(&self, message: &[u8]) -> [Option<Vec<u8>>; 3] {
        [self.ask_udp(message), self.ask_tcp(message).await, self.ask_grpc(message).await]
    }

    /// A second query tells that the first one gets no reply: one socket's queries are answered in order.
    fn ask_udp(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut probe = query(WEB, rtype::A);
        probe[..2].copy_from_slice(b"!!");
        self.udp.send(message).unwrap();
        self.udp.send(&probe).unwrap();
        let mut replies = Vec::new();
        loop {
            let mut reply = vec![0; 65_535];
            let length = self.udp.recv(&mut reply).expect("the second query has a reply");
            if reply.starts_with(b"!!") {
                return replies.pop();
            }
            reply.truncate(length);
            replies.push(reply);
        }
    }

    /// A dropped message closes the connection; so does the end of our half, after the reply.
    async fn ask_tcp(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.tcp).await.unwrap();
        stream.write_all(&[&(message.len() as u16).to_be_bytes()[..], message].concat()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut replies = Vec::new();
        tokio::time::timeout(LIMIT, stream.read_to_end(&mut replies)).await.expect("the server closes").unwrap();
        let (length, reply) = replies.split_first_chunk::<2>()?;
        assert_eq!(usize::from(u16::from_be_bytes(*length)), reply.len(), "one reply");
        Some(reply.to_vec())
    }

    /// UNAVAILABLE stands for the SERVFAIL of what is not known yet.
    async fn ask_grpc(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self.grpc.query(message).await {
            Ok(reply) => Some(reply),
            Err(GrpcError::Status { code: tonic::Code::InvalidArgument, .. }) => None,
            Err(GrpcError::Status { code: tonic::Code::Unavailable, .. }) => Some(b"UNAVAILABLE".to_vec()),
            Err(error) => panic!("{error} for {message:02x?}"),
        }
    }

    async fn end(self) {
        drop(self.grpc);
        self.serving.drain(LIMIT).await;
    }
}

/// A query with ID 0x1234 and RD set, class IN, without EDNS.
fn query(text: &str, qtype: u16) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(name(text).wire());
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    query
}

/// The same with other octets in the place of those at `at`.
fn with(mut message: Vec<u8>, at: usize, octets: &[u8]) -> Vec<u8> {
    message[at..at + octets.len()].copy_from_slice(octets);
    message
}

/// An OPT record: payload, the four octets of its TTL field, options.
fn opt(payload: u16, ttl: [u8; 4], options: &[u8]) -> Vec<u8> {
    let length = (options.len() as u16).to_be_bytes();
    [&[0, 0, 41][..], &payload.to_be_bytes(), &ttl, &length, options].concat()
}

/// An EDNS option.
fn option(code: u16, value: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
}

/// A query with records in the additional section, as many as `count` says.
fn with_additional(message: Vec<u8>, count: u8, records: &[u8]) -> Vec<u8> {
    [with(message, 11, &[count]), records.to_vec()].concat()
}
