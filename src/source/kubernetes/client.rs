//! Requests to one API server over `kube::Client::send`, each with a deadline for its head and for each frame.
//!
//! In: [`Access`] and [`Timing`]. Out: response bodies, or a [`Fault`] for everything that is not 2xx.

use super::access::Access;
use super::counters::{Counters, Verb};
use super::fault::{Fault, root_cause, status_label};
use super::timing::Timing;
use super::token::TokenSource;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, RETRY_AFTER};
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Octets read of the body of an error.
const MAX_STATUS: usize = 64 << 10;

/// Makes ring the process's one rustls provider; call it first in `main`. A second call does nothing.
pub fn install_crypto_provider() {
    // The only error is that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// One API server and our credential for it.
#[derive(Clone)]
pub(super) struct Connection {
    client: kube::Client,
    token: Option<TokenSource>,
    timing: Arc<Timing>,
    counters: Arc<Counters>,
}

impl Connection {
    /// Builds the client. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// Certificates or key cannot be used; names the reason, never a value.
    pub fn new(access: &Access, timing: Arc<Timing>, counters: Arc<Counters>) -> Result<Self, String> {
        install_crypto_provider();
        let client = super::http_client::client(access.config(&timing))
            .map_err(|error| format!("the client cannot be built: {}", root_cause(&error)))?;
        Ok(Connection { client, token: access.token.clone(), timing, counters })
    }

    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Asks and waits for the head of a 2xx response. `encoding` is what the body may be packed in.
    pub async fn get(&self, verb: Verb, path: &str, encoding: Encoding) -> Result<Frames, Fault> {
        let result = self.head(path, encoding).await;
        let code = result.as_ref().map_or_else(Fault::code, |response| status_label(response.status().as_u16()));
        self.counters.request(verb, code);
        let response = result?;
        if response.status().is_success() {
            return Ok(Frames { body: response.into_body(), silence: self.timing.silence() });
        }
        if response.status() == http::StatusCode::UNAUTHORIZED
            && let Some(token) = &self.token
        {
            token.refused();
        }
        Err(self.status(response).await)
    }

    async fn head(&self, path: &str, encoding: Encoding) -> Result<Response<Body>, Fault> {
        let mut request = Request::get(path)
            .header(ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|error| Fault::Garbled(error.to_string()))?;
        if encoding == Encoding::Plain {
            // Newer API servers pack a watch in one gzip member per event; the client's decoder reads the first only.
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, token.header().await.map_err(Fault::Credential)?);
        }
        match timeout(self.timing.head, self.client.send(request)).await {
            Err(_) => Err(Fault::Head(self.timing.head)),
            Ok(Err(error)) => Err(Fault::Connect(root_cause(&error))),
            Ok(Ok(response)) => Ok(response),
        }
    }

    /// The fault of a response that is not 2xx, from its Status body where it has one.
    async fn status(&self, response: Response<Body>) -> Fault {
        let status = response.status();
        let header = seconds(response.headers());
        let mut frames = Frames { body: response.into_body(), silence: self.timing.head };
        let octets = frames.whole(MAX_STATUS, Deadline::after(self.timing.head)).await.unwrap_or_default();
        let body: StatusBody = serde_json::from_slice(&octets).unwrap_or_default();
        let reason = status.canonical_reason().unwrap_or("Unknown status");
        let text =
            if body.message.is_empty() { reason.to_owned() } else { format!("{reason}: {}", short(&body.message)) };
        let retry_after = header.or(body.details.and_then(|details| details.retry_after_seconds));
        Fault::Status { code: status.as_u16(), text, retry_after: self.bounded(retry_after) }
    }

    /// `Retry-After` in seconds as far as it is honoured.
    pub fn bounded(&self, seconds: Option<u64>) -> Option<Duration> {
        seconds.map(|seconds| Duration::from_secs(seconds).min(self.timing.retry_after))
    }
}

/// What a response body may be packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Plain,
}

/// The end of the time a whole task has, however many requests it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    total: Duration,
}

impl Deadline {
    /// From now on.
    pub fn after(total: Duration) -> Self {
        Deadline { at: Instant::now() + total, total }
    }

    /// Waits for a part of the task, until the deadline at most.
    pub async fn bound<T>(self, part: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        timeout_at(self.at, part).await.unwrap_or(Err(Fault::Deadline(self.total)))
    }
}

/// The frames of a response body.
pub(super) struct Frames {
    body: Body,
    silence: Duration,
}

impl Frames {
    /// Appends the next frame to `octets`; false at the clean end.
    pub async fn next(&mut self, octets: &mut Vec<u8>) -> Result<bool, Fault> {
        match timeout(self.silence, self.body.frame()).await {
            Err(_) => Err(Fault::Silence(self.silence)),
            Ok(None) => Ok(false),
            Ok(Some(Err(error))) => Err(Fault::Cut(root_cause(&error))),
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    octets.extend_from_slice(data);
                }
                Ok(true)
            }
        }
    }

    /// The whole body, of at most `limit` octets.
    pub async fn whole(&mut self, limit: usize, deadline: Deadline) -> Result<Vec<u8>, Fault> {
        let mut octets = Vec::new();
        loop {
            let more = deadline.bound(self.next(&mut octets)).await?;
            if octets.len() > limit {
                return Err(Fault::TooLarge("the response", limit));
            }
            if !more {
                return Ok(octets);
            }
        }
    }
}

/// The parts of a `Status` object that are read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct StatusBody {
    message: String,
    details: Option<StatusDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StatusDetails {
    retry_after_seconds: Option<u64>,
}

fn seconds(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// A server's own words, cut to a length that fits a log line.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
