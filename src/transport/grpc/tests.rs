mod frames;
mod generated;
mod streams;

use super::client::{Client, GrpcError};
use super::service::{DNS_SERVICE, REQUEST_MAX};
use crate::telemetry::counters::Counters;
use crate::transport::settings::{ListenSettings, TlsFiles};
use crate::transport::stub::{Stub, query, text};
use crate::transport::{GrpcLimits, Listeners, Serving};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const LIMIT: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    counters: Arc<Counters>,
    serving: Serving,
}

impl Running {
    async fn start(grpc_limits: GrpcLimits, grpc_tls: Option<TlsFiles>) -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let settings = ListenSettings { grpc: vec![any.into()], grpc_tls, grpc_limits, ..ListenSettings::default() };
        let counters = Arc::new(Counters::default());
        let listeners = Listeners::bind(&settings).unwrap();
        let serving = listeners.start(Arc::new(Stub), Arc::clone(&counters)).await.unwrap();
        Running { address: serving.local_addresses().grpc[0], counters, serving }
    }

    async fn plain() -> Self {
        Self::start(GrpcLimits::default(), None).await
    }

    /// Waits until so many connections are open.
    async fn connections(&self, count: u64) {
        let reached = async {
            while self.counters.snapshot().grpc.connections != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, reached).await.expect("as many connections as expected");
    }

    async fn client(&self) -> Client {
        Client::connect(self.address, LIMIT).await.unwrap()
    }
}

fn code(result: Result<Vec<u8>, GrpcError>) -> Code {
    match result {
        Err(GrpcError::Status { code, .. }) => code,
        other => panic!("a status: {other:?}"),
    }
}

#[tokio::test]
async fn replies_and_statuses_are_those_of_the_table_in_dns_md() {
    let running = Running::plain().await;
    let client = running.client().await;
    assert_eq!(text(&client.query(&query(1, "client ")).await.unwrap()), "client 127.0.0.1");
    assert_eq!(client.query(&query(2, "big")).await.unwrap().len(), 60_000, "never truncated");
    let mut response = query(3, "response");
    response[2] |= 0x80;
    assert_eq!(code(client.query(&response).await), Code::InvalidArgument);
    assert_eq!(code(client.query(&[]).await), Code::InvalidArgument);
    assert_eq!(code(client.query(&[1; 11]).await), Code::InvalidArgument);
    assert_eq!(code(client.query(&query(4, "wait")).await), Code::Unavailable);
    let panicked = client.query(&query(5, "panic")).await.unwrap();
    assert_eq!(panicked[..4], [0, 5, 0x81, 2]);
    assert_eq!(client.query(&query(6, "axfr")).await.unwrap()[3], 5, "transfers go over TCP");
    let longest = query(7, &"x".repeat(65_535 - 12));
    assert_eq!(client.query(&longest).await.unwrap().len(), 65_535);
    for length in [65_536, 70_000, 3_000_000] {
        assert_eq!(code(client.query(&vec![1; length]).await), Code::ResourceExhausted, "{length} octets");
    }
    assert_eq!(text(&client.query(&query(8, "still here")).await.unwrap()), "still here");
    let snapshot = running.counters.snapshot();
    assert_eq!(snapshot.grpc.connections, 1, "every case went over one connection");
    let counts = &snapshot.servers[0];
    assert_eq!((counts.panics, counts.malformed), (1, 2));
    assert!(counts.server.starts_with("grpc://127.0.0.1:"), "{}", counts.server);
    assert_eq!(REQUEST_MAX, 65_535 + 4);
}

/// A request of this body, without a client that knows protobuf.
async fn raw(address: SocketAddr, path: &'static str, body: Vec<u8>) -> Code {
    let mut channel =
        tonic::client::Grpc::new(Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap());
    channel.ready().await.unwrap();
    let path = tonic::codegen::http::uri::PathAndQuery::from_static(path);
    let codec = tonic_prost::ProstCodec::<RawField, RawField>::default();
    let reply = channel.unary(tonic::Request::new(RawField { other: body }), path, codec).await;
    reply.map_or_else(|status| status.code(), |_| Code::Ok)
}

/// A message without field 1: for the server a packet with an empty `msg`.
#[derive(Clone, PartialEq, prost::Message)]
struct RawField {
    #[prost(bytes = "vec", tag = "2")]
    other: Vec<u8>,
}

