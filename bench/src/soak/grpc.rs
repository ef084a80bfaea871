//! A client of CoreDNS's gRPC protocol: one connection as long as it lives, one call at a time.
//!
//! A call that the server has not begun, for its connection was told to go away, is made once more on a new one.

use super::ask::{PATIENCE, Way};
use anyhow::Context;
use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use std::io;
use std::net::SocketAddr;
use tokio::runtime::{Builder, Runtime};

/// The method of `coredns.dns.DnsService`.
const PATH: &str = "http://localhost/coredns.dns.DnsService/Query";
/// What an answer of `UNAVAILABLE` stands for.
const SERVFAIL: u8 = 2;

/// Over gRPC.
pub struct Grpc {
    server: SocketAddr,
    runtime: Runtime,
    open: Option<SendRequest<Bytes>>,
}

/// Why a call brought nothing.
enum Failure {
    /// The server has not begun it.
    Untouched(h2::Error),
    Lost(anyhow::Error),
}

impl Grpc {
    /// # Errors
    /// The system gives no descriptors.
    pub fn new(server: SocketAddr) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Grpc { server, runtime, open: None })
    }

    fn attempt(&mut self, query: &[u8]) -> Result<Vec<u8>, Failure> {
        let (server, open) = (self.server, self.open.take());
        let call = async {
            let sender = match open {
                Some(sender) => sender,
                None => connect(server).await.map_err(Failure::Lost)?,
            };
            let mut sender = sender.ready().await.map_err(Failure::Untouched)?;
            let reply = exchange(&mut sender, query).await?;
            Ok((sender, reply))
        };
        let ended = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, call).await });
        let (sender, reply) = ended.map_err(|_| Failure::Lost(anyhow::anyhow!("no reply in {PATIENCE:?}")))??;
        self.open = Some(sender);
        Ok(reply)
    }
}

impl Way for Grpc {
    fn ask<'a>(&mut self, query: &[u8], buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let reply = match self.attempt(query) {
            Err(Failure::Untouched(_)) => self.attempt(query),
            other => other,
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(Failure::Untouched(error)) => return Err(io::Error::other(error)),
            Err(Failure::Lost(error)) => return Err(io::Error::other(format!("{error:#}"))),
        };
        let room = buffer.get_mut(..reply.len()).ok_or(io::ErrorKind::InvalidData)?;
        room.copy_from_slice(&reply);
        Ok(room)
    }
}

async fn connect(server: SocketAddr) -> anyhow::Result<SendRequest<Bytes>> {
    let stream = tokio::net::TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = h2::client::handshake(stream).await?;
    // Its end shows when the next call is made.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

async fn exchange(sender: &mut SendRequest<Bytes>, query: &[u8]) -> Result<Vec<u8>, Failure> {
    let request = http::Request::post(PATH).header("content-type", "application/grpc").header("te", "trailers");
    let request = request.body(()).map_err(|error| Failure::Lost(error.into()))?;
    let (answer, mut body) = sender.send_request(request, false).map_err(judge)?;
    body.send_data(framed(query).into(), true).map_err(judge)?;
    let answer = answer.await.map_err(judge)?;
    let early = status(answer.headers());
    let mut stream = answer.into_body();
    let octets = collect(&mut stream).await.map_err(judge)?;
    let trailers = stream.trailers().await.map_err(judge)?;
    match early.or_else(|| trailers.as_ref().and_then(status)) {
        Some(0) => unframed(&octets).context("no DnsPacket in the reply").map_err(Failure::Lost),
        Some(14) => Ok(unavailable(query)),
        other => Err(Failure::Lost(anyhow::anyhow!("gRPC status {other:?}"))),
    }
}

/// RFC 9113 section 8.7: streams above the last one of a GOAWAY, and refused ones, have not been processed.
fn judge(error: h2::Error) -> Failure {
    let untouched = error.is_go_away() && error.is_remote() || error.reason() == Some(Reason::REFUSED_STREAM);
    if untouched { Failure::Untouched(error) } else { Failure::Lost(error.into()) }
}

async fn collect(stream: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut octets = Vec::new();
    while let Some(part) = stream.data().await {
        let part = part?;
        stream.flow_control().release_capacity(part.len())?;
        octets.extend_from_slice(&part);
    }
    Ok(octets)
}

fn status(headers: &http::HeaderMap) -> Option<u32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// `DnsPacket { bytes msg = 1 }` behind the prefix of a gRPC message.
fn framed(query: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x0a];
    let mut rest = query.len();
    while rest >= 0x80 {
        packet.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    packet.push(rest as u8);
    packet.extend_from_slice(query);
    let mut message = vec![0];
    message.extend_from_slice(&(packet.len() as u32).to_be_bytes());
    message.extend(packet);
    message
}

fn unframed(octets: &[u8]) -> Option<Vec<u8>> {
    let packet = octets.get(5..)?;
    let (mut length, mut at) = (0usize, 1);
    (packet.first() == Some(&0x0a)).then_some(())?;
    loop {
        let octet = *packet.get(at)?;
        length |= usize::from(octet & 0x7f) << (7 * (at - 1));
        at += 1;
        if octet < 0x80 {
            return packet.get(at..at + length).map(<[u8]>::to_vec);
        }
        (at < 5).then_some(())?;
    }
}

fn unavailable(query: &[u8]) -> Vec<u8> {
    let mut reply = query.to_vec();
    (reply[2], reply[3]) = (0x84, SERVFAIL);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_comes_back_as_it_was_sent() {
        for length in [12, 127, 128, 20_000] {
            let message = vec![7; length];
            assert_eq!(unframed(&framed(&message)), Some(message), "{length}");
        }
        assert_eq!(unframed(&[0, 0, 0, 0, 2, 0x0a, 9]), None, "cut");
        assert_eq!(unframed(&[]), None);
    }
}
