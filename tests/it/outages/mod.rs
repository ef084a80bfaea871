//! The failure table of RESILIENCE.md section 5: scripted API servers, our watches, a real publisher, a prober.
//!
//! Times are about 1:24; a test is named after its row.

mod brake;
mod imports;
mod large;
mod listed;
mod panics;
mod prober;
mod rows;

use crate::kubernetes::{SECOND, scaled};
use crate::support::apiserver::ApiServer;
use clusterset_dns::cli::{SettingsArgs, settings};
use clusterset_dns::config::Config;
use clusterset_dns::model::{ClusterId, Kind, State};
use clusterset_dns::publish::task::{self, Ends, Readiness, Schedule};
use clusterset_dns::publish::{ClusterReport, Figures, Publisher, Stopwatch};
use clusterset_dns::run::setup;
use clusterset_dns::source::kubernetes::{self, Counters, Rules, Spec, Watcher};
use clusterset_dns::source::runtime::Sources;
use clusterset_dns::table::{Frame, Table};
use prober::Prober;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

/// Longest wait for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(30);

/// East is home, west lies in its region, north elsewhere.
const CONFIG: &str = "
zones: [clusterset.local]
local: { cluster: east }
freshness: { grace: 60s, suspectAfter: 1800ms, demoteAfter: 2500ms, dropAfter: 3800ms, recoverAfter: 300ms }
brake: { confirmAfter: 1500ms }
clusters:
- { name: east, region: eu, source: { kubeconfig: { path: east.kubeconfig } } }
- { name: west, region: eu, source: { kubeconfig: { path: west.kubeconfig } } }
- { name: north, region: us, source: { kubeconfig: { path: north.kubeconfig } } }
";

/// Three clusters and everything between their API servers and the table. Fields drop in this order.
pub struct Fleet {
    stop: Option<oneshot::Sender<()>>,
    writer: Option<JoinHandle<()>>,
    watchers: HashMap<&'static str, Watcher>,
    counters: HashMap<&'static str, Arc<Counters>>,
    _sources: Sources,
    pub servers: HashMap<&'static str, ApiServer>,
    pub table: Arc<Table>,
    figures: Arc<Figures>,
    readiness: watch::Receiver<Readiness>,
    _folder: TempDir,
}

impl Fleet {
    /// The clusters with `db` in each, and `six`, of which only west has IPv6 and the port `metrics`.
    pub fn start() -> Self {
        Fleet::built(&Build::default())
    }

    /// The same; each cluster is reached by the URL that `url` gives.
    pub fn with(url: impl Fn(&str, &ApiServer) -> String) -> Self {
        Fleet::built(&Build { url: &url, ..Build::default() })
    }

    /// The same, built otherwise.
    pub fn built(build: &Build<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let servers: HashMap<_, _> = ["east", "west", "north"].map(|name| (name, server(name))).into();
        for (name, server) in &servers {
            (build.fill)(name, server);
            let path = server.kubeconfig(folder.path(), name);
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace(&server.url(), &(build.url)(name, server))).unwrap();
        }
        let config = config(folder.path(), build.config);
        let table = Arc::new(Table::new(Frame::default()));
        let figures = Arc::new(Figures::default());
        let setup = setup::setup(&config).unwrap();
        let mut publisher = Publisher::new(setup, table.clone(), figures.clone(), build.stopwatch).unwrap();
        publisher.brake_mut().set_limits(setup::brake_limits(&config));
        let epoch = Instant::now();
        let sources = Sources::start(epoch).unwrap();
        let (sender, observations) = mpsc::channel(4096);
        let (mut watchers, mut counters) = (HashMap::new(), HashMap::new());
        for name in ["east", "west", "north"] {
            let (watcher, counts) = watcher(name, (folder.path(), &config, build), &sources, sender.clone());
            watchers.insert(name, watcher);
            counters.insert(name, counts);
        }
        drop(sender);
        let relisters: HashMap<&str, _> = watchers.iter().map(|(name, w)| (*name, w.relister())).collect();
        let relisters = Mutex::new(relisters);
        let relist = move |cluster: &ClusterId, kind: Kind| relisters.lock().unwrap()[cluster.as_str()](kind);
        let times = setup::times(&config);
        let schedule = Schedule { tick: TICK, relist: Box::new(relist), ..Schedule::new(epoch, times) };
        let (stop, stopped) = oneshot::channel();
        let (readiness_end, readiness) = watch::channel(Readiness::default());
        let ends = Ends {
            observations,
            commands: mpsc::channel(1).1,
            readiness: readiness_end,
            serials: Default::default(),
            stop: stopped,
        };
        let writer = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(task::run(publisher, schedule, ends));
        });
        let (stop, writer) = (Some(stop), Some(writer));
        let fleet = Fleet {
            stop,
            writer,
            watchers,
            counters,
            _sources: sources,
            servers,
            table,
            figures,
            readiness,
            _folder: folder,
        };
        fleet.wait("everything is synced", || fleet.readiness.borrow().ready);
        fleet
    }

    /// Starts a prober.
    pub fn probe(&self, questions: &[&str]) -> Prober {
        Prober::start(self.table.clone(), questions)
    }

    /// Polls until something holds.
    pub fn wait(&self, what: &str, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "{what} did not come; {:#?}", self.figures.report.load().clusters);
            std::thread::sleep(TICK / 3);
        }
        println!("{what}: after {:.1?}", start.elapsed());
    }

    /// The last report of a cluster.
    pub fn report(&self, cluster: &str) -> Option<ClusterReport> {
        self.figures.report.load().clusters.iter().find(|report| report.id.as_str() == cluster).cloned()
    }

    pub fn wait_state(&self, cluster: &str, state: State) {
        self.wait(&format!("{cluster} is {state:?}"), || self.report(cluster).is_some_and(|r| r.state == state));
    }

    /// Waits until every contact of a cluster is so old.
    pub fn wait_age(&self, cluster: &str, age: Duration) {
        self.wait(&format!("{cluster} is {age:?} old"), || {
            self.figures.contact_age(&ClusterId::new(cluster)).is_some_and(|old| old >= age)
        });
    }

    /// Waits until a question is answered so.
    pub fn wait_answer(&self, question: &str, answer: &str) {
        self.wait(&format!("{question} is {answer}"), || {
            prober::now(&self.table, question) == answer.split(" ede=").next().unwrap_or_default()
        });
    }

    /// Still ready and open, whatever happened.
    pub fn is_ready(&self) -> bool {
        self.readiness.borrow().ready && self.readiness.borrow().missing.is_empty()
    }

    /// Connects of a cluster that failed.
    pub fn refused(&self, cluster: &str) -> u64 {
        self.counters[cluster].requests().filter(|entry| entry.1 == "connect").map(|entry| entry.2).sum()
    }

    pub fn server(&mut self, cluster: &str) -> &mut ApiServer {
        self.servers.get_mut(cluster).unwrap()
    }
}

