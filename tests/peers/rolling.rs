//! Two servers behind CoreDNS's `forward`, with the stanza of deploy/coredns without its cache, under constant load:
//! what clients lose when one server is restarted, dies, or hangs.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use crate::api_server::repository;
use crate::coredns::{CoreDns, Way, stanza};
use crate::probe::{ask, until};
use crate::process::{free_port, peers_or_skip, say};
use crate::server::Server;

const NAME: &str = "web.shop.svc.clusterset.local.";
/// As long as glibc and Go wait.
const CLIENT: Duration = Duration::from_secs(5);
const CLIENTS: usize = 4;
/// Load before and after each event.
const CALM: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(60);

/// Two servers of the same clusters, CoreDNS in front, clients in front of that.
struct Pair {
    servers: [Server; 2],
    coredns: CoreDns,
    port: u16,
    answer: BTreeSet<String>,
}

impl Pair {
    fn start(peers: &Path) -> Pair {
        let folder = repository().join("examples/two-clusters");
        let source = |name: &str| {
            format!("- name: {name}\n  source: {{ manifests: {{ path: \"{}\" }} }}\n", folder.join(name).display())
        };
        let settings = format!("local: {{ cluster: east }}\nclusters:\n{}{}", source("east"), source("west"));
        let servers = [(); 2].map(|()| Server::start_with_lameduck("2s", &settings));
        let port = free_port();
        let corefile = stanza(Way::Forward, port, [servers[0].dns, servers[1].dns], free_port(), false);
        let coredns = CoreDns::start(peers, &corefile, port);
        let answer = ask(servers[0].dns, NAME).expect("the first server answers");
        assert!(!answer.is_empty(), "{NAME} has addresses");
        until(port, NAME, &Ok(answer.clone()), Instant::now(), LIMIT);
        Pair { servers, coredns, port, answer }
    }

    /// What the clients lose while `event` happens.
    fn under_load(&mut self, what: &str, event: impl FnOnce(&mut [Server; 2])) -> Tally {
        let load = Load::start(self.port, &self.answer);
        std::thread::sleep(CALM);
        event(&mut self.servers);
        std::thread::sleep(CALM);
        let tally = load.finish();
        let Tally { asked, failed, slowest, .. } = &tally;
        say(&format!("{what}: {} of {asked} client queries failed, the slowest took {slowest:?}", failed.len()));
        assert!(*asked > 100, "{what}: hardly a question was asked\n{}", self.coredns.log());
        tally
    }
}

/// What clients saw.
#[derive(Default)]
struct Tally {
    asked: u64,
    /// Queries without the right answer.
    failed: Vec<String>,
    /// Of these, the ones that were answered "no such name" or "no such address".
    negative: u64,
    slowest: Duration,
}

/// Clients that ask one after the other, each through a socket of its own.
struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Tally>>,
}

impl Load {
    fn start(port: u16, answer: &BTreeSet<String>) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |number: usize| {
            let (stop, answer) = (stop.clone(), answer.clone());
            std::thread::spawn(move || client(port, &answer, number as u16 * 16_000, &stop))
        };
        let clients = (0..CLIENTS).map(client).collect();
        Load { stop, clients }
    }

    fn finish(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.into_iter().fold(Tally::default(), |all, client| {
            let one = client.join().expect("a client does not panic");
            Tally {
                asked: all.asked + one.asked,
                failed: [all.failed, one.failed].concat(),
                negative: all.negative + one.negative,
                slowest: all.slowest.max(one.slowest),
            }
        })
    }
}

fn client(port: u16, answer: &BTreeSet<String>, first: u16, stop: &AtomicBool) -> Tally {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a UDP socket");
    socket.connect((Ipv4Addr::LOCALHOST, port)).expect("connect a UDP socket");
    let (mut tally, mut id) = (Tally::default(), first);
    while !stop.load(Ordering::Relaxed) {
        id = id.wrapping_add(1);
        tally.asked += 1;
        let began = Instant::now();
        let got = exchange(&socket, id);
        tally.slowest = tally.slowest.max(began.elapsed());
        match got {
            Ok((ResponseCode::NoError, addresses)) if addresses == *answer => {}
            Ok((code, addresses)) => {
                let negative = code == ResponseCode::NXDomain || code == ResponseCode::NoError && addresses.is_empty();
                tally.negative += u64::from(negative);
                tally.failed.push(format!("{code:?} {addresses:?}"));
            }
            Err(error) => tally.failed.push(error),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    tally
}

/// One query; late replies to earlier ones are passed over.
fn exchange(socket: &UdpSocket, id: u16) -> Result<(ResponseCode, BTreeSet<String>), String> {
    let mut query = Message::query();
    query.add_query(Query::query(Name::from_ascii(NAME).expect("a DNS name"), RecordType::A));
    query.metadata.id = id;
    let bytes = query.to_vec().expect("a query has a wire form");
    let (end, mut buffer) = (Instant::now() + CLIENT, [0; 4096]);
    socket.send(&bytes).map_err(|error| format!("cannot ask: {error}"))?;
    loop {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(left)).expect("set a time-out");
        let length = socket.recv(&mut buffer).map_err(|error| format!("no reply within {CLIENT:?}: {error}"))?;
        let reply = Message::from_vec(&buffer[..length]).map_err(|error| format!("unreadable: {error}"))?;
        if reply.metadata.id == id {
            let addresses = reply.answers.iter().map(|record| record.data.to_string()).collect();
            return Ok((reply.metadata.response_code, addresses));
        }
    }
}

#[test]
fn a_rolling_restart_of_two_servers_fails_no_client_query() {
    let mut pair = Pair::start(&peers_or_skip!());
    let tally = pair.under_load("rolling restart", |servers| {
        for server in servers {
            assert_eq!(server.terminate(), Some(0), "SIGTERM is a clean stop");
            server.start_again();
        }
    });
    assert_eq!(tally.failed, Vec::<String>::new(), "{}", pair.coredns.log());
}

#[test]
fn one_of_two_servers_may_die_or_hang_and_come_back() {
    let mut pair = Pair::start(&peers_or_skip!());
    let dies = pair.under_load("kill -9 of the first server", |[first, _]| {
        first.kill();
        std::thread::sleep(CALM);
        first.start_again();
    });
    let hangs = pair.under_load("hang of the first server", |[first, _]| {
        first.signal("STOP");
        std::thread::sleep(2 * CALM);
        first.signal("CONT");
    });
    for (what, tally) in [("kill -9", dies), ("hang", hangs)] {
        assert_eq!(tally.negative, 0, "{what}: a name that exists is never denied: {:?}", tally.failed);
    }
    let answer = Ok(pair.answer.clone());
    until(pair.port, NAME, &answer, Instant::now(), LIMIT);
}
