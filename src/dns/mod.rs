//! The wire format of RFC 1035 as far as an authoritative server needs it.
//!
//! In: octets of a query, or names and addresses. Out: a borrowed view of the query, or octets of a reply.
//! Pure, imports `std` only, never allocates on the query path (`rdata` does: it serves compile).

pub mod edns;
pub mod header;
pub mod name;
pub mod query;
pub mod question_name;
pub mod rdata;
pub mod types;
pub mod writer;

pub use edns::{ClientSubnet, Edns};
pub use header::Header;
pub use name::{Name, NameError};
pub use query::{Query, Unreadable};
pub use question_name::QuestionName;
pub use writer::Writer;