/// How a fleet is built.
pub struct Build<'b> {
    pub config: &'b str,
    /// By which URL each cluster is reached.
    pub url: &'b dyn Fn(&str, &ApiServer) -> String,
    /// Puts more objects into a server.
    pub fill: &'b dyn Fn(&str, &ApiServer),
    /// Runs at the start of each publish.
    pub stopwatch: Stopwatch,
    pub fail_point: Option<kubernetes::FailPoint>,
}

impl Default for Build<'_> {
    fn default() -> Self {
        Build {
            config: CONFIG,
            url: &|_, server| server.url(),
            fill: &|_, _| {},
            stopwatch: || Duration::ZERO,
            fail_point: None,
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.watchers.clear();
        if let Some(writer) = self.writer.take() {
            let ended = writer.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the publisher panicked");
        }
    }
}

fn config(folder: &Path, text: &str) -> Config {
    let path = folder.join("config.yaml");
    std::fs::write(&path, text).unwrap();
    let args = SettingsArgs { config: Some(path), manifests: None, local_cluster: None };
    settings(&args).unwrap_or_else(|errors| panic!("{errors:?}")).config
}

fn watcher(
    name: &'static str,
    (folder, config, build): (&Path, &Config, &Build<'_>),
    sources: &Sources,
    sender: mpsc::Sender<clusterset_dns::model::Observation>,
) -> (Watcher, Arc<Counters>) {
    let path = folder.join(format!("{name}.kubeconfig"));
    let access = kubernetes::read_kubeconfig(&path, "", &Rules::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut spec = Spec::new(ClusterId::new(name), 1, access);
    let entry = config.clusters().into_iter().find(|entry| entry.cluster.id.as_str() == name);
    spec.mode = entry.expect("it is configured").cluster.mode;
    spec.fail_point = build.fail_point.clone();
    spec.timing = scaled();
    spec.timing.connect = Duration::from_millis(400);
    (kubernetes::spawn(sources, &spec, sender).unwrap(), spec.counters)
}

fn server(name: &str) -> ApiServer {
    let server = ApiServer::start_scaled(SECOND);
    let number = ["east", "west", "north"].iter().position(|known| *known == name).unwrap() + 1;
    let address = format!("10.{number}.0.1");
    server.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    for service in ["db", "six"] {
        objects(service, &[80]).into_iter().for_each(|object| server.put(object));
        server.put(slice(service, "v4", &address, &["http"]));
    }
    if name == "west" {
        server.put(slice("six", "v6", "fd00:2::1", &["http", "metrics"]));
    }
    server
}

/// A headless Service and its export.
fn objects(name: &str, ports: &[u16]) -> [Value; 2] {
    let metadata = json!({"namespace": "shop", "name": name, "creationTimestamp": "2026-01-01T00:00:00Z"});
    let mut list: Vec<Value> = ports.iter().map(|port| json!({"name": "http", "port": port})).collect();
    if name == "six" {
        list.push(json!({"name": "metrics", "port": 9090}));
    }
    [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {"clusterIP": "None", "clusterIPs": ["None"], "ports": list}}),
        json!({"apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport", "metadata": metadata}),
    ]
}

/// A slice with one endpoint of host name `a`.
fn slice(service: &str, suffix: &str, address: &str, ports: &[&str]) -> Value {
    let number = |name: &str| if name == "metrics" { 9090 } else { 80 };
    let ports: Vec<Value> = ports.iter().map(|name| json!({"name": name, "port": number(name)})).collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "shop", "name": format!("{service}-{suffix}"),
            "labels": {"kubernetes.io/service-name": service}},
        "addressType": if address.contains(':') { "IPv6" } else { "IPv4" },
        "endpoints": [{"addresses": [address], "hostname": "a", "conditions": {"ready": true}}],
        "ports": ports,
    })
}

/// An object as a list holds it.
fn at_version(mut object: Value, version: u64) -> Value {
    object["metadata"]["resourceVersion"] = json!(version.to_string());
    object
}
