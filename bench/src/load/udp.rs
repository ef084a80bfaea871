//! UDP: connected sockets, a window of queries on each, 32 datagrams per system call.

use super::slots::Slots;
use super::{PATIENCE, Plan, Run, Tally};
use crate::expect::Questions;
use crate::mmsg::{self, BATCH, Received};
use crate::process::wait_readable;
use anyhow::Context;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

struct Lane {
    socket: UdpSocket,
    slots: Slots,
}

/// Asks by `plan` and checks every reply.
///
/// # Errors
/// Of the sockets, a closed port of the server included.
pub fn run(plan: &Plan, questions: &mut Questions) -> anyhow::Result<Tally> {
    let mut lanes = (0..plan.sockets).map(|_| lane(plan)).collect::<io::Result<Vec<_>>>()?;
    let mut received = Received::default();
    let mut run = Run::new(plan, questions);
    let mut rounds = 0u32;
    while run.goes_on() {
        let mut idle = true;
        for lane in &mut lanes {
            send(&mut run, lane).with_context(|| format!("{}: cannot send", plan.server))?;
            idle &= receive(&mut run, lane, &mut received)? == 0;
        }
        rounds = rounds.wrapping_add(1);
        if idle {
            wait(&lanes, plan);
        }
        if idle || rounds.is_multiple_of(1024) {
            lanes.iter_mut().for_each(|lane| run.expire(&mut lane.slots, PATIENCE));
        }
    }
    drain(&mut run, &mut lanes, &mut received)?;
    Ok(run.tally)
}

fn lane(plan: &Plan) -> io::Result<Lane> {
    let any: IpAddr = if plan.server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(plan.server)?;
    Ok(Lane { socket, slots: Slots::new(plan.window) })
}

fn send(run: &mut Run<'_>, lane: &mut Lane) -> io::Result<()> {
    let (now, wanted) = (run.now(), run.allowance(lane.slots.free().min(BATCH)));
    let mut chosen = [0usize; BATCH];
    let mut count = 0;
    while count < wanted {
        let Some(index) = run.next_question(&mut lane.slots, now) else { break };
        chosen[count] = index;
        count += 1;
    }
    let mut left = &chosen[..count];
    while !left.is_empty() {
        let messages: [&[u8]; BATCH] =
            std::array::from_fn(|i| left.get(i).map_or(&[][..], |index| run.questions.query(*index)));
        match mmsg::send(lane.socket.as_fd(), &messages[..left.len()]) {
            Ok(sent) => left = &left[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn receive(run: &mut Run<'_>, lane: &mut Lane, received: &mut Received) -> anyhow::Result<usize> {
    let count = match received.receive(lane.socket.as_fd(), true) {
        Ok(count) => count,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => return Err(error).with_context(|| format!("{}: cannot receive", run.plan.server)),
    };
    let now = run.now();
    for index in 0..count {
        run.reply(&mut lane.slots, received.message(index), now);
    }
    Ok(count)
}

/// Sleeps until a reply comes; in the open loop at most until about the next query is due.
fn wait(lanes: &[Lane], plan: &Plan) {
    let poll = |lane: &Lane| libc::pollfd { fd: lane.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut descriptors: Vec<libc::pollfd> = lanes.iter().map(poll).collect();
    let longest = Duration::from_millis(10);
    let timeout = plan.rate.map_or(longest, |rate| Duration::from_secs_f64(1.0 / rate).min(longest));
    wait_readable(&mut descriptors, timeout);
}

/// Waits for what is under way; what does not come is missing.
fn drain(run: &mut Run<'_>, lanes: &mut [Lane], received: &mut Received) -> anyhow::Result<()> {
    let end = run.now() + PATIENCE.as_nanos() as u64;
    while run.now() < end && lanes.iter().any(|lane| !lane.slots.is_idle()) {
        let mut count = 0;
        for lane in &mut *lanes {
            count += receive(run, lane, received)?;
        }
        if count == 0 {
            wait(lanes, run.plan);
        }
    }
    lanes.iter_mut().for_each(|lane| run.expire(&mut lane.slots, Duration::ZERO));
    Ok(())
}
