//! The rooms of the server that answer a query, by path, and nothing else of it. What `transport::answerer` needs of its
//! neighbours stands here: zone transfers and the size of a batch.

#[path = "../../../src/dns/mod.rs"]
pub mod dns;
#[path = "../../../src/responder/mod.rs"]
pub mod responder;
#[path = "../../../src/table/mod.rs"]
pub mod table;

/// As in the server, UDP workers, TCP and gRPC left out.
#[path = "../../../src/transport"]
pub mod transport {
    pub mod answerer;
    pub mod random;

    pub mod transfer {
        use crate::table::Table;
        use std::sync::Arc;

        /// No zone is transferred here.
        pub struct Transfer;

        /// Begins nothing.
        pub fn begin(_: Arc<Table>, _: u8, _: Vec<u8>) -> Transfer {
            Transfer
        }
    }

    pub mod udp {
        /// As in the server.
        pub const BATCH_MAX: usize = 32;
    }
}
