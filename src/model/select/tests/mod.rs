//! Tests of the selection, one per rule of SOURCES.md: `direct` 1.2, `import` 1.1, 1.3, 1.5 and section 4, `presence`
//! 1.7 and unknown clusters, `policy` section 5, `age` for RESILIENCE.md rule 4, `health` for active health checks.

mod age;
mod direct;
mod explain;
mod health;
mod import;
mod network;
mod policy;
mod presence;

pub(super) const WEB: &str = "shop/web";
pub(super) const DB: &str = "shop/db";
