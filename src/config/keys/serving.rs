//! How the server listens, what it bounds, and how it reports.

use super::super::section::{choices, section};
use super::super::value::{Bounded, FilePath, ListenAddresses, LogFilter, MetricPrefix, Period, Share, Size};
use super::root::no_path;
use std::net::{Ipv4Addr, Ipv6Addr};

section! {
    /// Addresses to listen on; `[]` or an empty text switches one off.
    Listen {
        /// DNS over UDP and TCP.
        dns "dns": ListenAddresses<true> = ListenAddresses::one(Ipv6Addr::UNSPECIFIED, 53);
        /// DNS over CoreDNS's gRPC protocol.
        grpc "grpc": ListenAddresses<true> = ListenAddresses::one(Ipv6Addr::UNSPECIFIED, 8053);
        /// Liveness, `/health`.
        health "health": ListenAddresses<false> = ListenAddresses::one(Ipv6Addr::UNSPECIFIED, 8080);
        /// Readiness, `/ready`.
        ready "ready": ListenAddresses<false> = ListenAddresses::one(Ipv6Addr::UNSPECIFIED, 8181);
        /// Prometheus metrics, `/metrics`.
        metrics "metrics": ListenAddresses<false> = ListenAddresses::one(Ipv6Addr::UNSPECIFIED, 9153);
        /// Explain and console.
        admin "admin": ListenAddresses<false> = ListenAddresses::one(Ipv4Addr::LOCALHOST, 9154);
    }
}

section! {
    /// Certificates.
    Tls {
        /// The gRPC listener; without a certificate it is plain.
        grpc "grpc": GrpcTls = GrpcTls::default();
    }
}

section! {
    /// Certificates of the gRPC listener.
    GrpcTls {
        /// Certificate chain, PEM.
        cert "cert": FilePath = no_path();
        /// Private key, PEM.
        key "key": FilePath = no_path();
        /// Authorities whose client certificates are let in, PEM; empty lets everybody in.
        client_ca "clientCA": FilePath = no_path();
    }
}

section! {
    /// UDP.
    Udp {
        /// Threads, each with a socket of its own; 0 is one per core given to the process.
        workers "workers": Bounded<0, 1024> = Bounded::of(0);
        /// Most datagrams per system call.
        batch "batch": Bounded<1, 32> = Bounded::of(32);
        /// Receive buffer of each socket; 0 is the system's default.
        receive_buffer "receiveBuffer": Size = Size::octets(0);
    }
}

/// What orders the clusters of the last tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TierBy {
    None,
    /// Measured round-trip time.
    Rtt,
}

choices!(TierBy { "none" => TierBy::None, "rtt" => TierBy::Rtt });

section! {
    /// Ages of a cluster's data (RESILIENCE.md section 3).
    Freshness {
        /// How long a cluster that has never synced keeps absent names undecided.
        grace "grace": Period = Period::seconds(30);
        /// Without contact for so long, a cluster is in doubt; its answers stay as they are.
        suspect_after "suspectAfter": Period = Period::seconds(40);
        /// Without contact for so long, its addresses go behind those of every other cluster.
        demote_after "demoteAfter": Period = Period::seconds(60);
        /// Without contact for so long, its addresses go where another cluster can answer.
        drop_after "dropAfter": Period = Period::seconds(900);
        /// How long contact must last before a demoted cluster is trusted again.
        recover_after "recoverAfter": Period = Period::seconds(30);
        /// What other evidence of ill health makes of a cluster.
        evidence "evidence": Evidence = Evidence::Suspect;
    }
}

/// What other evidence of ill health makes of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    Suspect,
    Stale,
}

choices!(Evidence { "suspect" => Evidence::Suspect, "stale" => Evidence::Stale });

section! {
    /// The brake on mass deletions (RESILIENCE.md rule 6).
    Brake {
        /// Share of a cluster's services that must vanish at once.
        share "share": Share = Share::of(50);
        /// Number of services that must vanish at once.
        services "services": Bounded<0, 1_000_000> = Bounded::of(20);
        /// How long the deletion waits for a second list.
        confirm_after "confirmAfter": Period = Period::seconds(30);
    }
}

