//! Objects in a real API server: created one by one or many at once, replaced, deleted, read.
//!
//! In: objects as JSON, or files of them. Out: what the API server stores; a refusal ends the test.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::api_server::ApiServer;
use crate::objects;
use crate::process::eventually;

impl ApiServer {
    /// Waits until an object is no longer served.
    pub fn wait_until_gone(&self, object: &Value) {
        let path = objects::path(object);
        eventually(Duration::from_secs(60), || match self.get_text(&path) {
            Ok(_) => Err(format!("{path} is still there")),
            Err(_) => Ok(()),
        });
    }

    /// Creates one object and returns it as stored.
    pub fn create(&self, object: Value) -> Value {
        let collection = objects::collection(&object);
        self.send("POST", &collection, &object)
    }

    /// Creates many objects, with many requests under way.
    pub fn create_all(&self, objects: Vec<Value>) {
        const UNDER_WAY: usize = 32;
        let queue = Arc::new(Mutex::new(objects));
        let worker = || {
            let (queue, client) = (queue.clone(), self.client.clone());
            async move {
                let next = || queue.lock().expect("no worker panics while it holds the queue").pop();
                while let Some(object) = next() {
                    let request = request("POST", &objects::collection(&object), &object);
                    let reply = client.request::<Value>(request).await;
                    reply.unwrap_or_else(|error| panic!("{error}\n{object}"));
                }
            }
        };
        self.runtime.block_on(async {
            let mut workers: tokio::task::JoinSet<()> = (0..UNDER_WAY).map(|_| worker()).collect();
            while let Some(done) = workers.join_next().await {
                done.expect("every object is accepted");
            }
        });
    }

    /// Replaces one object whole.
    pub fn replace(&self, object: Value) -> Value {
        let path = objects::path(&object);
        self.send("PUT", &path, &object)
    }

    /// Deletes the object of this kind, namespace and name.
    pub fn delete(&self, object: &Value) {
        self.send("DELETE", &objects::path(object), &Value::Null);
    }

    /// Merges `status` into the status of an object.
    pub fn patch_status(&self, object: &Value, status: Value) {
        let path = format!("{}/status", objects::path(object));
        self.send("PATCH", &path, &json!({ "status": status }));
    }

    /// The body of a GET.
    pub fn get_text(&self, path: &str) -> Result<String, String> {
        let request = ::http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
        self.runtime.block_on(async {
            let reply = tokio::time::timeout(Duration::from_secs(10), self.client.request_text(request)).await;
            reply.map_err(|_| format!("GET {path}: no reply in 10 s"))?.map_err(|error| format!("GET {path}: {error}"))
        })
    }

    /// Creates every object of a YAML file whose name begins with `prefix`.
    pub fn apply_file(&self, path: &Path, prefix: &str) {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!documents.is_empty(), "{} holds no objects", path.display());
        for document in documents {
            if document["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(prefix)) {
                self.create(document);
            }
        }
    }

    /// Sends one request and returns the reply.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.runtime.block_on(self.client.request::<Value>(request(method, path, body)));
        reply.unwrap_or_else(|error| panic!("cluster {}: {method} {path}: {error}\n{body}", self.name))
    }
}

fn request(method: &str, path: &str, body: &Value) -> ::http::Request<Vec<u8>> {
    let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = ::http::Request::builder().method(method).uri(path).header("Content-Type", media).body(bytes);
    request.expect("a well-formed request")
}
