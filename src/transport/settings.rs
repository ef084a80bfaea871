//! What the listeners are told: addresses, limits, deadlines (CONFIG.md `listen`, `udp`, `tls`, `limits`).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Port 0 takes a free port, the same one for UDP and TCP. `[::]` takes IPv4 clients too.
    pub address: SocketAddr,
    /// Frame number of the view that this listener stands for (`views[].listen`).
    pub view: Option<u8>,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Endpoint { address, view: None }
    }
}

/// `udp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpSettings {
    /// Threads, each with a socket of its own, per address; 0 is one per core given to the process (affinity and
    /// cgroup quota).
    pub workers: usize,
    /// Datagrams per system call, 1..=32. 1 also means plain recvmsg and sendmsg.
    pub batch: usize,
    /// Octets of receive buffer asked from the kernel per socket; 0 asks for 1 MiB and takes what it gets.
    pub receive_buffer: usize,
    /// Room for one reply: `udpMaxSize`, at least 512.
    pub reply_size: usize,
}

impl Default for UdpSettings {
    fn default() -> Self {
        UdpSettings { workers: 0, batch: 32, receive_buffer: 0, reply_size: 1232 }
    }
}

/// `limits.tcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpLimits {
    /// Open connections in all; at the cap the oldest idle one gives way.
    pub connections: usize,
    /// Open connections of one client address.
    pub per_client: usize,
    /// How long a connection may stay without a query.
    pub idle: Duration,
    /// How long a message may take to arrive once begun, and replies to be taken.
    pub deadline: Duration,
    /// Octets of replies held for one connection before reading pauses.
    pub buffer: usize,
}

impl Default for TcpLimits {
    fn default() -> Self {
        TcpLimits {
            connections: 4096,
            per_client: 1024,
            idle: Duration::from_secs(30),
            deadline: Duration::from_secs(5),
            buffer: 256 * 1024,
        }
    }
}

/// `limits.grpc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcLimits {
    /// Open connections in all; at the cap the oldest idle one gives way.
    pub connections: usize,
    /// Open connections of one client address.
    pub per_client: usize,
    /// Streams at a time per connection.
    pub streams: u32,
    /// After this age a connection is told to go (GOAWAY). Zero is never.
    pub max_age: Duration,
    /// How long TLS, the HTTP/2 preface or one request may take.
    pub deadline: Duration,
}

impl Default for GrpcLimits {
    fn default() -> Self {
        GrpcLimits {
            connections: 200,
            per_client: 100,
            streams: 256,
            max_age: Duration::from_secs(600),
            deadline: Duration::from_secs(5),
        }
    }
}

/// `tls.grpc`: paths of PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, leaf first.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Authorities of client certificates; with it a client certificate is required.
    pub client_ca: Option<PathBuf>,
}

/// Everything about listening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenSettings {
    /// UDP and TCP: `listen.dns` and every `views[].listen`.
    pub dns: Vec<Endpoint>,
    /// CoreDNS's gRPC protocol: `listen.grpc`.
    pub grpc: Vec<Endpoint>,
    /// `None` is plain text.
    pub grpc_tls: Option<TlsFiles>,
    pub udp: UdpSettings,
    pub tcp: TcpLimits,
    pub grpc_limits: GrpcLimits,
}

/// Cores given to this process: the smaller of its CPU affinity and its cgroup quota, at least one.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
