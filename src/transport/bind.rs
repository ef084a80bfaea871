//! Opens the sockets of one address, or says what is in the way.
//!
//! Every worker gets a socket of its own by SO_REUSEPORT. That option would also let a second copy of the server share
//! the port silently, so each address is first tried without it.

use super::mmsg::tell_destination;
use super::udp::WAKE;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;

/// Octets of receive buffer asked for when the configuration names none.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Connections that may wait to be accepted, per listener (the kernel caps it at net.core.somaxconn).
const BACKLOG: i32 = 4096;
/// Tries to find a port that is free for UDP and for TCP, when the configuration says port 0.
const PORT_TRIES: usize = 16;

/// Why a listener could not be opened. No socket stays open.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address could not be had.
    #[error("cannot listen on {address} ({protocol}): {source}; nothing is served. {advice}")]
    Socket { address: SocketAddr, protocol: &'static str, source: io::Error, advice: String },
    /// The certificate, key or client CA could not be used.
    #[error("cannot serve gRPC over TLS: {path}: {reason}; nothing is served. Correct the file or `tls.grpc`")]
    Tls { path: String, reason: String },
    /// A worker thread could not be started.
    #[error("cannot start a worker thread: {0}; nothing is served. Raise the limit on threads (pids.max, ulimit -u)")]
    Thread(io::Error),
}

fn advice(address: SocketAddr, protocol: &str, error: &io::Error) -> String {
    let port = address.port();
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => format!(
            "Port {port} needs the capability NET_BIND_SERVICE: grant it, or listen on a port above 1023 and map the Service's port to it"
        ),
        Some(libc::EADDRINUSE) => format!(
            "Another socket holds the port: find it with `ss -{} 'sport = :{port}'`, end it, or choose another address under `listen`",
            if protocol == "UDP" { "lunp" } else { "ltnp" }
        ),
        Some(libc::EADDRNOTAVAIL) => {
            "No interface of this machine has the address: correct it under `listen`".to_owned()
        }
        Some(libc::EMFILE | libc::ENFILE) => "Raise the limit on open files (ulimit -n)".to_owned(),
        _ => "Check the address under `listen`".to_owned(),
    }
}

fn failed(address: SocketAddr, protocol: &'static str) -> impl FnOnce(io::Error) -> BindError {
    move |source| BindError::Socket { address, protocol, advice: advice(address, protocol, &source), source }
}

/// How the sockets of one address are made.
#[derive(Debug, Clone, Copy)]
struct Plan {
    address: SocketAddr,
    /// `[::]` leaves IPv4 to another listener of the same port.
    only_v6: bool,
    /// Octets; 0 takes the default.
    receive_buffer: usize,
}

/// The sockets of one address.
#[derive(Debug)]
pub struct Bound {
    /// As bound, with the port that was taken.
    pub address: SocketAddr,
    /// Empty for an address without UDP.
    pub udp: Vec<UdpSocket>,
    /// The asked address comes with each datagram.
    pub with_destination: bool,
    /// One per stream worker.
    pub tcp: Vec<TcpListener>,
}

/// What to open on one address.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub address: SocketAddr,
    /// UDP sockets; 0 for TCP only.
    pub udp: usize,
    /// TCP listeners.
    pub tcp: usize,
    /// An IPv4 wildcard of the same port is listed too, so `[::]` keeps to IPv6.
    pub only_v6: bool,
    /// Octets asked for each UDP socket; 0 takes the default.
    pub receive_buffer: usize,
}

/// Opens all sockets of one address. `notes` gets a line for the log on each thing that is not as asked.
///
/// # Errors
/// [`BindError::Socket`] with the address, the protocol and what to do.
pub fn bind(wanted: Wanted, notes: &mut Vec<String>) -> Result<Bound, BindError> {
    let mut plan = Plan { address: wanted.address, only_v6: wanted.only_v6, receive_buffer: wanted.receive_buffer };
    if plan.address.ip().is_ipv6() && plan.address.ip().is_unspecified() && !has_ipv6(plan) {
        plan.address.set_ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        notes.push(format!("{}: this machine has no IPv6; listening on {}", wanted.address, plan.address));
    }
    for _ in 1..PORT_TRIES {
        match open(plan, &wanted) {
            // A free UDP port need not be free for TCP.
            Err(BindError::Socket { source, .. })
                if plan.address.port() == 0 && source.kind() == io::ErrorKind::AddrInUse => {}
            opened => return opened.inspect(|bound| note_buffer(bound, &wanted, notes)),
        }
    }
    open(plan, &wanted)
}

