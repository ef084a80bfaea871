//! The askers: one over UDP, one over TCP, one over gRPC, each a question at a time at a steady rate, every reply checked.

use super::check::{Fault, Question, Seen};
use super::fleet::Fleet;
use crate::expect::stir;
use crate::stats::Latencies;
use anyhow::Context;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// A query without a reply for this long is lost.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What the askers know of the run.
#[derive(Debug, Default)]
pub struct Stage {
    pub stop: AtomicBool,
    /// The server is being restarted: silence and SERVFAIL are right.
    pub away: AtomicBool,
    /// Grows when one process has ended: a new one may know less than the old one did.
    pub life: AtomicU32,
}

/// What one asker saw.
#[derive(Debug, Default)]
pub struct Tally {
    pub answered: u64,
    pub torn: u64,
    pub wrong_negatives: u64,
    pub backwards: u64,
    pub servfail: u64,
    pub other: u64,
    pub lost: u64,
    /// SERVFAIL and silence while the server was away.
    pub while_away: u64,
    pub latencies: Latencies,
    /// The first few faults in words.
    pub faults: Vec<String>,
}

impl Tally {
    pub fn is_clean(&self) -> bool {
        self.torn + self.wrong_negatives + self.backwards + self.servfail + self.other + self.lost == 0
            && self.answered > 0
    }

    pub fn count(&mut self, fault: Fault, away: bool) {
        let (counter, text) = match fault {
            Fault::ServFail if away => return self.while_away += 1,
            Fault::ServFail => (&mut self.servfail, "SERVFAIL".to_owned()),
            Fault::Torn(text) => (&mut self.torn, text),
            Fault::WrongNegative(text) => (&mut self.wrong_negatives, text),
            Fault::Backwards(text) => (&mut self.backwards, text),
            Fault::Other(text) => (&mut self.other, text),
        };
        *counter += 1;
        if self.faults.len() < 5 {
            self.faults.push(text);
        }
    }
}

/// A way to ask.
pub trait Way {
    /// The reply to a query.
    fn ask<'a>(&mut self, query: &[u8], buffer: &'a mut [u8]) -> io::Result<&'a [u8]>;
}

/// Over UDP.
pub struct Udp(UdpSocket);

impl Udp {
    /// # Errors
    /// Of the socket.
    pub fn new(server: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(server).with_context(|| server.to_string())?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Udp(socket))
    }
}

impl Way for Udp {
    fn ask<'a>(&mut self, query: &[u8], buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        self.0.send(query)?;
        loop {
            let length = self.0.recv(buffer)?;
            // Late replies to queries that were given up have other ids.
            if buffer[..length].starts_with(&query[..2]) {
                return Ok(&buffer[..length]);
            }
        }
    }
}

/// Over TCP, one connection as long as it lives.
pub struct Tcp(SocketAddr, Option<TcpStream>);

impl Tcp {
    pub fn new(server: SocketAddr) -> Self {
        Tcp(server, None)
    }

    fn exchange(stream: &mut TcpStream, query: &[u8], buffer: &mut [u8]) -> io::Result<usize> {
        stream.write_all(&[&(query.len() as u16).to_be_bytes(), query].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let length = usize::from(u16::from_be_bytes(length));
        let room = buffer.get_mut(..length).ok_or(io::ErrorKind::InvalidData)?;
        stream.read_exact(room)?;
        Ok(length)
    }
}

impl Way for Tcp {
    fn ask<'a>(&mut self, query: &[u8], buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let mut stream = match self.1.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect_timeout(&self.0, PATIENCE)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream
            }
        };
        let length = Tcp::exchange(&mut stream, query, buffer)?;
        self.1 = Some(stream);
        Ok(&buffer[..length])
    }
}

/// Asks until told to stop.
pub fn run(way: &mut dyn Way, stage: &Stage, fleet: &Fleet, per_second: f64, seed: u64) -> Tally {
    let (mut tally, mut seen, mut life) = (Tally::default(), Seen::new(), 0);
    let (mut random, mut buffer) = (seed, vec![0; 65_535]);
    let start = Instant::now();
    for turn in 0u64.. {
        if stage.stop.load(SeqCst) {
            break;
        }
        let due = start + Duration::from_secs_f64(turn as f64 / per_second);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        random = stir(random);
        let question = Question::any(random, fleet.services);
        let mut query = question.query();
        query[..2].copy_from_slice(&(turn as u16).to_be_bytes());
        let away = stage.away.load(SeqCst);
        if life != stage.life.load(SeqCst) {
            (life, seen) = (stage.life.load(SeqCst), Seen::new());
        }
        let began = Instant::now();
        match way.ask(&query, &mut buffer) {
            Ok(reply) => {
                tally.answered += 1;
                tally.latencies.record(began.elapsed().as_nanos() as u64);
                if let Some(fault) = question.fault(&query, reply, fleet, &mut seen) {
                    tally.count(fault, away || stage.away.load(SeqCst));
                }
            }
            Err(_) if away || stage.away.load(SeqCst) => {
                tally.while_away += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => {
                tally.lost += 1;
                tally.faults.push(format!("{question:?}: no reply: {error}"));
                tally.faults.truncate(5);
            }
        }
    }
    tally
}
