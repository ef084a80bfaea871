//! What the server says about itself: counters, metrics, health and readiness, explain over HTTP, logs.
//!
//! In: outcomes from transport, figures of the table and the clusters. Out: HTTP and log lines for operators. Never on
//! the query path, save for the plain per-worker counters.

pub mod admin;
pub mod counters;
pub mod figures;
pub mod histogram;
pub mod log;
pub mod metrics;
pub mod names;
pub mod process;
