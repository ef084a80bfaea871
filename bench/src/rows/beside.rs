//! UDP beside connections that do nothing good: 2,000 idle over TCP, 2,000 slow readers, 500 over gRPC.
//!
//! Each round asks over UDP without them and with them. CPU per query and p99 are printed as ratios; the caps must hold,
//! and every descriptor must be released afterwards.

use super::Row;
use super::queries::Effort;
use crate::clusterset::Clusterset;
use crate::expect::Questions;
use crate::load::{self, Check, Tally};
use crate::manifests::Format;
use crate::process;
use crate::server::{Server, Stage};
use crate::stats::{Spread, markdown};
use anyhow::Context;
use serde_json::json;
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const IDLE: usize = 2000;
const SLOW: usize = 2000;
const GRPC: usize = 500;
/// The default of `limits.grpc.connections`.
const MOST_GRPC: f64 = 200.0;
/// Queries that a slow reader has sent without taking the answers.
const PIPELINED: usize = 128;
/// A slow reader takes one octet in this time.
const SIP: Duration = Duration::from_millis(500);
/// One address may hold 1,024 connections.
const ADDRESSES: usize = 8;
/// The preface of HTTP/2 and an empty SETTINGS frame (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What was open.
#[derive(Debug, Clone, Copy)]
struct Open {
    tcp: f64,
    grpc: f64,
    refused: f64,
}

/// Measures `effort.rounds` pairs.
pub fn measure(stage: &Stage, set: &Clusterset, format: Format, effort: Effort) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let mut questions = stage.questions(&folder, effort.edns)?;
    process::pin(stage.load_core)?;
    let (server, grpc) = stage.serve_with_grpc(&folder)?;
    ask(&server, effort, &mut questions)?;
    let before = descriptors(&server);
    let (mut alone, mut beside, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=effort.rounds {
        alone.push(ask(&server, effort, &mut questions)?);
        let crowd = crowd(&server, grpc, questions.query(0))?;
        until_calm(&server);
        let stop = AtomicBool::new(false);
        let tally = std::thread::scope(|scope| {
            scope.spawn(|| sip(&crowd[IDLE..IDLE + SLOW], &stop));
            let tally = ask(&server, effort, &mut questions);
            stop.store(true, Relaxed);
            tally
        })?;
        let metrics = server.metrics()?;
        let figure = |name| metrics.get(name).copied().unwrap_or(-1.0);
        open.push(Open {
            tcp: figure("tcp_connections"),
            grpc: figure("grpc_connections"),
            refused: figure("grpc_refused_total"),
        });
        eprintln!("round {round}: alone {}\n  beside {:?}: {}", alone[round - 1].text(), open[round - 1], tally.text());
        beside.push(tally);
    }
    let after = released(&server, before);
    Ok(row(set, &alone, &beside, &open, (before, after)))
}

fn ask(server: &Server, effort: Effort, questions: &mut Questions) -> anyhow::Result<Tally> {
    load::udp::run(&effort.plan(server, Check::Answer), questions)
}

/// Idle ones, then slow readers, then gRPC.
fn crowd(server: &Server, grpc: SocketAddr, query: &[u8]) -> anyhow::Result<Vec<TcpStream>> {
    let framed = [&(query.len() as u16).to_be_bytes(), query].concat().repeat(PIPELINED);
    let mut all = Vec::new();
    for number in 0..IDLE + SLOW + GRPC {
        let to = if number < IDLE + SLOW { server.address } else { grpc };
        let mut stream = connect(number, to).with_context(|| format!("connection {number} to {to}"))?;
        // One that is over the cap may be closed already.
        let _ = match number {
            0..IDLE => Ok(()),
            number if number < IDLE + SLOW => stream.write_all(&framed),
            _ => stream.write_all(PREFACE),
        };
        all.push(stream);
    }
    Ok(all)
}

/// From one of several addresses of 127/8, with the smallest receive buffer.
fn connect(number: usize, to: SocketAddr) -> anyhow::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(1)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 1, (number % ADDRESSES) as u8 + 1), 0)).into())?;
    socket.connect_timeout(&to.into(), Duration::from_secs(10))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn sip(slow: &[TcpStream], stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        for mut stream in slow {
            let _ = stream.read(&mut [0]);
        }
        std::thread::sleep(SIP);
    }
}

/// Waits until the server has answered what was sent, so that only the connections themselves are measured.
fn until_calm(server: &Server) {
    let (start, pause) = (Instant::now(), Duration::from_millis(200));
    let mut cpu = process::cpu(server.pid());
    while start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(pause);
        let now = process::cpu(server.pid());
        if now.saturating_sub(cpu) < pause / 50 {
            return;
        }
        cpu = now;
    }
}

fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).map_or(0, Iterator::count)
}

/// Descriptors when they are back at `before`, or after a minute.
fn released(server: &Server, before: usize) -> usize {
    let start = Instant::now();
    loop {
        let now = descriptors(server);
        if now <= before || start.elapsed() > Duration::from_secs(60) {
            return now;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn row(set: &Clusterset, alone: &[Tally], beside: &[Tally], open: &[Open], held: (usize, usize)) -> Row {
    let p99 = |tally: &Tally| tally.latencies.quantile(0.99).as_secs_f64() * 1e6;
    let ratios = |of: &dyn Fn(&Tally) -> f64| {
        let list: Vec<f64> = beside.iter().zip(alone).map(|(with, without)| of(with) / of(without).max(1e-9)).collect();
        Spread::of(&list)
    };
    let (cpu, late) = (ratios(&Tally::cpu_micros), ratios(&p99));
    let of =
        |tallies: &[Tally], what: &dyn Fn(&Tally) -> f64| Spread::of(&tallies.iter().map(what).collect::<Vec<_>>());
    let line = |name: &str, tallies: &[Tally]| {
        vec![name.to_owned(), of(tallies, &Tally::cpu_micros).text(2), of(tallies, &p99).text(0)]
    };
    let rows = [
        line("alone", alone),
        line("beside 4,500 connections", beside),
        vec!["ratio within a round".to_owned(), cpu.text(2), late.text(2)],
    ];
    let capped =
        open.iter().all(|open| open.tcp >= (IDLE + SLOW) as f64 && open.grpc <= MOST_GRPC && open.refused > 0.0);
    let released = held.1 <= held.0;
    let title = format!("UDP beside idle and slow connections, {} services", set.services);
    let verdict = format!(
        "caps {}: {open:?}; descriptors {}: {} before, {} after",
        if capped { "hold" } else { "DO NOT HOLD" },
        if released { "are released" } else { "ARE NOT RELEASED" },
        held.0,
        held.1
    );
    let head = ["UDP", "us/q (IQR)", "p99 us (IQR)"];
    Row {
        name: format!("beside-{}", set.services),
        markdown: format!("### {title}\n\n{}\n{verdict}\n", markdown(&head, &rows)),
        json: json!({
            "title": title, "cpu_ratio": cpu.median, "p99_ratio": late.median, "verdict": verdict,
            "alone": alone.iter().map(Tally::json).collect::<Vec<_>>(),
            "beside": beside.iter().map(Tally::json).collect::<Vec<_>>(),
        }),
        failed: !capped || !released || !alone.iter().chain(beside).all(Tally::is_clean),
    }
}
