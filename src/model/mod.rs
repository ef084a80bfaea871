//! What a clusterset is: clusters, their facts, the merge of those facts by KEP-1645, and what one view sees of it.
//!
//! In: [`Observation`]s of one cluster each. Out: a merged [`Service`] and, per [`View`], an [`Answer`].
//! Pure: imports `std` only, no I/O, no clock; times come in as values.
//!
//! ```text
//! Observation ─▶ ClusterFacts ─▶ merge ─▶ Service ─▶ select(view) ─▶ Answer
//! ```

pub mod address;
pub mod answer;
pub mod cluster;
pub mod fact;
pub mod finding;
pub mod id;
pub mod observation;
pub mod policy;
pub mod view;

pub use address::Prefix;
pub use answer::{Answer, Host, Target};
pub use cluster::{Cluster, Mode, Reach, State, VipScope};
pub use fact::{Fact, Kind};
pub use finding::Finding;
pub use id::{ClusterId, ServiceKey};
pub use observation::{Change, Observation};
pub use policy::AnswerMode;
pub use view::View;
