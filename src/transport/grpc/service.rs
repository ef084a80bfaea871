//! The DNS service, the health service, and the statuses that a client may see.

use super::generated::DnsPacket;
use super::generated::dns_service_server::{DnsService, DnsServiceServer};
use super::guarded::ConnectionInfo;
use crate::responder::{Outcome, Verdict};
use crate::telemetry::counters::{Elapsed, WorkerCounters};
use crate::transport::admission::Slot;
use crate::transport::answerer::{Answerer, Asked, REFUSED, SERVFAIL, answer_contained, bare_reply};
use crate::transport::random::Random;
use crate::transport::udp::family;
use prost::bytes::Bytes;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::{Code, Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// The longest request: a DNS message of 65,535 octets and its protobuf head.
pub const REQUEST_MAX: usize = 65_539;
/// The service of CoreDNS's `grpc` plugin.
pub const DNS_SERVICE: &str = "coredns.dns.DnsService";
const HEALTH_SERVICE: &str = "grpc.health.v1.Health";

/// What the connections of one listener on one stream worker share.
pub struct GrpcService<A> {
    pub answerer: Arc<A>,
    pub counters: Arc<WorkerCounters>,
    pub asked: Asked,
    pub health: Health,
}

impl<A> Clone for GrpcService<A> {
    fn clone(&self) -> Self {
        GrpcService {
            answerer: Arc::clone(&self.answerer),
            counters: Arc::clone(&self.counters),
            asked: self.asked,
            health: self.health.clone(),
        }
    }
}

/// What the health service says, for all listeners.
#[derive(Debug, Clone)]
pub struct Health(HealthReporter);

impl Health {
    /// SERVING, for the server and for the DNS service.
    pub async fn serving() -> Self {
        let health = Health(HealthReporter::new());
        health.set(ServingStatus::Serving).await;
        health
    }

    async fn set(&self, status: ServingStatus) {
        self.0.set_service_status("", status).await;
        self.0.set_service_status(DNS_SERVICE, status).await;
    }

    /// NOT_SERVING from now on: clients that watch go elsewhere while answers still flow.
    pub async fn not_serving(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    /// Ends the streams of those who watch, which would hold their connections open.
    pub async fn end(&mut self) {
        self.0.clear_service_status("").await;
        self.0.clear_service_status(DNS_SERVICE).await;
    }
}

thread_local! {
    static SCRATCH: RefCell<(Box<[u8]>, Random)> =
        RefCell::new((vec![0; 65_535].into_boxed_slice(), Random::seeded()));
}

impl<A: Answerer> GrpcService<A> {
    fn answer(&self, peer: IpAddr, query: &[u8]) -> Result<Bytes, Status> {
        SCRATCH.with_borrow_mut(|(reply, random)| {
            let start = Instant::now();
            let client = self.asked.client(peer, random);
            let verdict = answer_contained(&*self.answerer, &client, query, reply);
            let (length, outcome) = match verdict {
                Some(Verdict::Reply(length, outcome)) => (length, outcome),
                // Transfers go over TCP (RFC 5936).
                Some(Verdict::Transfer(_)) => bare_reply(query, reply, REFUSED).ok_or_else(dropped)?,
                Some(Verdict::Drop(reason)) => {
                    self.counters.drop_messages(reason.into(), 1);
                    return Err(dropped());
                }
                None => {
                    self.counters.panicked();
                    bare_reply(query, reply, SERVFAIL).ok_or_else(dropped)?
                }
            };
            self.counters.record(outcome, family(client.address), query.len(), length, Elapsed::from(start.elapsed()));
            if verdict.is_some() && not_ready(outcome) {
                return Err(Status::unavailable("a cluster that could own this name has not been read yet"));
            }
            Ok(Bytes::copy_from_slice(&reply[..length]))
        })
    }
}

/// Names that cannot be told absent yet are the responder's only SERVFAIL (DNS.md section 4). The extended error itself
/// is there only for clients that speak EDNS.
fn not_ready(outcome: Outcome) -> bool {
    outcome.rcode() == SERVFAIL
}

fn dropped() -> Status {
    Status::invalid_argument("not a DNS query")
}

#[tonic::async_trait]
impl<A: Answerer> DnsService for GrpcService<A> {
    async fn query(&self, request: Request<DnsPacket>) -> Result<Response<DnsPacket>, Status> {
        let info = request.extensions().get::<ConnectionInfo>();
        let peer = info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.peer);
        self.answer(peer, &request.get_ref().msg).map(|msg| Response::new(DnsPacket { msg }))
    }
}

/// Takes a request to its service, by path.
pub struct Dispatcher<A> {
    dns: DnsServiceServer<GrpcService<A>>,
    health: HealthServer<HealthService>,
}

impl<A> Clone for Dispatcher<A> {
    fn clone(&self) -> Self {
        Dispatcher { dns: self.dns.clone(), health: self.health.clone() }
    }
}

impl<A: Answerer> Dispatcher<A> {
    /// Both services of a listener.
    pub fn new(service: GrpcService<A>) -> Self {
        let health = HealthServer::new(HealthService::from_health_reporter(service.health.0.clone()));
        Dispatcher { dns: DnsServiceServer::new(service).max_decoding_message_size(REQUEST_MAX), health }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl<A: Answerer> Service<http::Request<Body>> for Dispatcher<A> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let service = request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
        match service {
            DNS_SERVICE => {
                let busy = request.extensions().get::<ConnectionInfo>().map(|info| Busy::new(&info.slot));
                let answer = self.dns.call(request);
                Box::pin(async move {
                    let _busy = busy;
                    answer.await.map(with_our_status)
                })
            }
            HEALTH_SERVICE => Box::pin(self.health.call(request)),
            _ => Box::pin(async { Ok(Status::unimplemented("no such service here").into_http()) }),
        }
    }
}

/// Keeps a connection from giving way while a query of it is under way.
struct Busy(Arc<Slot>);

impl Busy {
    fn new(slot: &Arc<Slot>) -> Self {
        slot.begin();
        Busy(Arc::clone(slot))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// tonic's own statuses for a message that is too long, or that is no `DnsPacket`, as DNS.md section 5 words them. The
/// service itself never gives these two codes.
fn with_our_status(mut response: http::Response<Body>) -> http::Response<Body> {
    let code = response.headers().get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()));
    let ours = match code {
        Some(Code::OutOfRange) => Code::ResourceExhausted,
        Some(Code::Internal) => Code::InvalidArgument,
        _ => return response,
    };
    response.headers_mut().insert(Status::GRPC_STATUS, http::HeaderValue::from(ours as i32));
    response
}
