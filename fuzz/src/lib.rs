//! What the fuzz targets check. The targets themselves hold no logic, and `tests/fuzz_corpus.rs` calls the same
//! functions with the checked-in corpora.

mod findings;
#[cfg(feature = "kubernetes")]
pub mod kubeconfig;
pub mod manifest;
pub mod merge_algebra;
mod objects;
pub mod query_vs_hickory;
pub mod respond;
pub mod snapshot;
pub mod tcp_frames;
mod walker;
pub mod watch_line;
mod world;
