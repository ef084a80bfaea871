//! The wire format of RFC 1035 as far as an authoritative server needs it.
//!
//! In: octets of a query, or names and addresses. Out: a borrowed view of the query, or octets of a reply.
//! Pure, imports `std` only, never allocates on the query path.

pub mod name;
pub mod types;

pub use name::{Name, NameError};
