use super::*;
use crate::responder::Transport;
use crate::telemetry::counters::{Counters, Snapshot};
use crate::transport::admission::Caps;
use crate::transport::phase::{Phase, phases};
use crate::transport::stub::{Stub, query, text};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

struct Running {
    address: SocketAddr,
    counters: Arc<Counters>,
    phase: watch::Sender<Phase>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(limits: TcpLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counters = Arc::new(Counters::default());
        let (phase, receiver) = phases();
        let caps = Caps { total: limits.connections, per_client: limits.per_client };
        let service = TcpService {
            answerer: Arc::new(Stub),
            counters: counters.worker("dns://:53", Transport::Tcp),
            admission: Admission::new(caps, Arc::clone(&counters), |counters| &counters.tcp),
            limits,
            asked: Asked { transport: Transport::Tcp, view: None },
            phase: receiver,
        };
        Running { address, counters, phase, task: tokio::spawn(serve(listener, service)) }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn snapshot(&self) -> Snapshot {
        self.counters.snapshot()
    }
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = (message.len() as u16).to_be_bytes().to_vec();
    frame.extend(message);
    frame
}

fn frames(questions: &[&str]) -> Vec<u8> {
    questions.iter().enumerate().flat_map(|(id, question)| frame(&query(id as u16, question))).collect()
}

/// The next reply; `None` when the server has closed.
async fn reply(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let read = async {
        let length = stream.read_u16().await.ok()?;
        let mut message = vec![0; usize::from(length)];
        stream.read_exact(&mut message).await.ok()?;
        Some(message)
    };
    timeout(Duration::from_secs(20), read).await.expect("a reply or the end within 20 s")
}

async fn ask(stream: &mut TcpStream, question: &str) -> String {
    stream.write_all(&frames(&[question])).await.unwrap();
    text(&reply(stream).await.expect("a reply"))
}

fn short(milliseconds: u64) -> TcpLimits {
    let time = Duration::from_millis(milliseconds);
    TcpLimits { idle: time, deadline: time, ..TcpLimits::default() }
}

#[tokio::test]
async fn pipelined_queries_are_answered_in_order_however_they_are_cut() {
    let running = Running::start(TcpLimits::default()).await;
    let questions: Vec<String> = (0..16).map(|number| format!("question {number}")).collect();
    let octets = frames(&questions.iter().map(String::as_str).collect::<Vec<_>>());
    for piece in [octets.len(), 1, 7] {
        let mut stream = running.connect().await;
        stream.set_nodelay(true).unwrap();
        for part in octets.chunks(piece) {
            stream.write_all(part).await.unwrap();
            tokio::task::yield_now().await;
        }
        for (id, question) in questions.iter().enumerate() {
            let message = reply(&mut stream).await.unwrap();
            assert_eq!((message[1], text(&message)), (id as u8, question.clone()), "pieces of {piece}");
        }
    }
    let counts = running.snapshot().servers.remove(0);
    assert_eq!(counts.cells[0].requests[0][0], 48);
    assert_eq!(counts.transport, Transport::Tcp);
}

#[tokio::test]
async fn a_half_closed_peer_gets_all_its_answers_and_then_the_end() {
    let running = Running::start(TcpLimits::default()).await;
    let mut stream = running.connect().await;
    stream.write_all(&frames(&["one", "two", "three"])).await.unwrap();
    stream.shutdown().await.unwrap();
    for expected in ["one", "two", "three"] {
        assert_eq!(text(&reply(&mut stream).await.unwrap()), expected);
    }
    assert_eq!(reply(&mut stream).await, None);
    assert_eq!(running.snapshot().tcp.timeouts, [0, 0, 0]);
}

#[tokio::test]
async fn idle_connections_and_stalled_messages_are_closed() {
    let running = Running::start(short(150)).await;
    let mut idle = running.connect().await;
    assert_eq!(ask(&mut idle, "first").await, "first");
    let mut stalled = running.connect().await;
    stalled.write_all(&[0]).await.unwrap();
    assert_eq!(reply(&mut idle).await, None);
    assert_eq!(reply(&mut stalled).await, None);
    assert_eq!(running.snapshot().tcp.timeouts, [1, 1, 0]);
}

#[tokio::test]
async fn a_dripping_message_has_one_deadline_in_all() {
    let limits = TcpLimits { deadline: Duration::from_millis(300), ..TcpLimits::default() };
    let running = Running::start(limits).await;
    let mut stream = running.connect().await;
    let drip = async {
        for octet in frames(&[&"x".repeat(500)]) {
            if stream.write_all(&[octet]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    timeout(Duration::from_secs(10), drip).await.expect("closed long before 514 octets in 40 ms steps");
    assert_eq!(running.snapshot().tcp.timeouts, [0, 1, 0]);
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_closed_and_others_go_on() {
    let limits = TcpLimits { deadline: Duration::from_millis(300), ..TcpLimits::default() };
    let running = Running::start(limits).await;
    let mut deaf = running.connect().await;
    let flood = frames(&["big"; 2_000]);
    let _ = timeout(Duration::from_millis(100), deaf.write_all(&flood)).await;
    let mut other = running.connect().await;
    assert_eq!(ask(&mut other, "hello").await, "hello");
    while running.snapshot().tcp.timeouts[2] == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn replies_beyond_the_buffer_wait_and_none_is_lost() {
    let limits = TcpLimits { buffer: 100_000, ..TcpLimits::default() };
    let running = Running::start(limits).await;
    let (mut read, mut write) = running.connect().await.into_split();
    let writer = tokio::spawn(async move {
        write.write_all(&frames(&["big"; 400])).await.unwrap();
        write
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut message = vec![0; 60_000];
    for id in 0..400u16 {
        assert_eq!(read.read_u16().await.unwrap(), 60_000);
        read.read_exact(&mut message).await.unwrap();
        assert_eq!(message[..2], id.to_be_bytes());
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn at_the_cap_of_a_client_its_oldest_idle_connection_gives_way() {
    let running = Running::start(TcpLimits { per_client: 2, ..TcpLimits::default() }).await;
    let (mut first, mut second) = (running.connect().await, running.connect().await);
    assert_eq!(ask(&mut second, "b").await, "b");
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(ask(&mut first, "a").await, "a");
    let mut third = running.connect().await;
    assert_eq!(ask(&mut third, "c").await, "c");
    assert_eq!(reply(&mut second).await, None, "the longest idle one is closed");
    assert_eq!(ask(&mut first, "again").await, "again");
    assert_eq!((running.snapshot().tcp.connections, running.snapshot().tcp.refused), (2, [0, 0, 0, 1]));
}

#[tokio::test]
async fn what_no_client_sends_ends_the_connection_after_the_answers_due() {
    let mut response = query(9, "response");
    response[2] |= 0x80;
    let cases = [("an empty frame", vec![0, 0]), ("eleven octets", frame(&[1; 11])), ("a response", frame(&response))];
    for (case, octets) in cases {
        let running = Running::start(TcpLimits::default()).await;
        let mut stream = running.connect().await;
        let all = [frames(&["before"]), octets, frames(&["after"])].concat();
        stream.write_all(&all).await.unwrap();
        assert_eq!(text(&reply(&mut stream).await.expect(case)), "before", "{case}");
        assert_eq!(reply(&mut stream).await, None, "{case}");
    }
}

#[tokio::test]
async fn the_longest_frame_is_answered() {
    let running = Running::start(TcpLimits::default()).await;
    let mut stream = running.connect().await;
    let long = "x".repeat(65_535 - 12);
    assert_eq!(ask(&mut stream, &long).await, long);
    assert_eq!(ask(&mut stream, "short").await, "short");
}

#[tokio::test]
async fn a_panic_is_servfail_and_the_connection_stays() {
    let running = Running::start(TcpLimits::default()).await;
    let mut stream = running.connect().await;
    stream.write_all(&frames(&["panic", "next"])).await.unwrap();
    assert_eq!(reply(&mut stream).await.unwrap(), [0, 0, 0x81, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(text(&reply(&mut stream).await.unwrap()), "next");
    assert_eq!(running.snapshot().panics(), 1);
}

#[tokio::test]
async fn a_transfer_streams_and_the_next_query_waits_for_it() {
    let running = Running::start(TcpLimits { buffer: 50_000, ..TcpLimits::default() }).await;
    let mut stream = running.connect().await;
    stream.write_all(&frames(&["axfr", "next"])).await.unwrap();
    for number in 0..3 {
        let message = reply(&mut stream).await.unwrap();
        assert_eq!((message.len(), message[2]), (40_000, number));
    }
    assert_eq!(text(&reply(&mut stream).await.unwrap()), "next");
}

#[tokio::test]
async fn a_transfer_that_breaks_off_ends_the_connection() {
    let running = Running::start(TcpLimits::default()).await;
    let mut stream = running.connect().await;
    stream.write_all(&frames(&["axfr cut", "next"])).await.unwrap();
    for _ in 0..3 {
        assert_eq!(reply(&mut stream).await.unwrap().len(), 40_000);
    }
    assert_eq!(reply(&mut stream).await, None, "only a close says that it is not whole");
    assert_eq!(running.snapshot().panics(), 1);
}

#[tokio::test]
async fn the_drain_answers_what_was_read_and_ends_idle_connections() {
    let running = Running::start(TcpLimits::default()).await;
    let (mut idle, mut busy) = (running.connect().await, running.connect().await);
    assert_eq!(ask(&mut idle, "idle").await, "idle");
    assert_eq!(ask(&mut busy, "busy").await, "busy");
    busy.write_all(&frames(&["one", "two"])).await.unwrap();
    running.phase.send_replace(Phase::Draining);
    assert_eq!(text(&reply(&mut busy).await.unwrap()), "one");
    assert_eq!(text(&reply(&mut busy).await.unwrap()), "two");
    assert_eq!(reply(&mut busy).await, None);
    assert_eq!(reply(&mut idle).await, None);
    drop((idle, busy));
    timeout(Duration::from_secs(10), running.task).await.expect("the service ends").unwrap();
    assert!(TcpStream::connect(running.address).await.is_err(), "the port is closed");
    assert_eq!(running.counters.snapshot().tcp.connections, 0);
}

#[tokio::test]
async fn the_end_of_the_drain_closes_what_is_left() {
    let running = Running::start(TcpLimits::default()).await;
    let mut deaf = running.connect().await;
    let _ = timeout(Duration::from_millis(50), deaf.write_all(&frames(&["big"; 1_000]))).await;
    running.phase.send_replace(Phase::Draining);
    tokio::task::yield_now().await;
    running.phase.send_replace(Phase::Closed);
    timeout(Duration::from_secs(10), running.task).await.expect("the service ends").unwrap();
}
