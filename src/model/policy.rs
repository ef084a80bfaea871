//! Answer policy: mode, TTL, failover order, weight, drain (SOURCES.md section 5).

use super::probe::Check;
use super::rare::Empty;
use std::sync::Arc;

/// How the addresses of a name are ordered (DNS.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AnswerMode {
    /// All ready addresses, nearest tier first.
    #[default]
    Ordered,
    /// Only the best tier that is not empty.
    Nearest,
    /// The first address drawn by weight, the rest behind it.
    Weighted,
}

/// One entry of a failover order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Preference {
    Cluster(Arc<str>),
    Region(Arc<str>),
    Zone(Arc<str>),
}

/// The own annotations `clusterset-dns.io/*` of one object; absent or unreadable ones are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct OwnPolicy {
    pub answer: Option<AnswerMode>,
    /// Seconds, clamped to 0..=3600.
    pub ttl: Option<u32>,
    /// 0..=1000.
    pub weight: Option<u32>,
    pub prefer: Option<Arc<[Preference]>>,
    pub drain: bool,
    /// As written; read by [`super::probe::Request::parse`].
    pub health: Option<Arc<str>>,
}

impl Empty for OwnPolicy {
    fn empty() -> &'static Self {
        static EMPTY: OwnPolicy =
            OwnPolicy { answer: None, ttl: None, weight: None, prefer: None, drain: false, health: None };
        &EMPTY
    }
}

/// The default policy and the `policies` of the configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policies {
    pub answer: AnswerMode,
    /// TTL of every answer that no policy changes, in seconds.
    pub ttl: u32,
    pub rules: Vec<PolicyRule>,
}

/// One entry of `policies`; the first whose globs match a service applies.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PolicyRule {
    /// Globs; empty matches all.
    pub namespaces: Vec<Arc<str>>,
    pub names: Vec<Arc<str>>,
    pub hosts: Vec<Arc<str>>,
    pub answer: Option<AnswerMode>,
    pub ttl: Option<u32>,
    pub prefer: Option<Arc<[Preference]>>,
    pub health: Option<Arc<Check>>,
    /// Weight by cluster id.
    pub weights: Vec<(Arc<str>, u32)>,
}
