//! From a change to the answer: asks over UDP until a new address is there.
//!
//! In: a running server. Out: the moment at which it answers an address.

use crate::server::Server;
use crate::wire::query;
use anyhow::bail;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

/// One socket that asks and waits.
pub struct Prober {
    socket: UdpSocket,
    /// Between two questions.
    pause: Duration,
}

impl Prober {
    /// `pause` between two questions leaves the server's CPU to what is measured; without one no time is lost.
    ///
    /// # Errors
    /// There is no socket.
    pub fn new(server: &Server, pause: Duration) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect(server.address)?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        Ok(Prober { socket, pause })
    }

    /// Asks until the address is in the answer.
    ///
    /// # Errors
    /// It is not there within a minute.
    pub fn wait_for(&self, name: &str, address: Ipv4Addr) -> anyhow::Result<()> {
        let (question, mut reply) = (query(name, 1, false), [0; 512]);
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            self.socket.send(&question)?;
            let length = self.socket.recv(&mut reply).unwrap_or(0);
            if reply[..length].windows(4).any(|octets| octets == address.octets()) {
                return Ok(());
            }
            std::thread::sleep(self.pause);
        }
        bail!("{name} does not answer {address} within 60 s of the change")
    }
}