#[tokio::test]
async fn other_paths_are_unimplemented_and_an_empty_packet_is_invalid() {
    let running = Running::plain().await;
    assert_eq!(raw(running.address, "/coredns.dns.DnsService/Query", vec![1]).await, Code::InvalidArgument);
    assert_eq!(raw(running.address, "/coredns.dns.DnsService/Watch", vec![]).await, Code::Unimplemented);
    assert_eq!(raw(running.address, "/other.Service/Query", vec![]).await, Code::Unimplemented);
}

#[tokio::test]
async fn health_is_serving_until_the_end_is_announced() {
    let running = Running::plain().await;
    let channel = Endpoint::from_shared(format!("http://{}", running.address)).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let mut watch = health.watch(HealthCheckRequest { service: DNS_SERVICE.to_owned() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
    for service in ["", DNS_SERVICE] {
        let request = HealthCheckRequest { service: service.to_owned() };
        assert_eq!(health.check(request).await.unwrap().into_inner().status, 1, "SERVING: {service:?}");
    }
    running.serving.announce_end().await;
    assert_eq!(watch.message().await.unwrap().unwrap().status, 2, "NOT_SERVING");
    assert_eq!(text(&running.client().await.query(&query(1, "still")).await.unwrap()), "still");
    // The open watch must not hold the end up.
    timeout(LIMIT, running.serving.drain(Duration::from_secs(3600))).await.expect("the drain ends");
}

#[tokio::test]
async fn a_connection_that_grows_old_is_told_to_go_and_the_client_goes_on() {
    let limits = GrpcLimits { max_age: Duration::from_millis(50), ..GrpcLimits::default() };
    let running = Running::start(limits, None).await;
    let client = running.client().await;
    assert_eq!(text(&client.query(&query(1, "young")).await.unwrap()), "young");
    running.connections(0).await;
    assert_eq!(text(&client.query(&query(2, "again")).await.unwrap()), "again");
}

/// Whether the server closes the connection.
async fn closes(mut stream: TcpStream) {
    let mut sink = [0; 1024];
    let end = async { while matches!(stream.read(&mut sink).await, Ok(1..)) {} };
    timeout(LIMIT, end).await.expect("the server closes");
}

#[tokio::test]
async fn a_peer_that_does_not_begin_is_closed_and_at_the_cap_the_idle_give_way() {
    let limits = GrpcLimits { deadline: Duration::from_millis(200), ..GrpcLimits::default() };
    let running = Running::start(limits, None).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    silent.write_all(b"PRI").await.unwrap();
    closes(silent).await;
    assert_eq!(running.counters.snapshot().grpc.timeouts, [0, 1, 0]);

    let limits = GrpcLimits { connections: 10, per_client: 1, ..GrpcLimits::default() };
    let running = Running::start(limits, None).await;
    let first = TcpStream::connect(running.address).await.unwrap();
    running.connections(1).await;
    let client = running.client().await;
    assert_eq!(text(&client.query(&query(1, "second")).await.unwrap()), "second");
    closes(first).await;
    // The peer sees the end before the server has counted it.
    running.connections(1).await;
    assert_eq!(running.counters.snapshot().grpc.refused, [0, 0, 0, 1]);
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    fn identity(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

#[tokio::test]
async fn with_a_client_authority_only_its_clients_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.identity("dns.example");
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let files = TlsFiles {
        certificate: put("tls.crt", &certificate),
        key: put("tls.key", &key),
        client_ca: Some(put("ca.crt", &authority.pem)),
    };
    let running = Running::start(GrpcLimits::default(), Some(files.clone())).await;
    let base =
        || ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&authority.pem)).domain_name("dns.example");
    let ask = async |tls: ClientTlsConfig| {
        Client::connect_tls(running.address, LIMIT, tls).await?.query(&query(1, "hello")).await
    };
    let with = |(certificate, key): (String, String)| base().identity(Identity::from_pem(certificate, key));
    assert_eq!(text(&ask(with(authority.identity("coredns"))).await.unwrap()), "hello");
    assert!(ask(with(stranger.identity("coredns"))).await.is_err());
    assert!(ask(base()).await.is_err());
    assert!(Client::connect(running.address, LIMIT).await.unwrap().query(&query(1, "plain")).await.is_err());

    let wrong = TlsFiles { key: put("other.key", &stranger.identity("x").1), ..files.clone() };
    let missing = TlsFiles { certificate: folder.path().join("none.crt"), ..files };
    for (files, expected) in [(wrong, "other.key"), (missing, "none.crt")] {
        let error = super::tls_config(&files).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("tls.grpc"), "{error}");
    }
}
