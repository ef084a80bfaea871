//! The program as a child process with a configuration file: asked over UDP, signalled, killed when dropped.

use crate::child::Child;
use std::ffi::OsStr;
use std::io::{BufRead, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// Longest wait for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Listeners on free ports of 127.0.0.1, and a stop without delay.
pub const LISTEN: &str = "lameduck: 0s\nlisten: { dns: \"127.0.0.1:0\", grpc: [], health: \"\", ready: \"\", \
                          metrics: \"127.0.0.1:0\", admin: \"\" }\n";

/// A running server.
pub struct Daemon {
    child: Child,
    dns: SocketAddr,
    metrics: SocketAddr,
}

/// What one query got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// RFC 1035 response code.
    pub rcode: u8,
    /// Of A and AAAA records in the answer.
    pub addresses: Vec<IpAddr>,
    /// Of the first answer.
    pub ttl: u32,
    /// RFC 8914 info-code.
    pub ede: Option<u16>,
}

impl Daemon {
    /// Starts it and waits until its sockets are open.
    pub fn start(config: &Path) -> Self {
        Daemon::start_under(&["env"], config)
    }

    /// The same under a program that starts it in its own place, such as `prlimit` or `env`.
    pub fn start_under(program: &[&str], config: &Path) -> Self {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(env!("CARGO_BIN_EXE_clusterset-dns"));
        Daemon::spawn(command, config, &[])
    }

    /// Another build of it, on a folder of manifests where the configuration names no source.
    pub fn start_program(program: &Path, config: &Path, manifests: Option<&Path>) -> Self {
        let manifests = manifests.map(|folder| ["--manifests".as_ref(), folder.as_os_str()]);
        Daemon::spawn(Command::new(program), config, manifests.as_ref().map_or(&[], |arguments| arguments))
    }

    fn spawn(mut command: Command, config: &Path, more: &[&OsStr]) -> Self {
        let mut child = Child::start(command.arg("serve").arg("--config").arg(config).args(more));
        let (mut dns, mut metrics) = (None, None);
        let mut lines = child.printed().lines().map_while(Result::ok);
        let listener = |line: &str, what: &str| line.strip_prefix("listening on ")?.strip_suffix(what)?.parse().ok();
        while dns.is_none() || metrics.is_none() {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {}", child.log()));
            dns = dns.or_else(|| listener(&line, " (DNS over UDP and TCP)"));
            metrics = metrics.or_else(|| listener(&line, " (/metrics)"));
        }
        Daemon { child, dns: dns.expect("seen"), metrics: metrics.expect("seen") }
    }

    /// Where it answers DNS.
    pub fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Asks once, with EDNS.
    pub fn ask(&self, name: &str, rtype: &str) -> Reply {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        let mut query = crate::wire::query(name, rtype);
        query[11] = 1;
        query.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        socket.send_to(&query, self.dns).expect("sent");
        let mut reply = [0; 4096];
        let length = socket.recv(&mut reply).expect("every query is answered");
        read(&reply[..length])
    }

    /// Asks until the reply is as wanted.
    pub fn ask_until(&self, name: &str, rtype: &str, wanted: impl Fn(&Reply) -> bool) -> Reply {
        let mut last = None;
        self.wait(&format!("the wanted reply for {name}"), || {
            let reply = self.ask(name, rtype);
            let fits = wanted(&reply);
            last = Some(reply);
            fits
        });
        last.expect("asked")
    }

    /// Waits until something holds.
    pub fn wait(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "{what} did not come; log: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a line of the log that holds `part`.
    pub fn wait_log(&self, part: &str) {
        self.wait(&format!("{part:?} in the log"), || self.log().contains(part));
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.child.log()
    }

    /// The value of a series of `/metrics`, without the prefix.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let mut stream = TcpStream::connect(self.metrics).expect("it listens");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("clusterset_dns_{series} ")))?;
        line.trim().parse().ok()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    /// SIGTERM, then its end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait_end()
    }

    /// Waits for its end.
    pub fn wait_end(&mut self) -> ExitStatus {
        self.child.wait_end()
    }
}

fn read(octets: &[u8]) -> Reply {
    use hickory_proto::rr::RData;
    let message = hickory_proto::op::Message::from_vec(octets).expect("a DNS message");
    let address = |record: &hickory_proto::rr::Record| match &record.data {
        RData::A(a) => Some(IpAddr::from(a.0)),
        RData::AAAA(a) => Some(IpAddr::from(a.0)),
        _ => None,
    };
    // Option 15, its length, the info-code.
    let ede = octets.windows(6).find(|w| w[..2] == [0, 15] && w[2] == 0 && w[4] == 0).map(|w| u16::from(w[5]));
    Reply {
        rcode: octets[3] & 15,
        addresses: message.answers.iter().filter_map(address).collect(),
        ttl: message.answers.first().map_or(0, |record| record.ttl),
        ede: ede.filter(|_| message.edns.is_some()),
    }
}
