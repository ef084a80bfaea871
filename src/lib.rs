//! draft
pub mod cli;
pub mod compile;
pub mod config;
pub mod dns;
pub mod explain;
pub mod model;
pub mod publish;
pub mod responder;

pub mod source;
pub mod table;
pub mod telemetry;
pub mod transport;
