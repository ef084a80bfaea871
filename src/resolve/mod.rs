//! Host names that stand in place of addresses, looked up beside the query path (SOURCES.md 1.2).
//!
//! In: the names that the clusterset holds, the system's resolver, the table for names of our own zones. Out: their addresses,
//! handed on whenever one changes. A lookup that fails leaves the last good addresses in place.
//!
//! ```text
//! ClusterSet::host_names ─▶ Book (what is due, what was found) ─▶ Lookup or table ─▶ Book ─▶ ClusterSet::set_resolved
//! ```

mod book;
mod own;
mod task;
#[cfg(test)]
mod tests;

pub use own::own_addresses;
pub use task::{Clusterset, Settle, run};

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A name is looked up this often.
pub const EVERY: Duration = Duration::from_secs(30);

/// Something that finds the addresses of a name.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `name`, in any order; an error when there is none or none could be found out.
    fn addresses(&self, name: Arc<str>) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The system's resolver (getaddrinfo): hosts file, search list and name servers of the machine or pod.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Lookup for System {
    async fn addresses(&self, name: Arc<str>) -> io::Result<Vec<IpAddr>> {
        // The port is of no use; the call wants one.
        Ok(tokio::net::lookup_host((&*name, 0)).await?.map(|address| address.ip()).collect())
    }
}
