use super::*;
use crate::transport::settings::{TcpLimits, UdpSettings};
use crate::transport::stub::{Stub, query, text};
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Instant;

fn settings() -> ListenSettings {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    ListenSettings {
        dns: vec![any.into(), Endpoint { address: any, view: Some(7) }],
        grpc: vec![any.into()],
        udp: UdpSettings { workers: 2, ..UdpSettings::default() },
        ..ListenSettings::default()
    }
}

async fn start(settings: &ListenSettings) -> (Serving, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let listeners = Listeners::bind(settings).unwrap();
    (listeners.start(Arc::new(Stub), Arc::clone(&counters)).await.unwrap(), counters)
}

fn ask_udp(address: SocketAddr, question: &str) -> std::io::Result<String> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.connect(address).unwrap();
    socket.send(&query(1, question))?;
    let mut reply = [0; 512];
    socket.recv(&mut reply).map(|length| text(&reply[..length]))
}

fn connect_tcp(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn ask_tcp(stream: &mut TcpStream, question: &str) -> String {
    let message = query(1, question);
    stream.write_all(&(message.len() as u16).to_be_bytes()).unwrap();
    stream.write_all(&message).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    text(&reply)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listener_answers_over_its_transports() {
    let (serving, counters) = start(&settings()).await;
    let addresses = serving.local_addresses().clone();
    assert_eq!((addresses.dns.len(), addresses.grpc.len()), (2, usize::from(cfg!(feature = "grpc"))));
    for address in addresses.dns {
        assert_eq!(ask_udp(address, "over UDP").unwrap(), "over UDP");
        assert_eq!(ask_tcp(&mut connect_tcp(address), "over TCP"), "over TCP");
    }
    serving.drain(Duration::from_secs(10)).await;
    let servers = counters.snapshot().servers;
    let asked = servers.iter().filter(|server| !server.cells.is_empty());
    assert_eq!(asked.count(), 4, "UDP and TCP of two listeners: {servers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drain_ends_streams_first_and_udp_last() {
    let (mut serving, counters) = start(&settings()).await;
    let address = serving.local_addresses().dns[0];
    let mut idle = connect_tcp(address);
    assert_eq!(ask_tcp(&mut idle, "before"), "before");
    let reader = thread::spawn(move || {
        let end = idle.read(&mut [0; 16]);
        (end, ask_udp(address, "UDP after the streams"))
    });
    serving.drain_streams(Duration::from_secs(10)).await;
    let (end, udp) = reader.join().unwrap();
    assert_eq!(end.unwrap(), 0, "FIN, no reset");
    assert_eq!(udp.unwrap(), "UDP after the streams");
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(ask_udp(address, "still").unwrap(), "still");
    assert_eq!(counters.snapshot().tcp.connections, 0);
    serving.close_udp().await;
    assert!(ask_udp(address, "gone").is_err(), "the port is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_does_not_leave_is_cut_off_at_the_limit() {
    let mut settings = settings();
    settings.tcp = TcpLimits { deadline: Duration::from_secs(3600), ..TcpLimits::default() };
    let (serving, _) = start(&settings).await;
    let mut deaf = connect_tcp(serving.local_addresses().dns[0]);
    deaf.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let message = query(1, "big");
    let frame = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
    // Far more replies than the buffers of both sides hold.
    let _ = deaf.write_all(&frame.repeat(4_000));
    let start = Instant::now();
    serving.drain(Duration::from_millis(300)).await;
    assert!(start.elapsed() >= Duration::from_millis(300));
}

/// As many connections as `limits.tcp.connections` allows by default, some of which never read what they asked for.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_connections_and_slow_readers_do_not_touch_udp() {
    let mut settings = settings();
    settings.tcp = TcpLimits { per_client: 4_096, deadline: Duration::from_secs(3600), ..TcpLimits::default() };
    let (serving, counters) = start(&settings).await;
    let address = serving.local_addresses().dns[0];
    let mut open: Vec<TcpStream> = (0..4_096).map(|_| connect_tcp(address)).collect();
    let message = query(1, "big");
    let flood = [&(message.len() as u16).to_be_bytes()[..], &message].concat().repeat(200);
    for deaf in &mut open[..32] {
        deaf.set_nonblocking(true).unwrap();
        // Far more replies than the buffers of both sides hold; what cannot be sent is left.
        let _ = deaf.write(&flood);
    }
    let end = Instant::now() + Duration::from_secs(60);
    while counters.snapshot().tcp.connections < 4_096 {
        assert!(Instant::now() < end, "{} connections", counters.snapshot().tcp.connections);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let asking = thread::spawn(move || {
        for number in 0..2_000 {
            let question = format!("over UDP {number}");
            assert_eq!(ask_udp(address, &question).unwrap(), question);
        }
    });
    asking.join().unwrap();
    assert_eq!(counters.snapshot().tcp.connections, 4_096, "and none was lost");
}

#[test]
fn nothing_stays_open_when_one_address_cannot_be_had() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    settings.dns = vec![free.into()];
    settings.dns.push(taken.local_addr().unwrap().into());
    let error = Listeners::bind(&settings).unwrap_err().to_string();
    assert!(error.contains(&taken.local_addr().unwrap().to_string()) && error.contains("nothing is served"), "{error}");
    assert!(UdpSocket::bind(free).is_ok());
}

#[test]
fn labels_and_twins_follow_the_address() {
    for (address, label) in [
        ("0.0.0.0:53", "dns://:53"),
        ("[::]:5301", "dns://:5301"),
        ("127.0.0.1:5300", "dns://127.0.0.1:5300"),
        ("[::1]:53", "dns://[::1]:53"),
    ] {
        assert_eq!(server_label("dns", address.parse().unwrap()), label);
    }
    let endpoint = |text: &str| Endpoint::from(text.parse::<SocketAddr>().unwrap());
    let both = [endpoint("[::]:53"), endpoint("0.0.0.0:53"), endpoint("[::]:54")];
    let twins: Vec<_> = both.iter().map(|each| has_ipv4_twin(each.address, &both)).collect();
    assert_eq!(twins, [true, false, false]);
}
