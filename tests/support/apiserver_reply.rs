//! How a scripted API server answers: from its script, else from its store.

use super::apiserver_script::{On, Piece, Reply, Request, Script};
use super::apiserver_store::{Scope, Store, known};
use axum::body::{Body, Bytes};
use axum::extract::{Query, State as Extract};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Everything a server holds.
pub struct State {
    pub store: Mutex<Store>,
    pub script: Mutex<Script>,
    pub journal: Mutex<Vec<Request>>,
    /// How long a second of `timeoutSeconds` lasts.
    second: Duration,
}

impl State {
    pub fn new(second: Duration) -> Self {
        State {
            store: Mutex::new(Store::new(super::apiserver::TOKEN)),
            script: Mutex::default(),
            journal: Mutex::default(),
            second,
        }
    }
}

/// Answers one request.
pub async fn handle(
    Extract(state): Extract<Arc<State>>,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let request = request(&uri, query, &headers);
    state.journal.lock().unwrap().push(request.clone());
    if request.authorization != format!("Bearer {}", state.store.lock().unwrap().token) {
        return scripted(Reply::status(401)).await;
    }
    let reply = state.script.lock().unwrap().next(&request.plural, request.on);
    match reply {
        Reply::Store => stored(&state, uri.path(), &request).await,
        reply => scripted(reply).await,
    }
}

fn request(uri: &Uri, query: HashMap<String, String>, headers: &HeaderMap) -> Request {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let plural = uri.path().rsplit('/').next().and_then(known).unwrap_or_default().to_owned();
    let on = match (plural.as_str(), query.contains_key("watch"), query.get("limit").map(String::as_str)) {
        ("", ..) => On::Discover,
        (_, true, _) => On::Watch,
        (_, false, Some("1")) => On::Check,
        _ => On::List,
    };
    Request {
        at: Instant::now(),
        uri: uri.to_string(),
        plural,
        on,
        query,
        authorization: header("authorization"),
        encoding: header("accept-encoding"),
    }
}

async fn stored(state: &Arc<State>, path: &str, request: &Request) -> Response {
    let number = |key: &str| request.query.get(key).and_then(|value| value.parse::<u64>().ok());
    let scope = Scope::new(&request.plural, path, &request.query);
    let document = {
        let mut store = state.store.lock().unwrap();
        let token = request.query.get("continue").map_or("", String::as_str);
        match (request.on, store.collection(path)) {
            (On::Discover, _) if Store::is_discovery(path) => store.discovery(path),
            (On::Watch, Some(_)) => None,
            (_, Some(_)) => Some(store.page(&scope, number("limit").unwrap_or(0) as usize, token)),
            (_, None) => return not_found(),
        }
    };
    match document {
        Some(document) => json(document.to_string()),
        None if request.on == On::Watch => {
            watch(state.clone(), scope, number("resourceVersion"), number("timeoutSeconds"))
        }
        None => not_found(),
    }
}

/// Events from the store, until the time is over or all watches are told to end.
fn watch(state: Arc<State>, scope: Scope, version: Option<u64>, seconds: Option<u64>) -> Response {
    let (sender, body) = channel();
    let until = tokio::time::Instant::now() + state.second * seconds.unwrap_or(300) as u32;
    tokio::spawn(async move {
        let mut changed = state.store.lock().unwrap().subscribe();
        let ends = *changed.borrow_and_update();
        let mut version = version.unwrap_or(0);
        loop {
            let new = state.store.lock().unwrap().since(&scope, version);
            let Some((lines, reached)) = new else {
                let gone = format!("{}\n", super::apiserver_script::error_event(410));
                let _ = sender.send(Ok(gone.into())).await;
                return;
            };
            version = reached;
            if !lines.is_empty() && sender.send(Ok(lines.into())).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                () = sender.closed() => return,
                _ = changed.changed() => if *changed.borrow_and_update() != ends { return },
            }
        }
    });
    json(body)
}

async fn scripted(reply: Reply) -> Response {
    match reply {
        Reply::Mute => std::future::pending().await,
        Reply::Store => not_found(),
        Reply::Status { code, headers, body } => {
            let status = StatusCode::from_u16(code).unwrap();
            let mut response = (status, [("content-type", "application/json")], body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Reply::Body(pieces) => {
            let (sender, body) = channel();
            tokio::spawn(play(pieces, sender));
            json(body)
        }
    }
}

async fn play(pieces: Vec<Piece>, sender: mpsc::Sender<io::Result<Bytes>>) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => drop(sender.send(Ok(text.into())).await),
            Piece::Pause(time) => tokio::time::sleep(time).await,
            Piece::Drip(text, every) => {
                for octet in text.into_bytes() {
                    tokio::time::sleep(every).await;
                    if sender.send(Ok(vec![octet].into())).await.is_err() {
                        return;
                    }
                }
            }
            Piece::Stall => sender.closed().await,
            Piece::Cut => drop(sender.send(Err(io::Error::other("scripted cut"))).await),
        }
    }
}

fn json(body: impl Into<Body>) -> Response {
    ([("content-type", "application/json")], body.into()).into_response()
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

/// A body fed from a channel; it ends cleanly when the sender is dropped.
struct Fed(mpsc::Receiver<io::Result<Bytes>>);

fn channel() -> (mpsc::Sender<io::Result<Bytes>>, Body) {
    let (sender, receiver) = mpsc::channel(16);
    (sender, Body::new(Fed(receiver)))
}

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|item| item.map(|octets| octets.map(Frame::data)))
    }
}
