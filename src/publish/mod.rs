//! The only writer of the table: observations -> facts -> merge -> compile -> Blocks.
//!
//! In: [`Observation`](crate::model::Observation)s of all sources, the passing of a cluster's grace. Out: Blocks and the
//! Frame of the [`Table`](crate::table::Table), figures for metrics, readiness. [`Publisher`] is plain and synchronous;
//! [`task`] drives it: single changes first, bulk work in slices of 2 ms, changes coalesced per service.

mod again;
mod ageing;
mod braking;
mod changed_zones;
mod contain;
mod entity;
mod figures;
mod findings;
mod frame;
mod growth;
mod hosts;
mod intake;
mod lists;
mod names;
mod probes;
mod publisher;
mod queue;
mod reconfigure;
mod reports;
mod reverse;
mod survey;
mod sweep;
pub mod task;
mod warnings;

#[cfg(test)]
mod tests;

pub use figures::{Accused, ClusterReport, Figures, KindReport, Latency, Report};
pub use frame::FrameTemplate;
pub use growth::Growth;
pub use publisher::{Publisher, Setup, Stopwatch};
pub use task::{Command, Readiness};
