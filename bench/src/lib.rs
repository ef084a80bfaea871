//! Measures `clusterset-dns` against the floor that the kernel sets (PERFORMANCE.md section 8 of the design).
//!
//! ```text
//! clusterset ─▶ manifests, questions with expected answers
//!                   │                │
//!                   ▼                ▼
//!                server ◀──UDP/TCP── load ──▶ rows: Markdown and JSON
//!                 echo  ◀─────────────┘
//! ```

pub mod clusterset;
pub mod echo;
pub mod expect;
pub mod load;
pub mod manifests;
pub mod mmsg;
pub mod process;
pub mod rows;
pub mod server;
pub mod stats;
pub mod wire;
