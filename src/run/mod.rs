//! Wires the rooms and owns the order of start and shutdown. The only place that sees every room.
//!
//! In: a checked configuration. Out: a running server until a signal ends it, or (`offline`) a table filled once from folders.
//!
//! ```text
//! start:  logs ─▶ snapshot ─▶ admin listeners ─▶ publisher ─▶ sources ─▶ (ready) ─▶ DNS sockets ─▶ start-up text
//! stop:   /ready 503 ─▶ lameduck ─▶ snapshot ─▶ sockets drain, UDP last ─▶ sources, publisher, admin
//! ```

#[cfg(feature = "kubernetes")]
mod access;
mod admin;
mod changes;
#[cfg(feature = "kubernetes")]
mod connect;
mod explain;
mod feed;
mod figures;
mod handover;
#[cfg(feature = "kubernetes")]
mod identities;
#[cfg(not(feature = "kubernetes"))]
#[path = "identities_off.rs"]
mod identities;
mod limits;
pub mod offline;
mod parts;
mod probe;
mod registry;
mod reload;
mod renames;
mod resolve;
mod serve;
pub mod setup;
mod signals;
mod snapshot;
mod sources;
mod startup;
mod survey;
mod uids;

pub use explain::question;
pub use reload::{Load, Origin};
pub use serve::{Failure, serve};
pub use survey::survey;
