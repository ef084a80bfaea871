//! What one view sees of one host: the input of `compile::compile_host`.

use super::fact::RecordValues;
use crate::model::answer::Answer;

/// The addresses, ports and other records of one host in one view. Views with equal answers share a Block order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostAnswer {
    /// Targets of A and AAAA; `ports` are those of its SRV names. Without targets the host exists all the same.
    pub addresses: Answer,
    /// At most one of each type. With a CNAME there is nothing else.
    pub records: Vec<HostRecords>,
}

/// One set of records that are no addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostRecords {
    /// Seconds.
    pub ttl: u32,
    pub stale: bool,
    pub values: RecordValues,
}
