//! One query and its reply over UDP, TCP or gRPC.

use super::{Plan, Reply, Transport};
use hickory_proto::op::{Message, MessageType};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// How long one try waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tries over UDP, as `dig` does.
const TRIES: u32 = 3;

/// Asks once (with retries over UDP). A truncated UDP reply is asked again over TCP.
pub(super) fn ask(plan: &Plan) -> io::Result<Reply> {
    let mut asked = plan.query.clone();
    // A fresh id each time: some servers rotate by it.
    asked.metadata.id = Message::query().metadata.id;
    let query = asked.to_vec().map_err(io::Error::other)?;
    let start = Instant::now();
    let (reply, transport) = match plan.transport {
        Transport::Udp => {
            let reply = udp(plan, &query)?;
            let truncated = reply.get(2).is_some_and(|flags| flags & 0x02 != 0);
            if truncated { (tcp(plan.server, &query)?, Transport::Tcp) } else { (reply, Transport::Udp) }
        }
        Transport::Tcp => (tcp(plan.server, &query)?, Transport::Tcp),
        Transport::Grpc => (grpc(plan.server, &query)?, Transport::Grpc),
    };
    let took = start.elapsed();
    let message = Message::from_vec(&reply)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("the reply cannot be read: {error}")))?;
    if !answers(&asked, &message) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the reply belongs to another query"));
    }
    Ok(Reply { message, octets: reply.len(), took, transport })
}

/// An error reply may come without the question (it did not read it).
fn answers(query: &Message, reply: &Message) -> bool {
    let question = reply.queries.is_empty() || reply.queries == query.queries;
    question && reply.metadata.id == query.metadata.id && reply.metadata.message_type == MessageType::Response
}

fn udp(plan: &Plan, query: &[u8]) -> io::Result<Vec<u8>> {
    let local: SocketAddr = match plan.server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local)?;
    socket.connect(plan.server)?;
    let mut reply = vec![0; 65_535];
    for _ in 0..TRIES {
        socket.send(query)?;
        let deadline = Instant::now() + PATIENCE;
        while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            socket.set_read_timeout(Some(left))?;
            match socket.recv(&mut reply) {
                // A late reply to an earlier process on this port has another id: wait on.
                Ok(length) if reply[..length].starts_with(&query[..2]) => return Ok(reply[..length].to_vec()),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => break,
                Err(error) => return Err(error),
            }
        }
    }
    let message = format!("timed out, {TRIES} tries of {} s", PATIENCE.as_secs());
    Err(io::Error::new(io::ErrorKind::TimedOut, message))
}

fn tcp(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE * TRIES))?;
    stream.write_all(&[&length.to_be_bytes(), query].concat())?;
    let mut prefix = [0; 2];
    stream.read_exact(&mut prefix)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(prefix))];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}

#[cfg(feature = "grpc")]
fn grpc(server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let limit = PATIENCE * TRIES;
    let asked =
        async { tokio::time::timeout(limit, crate::transport::grpc::client::query(server, query, limit)).await };
    match runtime.block_on(asked) {
        Ok(reply) => reply.map_err(io::Error::other),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("timed out after {} s", limit.as_secs()))),
    }
}

#[cfg(not(feature = "grpc"))]
fn grpc(_server: SocketAddr, _query: &[u8]) -> io::Result<Vec<u8>> {
    let message = "this build has no gRPC client (feature `grpc`); use UDP or --tcp";
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}
