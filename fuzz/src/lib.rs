//! What the fuzz targets check. The targets themselves hold no logic, and `tests/fuzz_corpus.rs` calls the same
//! functions with the checked-in corpora.

pub mod query_vs_hickory;
pub mod respond;
pub mod snapshot;
mod walker;
mod world;
