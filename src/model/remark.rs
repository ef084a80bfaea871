//! A remark: one line for the log about something that is no object of a cluster, such as a target of health checks.

/// One line for the log, as the rooms without I/O hand it to their tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Something that an operator should look at.
    Warning(String),
    /// Something that is well again.
    Information(String),
}
