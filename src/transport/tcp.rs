//! TCP (RFC 7766): persistent connections, pipelined queries, bounded in number, time and memory.
//!
//! In: connections. Out: replies, in the order of the queries, as many as one read brought in one write. One task per
//! connection on its stream worker's thread; an idle connection holds no buffers.

mod connection;
mod frames;
#[cfg(test)]
mod tests;

use super::accept::{Accepting, accept};
use super::admission::Admission;
use super::answerer::{Answerer, Asked};
use super::phase::PhaseReceiver;
use super::settings::TcpLimits;
use crate::telemetry::counters::WorkerCounters;
use connection::Connection;
use std::sync::Arc;
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

fn note_panic<A>(service: &TcpService<A>, ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        service.counters.panicked();
    }
}
