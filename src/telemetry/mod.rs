//! What the server says about itself: counters, metrics, health, explain and the console.
//!
//! In: outcomes from transport, figures from the table. Out: HTTP for operators. Never on the query path, save for the
//! plain per-worker counters.

pub mod counters;
