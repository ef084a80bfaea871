//! A scripted Kubernetes API server on loopback, over TLS with a CA of its own.
//!
//! Without a script it behaves like a real one over an in-memory store: lists in pages, watches, discovery, 410 after
//! compaction. A script replaces single replies by faults. A journal keeps every request with its time.
//!
//! ```ignore
//! let server = ApiServer::start();
//! server.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
//! server.script("endpointslices", On::Watch, [Reply::status(410), Reply::Mute]);
//! let kubeconfig = server.kubeconfig(folder.path(), "west");
//! ```

use super::apiserver_reply::{self as reply, State};
pub use super::apiserver_script::{On, Piece, Reply, Request};
use super::apiserver_store::Store;
use super::apiserver_tls::{Authority, Listener};
use axum::Router;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The token that [`ApiServer::kubeconfig`] writes.
pub const TOKEN: &str = "token-of-the-test";

/// A running server; dropping it closes every connection.
pub struct ApiServer {
    authority: Authority,
    state: Arc<State>,
    address: SocketAddr,
    running: Option<Runtime>,
}

impl ApiServer {
    /// Starts one on a free port of 127.0.0.1; it serves the MCS kinds as v1beta1.
    pub fn start() -> Self {
        ApiServer::start_scaled(Duration::from_secs(1))
    }

    /// The same; each second of a watch's `timeoutSeconds` lasts `second`.
    pub fn start_scaled(second: Duration) -> Self {
        let mut server = ApiServer {
            authority: Authority::new(),
            state: Arc::new(State::new(second)),
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            running: None,
        };
        server.resume();
        server
    }

    /// Closes the socket and every connection: the port refuses.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.running.take() {
            runtime.shutdown_background();
        }
    }

    /// Closes everything and opens the same port again with a certificate of another authority.
    pub fn renew_authority(&mut self) {
        self.stop();
        self.authority = Authority::new();
        self.resume();
    }

    /// The same; from then on clients must show a certificate of it: that and its key, PEM.
    pub fn require_client_certificate(&mut self) -> (String, String) {
        self.stop();
        self.authority = Authority::with_clients();
        self.resume();
        self.authority.client()
    }

    /// The authority as `certificate-authority-data`: base64 of PEM.
    pub fn authority(&self) -> String {
        self.authority.data()
    }

    /// Opens the same port again, with the data as it was.
    pub fn resume(&mut self) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let _inside = runtime.enter();
        let listener = Listener::bind(self.address, self.authority.acceptor());
        self.address = listener.address();
        let router = Router::new().fallback(reply::handle).with_state(self.state.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        self.running = Some(runtime);
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Writes `NAME.kubeconfig` with a context of that name and [`TOKEN`] into `folder`.
    pub fn kubeconfig(&self, folder: &Path, name: &str) -> PathBuf {
        self.kubeconfig_for(folder, name, &format!("token: {TOKEN}"))
    }

    /// The same with these fields of the user, in YAML flow style.
    pub fn kubeconfig_for(&self, folder: &Path, name: &str, user: &str) -> PathBuf {
        let path = folder.join(format!("{name}.kubeconfig"));
        std::fs::write(&path, self.kubeconfig_text(name, user)).unwrap();
        path
    }

    /// The text of such a kubeconfig.
    pub fn kubeconfig_text(&self, name: &str, user: &str) -> String {
        let (ca, url) = (self.authority.data(), self.url());
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {name}\n\
             clusters:\n- name: {name}\n  cluster: {{server: '{url}', certificate-authority-data: {ca}}}\n\
             users:\n- name: {name}\n  user: {{{user}}}\n\
             contexts:\n- name: {name}\n  context: {{cluster: {name}, user: {name}}}\n"
        )
    }

    /// Adds or replaces an object; its resourceVersion, if any, is overwritten.
    pub fn put(&self, object: Value) {
        self.store().put(object);
    }

    /// Deletes an object; `namespace` is empty for kinds without one.
    pub fn delete(&self, plural: &str, namespace: &str, name: &str) {
        self.store().delete(plural, namespace, name);
    }

    /// Serves the MCS kinds at these versions; none = the CRDs are missing.
    pub fn serve_mcs(&self, versions: &[&'static str]) {
        self.store().mcs = versions.to_vec();
    }

    /// Forgets all events so far: a watch from an older resourceVersion gets 410 inside its stream.
    pub fn compact(&self) {
        self.store().compact();
    }

    /// Puts the store back to this resourceVersion with only these objects, as a restored etcd does.
    /// Nobody is told.
    pub fn restore(&self, version: u64, objects: impl IntoIterator<Item = Value>) {
        self.store().restore(version, objects.into_iter().collect());
    }

    /// Only this bearer token is accepted from now on; others get 401.
    pub fn accept_token(&self, token: &str) {
        self.store().token = token.to_owned();
    }

    /// The next requests of this sort get these replies, one each; then the store answers again.
    /// `plural` is the resource, or `""` for discovery.
    pub fn script(&self, plural: &str, on: On, replies: impl IntoIterator<Item = Reply>) {
        self.state.script.lock().unwrap().queue(plural, on, replies.into_iter().collect());
    }

    /// Every request of this sort gets this reply, until [`ApiServer::unscript`].
    pub fn always(&self, plural: &str, on: On, reply: Reply) {
        self.state.script.lock().unwrap().always(plural, on, reply);
    }

    /// Takes back everything scripted for this sort of request.
    pub fn unscript(&self, plural: &str, on: On) {
        self.state.script.lock().unwrap().clear(plural, on);
    }

    /// Closes every watch of the resource cleanly, now.
    pub fn end_watches(&self) {
        self.store().end_watches();
    }

    /// Every request so far.
    pub fn journal(&self) -> Vec<Request> {
        self.state.journal.lock().unwrap().clone()
    }

    /// How many requests of this sort came.
    pub fn count(&self, plural: &str, on: On) -> usize {
        self.state.journal.lock().unwrap().iter().filter(|request| request.is(plural, on)).count()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.state.store.lock().unwrap()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.stop();
    }
}
