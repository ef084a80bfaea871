//! Active health checks, off unless configured: addresses that answers hold are asked from this server, beside the query path
//! (CONFIG.md `health`, SOURCES.md section 5).
//!
//! In: the targets that the clusterset names. Out: those that fail their check, handed on when one changes; `select` puts them
//! last or leaves them out, and never empties a name for it. At most 100 probes begin in a second and 64 are under way,
//! whatever the configuration asks for.
//!
//! ```text
//! Publisher::probe_targets ─▶ Book (what is due, what is ill) ─▶ Prober ─▶ Condition ─▶ Book ─▶ Publisher::set_probed
//! ```

mod ask;
mod book;
mod condition;
mod figures;
mod lines;
mod task;
#[cfg(test)]
mod tests;

pub use ask::Network;
pub use condition::Condition;
pub use figures::Figures;
pub use task::{Clusterset, run};

use crate::model::probe::Target;
use std::future::Future;

/// Something that asks an address once.
pub trait Prober: Send + Sync + 'static {
    /// An error says, in words, why the probe failed.
    fn probe(&self, target: Target) -> impl Future<Output = Result<(), String>> + Send;
}
