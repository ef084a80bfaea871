//! An authoritative DNS server for Kubernetes clustersets: many clusters in, locality-ordered answers out.
//!
//! ```text
//!   API servers, YAML folders        pure: no I/O, no clock, no Kubernetes                       sockets
//!  ┌────────┐ Observation ┌───────┐  Answer  ┌─────────┐  Draft   ┌───────┐ &Table ┌───────────┐ bytes ┌───────────┐
//!  │ source │────────────▶│ model │─────────▶│ compile │─────────▶│ table │───────▶│ responder │◀─────▶│ transport │
//!  └────────┘             └───────┘          └─────────┘  Blocks  └───────┘        └───────────┘       └───────────┘
//!   the only room that     facts, merge by     names, order,        lock-free,        bytes -> bytes       UDP TCP gRPC
//!   knows Kubernetes       KEP-1645, views     wire octets          one Block a name
//! ```
//!
//! | room | answers |
//! |---|---|
//! | [`cli`] | what was asked on the command line |
//! | [`run`] | in which order everything starts and stops; the only room that sees all others |
//! | [`config`] | what the operator wrote |
//! | [`dns`] | what is on the wire |
//! | [`model`] | what a clusterset is: facts, merge, what one view sees |
//! | [`compile`] | which names a service has, and which octets stand at each |
//! | [`table`] | where the Block of a name is, right now |
//! | [`responder`] | what the reply to these octets is |
//! | [`transport`] | how octets come and go |
//! | [`source`] | what the clusters say |
//! | [`snapshot`] | how facts outlive the process |
//! | [`resolve`] | which addresses a host name has that stands in place of one |
//! | [`probe`] | which addresses fail their health check |
//! | [`publish`] | what changed, and what has to be compiled again; the only writer of the table |
//! | [`explain`] | why this is the answer |
//! | [`telemetry`] | what an operator sees |
//!
//! Who may import whom is in docs/architecture.md; `tests/it/house.rs` holds it to that.

pub mod cli;
pub mod compile;
pub mod config;
pub mod dns;
pub mod explain;
pub mod model;
pub mod probe;
pub mod publish;
pub mod resolve;
pub mod responder;
pub mod run;
pub mod snapshot;
pub mod source;
pub mod table;
pub mod telemetry;
pub mod transport;
