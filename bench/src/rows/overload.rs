//! Overload: about twice as many queries as one core can answer.
//!
//! A flood that waits for nothing is sent over UDP, half of it from the server's own core; every reply that comes is checked. Meanwhile TCP and `/ready` are
//! asked; the datagrams that got no reply must be found in `udp_dropped_total`.

use super::Row;
use super::queries::Effort;
use crate::clusterset::Clusterset;
use crate::expect::Questions;
use crate::load::{self, Check, Plan, Tally};
use crate::manifests::Format;
use crate::mmsg::{self, BATCH, Received};
use crate::process;
use crate::server::{Server, Stage};
use crate::stats::{Latencies, markdown};
use crate::wire::{fault, number};
use serde_json::json;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How much more is asked than was answered in the closed loop.
const FACTOR: f64 = 2.0;
const SOCKETS: usize = 8;
/// Between two questions over TCP and to `/ready`.
const PAUSE: Duration = Duration::from_millis(50);

/// What came of the flood.
#[derive(Debug, Default)]
struct Flood {
    sent: u64,
    answered: u64,
    wrong: u64,
    faults: Vec<String>,
}

impl Flood {
    fn and(self, other: Flood) -> Flood {
        Flood {
            sent: self.sent + other.sent,
            answered: self.answered + other.answered,
            wrong: self.wrong + other.wrong,
            faults: [self.faults, other.faults].concat(),
        }
    }
}

/// What the other ways answered meanwhile.
#[derive(Debug, Default)]
struct Others {
    ready: Latencies,
    ready_failed: u64,
    tcp: Tally,
}

/// Measures what one core answers, then floods for `effort.measure`, at least 2 s.
pub fn measure(stage: &Stage, set: &Clusterset, format: Format, effort: Effort) -> anyhow::Result<Row> {
    let folder = stage.set(set, format)?;
    let mut questions = stage.questions(&folder, effort.edns)?;
    process::pin(stage.load_core)?;
    let server = stage.serve(&folder, "config.yaml")?;
    let plan = Plan { pids: vec![server.pid()], ..Plan::new(server.address, Check::Answer) };
    let calm = load::udp::run(&plan, &mut questions)?;
    // One core answers one query in this time, whatever the generator can do.
    let capacity = 1e6 / calm.cpu_micros().max(1e-3);
    let before = dropped(&server)?;
    let (stop, time) = (AtomicBool::new(false), effort.measure.max(Duration::from_secs(2)));
    let mut by_tcp = stage.questions(&folder, effort.edns)?;
    let mut second = stage.questions(&folder, effort.edns)?;
    process::share_core_equally(server.pid());
    let (floods, others) = std::thread::scope(|scope| {
        // On the server's core: it takes a part of what the server would answer with, and sends more.
        let second = scope.spawn(|| {
            process::pin(stage.server_core)?;
            flood(&server, &mut second, capacity * FACTOR / 2.0, time)
        });
        let others = scope.spawn(|| others(&server, &mut by_tcp, time, &stop));
        let first = flood(&server, &mut questions, capacity * FACTOR / 2.0, time);
        let second = second.join();
        stop.store(true, Relaxed);
        ((first, second), others.join().unwrap_or_default())
    });
    let (first, second) = (floods.0?, floods.1.map_err(|_| anyhow::anyhow!("a flood panicked"))??);
    let dropped = dropped(&server)? - before;
    Ok(row(set, capacity, time, &first.and(second), &others, dropped))
}

fn dropped(server: &Server) -> anyhow::Result<f64> {
    Ok(server.metrics()?.get("udp_dropped_total").copied().unwrap_or(0.0))
}

