//! TCP (RFC 7766): persistent connections, pipelined queries, bounded in number, time and memory.
//!
//! In: connections. Out: replies, in the order of the queries, as many as one read brought in one write. One task per
//! connection on its stream worker's thread; an idle connection holds no buffers.

mod connection;
mod frames;
#[cfg(test)]
mod tests;

use super::accept::{Accepted, Accepting, accept};
use super::admission::{Admission, Caps};
use super::answerer::{Answerer, Asked};
use super::phase::{PhaseReceiver, phases};
use super::settings::TcpLimits;
use crate::responder::Transport;
use crate::telemetry::counters::{Counters, WorkerCounters};
use connection::Connection;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What the connections of one listener on one stream worker share.
pub struct TcpService<A> {
    pub answerer: Arc<A>,
    pub counters: Arc<WorkerCounters>,
    pub admission: Arc<Admission>,
    pub limits: TcpLimits,
    pub asked: Asked,
    pub phase: PhaseReceiver,
}

/// Serves one listener until the drain, then until its connections are done.
pub async fn serve<A: Answerer>(listener: TcpListener, service: TcpService<A>) {
    let service = Arc::new(service);
    let mut phase = service.phase.clone();
    let mut accepting = Accepting::new(&service.admission);
    let mut connections = JoinSet::new();
    let mut draining = false;
    while !draining {
        let accepted = tokio::select! {
            biased;
            () = phase.draining() => {
                draining = true;
                continue;
            }
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                note_panic(&service, ended);
                continue;
            }
            accepted = accept(&listener, &mut accepting) => accepted,
        };
        connections.spawn(Connection::new(accepted, Arc::clone(&service)).run());
    }
    for accepted in accepting.sweep(listener) {
        connections.spawn(Connection::new(accepted, Arc::clone(&service)).run());
    }
    while let Some(ended) = connections.join_next().await {
        note_panic(&service, ended);
    }
}

/// Serves one connection over any stream of octets to its end, as `serve` does those it accepts; alone in the world:
/// with counters and caps of its own. Needs the timer of a tokio runtime.
pub async fn converse<A, S>(stream: S, peer: SocketAddr, answerer: Arc<A>, limits: TcpLimits)
where
    A: Answerer,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let counters = Arc::new(Counters::default());
    let caps = Caps { total: 1, per_client: 1 };
    let admission = Admission::new(caps, Arc::clone(&counters), |counters| &counters.tcp);
    let Ok(permit) = admission.admit(peer.ip()) else { return };
    let (_serving, phase) = phases();
    let service = TcpService {
        answerer,
        counters: counters.worker("dns", Transport::Tcp),
        admission,
        limits,
        asked: Asked { transport: Transport::Tcp, view: None },
        phase,
    };
    Connection::new(Accepted { stream, peer, permit }, Arc::new(service)).run().await;
}

fn note_panic<A>(service: &TcpService<A>, ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        service.counters.panicked();
    }
}
