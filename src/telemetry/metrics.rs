//! The Prometheus collector: per-worker counters, figures of other rooms and of the process, as one text.
//!
//! In: counters (summed here, at the scrape), a [`Figures`] implementation, the health histogram. Out: exposition text.

mod clusters;
mod families;
mod traffic;

use super::counters::Counters;
use super::figures::{Figures, ProcessFigures, TableFigures};
use super::histogram::Shared;
use super::names::METRICS;
use super::process::Process;
use families::Families;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Registry, TextEncoder};
use std::collections::HashMap;
use std::sync::Arc;

/// Where the collector reads.
pub struct Sources {
    pub counters: Arc<Counters>,
    pub figures: Arc<dyn Figures>,
    /// Observed by [`super::admin::watch_health`], with [`super::histogram::HEALTH_SECONDS`].
    pub health: Arc<Shared>,
}

/// All metrics of this process.
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// Registers the collector; `prefix` is `metrics.prefix`.
    ///
    /// # Errors
    /// A prefix that makes no metric name.
    pub fn new(prefix: &str, sources: Sources) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        registry.register(Box::new(Everything::new(prefix, sources)?))?;
        Ok(Metrics { registry })
    }

    /// The exposition text (`text/plain; version=0.0.4`).
    pub fn text(&self) -> String {
        let families = self.registry.gather();
        TextEncoder::new().encode_to_string(&families).unwrap_or_else(|error| format!("# {error}\n"))
    }
}

/// The one collector.
struct Everything {
    prefix: String,
    sources: Sources,
    descriptions: Vec<Desc>,
}

impl Everything {
    fn new(prefix: &str, sources: Sources) -> Result<Self, prometheus::Error> {
        let describe = |metric: &super::names::Metric| {
            let labels = metric.labels.iter().map(|label| (*label).to_owned()).collect();
            Desc::new(metric.full_name(prefix), metric.help.to_owned(), labels, HashMap::new())
        };
        let descriptions = METRICS.iter().map(describe).collect::<Result<_, _>>()?;
        Ok(Everything { prefix: prefix.to_owned(), sources, descriptions })
    }
}

impl Collector for Everything {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Families::new(&self.prefix);
        build(&mut families);
        families.histogram("health_request_duration_seconds", &[], &self.sources.health.read());
        let (counts, figures) = (self.sources.counters.snapshot(), self.sources.figures.table());
        configuration(&mut families, &self.sources.figures.process(), counts.panics());
        traffic::add(&mut families, &counts, &traffic::Labels { zones: &figures.zones, views: &figures.views });
        table(&mut families, &figures);
        for cluster in self.sources.figures.clusters() {
            clusters::add(&mut families, &cluster);
        }
        process(&mut families, &Process::read());
        families.finish()
    }
}

fn build(families: &mut Families) {
    let (revision, compiler) = (env!("CLUSTERSET_DNS_REVISION"), env!("CLUSTERSET_DNS_RUSTC"));
    families.add("build_info", &[env!("CARGO_PKG_VERSION"), revision, compiler], 1.0);
}

fn configuration(families: &mut Families, figures: &ProcessFigures, transport_panics: u64) {
    families.add("panics_total", &[], (figures.panics + transport_panics) as f64);
    families.add("reload_failed_total", &[], figures.reloads_failed as f64);
    families.add("config_last_reload_successful", &[], f64::from(u8::from(figures.last_reload_successful)));
    families.add("config_generation", &[], figures.config_generation as f64);
    families.add("snapshot_write_failures_total", &[], figures.snapshot_write_failures as f64);
    families.add("snapshot_bytes", &[], figures.snapshot_bytes as f64);
    families.add("snapshot_loaded_clusters", &[], figures.snapshot_loaded_clusters as f64);
    for (result, probes) in &figures.probes {
        families.add("probes_total", &[result], *probes as f64);
    }
    families.add("guard_active", &[], f64::from(u8::from(figures.guarding)));
    for (thread, tasks) in &figures.tasks {
        families.add("tasks", &[thread], *tasks as f64);
    }
}

fn table(families: &mut Families, figures: &TableFigures) {
    families.add("table_names", &[], figures.names as f64);
    families.add("table_endpoints", &[], figures.endpoints as f64);
    families.add("table_bytes", &[], figures.bytes as f64);
    families.add("table_generation", &[], figures.generation as f64);
    families.add("table_publish_total", &[], figures.publishes as f64);
    for (phase, durations) in &figures.phases {
        families.histogram("table_publish_duration_seconds", &[phase], durations);
    }
    for (zone, serial) in &figures.zones {
        families.add("table_serial", &[zone], f64::from(*serial));
    }
    for (reason, services) in &figures.conflicts {
        families.add("table_conflicts", &[reason], *services as f64);
    }
}

fn process(families: &mut Families, figures: &Process) {
    families.add("process_resident_memory_bytes", &[], figures.resident_bytes as f64);
    families.add("process_open_fds", &[], figures.open_fds as f64);
    families.add("process_max_fds", &[], figures.max_fds as f64);
    families.add("process_cpu_seconds_total", &[], figures.cpu_seconds);
    families.add("process_start_time_seconds", &[], figures.start_seconds);
}

#[cfg(test)]
mod tests;
