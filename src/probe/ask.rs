//! One probe over the network: a connection, or a GET of which only the status is read.

use super::Prober;
use crate::model::probe::{Probe, Request, Target};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A status line is shorter; more of a reply is not read.
const STATUS_OCTETS: usize = 512;

/// Asks real addresses.
pub struct Network {
    tls: TlsConnector,
}

impl Network {
    /// Fails only where the TLS library has no usable algorithms.
    ///
    /// # Errors
    /// The reason, from the library.
    pub fn new() -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Arc::new(unverified::Unverified(provider.signature_verification_algorithms));
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(Network { tls: TlsConnector::from(Arc::new(config)) })
    }
}

impl Prober for Network {
    async fn probe(&self, target: Target) -> Result<(), String> {
        let Request { probe, port, path } = &target.check.request;
        let address = SocketAddr::new(target.address, *port);
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        match probe {
            Probe::Tcp => Ok(()),
            Probe::Http => get(stream, address, path).await,
            Probe::Https => {
                let name = ServerName::from(address.ip());
                let stream = self.tls.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))?;
                get(stream, address, path).await
            }
        }
    }
}

async fn get(mut stream: impl AsyncRead + AsyncWrite + Unpin, host: SocketAddr, path: &str) -> Result<(), String> {
    let version = env!("CARGO_PKG_VERSION");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: clusterset-dns/{version}\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    // TLS keeps what is written until it is told that this is all.
    stream.flush().await.map_err(|error| error.to_string())?;
    let mut reply = Vec::with_capacity(STATUS_OCTETS);
    while !reply.contains(&b'\n') && reply.len() < STATUS_OCTETS {
        let mut rest = (&mut stream).take((STATUS_OCTETS - reply.len()) as u64);
        if rest.read_buf(&mut reply).await.map_err(|error| error.to_string())? == 0 {
            break;
        }
    }
    match status(&reply) {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("HTTP status {status}")),
        None => Err("the reply is not HTTP".to_owned()),
    }
}

/// The status of a status line (RFC 9112 section 4).
fn status(reply: &[u8]) -> Option<u16> {
    let line = reply.split(|octet| *octet == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.trim_end().splitn(3, ' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next().filter(|status| status.len() == 3)?.parse().ok()
}

/// A check asks whether an address serves TLS, as Kubernetes's own HTTPS probes do; nothing secret is sent.
mod unverified {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    /// Takes any certificate whose key signs the handshake.
    #[derive(Debug)]
    pub struct Unverified(pub WebPkiSupportedAlgorithms);

    impl ServerCertVerifier for Unverified {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signature, &self.0)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signature, &self.0)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.supported_schemes()
        }
    }
}
