//! What a clusterset is: clusters, their facts, the merge of those facts by KEP-1645, and what one view sees of it.
//!
//! In: [`Observation`]s of one cluster each. Out: a merged [`Service`] and, per [`View`], an [`Answer`].
//! Pure: imports `std` and a hash, no I/O, no clock; times come in as values.
//!
//! ```text
//! Observation ─▶ ClusterFacts ─▶ merge ─▶ Service ─▶ select(view) ─▶ Answer
//! ```

pub mod address;
pub mod answer;
pub mod brake;
pub mod cluster;
pub mod clusterset;
pub mod conflict;
pub mod date;
pub mod fact;
pub mod facts;
pub mod few;
pub mod finding;
#[cfg(test)]
#[path = "tests/fixture.rs"]
pub(crate) mod fixture;
pub mod freshness;
pub mod hashed;
pub mod host;
pub mod id;
pub mod merge;
pub mod observation;
pub mod policy;
pub mod probe;
pub mod rare;
pub mod remark;
pub mod select;
pub mod service;
pub mod trace;
pub mod view;

pub use address::Prefix;
pub use answer::{Answer, Host, Target};
pub use cluster::{Cluster, Mode, Reach, State, VipScope};
pub use clusterset::{ClusterSet, Settings, Slot};
pub use fact::{Fact, Kind};
pub use facts::{ClusterFacts, Touched};
pub use few::Few;
pub use finding::Finding;
pub use host::{HostAnswer, HostEntry, HostRecords, HostSettings, merge_host};
pub use id::{ClusterId, ServiceKey};
pub use merge::merge;
pub use observation::{Change, Observation};
pub use policy::AnswerMode;
pub use rare::Rare;
pub use select::{Selection, namespace_presence, select, select_host};
pub use service::Service;
pub use trace::{NoTrace, Trace};
pub use view::View;
