//! gRPC: CoreDNS's `/coredns.dns.DnsService/Query` and the standard health service.
//!
//! In: connections, plain or TLS. Out: replies as messages, or one of the few statuses of DNS.md section 5. tonic
//! serves HTTP/2; caps, silence and write deadlines stand before it, in the connections handed to it.

pub mod client;
#[rustfmt::skip]
mod generated;
mod guarded;
mod service;
#[cfg(test)]
mod tests;
mod tls;

pub use service::{GrpcService, Health};
pub use tls::tls_config;

use super::admission::Admission;
use super::answerer::Answerer;
use super::phase::PhaseReceiver;
use super::settings::GrpcLimits;
use guarded::Incoming;
use service::Dispatcher;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::transport::{Server, ServerTlsConfig};

/// How often an idle connection is probed, and how long it has to answer: a peer that vanished without FIN is noticed.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Octets that one stream, and one connection, may send ahead of being read.
const STREAM_WINDOW: u32 = 65_535 + 16;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Octets of request headers.
const HEADERS_MAX: u32 = 8 * 1024;

/// Serves one listener until the drain, then until its connections are done.
///
/// # Errors
/// When tonic cannot use the TLS settings.
pub async fn serve<A: Answerer>(
    listener: TcpListener,
    service: GrpcService<A>,
    admission: Arc<Admission>,
    limits: GrpcLimits,
    tls: Option<ServerTlsConfig>,
    mut phase: PhaseReceiver,
) -> Result<(), tonic::transport::Error> {
    let mut server = Server::builder()
        .timeout(limits.deadline)
        .max_concurrent_streams(limits.streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_header_list_size(HEADERS_MAX)
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_EVERY));
    if !limits.max_age.is_zero() {
        server = server.max_connection_age(limits.max_age);
    }
    if let Some(tls) = tls {
        server = server.tls_config(tls)?;
    }
    let incoming = Incoming::new(listener, &admission, limits.deadline);
    server.serve_with_incoming_shutdown(Dispatcher::new(service), incoming, async move { phase.draining().await }).await
}
