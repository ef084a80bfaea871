//! TLS for a scripted API server: a CA made on the spot, and a listener that shakes hands beside accepting.

use base64::Engine;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A CA and a server certificate for 127.0.0.1 and localhost.
pub struct Authority {
    ca: String,
    acceptor: TlsAcceptor,
    /// Certificate and key of a client, PEM, where one has to show itself.
    client: Option<(String, String)>,
}

impl Authority {
    pub fn new() -> Self {
        Authority::made(false)
    }

    /// The same; only clients with a certificate of this authority get through the handshake.
    pub fn with_clients() -> Self {
        Authority::made(true)
    }

    fn made(clients: bool) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(issuer.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = if clients { config.with_client_cert_verifier(verifier) } else { config.with_no_client_auth() };
        let config = config.with_single_cert(vec![leaf.der().clone()], private).unwrap();
        let client = clients.then(|| {
            let key = KeyPair::generate().unwrap();
            let certificate =
                CertificateParams::new(vec!["reader".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
            (certificate.pem(), key.serialize_pem())
        });
        Authority { ca: issuer.pem(), acceptor: TlsAcceptor::from(Arc::new(config)), client }
    }

    /// The CA as `certificate-authority-data`.
    pub fn data(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(&self.ca)
    }

    /// Certificate and key of a client, PEM.
    pub fn client(&self) -> (String, String) {
        self.client.clone().expect("clients have certificates")
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

/// Connections that are through their handshake.
pub struct Listener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Listener {
    /// Binds inside a tokio runtime; a port that was just closed is waited for.
    pub fn bind(address: SocketAddr, acceptor: TlsAcceptor) -> Self {
        let socket = (0..500)
            .find_map(|_| {
                let bound = std::net::TcpListener::bind(address).ok();
                if bound.is_none() {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                bound
            })
            .expect("the port is free again within five seconds");
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let listener = TcpListener::from_std(socket).unwrap();
        let (sender, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                // As a Go server does: an event must not wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Listener { address, ready }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
