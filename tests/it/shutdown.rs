//! Row "SIGTERM under load" (RESILIENCE.md section 7): nothing is lost, nothing fails.

use crate::daemon::{Daemon, LISTEN};
use crate::wire::rcode_over;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const WEB: &str = "web.shop.svc.clusterset.local";

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    asked: u64,
    lost: u64,
    failed: u64,
}

impl Seen {
    fn reply(&mut self, reply: std::io::Result<u8>) {
        self.asked += 1;
        self.lost += u64::from(reply.is_err());
        self.failed += u64::from(reply.is_ok_and(|rcode| rcode != 0));
    }
}

fn over_udp(server: SocketAddr, stop: &AtomicBool) -> Seen {
    let (mut seen, mut reply) = (Seen::default(), [0; 512]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let query = crate::wire::query(WEB, "A");
    while !stop.load(Ordering::Relaxed) {
        seen.reply(socket.send(&query).and_then(|_| socket.recv(&mut reply)).map(|_| reply[3] & 15));
    }
    seen
}

/// A connection for each ten queries.
fn over_tcp(server: SocketAddr, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::Relaxed) {
        let mut stream = TcpStream::connect(server).unwrap();
        (0..10).for_each(|_| seen.reply(rcode_over(&mut stream, WEB)));
    }
    seen
}

#[test]
fn sigterm_under_load() {
    let folder = tempfile::tempdir().unwrap();
    crate::reload::cluster(folder.path(), "east", "10.1.0.1");
    let listen = LISTEN.replace("lameduck: 0s", "lameduck: 5s");
    let config =
        format!("{listen}clusters:\n- name: east\n  source: {{ manifests: {{ path: east }} }}\n  reach: clusterIP\n");
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    let mut daemon = Daemon::start(&folder.path().join("config.yaml"));
    let (server, stop) = (daemon.dns(), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = [over_udp, over_udp, over_udp, over_tcp, over_tcp]
        .into_iter()
        .map(|client| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || client(server, &stop))
        })
        .collect();
    let mut quiet = TcpStream::connect(server).unwrap();
    assert_eq!(rcode_over(&mut quiet, WEB).unwrap(), 0);
    std::thread::sleep(Duration::from_millis(200));
    daemon.signal("TERM");
    daemon.wait_log("stopping: /ready is 503");
    // As long as others are told to go elsewhere, which is less than the lameduck.
    std::thread::sleep(Duration::from_secs(1));
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        let seen = client.join().unwrap();
        println!("{seen:?}");
        assert_eq!((seen.lost, seen.failed), (0, 0));
        assert!(seen.asked > 10);
    }
    // Who stayed connected is told in order: the end of the stream, not a reset.
    quiet.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(quiet.read(&mut [0; 16]).unwrap(), 0);
    assert!(daemon.wait_end().success(), "{}", daemon.log());
}
