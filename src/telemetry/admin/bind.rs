//! Opening the admin listeners: equal addresses once, clear errors, IPv4 where IPv6 is absent.

use super::Path;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// Addresses of each path; no address switches the path off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    pub health: Vec<SocketAddr>,
    pub ready: Vec<SocketAddr>,
    pub metrics: Vec<SocketAddr>,
    pub admin: Vec<SocketAddr>,
}

impl Addresses {
    fn of(&self, path: Path) -> &[SocketAddr] {
        match path {
            Path::Health => &self.health,
            Path::Ready => &self.ready,
            Path::Metrics => &self.metrics,
            Path::Explain => &self.admin,
        }
    }
}

/// Why an admin listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("{key}: {address}: the address is in use; stop the other process or choose another port in `{key}`")]
    InUse { key: &'static str, address: SocketAddr },
    #[error(
        "{key}: {address}: permission denied; ports under 1024 need CAP_NET_BIND_SERVICE, or choose another port in `{key}`"
    )]
    Denied { key: &'static str, address: SocketAddr },
    #[error("{key}: {address}: no interface has this address; use one of this host, or [::] for all")]
    NoSuchAddress { key: &'static str, address: SocketAddr },
    #[error(
        "{key}: {address}: explain shows every service and may listen on loopback only; use 127.0.0.1, or \"\" to switch it off"
    )]
    NotLoopback { key: &'static str, address: SocketAddr },
    #[error("{key}: {address}: {source}")]
    Other { key: &'static str, address: SocketAddr, source: io::Error },
}

/// Open listeners with the paths each serves.
#[derive(Debug, Default)]
pub struct Bound {
    listeners: Vec<(TcpListener, Vec<Path>)>,
}

impl Bound {
    /// Where a path can be asked, ports filled in; empty when it is off.
    pub fn addresses(&self, path: Path) -> Vec<SocketAddr> {
        let serves = self.listeners.iter().filter(|(_, paths)| paths.contains(&path));
        serves.filter_map(|(listener, _)| listener.local_addr().ok()).collect()
    }

    pub(super) fn into_listeners(self) -> Vec<(TcpListener, Vec<Path>)> {
        self.listeners
    }
}

/// Opens every listener, or none. `listen.admin` must be loopback.
///
/// # Errors
/// The first address that cannot be opened, with its key and what to do.
pub async fn bind(addresses: &Addresses) -> Result<Bound, BindError> {
    let mut wanted: BTreeMap<SocketAddr, Vec<Path>> = BTreeMap::new();
    for path in Path::ALL {
        for &address in addresses.of(path) {
            if path == Path::Explain && !address.ip().to_canonical().is_loopback() {
                return Err(BindError::NotLoopback { key: path.key(), address });
            }
            wanted.entry(address).or_default().push(path);
        }
    }
    let mut bound = Bound::default();
    for (address, mut paths) in wanted {
        paths.dedup();
        let listener = open(address).await.map_err(|error| refusal(paths[0].key(), address, error))?;
        bound.listeners.push((listener, paths));
    }
    Ok(bound)
}

/// `[::]` serves both families; without IPv6 in the kernel it becomes 0.0.0.0.
async fn open(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if address.ip().is_unspecified() && address.is_ipv6() && is_no_ipv6(&error) => {
            let fallback = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
            tracing::info!("{address}: this host has no IPv6, listening on {fallback} instead");
            TcpListener::bind(fallback).await
        }
        other => other,
    }
}

fn is_no_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

fn refusal(key: &'static str, address: SocketAddr, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { key, address },
        io::ErrorKind::PermissionDenied => BindError::Denied { key, address },
        io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress { key, address },
        _ => BindError::Other { key, address, source },
    }
}
