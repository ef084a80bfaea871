//! gRPC: CoreDNS's `/coredns.dns.DnsService/Query` and the standard health service.
//!
//! In: connections, plain or TLS. Out: replies as messages, or one of the few statuses of DNS.md section 5. HTTP/2 by
//! h2, one task per connection; tonic has the statuses, the health service and the client.

pub mod client;
mod connection;
#[rustfmt::skip]
mod generated;
mod guarded;
mod health;
mod request;
mod service;
#[cfg(test)]
mod tests;
mod tls;

pub use health::Health;
pub use service::GrpcService;
pub use tls::tls_config;

use super::accept::{Accepted, Accepting, accept};
use super::admission::Admission;
use super::answerer::Answerer;
use super::phase::PhaseReceiver;
use super::settings::GrpcLimits;
use connection::Terms;
use guarded::Guarded;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;

/// One listener of one stream worker.
pub struct GrpcListener<A> {
    pub service: Arc<GrpcService<A>>,
    pub admission: Arc<Admission>,
    pub limits: GrpcLimits,
    /// `None` is plain text.
    pub tls: Option<TlsAcceptor>,
    pub phase: PhaseReceiver,
}

/// Serves one listener until the drain, then until its connections are done.
pub async fn serve<A: Answerer>(socket: TcpListener, listener: GrpcListener<A>) {
    let listener = Arc::new(listener);
    let mut phase = listener.phase.clone();
    let mut accepting = Accepting::new(&listener.admission);
    let mut connections = JoinSet::new();
    let mut draining = false;
    while !draining {
        tokio::select! {
            biased;
            () = phase.draining() => draining = true,
            Some(ended) = connections.join_next(), if !connections.is_empty() => listener.note_panic(ended),
            accepted = accept(&socket, &mut accepting) => {
                connections.spawn(Arc::clone(&listener).converse(accepted));
            }
        }
    }
    for accepted in accepting.sweep(socket) {
        connections.spawn(Arc::clone(&listener).converse(accepted));
    }
    while let Some(ended) = connections.join_next().await {
        listener.note_panic(ended);
    }
}

impl<A: Answerer> GrpcListener<A> {
    async fn converse(self: Arc<Self>, accepted: Accepted) {
        let slot = Arc::clone(accepted.permit.slot());
        tokio::select! {
            biased;
            () = slot.told_to_close() => {}
            () = self.converse_for_long(accepted) => {}
        }
    }

    async fn converse_for_long(&self, accepted: Accepted) {
        let Accepted { stream, peer, permit } = accepted;
        let terms = Terms {
            service: Arc::clone(&self.service),
            limits: self.limits.clone(),
            peer: peer.ip().to_canonical(),
            slot: Arc::clone(permit.slot()),
        };
        let stream = Guarded::new(stream, permit, Arc::clone(&self.admission), self.limits.deadline);
        let Some(tls) = &self.tls else { return connection::serve(stream, terms, self.phase.clone()).await };
        if let Ok(Ok(stream)) = tokio::time::timeout(self.limits.deadline, tls.accept(stream)).await {
            connection::serve(stream, terms, self.phase.clone()).await;
        }
    }

    fn note_panic(&self, ended: Result<(), JoinError>) {
        if ended.is_err_and(|error| error.is_panic()) {
            self.service.counters.panicked();
        }
    }
}