section! {
    /// The copy of all facts on disk (RESILIENCE.md section 6).
    Snapshot {
        /// Its folder; empty is none.
        path "path": FilePath = no_path();
        /// An older one is not loaded.
        max_age "maxAge": Period = Period::seconds(86_400);
        /// It is written at most so often.
        every "every": Period = Period::seconds(30);
    }
}

section! {
    /// Upper bounds.
    Limits {
        /// DNS over TCP.
        tcp "tcp": TcpLimits = TcpLimits::default();
        /// DNS over gRPC.
        grpc "grpc": GrpcLimits = GrpcLimits::default();
        /// What one cluster may contribute.
        cluster "cluster": ClusterLimits = ClusterLimits::default();
    }
}

section! {
    /// DNS over TCP.
    TcpLimits {
        /// Open connections.
        connections "connections": Bounded<1, 1_000_000> = Bounded::of(4096);
        /// Open connections of one client address.
        per_client "perClient": Bounded<1, 1_000_000> = Bounded::of(1024);
        /// A connection without a query is closed after this time.
        idle "idle": Period = Period::seconds(30);
        /// Time for one message to arrive or to be written.
        deadline "deadline": Period = Period::seconds(5);
        /// Buffered answers of one connection; above it, reading pauses.
        buffer "buffer": Size = Size::octets(256 << 10);
    }
}

section! {
    /// DNS over gRPC.
    GrpcLimits {
        /// Open connections.
        connections "connections": Bounded<1, 1_000_000> = Bounded::of(200);
        /// Concurrent streams of one connection.
        streams "streams": Bounded<1, 65_535> = Bounded::of(256);
        /// A connection is asked to close after this time.
        max_age "maxAge": Period = Period::seconds(600);
    }
}

section! {
    /// What one cluster may contribute; the excess is left out.
    ClusterLimits {
        /// Services.
        services "services": Bounded<1, 10_000_000> = Bounded::of(250_000);
        /// Endpoints.
        endpoints "endpoints": Bounded<1, 100_000_000> = Bounded::of(1_000_000);
        /// Endpoints of one service.
        endpoints_per_service "endpointsPerService": Bounded<1, 65_535> = Bounded::of(10_000);
        /// Ports of one service.
        ports "ports": Bounded<1, 10_000> = Bounded::of(100);
        /// Hosts of ServiceEntry and DNSEndpoint objects.
        hosts "hosts": Bounded<1, 10_000_000> = Bounded::of(50_000);
        /// Addresses of one such host.
        addresses_per_host "addressesPerHost": Bounded<1, 65_535> = Bounded::of(256);
        /// Size of one object.
        object "object": Size = Size::octets(2 << 20);
        /// Size of one page of a list.
        page "page": Size = Size::octets(64 << 20);
        /// Time for one whole list.
        list "list": Period = Period::seconds(300);
    }
}

section! {
    /// Readiness.
    Ready {
        /// Whether the server stays ready once it was, or reports every later loss.
        monitor "monitor": ReadyMonitor = ReadyMonitor::UntilReady;
    }
}

/// What `/ready` reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyMonitor {
    UntilReady,
    Continuously,
}

choices!(ReadyMonitor { "until-ready" => ReadyMonitor::UntilReady, "continuously" => ReadyMonitor::Continuously });

section! {
    /// Logs.
    Log {
        /// Text or JSON lines.
        format "format": LogFormat = LogFormat::Text;
        /// A level, or levels by module.
        level "level": LogFilter = LogFilter::known("info");
        /// Queries that are logged, by outcome.
        queries "queries": Vec<QueryLog> = Vec::new();
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

choices!(LogFormat { "text" => LogFormat::Text, "json" => LogFormat::Json });

/// Outcomes of queries that are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryLog {
    Denial,
    Error,
    Success,
    All,
}

choices!(QueryLog {
    "denial" => QueryLog::Denial,
    "error" => QueryLog::Error,
    "success" => QueryLog::Success,
    "all" => QueryLog::All,
});

section! {
    /// Metrics.
    Metrics {
        /// Prefix of the metrics that CoreDNS has too.
        prefix "prefix": MetricPrefix = MetricPrefix::known("clusterset_dns");
    }
}
