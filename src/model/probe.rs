//! Active health checks: what is asked of which address, and what came of it.
//!
//! In: checks of the configuration and of annotations. Out: [`Target`]s for the room `probe`, and its evidence as `select`
//! reads it. Pure values.

use super::id::ClusterId;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How an address is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Probe {
    /// A connection that opens.
    Tcp,
    /// A GET answered with a status of 200 to 399.
    Http,
    /// The same over TLS. The certificate is not verified: the address is asked, not a name.
    Https,
}

impl Probe {
    /// As the configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Probe::Tcp => "tcp",
            Probe::Http => "http",
            Probe::Https => "https",
        }
    }
}

/// What becomes of an endpoint whose check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Action {
    /// It goes behind all others.
    #[default]
    Demote,
    /// It is left out while others have its families and ports; else it goes behind them.
    Drop,
}

/// What is asked: the part that an annotation sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request {
    pub probe: Probe,
    pub port: u16,
    /// With its leading slash; not used with [`Probe::Tcp`].
    pub path: Arc<str>,
}

impl Request {
    /// `tcp:5432`, `http:8080/health`, `https:8443`: annotation `clusterset-dns.io/health`. A path that is missing is `/`.
    pub fn parse(text: &str) -> Option<Self> {
        let (probe, rest) = text.split_once(':')?;
        let (port, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let probe = match (probe, path) {
            ("tcp", "") => Probe::Tcp,
            ("http", _) => Probe::Http,
            ("https", _) => Probe::Https,
            _ => return None,
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        let path = if path.is_empty() { "/" } else { path };
        path.bytes().all(|octet| octet.is_ascii_graphic()).then(|| Request { probe, port, path: path.into() })
    }
}

/// One health check (CONFIG.md `policies[].health`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Check {
    pub request: Request,
    /// From one probe of an address to the next.
    pub interval: Duration,
    /// For one probe as a whole.
    pub timeout: Duration,
    /// Failures in a row that make an address ill.
    pub failures: u32,
    /// Successes in a row that make it well again.
    pub successes: u32,
    pub action: Action,
}

impl Check {
    /// A request with the times, thresholds and action that CONFIG.md gives as defaults.
    pub fn new(request: Request) -> Self {
        Check {
            request,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            failures: 3,
            successes: 2,
            action: Action::Demote,
        }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Request { probe, port, path } = &self.request;
        let path = if *probe == Probe::Tcp { "" } else { path };
        write!(f, "{}:{port}{path}", probe.as_str())
    }
}

/// One address to probe. The cluster is part of it: equal addresses of two networks are no proof of each other's health.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    pub cluster: ClusterId,
    pub address: IpAddr,
    pub check: Arc<Check>,
}

/// The ill targets, each with the reason in words.
pub type Evidence = HashMap<Target, Arc<str>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_annotations_write_them() {
        for (text, shown) in
            [("tcp:5432", "tcp:5432"), ("http:8080/health", "http:8080/health"), ("https:8443", "https:8443/")]
        {
            assert_eq!(Check::new(Request::parse(text).unwrap()).to_string(), shown);
        }
        for text in ["", "tcp", "tcp:0", "tcp:65536", "tcp:80/x", "icmp:1", "http:80/a b", "http:/x", "http:80?x"] {
            assert_eq!(Request::parse(text), None, "{text}");
        }
    }
}