/// Sends at this rate, whatever comes back. A query's id is the number of its question.
fn flood(server: &Server, questions: &mut Questions, rate: f64, time: Duration) -> anyhow::Result<Flood> {
    let count = questions.len().min(1 << 16);
    (0..count).for_each(|index| questions.set_id(index, index as u16));
    let sockets = (0..SOCKETS).map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))).collect::<io::Result<Vec<_>>>()?;
    sockets.iter().try_for_each(|socket| socket.connect(server.address))?;
    let (mut flood, mut received, start, mut next) = (Flood::default(), Received::default(), Instant::now(), 0);
    while start.elapsed() < time {
        for socket in &sockets {
            if (flood.sent as f64) < start.elapsed().as_secs_f64() * rate {
                let batch: [&[u8]; BATCH] = std::array::from_fn(|at| questions.query((next + at) % count));
                match mmsg::send(socket.as_fd(), &batch) {
                    Ok(sent) => {
                        flood.sent += sent as u64;
                        next = (next + sent) % count;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
            take(socket, &mut received, questions, &mut flood);
        }
    }
    // What is still queued.
    std::thread::sleep(Duration::from_millis(300));
    for socket in &sockets {
        while take(socket, &mut received, questions, &mut flood) > 0 {}
    }
    Ok(flood)
}

fn take(socket: &UdpSocket, received: &mut Received, questions: &Questions, flood: &mut Flood) -> usize {
    let count = received.receive(socket.as_fd(), true).unwrap_or(0);
    for at in 0..count {
        let reply = received.message(at);
        let index = usize::from(number(reply, 0));
        flood.answered += 1;
        if let Some(found) = fault(questions.query(index), reply, questions.expected(index)) {
            flood.wrong += 1;
            flood.faults.push(found);
            flood.faults.truncate(5);
        }
    }
    count
}

/// TCP, a query at a time, and `/ready`, until told to stop.
fn others(server: &Server, questions: &mut Questions, time: Duration, stop: &AtomicBool) -> Others {
    let mut others = Others::default();
    std::thread::scope(|scope| {
        let (warmup, rate) = (Duration::ZERO, Some(1.0 / PAUSE.as_secs_f64()));
        let plan =
            Plan { sockets: 1, window: 1, rate, warmup, measure: time, ..Plan::new(server.address, Check::Answer) };
        let tcp = scope.spawn(move || load::tcp::run(&plan, questions));
        while !stop.load(Relaxed) {
            let start = Instant::now();
            others.ready_failed += u64::from(!server.ready().is_ok_and(|status| status == 200));
            others.ready.record(start.elapsed().as_nanos() as u64);
            std::thread::sleep(PAUSE);
        }
        others.tcp = tcp.join().ok().and_then(Result::ok).unwrap_or_default();
    });
    others
}

fn row(set: &Clusterset, capacity: f64, time: Duration, flood: &Flood, others: &Others, dropped: f64) -> Row {
    let seconds = time.as_secs_f64();
    let lost = flood.sent.saturating_sub(flood.answered);
    let millis = |latencies: &Latencies| format!("{:.1}", latencies.quantile(0.99).as_secs_f64() * 1e3);
    let cells = vec![
        format!("{:.0}", capacity / 1e3),
        format!("{:.0}", flood.sent as f64 / seconds / 1e3),
        format!("{:.0}", flood.answered as f64 / seconds / 1e3),
        flood.wrong.to_string(),
        lost.to_string(),
        format!("{dropped:.0}"),
        format!("{} ({})", others.tcp.answered, millis(&others.tcp.latencies)),
        millis(&others.ready),
    ];
    let head = [
        "k q/s of one core",
        "k q/s sent",
        "k q/s answered",
        "wrong",
        "without a reply",
        "counted as dropped",
        "TCP replies (p99 ms)",
        "/ready p99 ms",
    ];
    let title = format!("Overload, {} services", set.services);
    // Some of the replies find no room at the generator: fewer are counted than are without a reply. None at all would
    // mean that there was no overload, or that it is not counted.
    let counted = lost > 0 && dropped > 0.0;
    Row {
        name: format!("overload-{}", set.services),
        markdown: format!("### {title}\n\n{}", markdown(&head, &[cells])),
        json: json!({
            "title": title, "capacity": capacity, "sent": flood.sent, "answered": flood.answered, "wrong": flood.wrong,
            "faults": flood.faults, "dropped": dropped, "ready_failed": others.ready_failed, "tcp": others.tcp.json(),
        }),
        failed: flood.wrong > 0 || flood.answered == 0 || !counted || others.ready_failed > 0 || !others.tcp.is_clean(),
    }
}
