//! The command line.

pub mod lookup;
