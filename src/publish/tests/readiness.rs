//! What is true at the moment the publish task says that it is ready.

use super::*;
use crate::publish::task::{self, Ends, Readiness, Schedule};
use std::collections::HashMap;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

#[test]
fn figures_lag_behind_readiness() {
    let figures = Arc::new(Figures::default());
    let (publisher, _table) = reporting_to(Arc::clone(&figures), |_| {});
    let (sender, observations) = mpsc::channel(64);
    let (readiness, mut ready) = watch::channel(Readiness::default());
    let (stop, stopped) = oneshot::channel();
    let ends =
        Ends { observations, commands: mpsc::channel(1).1, readiness, serials: Default::default(), stop: stopped };
    // The clock of the task alone would refresh the figures an hour from now.
    let schedule = Schedule { tick: Duration::from_secs(3600), ..Schedule::new(Instant::now(), HashMap::default()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let task = tokio::spawn(task::run(publisher, schedule, ends));
        for cluster in CLUSTERS {
            for kind in Kind::ALL {
                let change = Change::Replace { kind, facts: Vec::new(), findings: Vec::new() };
                let cluster = ClusterId::new(cluster);
                sender.send(Observation { cluster, generation: 1, received_ns: 1, change }).await.unwrap();
            }
        }
        ready.wait_for(|readiness| readiness.ready).await.unwrap();
        let report = figures.report.load();
        assert_eq!(report.clusters.len(), CLUSTERS.len());
        for cluster in &report.clusters {
            assert!(cluster.synced, "{}", cluster.id);
            assert!(cluster.kinds.iter().all(|(_, kind)| kind.synced), "{}", cluster.id);
        }
        stop.send(()).unwrap();
        task.await.unwrap();
    });
}
