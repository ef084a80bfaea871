//! The standard health service (`grpc.health.v1.Health`), by tonic-health.
//!
//! In: the one message of a request. Out: replies on the stream of its own that a caller of `Watch` keeps open, so each
//! request is a task beside its connection.

use super::request::framed;
use super::service::DNS_SERVICE;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use prost::bytes::Bytes;
use std::future::poll_fn;
use tonic::body::Body;
use tonic::codegen::{Body as _, Service};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// What the paths of this service begin with.
pub const HEALTH_PATHS: &str = "/grpc.health.v1.Health/";

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

    /// Answers one request on its stream: to `Watch`, as often as there is something to say, until the caller goes.
    pub async fn answer(self, path: Uri, message: Bytes, mut respond: SendResponse<Bytes>) {
        let mut service = HealthServer::new(HealthService::from_health_reporter(self.0));
        let mut request = Request::new(Full::new(framed(message.len(), |out| out.extend_from_slice(&message))));
        *request.uri_mut() = path;
        let Ok(response) = service.call(request).await;
        let (head, body) = response.into_parts();
        if let Ok(stream) = respond.send_response(Response::from_parts(head, ()), body.is_end_stream()) {
            pass_on(body, stream).await;
        }
    }
}

async fn pass_on(mut body: Body, mut stream: SendStream<Bytes>) {
    while !body.is_end_stream() {
        let frame = tokio::select! {
            _ = poll_fn(|cx| stream.poll_reset(cx)) => return,
            frame = body.frame() => frame,
        };
        let Some(Ok(frame)) = frame else { return stream.send_reset(Reason::INTERNAL_ERROR) };
        let sent = match frame.into_data() {
            Ok(data) => stream.send_data(data, false),
            Err(other) => other.into_trailers().map_or(Ok(()), |trailers| stream.send_trailers(trailers)),
        };
        if sent.is_err() {
            return;
        }
    }
}
