//! The admin listeners of a running server, wired to the publisher and the counters.

use super::figures::Live;
use super::serve::Failure;
use crate::config::{Config, ReadyMonitor};
use crate::explain::Explanation;
use crate::model::ClusterId;
use crate::publish::task::{Command, Readiness};
use crate::table::Table;
use crate::telemetry::admin::{self, Addresses, Bound, Explained, Gate, Monitor, Path, Question, Sources};
use crate::telemetry::counters::Counters;
use crate::telemetry::figures::Figures;
use crate::telemetry::histogram::{HEALTH_SECONDS, Shared};
use crate::telemetry::metrics::{self, Metrics};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// The listeners and what they show.
pub(super) struct Admin {
    gate: Arc<Gate>,
    /// DNS sockets are open.
    serving: Arc<AtomicBool>,
    addresses: Vec<(Path, Vec<SocketAddr>)>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    health: Option<JoinHandle<()>>,
}

impl Admin {
    /// Opens the admin listeners and answers on them.
    pub(super) async fn start(
        config: &Config,
        live: Live,
        counters: Arc<Counters>,
        ready: watch::Receiver<Readiness>,
        commands: mpsc::Sender<Command>,
    ) -> Result<Self, Failure> {
        let bound = admin::bind(&addresses(config)).await.map_err(anyhow::Error::from)?;
        let listening: Vec<(Path, Vec<SocketAddr>)> =
            Path::ALL.into_iter().map(|path| (path, bound.addresses(path))).collect();
        let durations = Arc::new(Shared::new(HEALTH_SECONDS));
        let serving = Arc::new(AtomicBool::new(false));
        let gate = Arc::new(gate(config, ready, Arc::clone(&serving)));
        let explain = Explainer {
            commands,
            table: Arc::clone(&live.table),
            views: Arc::clone(&live.views),
            registry: Arc::clone(&live.told),
        };
        let sources =
            metrics::Sources { counters, figures: Arc::new(live) as Arc<dyn Figures>, health: Arc::clone(&durations) };
        let metrics = Metrics::new(config.metrics.prefix.as_str(), sources).map_err(anyhow::Error::from)?;
        let sources = Sources {
            hanging: Box::new(Vec::new),
            readiness: Arc::clone(&gate),
            metrics: Box::new(move || metrics.text()),
            explain: Some(Box::new(move |question| explain.explain(question))),
        };
        let health = bound.addresses(Path::Health).first().copied();
        let health = health.map(|address| tokio::spawn(async move { admin::watch_health(address, &durations).await }));
        let (stop, task) = spawn(bound, sources);
        Ok(Admin { gate, serving, addresses: listening, stop, task, health })
    }

    /// Where a path can be asked.
    pub(super) fn addresses(&self, path: Path) -> &[SocketAddr] {
        self.addresses.iter().find(|(of, _)| *of == path).map_or(&[], |(_, list)| list)
    }

    /// The DNS sockets are open: `/ready` may say so.
    pub(super) fn open(&self) {
        self.serving.store(true, Ordering::Release);
    }

    /// From now on `/ready` is 503.
    pub(super) fn drain(&self) {
        self.gate.drain();
    }

    /// Closes the listeners after open replies.
    pub(super) async fn stop(self) {
        if let Some(health) = self.health {
            health.abort();
        }
        // An error means the task is over already.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

fn spawn(bound: Bound, sources: Sources) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async move {
        let _ = stopped.await;
    };
    (stop, tokio::spawn(admin::serve(bound, Arc::new(sources), until)))
}

fn addresses(config: &Config) -> Addresses {
    let listen = &config.listen;
    Addresses {
        health: listen.health.addresses().collect(),
        ready: listen.ready.addresses().collect(),
        metrics: listen.metrics.addresses().collect(),
        admin: listen.admin.addresses().collect(),
    }
}

fn gate(config: &Config, ready: watch::Receiver<Readiness>, serving: Arc<AtomicBool>) -> Gate {
    let monitor = match config.ready.monitor {
        ReadyMonitor::UntilReady => Monitor::UntilReady,
        ReadyMonitor::Continuously => Monitor::Continuously,
    };
    Gate::new(monitor, move || {
        let state = ready.borrow();
        let serving = serving.load(Ordering::Acquire);
        if serving && monitor == Monitor::UntilReady {
            return Vec::new();
        }
        let mut missing = state.missing.clone();
        if monitor == Monitor::Continuously {
            missing.extend(state.lost.iter().cloned());
        }
        if !serving && missing.is_empty() {
            missing.push("DNS sockets are not open yet".to_owned());
        }
        missing
    })
}

/// Answers `/explain` by asking the publisher between two slices of its work.
struct Explainer {
    commands: mpsc::Sender<Command>,
    table: Arc<Table>,
    views: super::reload::Views,
    registry: super::registry::Findings,
}

impl Explainer {
    /// Blocking; called on a thread for blocking work.
    fn explain(&self, asked: &Question) -> Explained {
        let question = match super::explain::question(&asked.name, &asked.rtype, &asked.view, &self.views.load()) {
            Ok(question) => question,
            Err(error) => return Explained::Refused(error),
        };
        let (reply, told) = oneshot::channel::<Explanation>();
        let table = Arc::clone(&self.table);
        let ask = move |publisher: &crate::publish::Publisher| {
            let age = |cluster: &ClusterId| -> Option<Duration> { publisher.figures().contact_age(cluster) };
            // The asker may have gone.
            let _ = reply.send(super::explain::answer(&question, publisher, &table, &age));
        };
        if self.commands.blocking_send(Command::Ask(Box::new(ask))).is_err() {
            return Explained::Refused("the server is stopping".to_owned());
        }
        let told = told.blocking_recv().map(|explanation| {
            let registry = self.registry.load().to_vec();
            Explanation { registry, ..explanation }
        });
        match told {
            Ok(explanation) if asked.format == "json" => Explained::Json(explanation.to_json()),
            Ok(explanation) => Explained::Text(explanation.to_text()),
            Err(_) => Explained::Refused("the server is stopping".to_owned()),
        }
    }
}
