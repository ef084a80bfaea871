//! TCP: several connections, each with a window of pipelined queries (RFC 7766 section 6.2.1.1).

use super::slots::Slots;
use super::{PATIENCE, Plan, Run, Tally};
use crate::expect::Questions;
use crate::process::wait_readable;
use anyhow::{Context, bail};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Duration;

struct Lane {
    stream: TcpStream,
    slots: Slots,
    /// Octets not yet taken by the kernel.
    output: Vec<u8>,
    /// Octets of replies not yet whole.
    input: Vec<u8>,
}

/// Asks by `plan` and checks every reply.
///
/// # Errors
/// Of the connections; one that the server closes ends the run.
pub fn run(plan: &Plan, questions: &mut Questions) -> anyhow::Result<Tally> {
    let mut lanes = (0..plan.sockets).map(|_| lane(plan)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut run = Run::new(plan, questions);
    let mut rounds = 0u32;
    while run.goes_on() {
        let mut idle = true;
        for lane in &mut lanes {
            send(&mut run, lane)?;
            idle &= receive(&mut run, lane)? == 0;
        }
        rounds = rounds.wrapping_add(1);
        if idle {
            wait(&lanes, plan);
        }
        if idle || rounds.is_multiple_of(1024) {
            lanes.iter_mut().for_each(|lane| run.expire(&mut lane.slots, PATIENCE));
        }
    }
    drain(&mut run, &mut lanes)?;
    Ok(run.tally)
}

fn lane(plan: &Plan) -> anyhow::Result<Lane> {
    let stream = TcpStream::connect_timeout(&plan.server, PATIENCE).with_context(|| plan.server.to_string())?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(Lane { stream, slots: Slots::new(plan.window), output: Vec::new(), input: Vec::new() })
}

fn send(run: &mut Run<'_>, lane: &mut Lane) -> anyhow::Result<()> {
    let (now, wanted) = (run.now(), run.allowance(lane.slots.free()));
    for _ in 0..wanted {
        let Some(index) = run.next_question(&mut lane.slots, now) else { break };
        let query = run.questions.query(index);
        lane.output.extend_from_slice(&(query.len() as u16).to_be_bytes());
        lane.output.extend_from_slice(query);
    }
    if lane.output.is_empty() {
        return Ok(());
    }
    match lane.stream.write(&lane.output) {
        Ok(written) => drop(lane.output.drain(..written)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) => return Err(error).with_context(|| format!("{}: cannot send", run.plan.server)),
    }
    Ok(())
}

fn receive(run: &mut Run<'_>, lane: &mut Lane) -> anyhow::Result<usize> {
    let mut buffer = [0; 65_536];
    match lane.stream.read(&mut buffer) {
        Ok(0) => bail!("{}: the server closed a connection with queries under way", run.plan.server),
        Ok(length) => lane.input.extend_from_slice(&buffer[..length]),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
        Err(error) => return Err(error).with_context(|| format!("{}: cannot receive", run.plan.server)),
    }
    let (now, mut at, mut count) = (run.now(), 0, 0);
    while let Some(frame) = frame(&lane.input[at..]) {
        run.reply(&mut lane.slots, frame, now);
        at += 2 + frame.len();
        count += 1;
    }
    lane.input.drain(..at);
    Ok(count)
}

/// The first whole message (two octets of length before it).
fn frame(input: &[u8]) -> Option<&[u8]> {
    let (length, rest) = input.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

fn wait(lanes: &[Lane], plan: &Plan) {
    let poll = |lane: &Lane| {
        let events = if lane.output.is_empty() { libc::POLLIN } else { libc::POLLIN | libc::POLLOUT };
        libc::pollfd { fd: lane.stream.as_raw_fd(), events, revents: 0 }
    };
    let mut descriptors: Vec<libc::pollfd> = lanes.iter().map(poll).collect();
    let longest = Duration::from_millis(10);
    let timeout = plan.rate.map_or(longest, |rate| Duration::from_secs_f64(1.0 / rate).min(longest));
    wait_readable(&mut descriptors, timeout);
}

fn drain(run: &mut Run<'_>, lanes: &mut [Lane]) -> anyhow::Result<()> {
    let end = run.now() + PATIENCE.as_nanos() as u64;
    while run.now() < end && lanes.iter().any(|lane| !lane.slots.is_idle()) {
        let mut count = 0;
        for lane in &mut *lanes {
            if !lane.output.is_empty() {
                let written = lane.stream.write(&lane.output).unwrap_or(0);
                lane.output.drain(..written);
            }
            count += receive(run, lane)?;
        }
        if count == 0 {
            wait(lanes, run.plan);
        }
    }
    lanes.iter_mut().for_each(|lane| run.expire(&mut lane.slots, Duration::ZERO));
    Ok(())
}
