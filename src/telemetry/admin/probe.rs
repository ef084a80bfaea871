//! Asks our own `/health` about once a second, as CoreDNS does: how long it takes shows an overloaded process.

use crate::telemetry::histogram::Shared;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

const PERIOD: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

/// Observes the seconds of each request into `durations` (`health_request_duration_seconds`), for ever.
/// A request that fails counts as five seconds, the time it may take.
pub async fn watch_health(health: SocketAddr, durations: &Shared) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let start = Instant::now();
        let answered = matches!(timeout(PATIENCE, ask(health)).await, Ok(Ok(true)));
        let took = if answered { start.elapsed() } else { PATIENCE };
        durations.observe(took.as_secs_f64());
    }
}

/// One request on a connection of its own; true when the status is 200.
async fn ask(health: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(reachable(health)).await?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut reply = Vec::new();
    stream.take(1024).read_to_end(&mut reply).await?;
    Ok(reply.starts_with(b"HTTP/1.1 200 "))
}

/// An address to connect to: loopback where the listener takes every address.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let loopback: std::net::IpAddr = match listener {
        SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    if listener.ip().is_unspecified() { SocketAddr::new(loopback, listener.port()) } else { listener }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_listener_is_asked_on_loopback() {
        let cases = [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:2", "[::1]:2"), ("10.0.0.1:3", "10.0.0.1:3")];
        for (listener, asked) in cases {
            assert_eq!(reachable(listener.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
