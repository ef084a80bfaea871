//! A client of the DNS service, for `lookup --grpc`, the bench and tests.

use super::generated::DnsPacket;
use super::generated::dns_service_client::DnsServiceClient;
use std::net::SocketAddr;
use std::time::Duration;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum GrpcError {
    #[error("no gRPC connection to {address}: {reason}")]
    Connect { address: String, reason: String },
    /// The server answered with a status and no message; UNAVAILABLE stands for "not ready yet".
    #[error("gRPC status {code:?}: {message}")]
    Status { code: tonic::Code, message: String },
}

/// One connection; clones share it.
#[derive(Debug, Clone)]
pub struct Client(DnsServiceClient<Channel>);

impl Client {
    /// Connects in plain text.
    ///
    /// # Errors
    /// [`GrpcError::Connect`] when that takes longer than `limit` or fails.
    pub async fn connect(server: SocketAddr, limit: Duration) -> Result<Self, GrpcError> {
        Self::open(server, limit, None).await
    }

    /// Connects with TLS.
    ///
    /// # Errors
    /// As [`Self::connect`], and when the certificates do not fit.
    pub async fn connect_tls(server: SocketAddr, limit: Duration, tls: ClientTlsConfig) -> Result<Self, GrpcError> {
        Self::open(server, limit, Some(tls)).await
    }

    async fn open(server: SocketAddr, limit: Duration, tls: Option<ClientTlsConfig>) -> Result<Self, GrpcError> {
        let failed = |error: tonic::transport::Error| {
            let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), |cause| cause.to_string());
            GrpcError::Connect { address: server.to_string(), reason }
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{server}")).map_err(failed)?;
        endpoint = endpoint.connect_timeout(limit).timeout(limit);
        if let Some(tls) = tls {
            endpoint = endpoint.tls_config(tls).map_err(failed)?;
        }
        let channel = endpoint.connect().await.map_err(failed)?;
        Ok(Client(DnsServiceClient::new(channel).max_decoding_message_size(super::service::REQUEST_MAX)))
    }

    /// Asks one query, a DNS message in wire form, and gives the reply likewise.
    ///
    /// # Errors
    /// [`GrpcError::Status`] when no message came.
    pub async fn query(&self, message: &[u8]) -> Result<Vec<u8>, GrpcError> {
        let packet = DnsPacket { msg: prost::bytes::Bytes::copy_from_slice(message) };
        match self.0.clone().query(packet).await {
            Ok(reply) => Ok(reply.into_inner().msg.to_vec()),
            Err(status) => Err(GrpcError::Status { code: status.code(), message: status.message().to_owned() }),
        }
    }
}

/// Asks one query on a connection of its own.
///
/// # Errors
/// As [`Client::connect`] and [`Client::query`].
pub async fn query(server: SocketAddr, message: &[u8], limit: Duration) -> Result<Vec<u8>, GrpcError> {
    Client::connect(server, limit).await?.query(message).await
}
