//! Measures `clusterset-dns` against the floor that the kernel sets (PERFORMANCE.md section 8 of the design).
//!
//! ```text
//! clusterset ─▶ manifests, questions with expected answers
//!                   │                │
//!       (or scripted API servers)    │
//!                   ▼                ▼
//!                server ◀──UDP/TCP── load ──▶ rows: Markdown and JSON
//!                 echo  ◀─────────────┘
//! ```

pub mod apiservers;
pub mod clusterset;
pub mod echo;
pub mod expect;
pub mod load;
pub mod manifests;
pub mod mmsg;
pub mod peers;
pub mod plots;
pub mod process;
pub mod rows;
pub mod server;
pub mod soak;
pub mod stats;
pub mod wire;

#[expect(clippy::unwrap_used, reason = "shared with the tests, where a failure ends the run")]
#[path = "../../tests/support/mod.rs"]
pub mod support;
