//! The admin listeners: `/health`, `/ready`, `/metrics` and `/explain` over HTTP/1.1 (OPERATIONS.md section 1).
//!
//! In: the addresses of `listen.{health,ready,metrics,admin}` and one source per path. Out: bound listeners, then
//! replies until the stop signal. Paths whose addresses are equal share one listener.

mod bind;
mod probe;
mod readiness;

pub use bind::{Addresses, BindError, Bound, bind};
pub use probe::watch_health;
pub use readiness::{Gate, Monitor};

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The paths, each behind the listener of its own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    Health,
    Ready,
    Metrics,
    /// `listen.admin`: `/explain`, later the console.
    Explain,
}

impl Path {
    pub const ALL: [Path; 4] = [Path::Health, Path::Ready, Path::Metrics, Path::Explain];

    /// The configuration key of its address.
    pub fn key(self) -> &'static str {
        match self {
            Path::Health => "listen.health",
            Path::Ready => "listen.ready",
            Path::Metrics => "listen.metrics",
            Path::Explain => "listen.admin",
        }
    }
}

/// `GET /explain?name=NAME&type=TYPE&view=VIEW&format=text|json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Question {
    pub name: String,
    /// Empty: every type.
    #[serde(default, rename = "type")]
    pub rtype: String,
    /// Empty: the local view.
    #[serde(default)]
    pub view: String,
    /// `text` (also when empty) or `json`.
    #[serde(default)]
    pub format: String,
}

/// What the room `explain` answers to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explained {
    Text(String),
    Json(String),
    /// The question cannot be read: what is wrong and what to write instead.
    Refused(String),
}

/// Answers one question (the room `explain`).
pub type Explainer = dyn Fn(&Question) -> Explained + Send + Sync;

/// Where the paths get what they say.
pub struct Sources {
    /// Names of loops of the process that hang; empty is healthy. Never anything about clusters.
    pub hanging: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    pub readiness: Arc<Gate>,
    /// The exposition text of Prometheus.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// `None`: `/explain` is 404.
    pub explain: Option<Box<Explainer>>,
}

/// Answers on every bound listener until `stop` resolves; then open replies are finished.
pub async fn serve(bound: Bound, sources: Arc<Sources>, stop: impl Future<Output = ()> + Send) {
    let (stopping, stopped) = watch::channel(false);
    let mut listeners = JoinSet::new();
    for (listener, paths) in bound.into_listeners() {
        let router = router(&paths, Arc::clone(&sources));
        let mut stopped = stopped.clone();
        listeners.spawn(async move {
            let until = async move {
                // An error means the sender is gone: a stop as well.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            axum::serve(listener, router).with_graceful_shutdown(until).await
        });
    }
    stop.await;
    stopping.send_replace(true);
    while listeners.join_next().await.is_some() {}
}

fn router(paths: &[Path], sources: Arc<Sources>) -> Router {
    let mut router = Router::new();
    for path in paths {
        router = match path {
            Path::Health => router.route("/health", get(health)),
            Path::Ready => router.route("/ready", get(ready)),
            Path::Metrics => router.route("/metrics", get(metrics)),
            Path::Explain => router.route("/explain", get(explain)),
        };
    }
    router.with_state(sources)
}

async fn health(State(sources): State<Arc<Sources>>) -> (StatusCode, String) {
    said((sources.hanging)())
}

async fn ready(State(sources): State<Arc<Sources>>) -> (StatusCode, String) {
    said(sources.readiness.missing())
}

/// 200 `OK`, or 503 with one line per thing.
fn said(missing: Vec<String>) -> (StatusCode, String) {
    if missing.is_empty() {
        return (StatusCode::OK, "OK".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
}

/// Gathering walks every counter and reads /proc: off the event loop.
async fn metrics(State(sources): State<Arc<Sources>>) -> Response {
    let content = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    match tokio::task::spawn_blocking(move || (sources.metrics)()).await {
        Ok(text) => (content, text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("metrics: {error}\n")).into_response(),
    }
}

async fn explain(State(sources): State<Arc<Sources>>, question: Result<Query<Question>, QueryRejection>) -> Response {
    const USAGE: &str = "/explain needs a name: /explain?name=web.shop.svc.clusterset.local&type=A&view=&format=text\n";
    let question = match question {
        Ok(Query(question)) if !question.name.is_empty() => question,
        _ => return (StatusCode::BAD_REQUEST, USAGE).into_response(),
    };
    let answer = tokio::task::spawn_blocking(move || sources.explain.as_ref().map(|explain| explain(&question)));
    match answer.await {
        Ok(Some(Explained::Text(text))) => text.into_response(),
        Ok(Some(Explained::Json(json))) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Ok(Some(Explained::Refused(why))) => (StatusCode::BAD_REQUEST, why + "\n").into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "explain is not available in this process\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("explain: {error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests;
