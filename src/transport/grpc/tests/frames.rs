//! Clients that do not keep to the rules, frame by frame (RFC 9113).

use super::streams::framed;
use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// POST to the DNS service, by the static table and one literal (RFC 7541).
fn head() -> Vec<u8> {
    let path = b"/coredns.dns.DnsService/Query";
    [&[0x83, 0x86, 0x04, path.len() as u8], &path[..]].concat()
}

/// Numbers of `count` streams of a client.
fn numbers(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|index| 2 * index + 1)
}

#[tokio::test]
async fn a_flood_of_resets_ends_its_connection() {
    let running = Running::plain().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let mut octets = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    for number in numbers(2_000) {
        octets.extend(frame(HEADERS, END_HEADERS, number, &head()));
        octets.extend(frame(RST_STREAM, 0, number, &[0, 0, 0, 8]));
    }
    // The server may close before it has read everything.
    let _ = stream.write_all(&octets).await;
    closes(stream).await;
    running.connections(0).await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_closed_at_the_deadline() {
    let limits = GrpcLimits { deadline: Duration::from_millis(300), ..GrpcLimits::default() };
    let running = Running::start(limits, None).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(running.address).await.unwrap();
    // Windows as large as they can be: only the socket holds the server up.
    let initial_window = [&[0, 4][..], &0x7fff_ffffu32.to_be_bytes()].concat();
    let mut octets = [PREFACE, &frame(SETTINGS, 0, 0, &initial_window)].concat();
    octets.extend(frame(WINDOW_UPDATE, 0, 0, &(0x7fff_ffff - 65_535u32).to_be_bytes()));
    for number in numbers(250) {
        octets.extend(frame(HEADERS, END_HEADERS, number, &head()));
        octets.extend(frame(DATA, END_STREAM, number, &framed(&query(1, "big"))));
    }
    stream.write_all(&octets).await.unwrap();
    let write_timeouts = async {
        while running.counters.snapshot().grpc.timeouts[2] == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, write_timeouts).await.expect("the server gives up writing");
    running.connections(0).await;
}

#[tokio::test]
async fn a_tls_handshake_that_stops_is_closed_at_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = Authority::new().identity("dns.example");
    let files =
        TlsFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key"), client_ca: None };
    std::fs::write(&files.certificate, certificate).unwrap();
    std::fs::write(&files.key, key).unwrap();
    let limits = GrpcLimits { deadline: Duration::from_millis(300), ..GrpcLimits::default() };
    let running = Running::start(limits, Some(files)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // A record of 512 octets is announced, and not more than a preface's length of it sent.
    stream.write_all(&[&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 30]].concat()).await.unwrap();
    closes(stream).await;
    running.connections(0).await;
}
