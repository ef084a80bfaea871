//! Figures that other rooms give to the collector: clusters, table, configuration.
//!
//! In: an implementation of [`Figures`], made where publish and the configuration are known. Out: plain values,
//! read once per scrape. A cluster that is gone is not in the values, and so not in the metrics.

use super::histogram::Histogram;

/// States of `cluster_state{state}`, in the order of RESILIENCE.md section 3.
pub const STATES: [&str; 5] = ["unknown", "fresh", "suspect", "stale", "expired"];

/// What the collector asks for at each scrape. Must not block for long: a publish may be waiting.
pub trait Figures: Send + Sync {
    /// One entry per cluster of the registry.
    fn clusters(&self) -> Vec<ClusterFigures>;
    /// The table and what leads to it.
    fn table(&self) -> TableFigures;
    /// Configuration and tasks.
    fn process(&self) -> ProcessFigures;
}

/// One cluster. Pairs and triples are label values with their count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterFigures {
    pub name: String,
    /// One of [`STATES`].
    pub state: &'static str,
    pub synced: bool,
    pub grace_expired: bool,
    /// While it is served from a snapshot: seconds since its last contact.
    pub snapshot_age: Option<f64>,
    /// Deletions wait for a second list.
    pub brake_active: bool,
    /// How often deletions had to wait.
    pub brake_total: u64,
    /// Kind, seconds since its last sign of life.
    pub contact_age: Vec<(&'static str, f64)>,
    /// Every kind that is read; true when it cannot be.
    pub degraded: Vec<(&'static str, bool)>,
    pub objects: Vec<(&'static str, u64)>,
    /// Code, findings that stand now.
    pub findings: Vec<(&'static str, u64)>,
    /// `well` and `ill`, addresses with a health check.
    pub probe_targets: Vec<(&'static str, u64)>,
    /// What other clusters say of their connection to it: who, and the status.
    pub connections: Vec<(String, &'static str)>,
    /// Another system speaks against it.
    pub reported: bool,
    /// `clusters[].drain`.
    pub drained: bool,
    /// Kind, reason, lists swapped in.
    pub syncs: Vec<(&'static str, &'static str, u64)>,
    /// Kind, status code (or a word such as `timeout`), errors.
    pub watch_errors: Vec<(&'static str, String, u64)>,
    /// Verb, status code, requests.
    pub requests: Vec<(&'static str, String, u64)>,
    pub auth_failures: u64,
    /// Tasks of the cluster that panicked and were started again; part of `panics_total`.
    pub panics: u64,
    /// `table_event_to_answer_seconds`, with [`super::histogram::LATENCY_SECONDS`].
    pub event_to_answer: Option<Histogram>,
    /// `service_kind` (cluster_ip, headless_with_selector, headless_without_selector) with
    /// [`super::histogram::PROGRAMMING_SECONDS`].
    pub programming: Vec<(&'static str, Histogram)>,
}

/// The table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableFigures {
    pub names: u64,
    pub endpoints: u64,
    pub bytes: u64,
    /// Names changed since the start.
    pub generation: u64,
    pub publishes: u64,
    /// Phase (merge, compile, apply) with [`super::histogram::LATENCY_SECONDS`].
    pub phases: Vec<(&'static str, Histogram)>,
    /// In the order of the Frame's zone numbers: name with its final dot, SOA serial.
    pub zones: Vec<(String, u32)>,
    /// In the order of the Frame's view numbers; the local one is empty.
    pub views: Vec<String>,
    /// KEP-1645 reason, services.
    pub conflicts: Vec<(&'static str, u64)>,
}

/// Configuration and tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProcessFigures {
    /// No cluster is in contact, so none is demoted.
    pub guarding: bool,
    /// Outside the transports, which count their own.
    pub panics: u64,
    pub reloads_failed: u64,
    pub last_reload_successful: bool,
    /// Configurations taken into use; 1 after the start.
    pub config_generation: u64,
    pub snapshot_write_failures: u64,
    /// Octets of the last snapshot written; 0 before the first.
    pub snapshot_bytes: u64,
    /// Clusters whose facts came from a snapshot at the start.
    pub snapshot_loaded_clusters: u64,
    /// `success` and `failure`, probes of health checks.
    pub probes: Vec<(&'static str, u64)>,
    /// Thread, tasks that it runs: watches, requests, timers.
    pub tasks: Vec<(&'static str, u64)>,
}
