//! NOTIFY (RFC 1996): secondaries are told that a zone changed, over UDP.
//!
//! In: the table's serials, a wake-up after one moved. Out: one message per zone and secondary, at most once a second,
//! sent again with growing pauses until the secondary acknowledges it or the attempts are used up.

mod message;
mod plan;
#[cfg(test)]
mod tests;

use super::random::Random;
use crate::table::Table;
use plan::Plan;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// After a socket's error, before it is read again.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest acknowledgement that is read.
const REPLY: usize = 512;

/// The task that notifies; dropping it ends it.
#[derive(Debug)]
pub struct Notifying(Option<JoinHandle<()>>);

impl Notifying {
    /// Starts it on the tokio runtime of the caller; without `targets` there is none. Every secondary is told of every
    /// zone at the start: nobody knows what it missed.
    pub fn start(targets: &[SocketAddr], table: &Arc<Table>, moved: Arc<Notify>) -> Self {
        if targets.is_empty() {
            return Notifying(None);
        }
        let (targets, table) = (targets.to_vec(), Arc::clone(table));
        Notifying(Some(tokio::spawn(run(targets, table, moved))))
    }
}

impl Drop for Notifying {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

async fn run(targets: Vec<SocketAddr>, table: Arc<Table>, moved: Arc<Notify>) {
    let sockets = Sockets::open(&targets).await;
    let mut plan = Plan::new(targets, Random::seeded());
    let (mut v4, mut v6) = ([0; REPLY], [0; REPLY]);
    loop {
        for sending in plan.due(&table.frame(), Instant::now()) {
            // An error here is a lost datagram: the next attempt follows.
            let _ = sockets.send(&sending.message, sending.to).await;
        }
        let until = plan.next_due();
        tokio::select! {
            () = moved.notified() => {}
            () = sleep_until(until) => {}
            (length, from) = receive(sockets.v4.as_ref(), &mut v4) => acknowledge(&mut plan, &v4[..length], from),
            (length, from) = receive(sockets.v6.as_ref(), &mut v6) => acknowledge(&mut plan, &v6[..length], from),
        }
    }
}

fn acknowledge(plan: &mut Plan, reply: &[u8], from: SocketAddr) {
    if let Some(reply) = message::read_reply(reply) {
        plan.acknowledged(SocketAddr::new(from.ip().to_canonical(), from.port()), &reply);
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

/// The next datagram; never without a socket.
async fn receive(socket: Option<&UdpSocket>, into: &mut [u8]) -> (usize, SocketAddr) {
    let Some(socket) = socket else { return std::future::pending().await };
    loop {
        match socket.recv_from(into).await {
            Ok(received) => return received,
            // "Port unreachable" of an earlier datagram: nobody listens there yet.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// One socket per family that is needed.
struct Sockets {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
}

impl Sockets {
    async fn open(targets: &[SocketAddr]) -> Self {
        let v4 = targets.iter().any(SocketAddr::is_ipv4);
        let v6 = targets.iter().any(SocketAddr::is_ipv6);
        Sockets { v4: open(v4, Ipv4Addr::UNSPECIFIED.into()).await, v6: open(v6, Ipv6Addr::UNSPECIFIED.into()).await }
    }

    async fn send(&self, message: &[u8], to: SocketAddr) -> io::Result<usize> {
        match if to.is_ipv4() { &self.v4 } else { &self.v6 } {
            Some(socket) => socket.send_to(message, to).await,
            None => Err(io::ErrorKind::AddrNotAvailable.into()),
        }
    }
}

async fn open(wanted: bool, address: IpAddr) -> Option<UdpSocket> {
    if !wanted {
        return None;
    }
    let opened = UdpSocket::bind((address, 0)).await;
    opened
        .inspect_err(|error| {
            tracing::warn!(
                "transfer.notify: no socket at {address}: {error}; secondaries of this family find changes at their refresh"
            );
        })
        .ok()
}
