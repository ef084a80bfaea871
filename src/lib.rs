//! draft
pub mod dns;
pub mod model;
pub mod responder;
pub mod source;
pub mod table;
