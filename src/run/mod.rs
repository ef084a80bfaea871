//! Wires the rooms and owns the order of start and shutdown. The only place that sees every room.
//!
//! In: a checked configuration. Out: a running server until a signal ends it.

mod figures;
pub mod setup;
