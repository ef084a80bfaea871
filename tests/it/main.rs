//! The integration tests: one binary, one module per subject.

mod differential;
mod house;
mod wire;