fn open(mut plan: Plan, wanted: &Wanted) -> Result<Bound, BindError> {
    let (asked, mut udp, mut tcp) = (plan.address, Vec::new(), Vec::new());
    if asked.port() != 0 {
        if wanted.udp > 0 {
            socket(plan, Type::DGRAM, false).map_err(failed(asked, "UDP"))?;
        }
        socket(plan, Type::STREAM, false).map_err(failed(asked, "TCP"))?;
    }
    for _ in 0..wanted.udp {
        let socket = udp_socket(plan).map_err(failed(plan.address, "UDP"))?;
        plan.address.set_port(socket.local_addr().map_err(failed(asked, "UDP"))?.port());
        udp.push(socket);
    }
    if asked.port() == 0 && wanted.udp > 0 {
        socket(plan, Type::STREAM, false).map_err(failed(asked, "TCP"))?;
    }
    for _ in 0..wanted.tcp {
        let listener = tcp_listener(plan).map_err(failed(plan.address, "TCP"))?;
        plan.address.set_port(listener.local_addr().map_err(failed(asked, "TCP"))?.port());
        tcp.push(listener);
    }
    Ok(Bound { address: plan.address, udp, with_destination: plan.address.ip().is_unspecified(), tcp })
}

/// Whether an IPv6 socket can be bound at all.
fn has_ipv6(plan: Plan) -> bool {
    let any_port = Plan { address: SocketAddr::new(plan.address.ip(), 0), ..plan };
    match socket(any_port, Type::DGRAM, false) {
        Ok(_) => true,
        Err(error) => {
            let missing = [libc::EAFNOSUPPORT, libc::EADDRNOTAVAIL, libc::EPROTONOSUPPORT];
            !error.raw_os_error().is_some_and(|code| missing.contains(&code))
        }
    }
}

fn socket(plan: Plan, kind: Type, shared: bool) -> io::Result<Socket> {
    let protocol = if kind == Type::DGRAM { Protocol::UDP } else { Protocol::TCP };
    let socket = Socket::new(Domain::for_address(plan.address), kind, Some(protocol))?;
    if plan.address.is_ipv6() {
        socket.set_only_v6(plan.only_v6 || !plan.address.ip().is_unspecified())?;
    }
    if kind == Type::STREAM {
        // Connections of an earlier process in TIME_WAIT do not hold the port.
        socket.set_reuse_address(true)?;
    }
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&plan.address.into())?;
    Ok(socket)
}

fn udp_socket(plan: Plan) -> io::Result<UdpSocket> {
    let socket = socket(plan, Type::DGRAM, true)?;
    let size = if plan.receive_buffer == 0 { RECEIVE_BUFFER } else { plan.receive_buffer };
    socket.set_recv_buffer_size(size)?;
    socket.set_read_timeout(Some(WAKE))?;
    if plan.address.ip().is_unspecified() {
        tell_destination(socket.as_fd(), plan.address.is_ipv6())?;
    }
    Ok(socket.into())
}

fn tcp_listener(plan: Plan) -> io::Result<TcpListener> {
    let socket = socket(plan, Type::STREAM, true)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The kernel cuts the receive buffer at net.core.rmem_max without an error, so what it gave is reported.
fn note_buffer(bound: &Bound, wanted: &Wanted, notes: &mut Vec<String>) {
    let given = bound.udp.first().and_then(|socket| SockRef::from(socket).recv_buffer_size().ok());
    // Linux doubles the size asked for, for its own book-keeping.
    if let Some(given) = given
        && given < wanted.receive_buffer.saturating_mul(2)
    {
        notes.push(format!(
            "{}: receive buffer is {} octets, {} asked (`udp.receiveBuffer`); raise net.core.rmem_max",
            bound.address,
            given / 2,
            wanted.receive_buffer
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(address: &str) -> Wanted {
        Wanted { address: address.parse().unwrap(), udp: 2, tcp: 2, only_v6: false, receive_buffer: 0 }
    }

    #[test]
    fn port_zero_takes_one_port_for_all_sockets() {
        let bound = bind(wanted("127.0.0.1:0"), &mut Vec::new()).unwrap();
        assert_ne!(bound.address.port(), 0);
        assert!(!bound.with_destination);
        for socket in &bound.udp {
            assert_eq!(socket.local_addr().unwrap(), bound.address);
        }
        for listener in &bound.tcp {
            assert_eq!(listener.local_addr().unwrap(), bound.address);
        }
    }

    #[test]
    fn a_second_copy_on_the_same_port_is_refused_with_advice() {
        let first = bind(wanted("127.0.0.1:0"), &mut Vec::new()).unwrap();
        let address = first.address.to_string();
        let error = bind(wanted(&address), &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains(&address) && error.contains("(UDP)") && error.contains("ss -lunp"), "{error}");
        let tcp_only = Wanted { udp: 0, ..wanted(&address) };
        let error = bind(tcp_only, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("(TCP)") && error.contains("os error 98"), "{error}");
    }

    #[test]
    fn an_address_of_no_interface_is_named() {
        let error = bind(wanted("192.0.2.1:5300"), &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("192.0.2.1:5300") && error.contains("No interface"), "{error}");
    }

    #[test]
    fn wildcards_tell_the_asked_address_and_short_buffers_are_reported() {
        let mut notes = Vec::new();
        let big = Wanted { receive_buffer: 1 << 30, ..wanted("0.0.0.0:0") };
        assert!(bind(big, &mut notes).unwrap().with_destination);
        assert!(notes.iter().any(|note| note.contains("net.core.rmem_max")), "{notes:?}");
        assert!(bind(wanted("[::]:0"), &mut Vec::new()).unwrap().with_destination);
    }
}
