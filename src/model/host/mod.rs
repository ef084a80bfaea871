//! Names in global zones: which objects make them, which level owns each (SOURCES.md 1.3, 3.4, 3.9).
//!
//! In: facts of ServiceEntries, WorkloadEntries and DNSEndpoints of all clusters. Out: a [`HostEntry`] for
//! `select_host`, and findings over all hosts. Pure.

pub mod answer;
mod entry;
pub mod fact;
mod survey;
mod vip;
mod zones;

pub use answer::{HostAnswer, HostRecords};
pub use entry::{HostEntry, Object, Source, merge_host, merge_host_traced};
pub use survey::findings;
pub(in crate::model) use vip::is_virtual;
pub use zones::{Coverage, HostSettings};
