//! What operators see: metrics, the admin listeners, logs.
//!
//! In: per-worker counters, figures of the table and the clusters, readiness. Out: Prometheus text, HTTP replies,
//! lines on stderr. Nothing here is on the query path.

pub mod admin;
pub mod figures;
pub mod histogram;
pub mod log;
pub mod metrics;
pub mod names;
pub mod process;
