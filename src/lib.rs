//! draft
pub mod cli;
pub mod config;
pub mod dns;
pub mod model;
pub mod responder;
pub mod table;
pub mod telemetry;
pub mod transport;
