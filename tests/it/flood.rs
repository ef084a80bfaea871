//! 200,000 mutated messages through every socket of the program: each is answered or dropped, nothing is kept of any, and
//! what is asked rightly is answered rightly (issue "Many clusters, every fault").

use crate::daemon::Daemon;
use crate::splitmix::scattered;
use clusterset_dns::transport::grpc::client::{Client, GrpcError};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

const WEB: &str = "web.shop.svc.clusterset.local";
const UDP: u32 = 170_000;
const TCP: u32 = 20_000;
const GRPC: u32 = 10_000;
/// Sent before their replies are looked at; a socket's buffer holds as many.
const BATCH: u32 = 64;
/// What the allocator may hold back, in KiB.
const SLACK: u64 = 8 << 10;

/// The numbers from one on, in turn.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        scattered(self.0)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// A query with some octets replaced, cut, doubled or put in.
    fn message(&mut self) -> Vec<u8> {
        let rtype = ["A", "AAAA", "SRV", "SOA", "ANY", "TYPE252", "TYPE251"][self.below(7)];
        let mut message = crate::wire::query([WEB, "clusterset.local", "1.0.1.10.in-addr.arpa"][self.below(3)], rtype);
        if self.below(2) == 0 {
            message[11] = 1;
            message.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 12, 0, 8, 0, 8, 0, 1, 24, 0, 10, 2, 3, 0]);
        }
        for _ in 0..=self.below(4) {
            let at = self.below(message.len());
            match self.below(5) {
                0 => message.truncate(at),
                1 => message.insert(at, self.next() as u8),
                2 => message.extend_from_within(at..),
                _ if message.is_empty() => {}
                _ => message[at] = self.next() as u8,
            }
        }
        message
    }
}

fn over_udp(server: SocketAddr, random: &mut Random, count: u32) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut last, mut reply) = (crate::wire::query(WEB, "A"), [0; 65_535]);
    for batch in 0..count / BATCH {
        for _ in 0..BATCH {
            socket.send(&random.message()).unwrap();
        }
        // The reply to the last one tells that all were read.
        last[..2].copy_from_slice(&(batch as u16).to_be_bytes());
        last[2] = 1;
        socket.send(&last).unwrap();
        while {
            let length = socket.recv(&mut reply).expect("a well-formed query is answered");
            !(reply[..2] == last[..2] && reply[12..length].starts_with(&last[12..]))
        } {}
    }
}

/// A dropped message ends its connection, and so may a transfer: the next one is made on another.
fn over_tcp(server: SocketAddr, random: &mut Random, count: u32) {
    let mut sent = 0;
    while sent < count {
        let mut stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        for _ in 0..BATCH {
            let message = random.message();
            sent += 1;
            if stream.write_all(&[&(message.len() as u16).to_be_bytes()[..], &message].concat()).is_err() {
                break;
            }
        }
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // To its end, which may be a reset.
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

async fn over_grpc(server: SocketAddr, random: &mut Random, count: u32) {
    let limit = Duration::from_secs(10);
    let client = Client::connect(server, limit).await.unwrap();
    for _ in 0..count {
        let message = random.message();
        match client.query(&message).await {
            Ok(_) | Err(GrpcError::Status { .. }) => {}
            Err(error) => panic!("{error} for {message:02x?}"),
        }
    }
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn two_hundred_thousand_mutated_messages_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let grpc = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/hostile-cluster/clusters/east");
    let config = format!(
        "lameduck: 0s\nlisten: {{ dns: \"127.0.0.1:0\", grpc: \"{grpc}\", health: \"\", ready: \"\", metrics: \"127.0.0.1:0\", \
         admin: \"\" }}\nreverseZones: [10.in-addr.arpa]\nclusters:\n\
         - {{ name: east, reach: clusterIP, source: {{ manifests: {{ path: \"{manifests}\" }} }} }}\n"
    );
    std::fs::write(folder.path().join("config.yaml"), config).unwrap();
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    let expected = daemon.ask(WEB, "A");
    assert!(!expected.addresses.is_empty(), "{expected:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut random = Random(7);
    let mut flood = |share: u32| {
        over_udp(daemon.dns(), &mut random, UDP / share);
        over_tcp(daemon.dns(), &mut random, TCP / share);
        runtime.block_on(over_grpc(grpc, &mut random, GRPC / share));
    };
    // Every buffer is filled once, before memory is looked at.
    flood(5);
    let before = resident_kib(daemon.pid());
    flood(1);
    let after = resident_kib(daemon.pid());
    assert!(after <= before + SLACK, "resident memory grew from {before} to {after} KiB");
    assert_eq!(daemon.ask(WEB, "A"), expected);
    assert_eq!(daemon.metric("panics_total"), Some(0.0));
    assert!(daemon.stop().success(), "{}", daemon.log());
}
