//! What a scripted API server is told to answer, and what it was asked.

use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The sorts of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum On {
    /// `/apis` and `/apis/GROUP/VERSION`, under the plural `""`.
    Discover,
    /// A page of a list.
    List,
    /// A list with `limit=1`.
    Check,
    Watch,
}

/// One reply.
#[derive(Debug, Clone)]
pub enum Reply {
    /// What the store says.
    Store,
    /// No response head, ever.
    Mute,
    /// A status, headers and a body.
    Status { code: u16, headers: Vec<(&'static str, String)>, body: String },
    /// 200, then the body in pieces; the clean end follows the last one.
    Body(Vec<Piece>),
}

/// A piece of a body.
#[derive(Debug, Clone)]
pub enum Piece {
    Text(String),
    /// Nothing for this long.
    Pause(Duration),
    /// One octet of the text each so often.
    Drip(String, Duration),
    /// Nothing, ever, with the connection open.
    Stall,
    /// The connection breaks without an end of the body.
    Cut,
}

impl Reply {
    /// A status with the `Status` object a real server sends.
    pub fn status(code: u16) -> Self {
        let body = json!({"kind": "Status", "status": "Failure", "message": format!("scripted {code}"), "code": code});
        Reply::Status { code, headers: Vec::new(), body: body.to_string() }
    }

    /// The same with a header.
    pub fn status_with(code: u16, name: &'static str, value: &str) -> Self {
        match Reply::status(code) {
            Reply::Status { code, body, .. } => Reply::Status { code, headers: vec![(name, value.to_owned())], body },
            other => other,
        }
    }

    /// A whole list; `token` empty = the last page.
    pub fn list(version: u64, items: &[Value], token: &str) -> Self {
        let metadata = json!({"resourceVersion": version.to_string(), "continue": token});
        let list = json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items});
        Reply::Body(vec![Piece::Text(list.to_string())])
    }

    /// A watch of these lines that then ends cleanly.
    pub fn lines(lines: &[Value]) -> Self {
        Reply::Body(lines.iter().map(line).collect())
    }

    /// A watch of these lines and then this.
    pub fn lines_then(lines: &[Value], last: Piece) -> Self {
        Reply::Body(lines.iter().map(line).chain([last]).collect())
    }
}

/// One event as a line.
fn line(event: &Value) -> Piece {
    Piece::Text(format!("{event}\n"))
}

/// An event of a watch.
pub fn event(kind: &str, object: Value) -> Value {
    json!({"type": kind, "object": object})
}

/// An ERROR event with this code, as the real server sends 410.
pub fn error_event(code: u16) -> Value {
    event("ERROR", json!({"kind": "Status", "code": code, "reason": "Scripted", "message": format!("scripted {code}")}))
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub at: Instant,
    /// With its query.
    pub uri: String,
    /// Empty for discovery.
    pub plural: String,
    pub on: On,
    pub query: HashMap<String, String>,
    pub authorization: String,
    /// `Accept-Encoding`.
    pub encoding: String,
}

impl Request {
    /// True for this resource and sort.
    pub fn is(&self, plural: &str, on: On) -> bool {
        self.plural == plural && self.on == on
    }
}

/// The replies that are waiting.
#[derive(Debug, Default)]
pub struct Script {
    once: HashMap<(String, On), VecDeque<Reply>>,
    always: HashMap<(String, On), Reply>,
}

impl Script {
    pub fn queue(&mut self, plural: &str, on: On, replies: Vec<Reply>) {
        self.once.entry((plural.to_owned(), on)).or_default().extend(replies);
    }

    pub fn always(&mut self, plural: &str, on: On, reply: Reply) {
        self.always.insert((plural.to_owned(), on), reply);
    }

    pub fn clear(&mut self, plural: &str, on: On) {
        self.once.remove(&(plural.to_owned(), on));
        self.always.remove(&(plural.to_owned(), on));
    }

    /// The reply to the next request of this sort.
    pub fn next(&mut self, plural: &str, on: On) -> Reply {
        let key = (plural.to_owned(), on);
        if let Some(reply) = self.once.get_mut(&key).and_then(VecDeque::pop_front) {
            return reply;
        }
        self.always.get(&key).cloned().unwrap_or(Reply::Store)
    }
}
