use super::*;
use crate::telemetry::counters::{Counters, ServerCounts};
use crate::transport::bind::{Bound, Wanted, bind};
use crate::transport::stub::{Stub, query, text};
use std::net::SocketAddr;
use std::thread::JoinHandle;

struct Running {
    address: SocketAddr,
    counters: Counters,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(address: &str, batch: usize) -> Self {
        let (mut running, worker) = Self::prepare(address, batch);
        running.thread = Some(thread::spawn(move || worker.run()));
        running
    }

    fn prepare(address: &str, batch: usize) -> (Self, Worker<Stub>) {
        let wanted = Wanted { address: address.parse().unwrap(), udp: 1, tcp: 0, only_v6: false, receive_buffer: 0 };
        let Bound { address, mut udp, with_destination, .. } = bind(wanted, &mut Vec::new()).unwrap();
        let counters = Counters::default();
        let stop = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            socket: udp.remove(0),
            with_destination,
            batch,
            reply_size: 1232,
            view: None,
            answerer: Arc::new(Stub),
            counters: counters.worker("dns://:0", Transport::Udp),
            stop: Arc::clone(&stop),
        };
        (Running { address, counters, stop, thread: None }, worker)
    }

    /// A socket that only hears replies from exactly `host`.
    fn client(&self, host: &str) -> UdpSocket {
        let host: IpAddr = host.parse().unwrap();
        let any = if host.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.connect((host, self.address.port())).unwrap();
        socket
    }

    fn end(mut self) -> ServerCounts {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.counters.snapshot().servers.remove(0)
    }
}

fn ask(socket: &UdpSocket, message: &[u8]) -> Vec<u8> {
    socket.send(message).unwrap();
    let mut reply = [0; 65_535];
    let length = socket.recv(&mut reply).expect("a reply from the address that was asked");
    reply[..length].to_vec()
}

#[test]
fn the_reply_comes_from_the_address_that_was_asked() {
    for batch in [1, 32] {
        let cases = [
            ("127.0.0.1:0", vec![("127.0.0.1", "127.0.0.1")]),
            ("0.0.0.0:0", vec![("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")]),
            // Dual stack: an IPv4 client is seen as IPv4. Where IPv6 is absent this is 0.0.0.0 and ::1 is not asked.
            ("[::]:0", vec![("127.0.0.2", "127.0.0.2"), ("::1", "::1")]),
        ];
        for (listen, asked) in cases {
            let running = Running::start(listen, batch);
            for (host, client) in asked {
                if host == "::1" && running.address.is_ipv4() {
                    continue;
                }
                let reply = ask(&running.client(host), &query(7, "client "));
                // On loopback the kernel picks the asked address as the client's own.
                let seen = text(&reply);
                assert!(
                    seen == format!("client {client}") || seen == "client 127.0.0.1",
                    "{listen}, batch {batch}, asked {host}: {seen}"
                );
            }
            running.end();
        }
    }
}

#[test]
fn every_datagram_of_a_burst_is_answered_and_counted() {
    for (listen, batch) in [("127.0.0.1:0", 1), ("127.0.0.1:0", 32), ("0.0.0.0:0", 1), ("0.0.0.0:0", 7)] {
        let (mut running, worker) = Running::prepare(listen, batch);
        let socket = running.client("127.0.0.1");
        // Sent before the worker starts, so that it finds more than one batch waiting.
        for id in 0..100 {
            socket.send(&query(id, "burst")).unwrap();
        }
        running.thread = Some(thread::spawn(move || worker.run()));
        let mut seen = [false; 100];
        let mut reply = [0; 512];
        for _ in 0..100 {
            let length = socket.recv(&mut reply).unwrap();
            assert_eq!(text(&reply[..length]), "burst");
            seen[usize::from(u16::from_be_bytes([reply[0], reply[1]]))] = true;
        }
        assert!(seen.iter().all(|seen| *seen), "{listen}, batch {batch}");
        let counts = running.end();
        assert_eq!(counts.cells[0].requests[0][0], 100);
        assert_eq!(counts.cells[0].request_octets, 1_700);
        assert_eq!(counts.cells[0].durations.iter().sum::<u64>(), 100);
    }
}

#[test]
fn a_panic_costs_its_own_query_only() {
    for batch in [1, 32] {
        let (mut running, worker) = Running::prepare("127.0.0.1:0", batch);
        let socket = running.client("127.0.0.1");
        let asked = ["one", "panic", "two", "panic", "three"];
        for (id, question) in asked.iter().enumerate() {
            socket.send(&query(id as u16, question)).unwrap();
        }
        running.thread = Some(thread::spawn(move || worker.run()));
        let mut reply = [0; 512];
        let mut answers = asked.map(|_| String::new());
        for _ in asked {
            let length = socket.recv(&mut reply).unwrap();
            answers[usize::from(reply[1])] = format!("{} {}", reply[3], text(&reply[..length]));
        }
        assert_eq!(answers, ["0 one", "2 ", "0 two", "2 ", "0 three"]);
        assert_eq!(running.end().panics, 2);
    }
}

#[test]
fn what_is_never_answered_is_counted_by_reason() {
    let running = Running::start("127.0.0.1:0", 32);
    let socket = running.client("127.0.0.1");
    let mut response = query(1, "response");
    response[2] |= 0x80;
    socket.send(&[]).unwrap();
    socket.send(&[1; 11]).unwrap();
    socket.send(&response).unwrap();
    assert_eq!(text(&ask(&socket, &query(2, "query"))), "query");
    assert_eq!(running.end().dropped, [2, 1, 0, 0]);
}

#[test]
fn replies_have_the_room_that_was_set_and_long_queries_are_cut() {
    let running = Running::start("127.0.0.1:0", 32);
    let socket = running.client("127.0.0.1");
    assert_eq!(ask(&socket, &query(1, "fill")).len(), 1232);
    // A query of 4,084 + 12 octets would not fit the reply buffer of the stub: it must not take the worker down.
    let reply = ask(&socket, &query(2, &"x".repeat(8_000)));
    assert_eq!((reply.len(), reply[3]), (12, 2));
    assert_eq!(text(&ask(&socket, &query(3, "after"))), "after");
    running.end();
}

#[test]
fn what_has_arrived_when_told_to_stop_is_answered() {
    for batch in [1, 32] {
        let (running, worker) = Running::prepare("127.0.0.1:0", batch);
        let socket = running.client("127.0.0.1");
        for id in 0..40 {
            socket.send(&query(id, "last")).unwrap();
        }
        running.stop.store(true, Ordering::Relaxed);
        worker.run();
        let mut reply = [0; 512];
        for _ in 0..40 {
            socket.recv(&mut reply).unwrap();
        }
    }
}
