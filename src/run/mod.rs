//! Wires the rooms and owns the order of start and shutdown. The only place that sees every room.
//!
//! In: a checked configuration. Out: a running server until a signal ends it, or (`offline`) a table filled once from folders.
//!
//! ```text
//! start:  logs ─▶ admin listeners ─▶ publisher ─▶ sources ─▶ (ready) ─▶ DNS sockets ─▶ start-up text
//! stop:   /ready 503 ─▶ lameduck ─▶ sockets drain, UDP last ─▶ sources, publisher, admin
//! ```

mod admin;
mod explain;
mod figures;
pub mod offline;
mod resolve;
mod serve;
pub mod setup;
mod sources;
mod startup;
mod survey;

pub use explain::question;
pub use serve::{Failure, serve};
pub use survey::survey;
