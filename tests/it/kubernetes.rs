//! A watched cluster for the tests of `source::kubernetes`: a scripted API server, our watches, and what they report.

use crate::support::apiserver::{ApiServer, TOKEN};
use clusterset_dns::model::{Change, ClusterId, Fact, Kind, Observation};
use clusterset_dns::source::kubernetes::{self, Counters, Rules, Spec, Timing, Watcher};
use clusterset_dns::source::runtime::Sources;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// Longest wait for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The times of RESILIENCE.md 4.1 at about 1:20, with slack for busy machines; no probe.
pub fn scaled() -> Timing {
    let millis = Duration::from_millis;
    Timing {
        watch: SECOND,
        slack: millis(800),
        head: millis(1000),
        list: millis(2500),
        connect: millis(3000),
        write: millis(3000),
        pace: millis(50),
        backoff: (millis(50), millis(400)),
        retry_after: millis(1000),
        healthy: millis(500),
        probe: (Duration::from_secs(3600), millis(1000)),
        reprobe: millis(200),
        confirm: millis(150),
    }
}

/// How long a second of `timeoutSeconds` lasts on the server.
pub const SECOND: Duration = Duration::from_millis(200);

/// A server and the watches of it. Fields drop in this order.
pub struct Watched {
    pub watcher: Watcher,
    pub sources: Sources,
    pub server: ApiServer,
    pub counters: Arc<Counters>,
    pub folder: TempDir,
    receiver: mpsc::Receiver<Observation>,
    runtime: Runtime,
}

/// Starts a server with one slice, `shop/web`.
pub fn server() -> ApiServer {
    let server = ApiServer::start_scaled(SECOND);
    server.put(slice("web", "10.0.0.1"));
    server
}

impl Watched {
    /// Watches the server as cluster `west` by a kubeconfig of the usual shape.
    pub fn new(server: ApiServer) -> Self {
        Watched::with(server, |_| {})
    }

    /// The same with a changed [`Spec`].
    pub fn with(server: ApiServer, change: impl FnOnce(&mut Spec)) -> Self {
        Watched::by(server, |server, folder| server.kubeconfig(folder, "west"), change)
    }

    /// The same with another kubeconfig, beside which lies a file `token`.
    pub fn by(
        server: ApiServer,
        kubeconfig: impl FnOnce(&ApiServer, &Path) -> PathBuf,
        change: impl FnOnce(&mut Spec),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), TOKEN).unwrap();
        let path = kubeconfig(&server, folder.path());
        let access =
            kubernetes::read_kubeconfig(&path, "", &Rules::default()).unwrap_or_else(|error| panic!("{error}"));
        let mut spec = Spec::new(ClusterId::new("west"), 7, access);
        spec.timing = scaled();
        change(&mut spec);
        let sources = Sources::start(Instant::now()).unwrap();
        let (sender, receiver) = mpsc::channel(64);
        let watcher = kubernetes::spawn(&sources, &spec, sender).unwrap();
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        Watched { watcher, sources, server, counters: spec.counters, folder, receiver, runtime }
    }

    /// The next observation.
    pub fn next(&mut self, what: &str) -> Observation {
        let next = async { tokio::time::timeout(PATIENCE, self.receiver.recv()).await };
        match self.runtime.block_on(next) {
            Ok(Some(observation)) => observation,
            Ok(None) => panic!("the source ended while waiting for {what}"),
            Err(_) => panic!("{what} did not come; requests: {:#?}", self.server.journal()),
        }
    }

    /// Waits for the first change that `wanted` takes, passing over the others.
    pub fn wait<T>(&mut self, what: &str, mut wanted: impl FnMut(&Change) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "{what} did not come; requests: {:#?}", self.server.journal());
            if let Some(found) = wanted(&self.next(what).change) {
                return found;
            }
        }
    }

    /// Waits for a whole list of this kind: how many facts.
    pub fn replaced(&mut self, kind: Kind) -> usize {
        self.wait(&format!("a list of {kind:?}"), |change| match change {
            Change::Replace { kind: of, facts, .. } if *of == kind => Some(facts.len()),
            _ => None,
        })
    }

    /// Waits for a fault of this kind: its message.
    pub fn failed(&mut self, kind: Kind) -> String {
        self.wait(&format!("a fault of {kind:?}"), |change| match change {
            Change::Failed { kind: of, error } if *of == kind => Some(error.clone()),
            _ => None,
        })
    }

    /// Waits for an added or changed object of this name.
    pub fn applied(&mut self, name: &str) {
        self.wait(&format!("the object {name}"), |change| match change {
            Change::Apply { fact, .. } if fact.key().name() == name => Some(()),
            _ => None,
        });
    }

    /// Waits for a sign of life of this kind.
    pub fn contact(&mut self, kind: Kind) {
        self.wait(&format!("a contact of {kind:?}"), |change| {
            matches!(change, Change::Contact { kind: of } if *of == kind).then_some(())
        });
    }

    /// Waits for a kind to be absent: the reason.
    pub fn absent(&mut self, kind: Kind) -> String {
        self.wait(&format!("the absence of {kind:?}"), |change| match change {
            Change::Absent { kind: of, reason } if *of == kind => Some(reason.clone()),
            _ => None,
        })
    }

    /// How many lists came for each reason, of this kind.
    pub fn syncs(&self, kind: Kind) -> Vec<(&'static str, u64)> {
        self.counters.syncs().filter(|(of, ..)| *of == kind).map(|(_, reason, count)| (reason, count)).collect()
    }
}

/// An EndpointSlice of `shop/web` with one address.
pub fn slice(name: &str, address: &str) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "shop", "name": name, "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    })
}

/// A ServiceImport.
pub fn import(name: &str) -> Value {
    json!({
        "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceImport",
        "metadata": {"namespace": "shop", "name": name},
        "spec": {"type": "ClusterSetIP", "ips": ["10.9.0.1"], "ports": [{"port": 80}]},
    })
}

/// An object of any version, as a server would send it.
pub fn at(mut object: Value, version: u64) -> Value {
    object["metadata"]["resourceVersion"] = json!(version.to_string());
    object
}

/// Addresses of all slices in a list of facts.
pub fn addresses(facts: &[Fact]) -> Vec<String> {
    let slices = facts.iter().filter_map(|fact| match fact {
        Fact::Slice(slice) => Some(slice.endpoints.iter().map(|endpoint| endpoint.address.to_string())),
        _ => None,
    });
    slices.flatten().collect()
}
