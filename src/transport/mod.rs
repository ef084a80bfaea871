//! Sockets: queries in, replies out, over UDP, TCP and gRPC.
//!
//! In: a [`Table`](crate::table) to answer from and [`ListenSettings`]. Out: open sockets, replies, counts. UDP runs on
//! plain threads in batches; TCP and gRPC run on threads with one small tokio runtime each. All ask the one responder.

mod accept;
mod admission;
pub mod answerer;
mod bind;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod listen;
mod mmsg;
pub mod notify;
mod phase;
mod random;
mod refusals;
pub mod settings;
mod stream;
#[cfg(test)]
#[path = "tests/stub.rs"]
mod stub;
mod tcp;
pub mod transfer;
pub mod udp;

pub use bind::BindError;
pub use listen::{Listeners, LocalAddresses, Serving};
pub use settings::{Endpoint, GrpcLimits, ListenSettings, TcpLimits, TlsFiles, UdpSettings, cores};
pub use tcp::converse;
