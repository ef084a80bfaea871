//! What publish and the sources count, in the shape that the metrics ask for.

use super::sources::WatcherFigures;
use crate::model::{ClusterId, State};
use crate::publish;
use crate::publish::Latency;
use crate::table::Table;
use crate::telemetry::figures::{ClusterFigures, Figures, ProcessFigures, STATES, TableFigures};
use crate::telemetry::histogram::{Histogram, LATENCY_SECONDS};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::runtime::Handle;

/// Figures of the running process.
pub(super) struct Live {
    pub publish: Arc<publish::Figures>,
    pub table: Arc<Table>,
    /// Zero of all monotonic times.
    pub epoch: Instant,
    /// The views, the local one first.
    pub views: super::reload::Views,
    /// What the watchers of API servers count, by cluster id.
    pub watchers: WatcherFigures,
    pub snapshot: Arc<super::snapshot::Figures>,
    pub reload: Arc<super::reload::Figures>,
    pub probes: Arc<crate::probe::Figures>,
    /// The runtimes whose tasks come and go, by thread.
    pub runtimes: Vec<(&'static str, Handle)>,
    /// Of the registry and of identities.
    pub beside: Vec<super::registry::Counts>,
    /// What the registry leaves out and why, for `explain`.
    pub told: super::registry::Findings,
}

impl Figures for Live {
    fn clusters(&self) -> Vec<ClusterFigures> {
        let report = self.publish.report.load();
        report.clusters.iter().map(|cluster| self.cluster(cluster)).collect()
    }

    fn table(&self) -> TableFigures {
        let report = self.publish.report.load();
        let figures = self.table.figures();
        let frame = self.table.frame();
        let serials = frame.zones().iter().map(|zone| (zone.name.to_string(), zone.state.serial()));
        TableFigures {
            names: figures.names,
            endpoints: report.endpoints,
            bytes: figures.bytes,
            generation: self.publish.generation.load(Ordering::Relaxed),
            publishes: self.publish.publishes.load(Ordering::Relaxed),
            phases: vec![
                ("merge", histogram(&self.publish.merge)),
                ("compile", histogram(&self.publish.compile)),
                ("apply", histogram(&self.publish.apply)),
            ],
            zones: serials.collect(),
            views: self.views.load().iter().map(|view| view.name.to_string()).collect(),
            conflicts: report.conflicts.clone(),
        }
    }

    fn process(&self) -> ProcessFigures {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let (succeeded, failed) = self.probes.results();
        ProcessFigures {
            panics: count(&self.publish.panics) + self.source_panics(),
            reloads_failed: count(&self.reload.failed),
            last_reload_successful: self.reload.last_successful.load(Ordering::Relaxed),
            config_generation: count(&self.reload.generation),
            snapshot_write_failures: count(&self.snapshot.write_failures),
            snapshot_bytes: count(&self.snapshot.octets),
            snapshot_loaded_clusters: count(&self.snapshot.loaded),
            probes: vec![("success", succeeded), ("failure", failed)],
            guarding: self.publish.guarding.load(Ordering::Relaxed),
            tasks: self.runtimes.iter().map(|(name, handle)| (*name, tasks(handle))).collect(),
        }
    }
}

/// Tasks that have not ended.
fn tasks(runtime: &Handle) -> u64 {
    runtime.metrics().num_alive_tasks() as u64
}

impl Live {
    /// Of tasks that read clusters and were started again.
    fn source_panics(&self) -> u64 {
        let of_watches = |cluster: &publish::ClusterReport| {
            let mut figures = ClusterFigures::default();
            (self.watchers)(cluster.id.as_str(), &mut figures);
            figures.panics
        };
        let watches: u64 = self.publish.report.load().clusters.iter().map(of_watches).sum();
        watches + crate::source::manifests::panics()
    }

    /// What other clusters say of their connection to this one.
    fn connections(&self, cluster: &ClusterId) -> Vec<(String, &'static str)> {
        let connections = self.publish.connections.load();
        let about = connections.iter().filter(|connection| connection.cluster == *cluster);
        about.map(|connection| (connection.witness.to_string(), connection.status.as_str())).collect()
    }

    fn cluster(&self, cluster: &publish::ClusterReport) -> ClusterFigures {
        let now = self.epoch.elapsed().as_nanos() as u64;
        let age = |contact: u64| now.saturating_sub(contact) as f64 / 1e9;
        let kinds = || cluster.kinds.iter().map(|(kind, report)| (kind.as_str(), report));
        let (well, ill) = self.probes.targets(&cluster.id);
        let mut figures = ClusterFigures {
            name: cluster.id.to_string(),
            state: state_name(cluster.state),
            synced: cluster.synced,
            snapshot_age: cluster.restored.map(|age| (age + self.epoch.elapsed()).as_secs_f64()),
            grace_expired: cluster.grace_over && !cluster.synced,
            brake_active: cluster.brake_active,
            brake_total: cluster.brake_total,
            contact_age: kinds().filter_map(|(kind, report)| Some((kind, age(report.contact_ns?)))).collect(),
            degraded: kinds().map(|(kind, report)| (kind, report.error.is_some() || !report.synced)).collect(),
            objects: kinds().map(|(kind, report)| (kind, report.objects)).collect(),
            findings: cluster.findings.clone(),
            probe_targets: vec![("well", well), ("ill", ill)],
            connections: self.connections(&cluster.id),
            reported: self.publish.doubts.load().get(&cluster.id).is_some_and(|doubt| doubt.reported),
            drained: cluster.drained,
            event_to_answer: Some(histogram(&self.publish.event_to_answer(&cluster.id))),
            ..ClusterFigures::default()
        };
        for counts in &self.beside {
            let counts = counts.load();
            let own = counts.iter().filter(|(name, _)| name == cluster.id.as_str());
            own.for_each(|(_, more)| add(&mut figures.findings, more));
        }
        (self.watchers)(cluster.id.as_str(), &mut figures);
        figures
    }
}

/// Adds counts by code to those of other objects.
fn add(findings: &mut Vec<(&'static str, u64)>, more: &[(&'static str, u64)]) {
    for (code, count) in more {
        match findings.iter_mut().find(|(known, _)| known == code) {
            Some((_, known)) => *known += count,
            None => findings.push((code, *count)),
        }
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Unknown => STATES[0],
        State::Fresh => STATES[1],
        State::Suspect => STATES[2],
        State::Stale => STATES[3],
        State::Expired => STATES[4],
    }
}

fn histogram(latency: &Latency) -> Histogram {
    let (buckets, sum) = latency.snapshot();
    Histogram::from_counts(LATENCY_SECONDS, buckets.into_iter().map(|(_, count)| count).collect(), sum)
}
