//! The lookup table: one immutable Block per owner name, and the Frame for what is small and rare.
pub mod draft;
pub use draft::{Draft, Glue, NO_CLUSTER, Order, Record, RrSet};
