//! recvmmsg and sendmmsg over buffers of our own; the only unsafe file.
//!
//! A [`Batch`] receives up to `capacity` datagrams in one system call, hands out each with its reply buffer, and sends
//! the replies in one more. On a socket bound to a wildcard the kernel says which address was asked (`IP_PKTINFO`,
//! `IPV6_PKTINFO`), and the same control message, sent back, makes it the source of the reply.

#![expect(unsafe_code, reason = "the batched socket calls have no safe binding in std or socket2")]

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::size_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

/// The longest query read; a longer datagram is cut.
pub const QUERY_SIZE: usize = 4096;
/// Distance between buffers: not a multiple of 4 KiB, so that their heads do not share cache sets.
const QUERY_STRIDE: usize = QUERY_SIZE + 192;
/// Room for one `in_pktinfo` or `in6_pktinfo`.
const CONTROL_SIZE: usize = 64;
/// Socket option (asm-generic/socket.h, Linux 4.12) that the libc crate does not name.
const SO_MEMINFO: c_int = 55;
/// Index of the drop counter in the words of `SO_MEMINFO`.
const MEMINFO_DROPS: usize = libc::SK_MEMINFO_DROPS as usize;

#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL_SIZE]);

/// How many datagrams go through one system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// recvmmsg and sendmmsg.
    Batched,
    /// One datagram each (recvfrom and sendto; recvmsg and sendmsg on a wildcard): where the kernel lacks the others, or
    /// a setting asks for it. Datagrams that wait are still taken together, so that their lookups overlap.
    Single,
}

/// Buffers and headers of one worker. Stays in the thread that made it.
pub struct Batch {
    calls: Calls,
    capacity: usize,
    reply_size: usize,
    reply_stride: usize,
    with_destination: bool,
    queries: Vec<u8>,
    replies: Vec<u8>,
    names: Vec<libc::sockaddr_in6>,
    controls: Vec<Control>,
    query_vectors: Vec<libc::iovec>,
    reply_vectors: Vec<libc::iovec>,
    received: Vec<libc::mmsghdr>,
    queued: Vec<libc::mmsghdr>,
    /// Slots whose receive headers the kernel has written to.
    used: usize,
    /// Replies waiting in `queued`.
    waiting: usize,
}

/// One received datagram and the buffer for its reply.
pub struct Datagram<'a> {
    /// Who sent it, as the socket names it (IPv4 clients of a dual-stack socket are IPv4-mapped).
    pub peer: SocketAddr,
    pub query: &'a [u8],
    pub reply: &'a mut [u8],
}

impl Batch {
    /// Buffers for `capacity` datagrams with replies of at most `reply_size` octets. `with_destination`: the socket is
    /// bound to a wildcard and has been set to tell the asked address.
    pub fn new(capacity: usize, reply_size: usize, with_destination: bool, calls: Calls) -> Self {
        let capacity = capacity.max(1);
        let reply_stride = reply_size.next_multiple_of(64) + 64;
        // SAFETY: sockaddr_in6, iovec and mmsghdr are plain C structs for which all-zero octets are a valid value
        // (null pointers, zero lengths).
        let (name, vector, header): (libc::sockaddr_in6, libc::iovec, libc::mmsghdr) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
        let mut batch = Batch {
            calls,
            capacity,
            reply_size,
            reply_stride,
            with_destination,
            queries: vec![0; capacity * QUERY_STRIDE],
            replies: vec![0; capacity * reply_stride],
            names: vec![name; capacity],
            controls: vec![Control([0; CONTROL_SIZE]); capacity],
            query_vectors: vec![vector; capacity],
            reply_vectors: vec![vector; capacity],
            received: vec![header; capacity],
            queued: vec![header; capacity],
            used: capacity,
            waiting: 0,
        };
        batch.arm();
        batch
    }

    /// Points the receive headers of all used slots at their buffers again.
    fn arm(&mut self) {
        for slot in 0..self.used {
            self.query_vectors[slot] = libc::iovec {
                iov_base: self.queries[slot * QUERY_STRIDE..].as_mut_ptr().cast::<c_void>(),
                iov_len: QUERY_SIZE,
            };
            let header = &mut self.received[slot];
            header.msg_len = 0;
            header.msg_hdr.msg_name = ptr::from_mut(&mut self.names[slot]).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
            header.msg_hdr.msg_iov = ptr::from_mut(&mut self.query_vectors[slot]);
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_flags = 0;
            if self.with_destination {
                header.msg_hdr.msg_control = ptr::from_mut(&mut self.controls[slot]).cast();
                header.msg_hdr.msg_controllen = CONTROL_SIZE as _;
            }
        }
        self.used = 0;
    }

    /// Waits for datagrams (until the socket's receive time-out, or not at all without `wait`); how many came.
    ///
    /// # Errors
    /// As `recvmmsg`: `WouldBlock` when the time-out ran out, `Interrupted` after a signal.
    pub fn receive(&mut self, socket: BorrowedFd<'_>, wait: bool) -> io::Result<usize> {
        self.arm();
        self.waiting = 0;
        let count = match self.calls {
            Calls::Batched => match self.receive_batched(socket.as_raw_fd(), wait) {
                Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
                    self.calls = Calls::Single;
                    self.receive_singly(socket.as_raw_fd(), wait)?
                }
                other => other?,
            },
            Calls::Single => self.receive_singly(socket.as_raw_fd(), wait)?,
        };
        self.used = count;
        Ok(count)
    }

    fn receive_batched(&mut self, socket: RawFd, wait: bool) -> io::Result<usize> {
        let flags = if wait { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        // SAFETY: `received` holds `capacity` headers, each armed with pointers into vectors of this struct that are
        // never resized, with their true lengths; the kernel writes only there and only during the call.
        let count = unsafe {
            libc::recvmmsg(socket, self.received.as_mut_ptr(), self.capacity as u32, flags as _, ptr::null_mut())
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    /// Takes the first datagram as told by `wait`, and what already waits behind it.
    fn receive_singly(&mut self, socket: RawFd, wait: bool) -> io::Result<usize> {
        self.receive_one(socket, 0, if wait { 0 } else { libc::MSG_DONTWAIT })?;
        let more = (1..self.capacity).take_while(|slot| self.receive_one(socket, *slot, libc::MSG_DONTWAIT).is_ok());
        Ok(1 + more.count())
    }

    fn receive_one(&mut self, socket: RawFd, slot: usize, flags: c_int) -> io::Result<()> {
        let received = &mut self.received[slot];
        let header = &mut received.msg_hdr;
        let octets = if self.with_destination {
            // SAFETY: the header of `slot` is armed as in `receive_batched`.
            unsafe { libc::recvmsg(socket, header, flags) }
        } else {
            // SAFETY: buffer and name are those of the armed header, live and of the sizes stated.
            unsafe {
                let vector = &*header.msg_iov;
                let name = header.msg_name.cast::<libc::sockaddr>();
                libc::recvfrom(socket, vector.iov_base, vector.iov_len, flags, name, &raw mut header.msg_namelen)
            }
        };
        received.msg_len = u32::try_from(octets).map_err(|_| io::Error::last_os_error())?;
        Ok(())
    }

    /// The datagrams of the last [`Self::receive`], in slot order.
    pub fn datagrams(&mut self) -> impl Iterator<Item = Datagram<'_>> {
        let queries = self.queries.chunks_exact(QUERY_STRIDE);
        let replies = self.replies.chunks_exact_mut(self.reply_stride);
        let headers = self.received.iter().zip(&self.names);
        let reply_size = self.reply_size;
        queries.zip(replies).zip(headers).take(self.used).map(move |((query, reply), (header, name))| Datagram {
            peer: socket_address(name),
            query: &query[..(header.msg_len as usize).min(QUERY_SIZE)],
            reply: &mut reply[..reply_size],
        })
    }

    /// Queues the first `length` octets of the reply buffer of `slot` for [`Self::send`]. Each slot at most once.
    pub fn queue(&mut self, slot: usize, length: usize) {
        let reply = &mut self.replies[slot * self.reply_stride..][..length];
        self.reply_vectors[slot] = libc::iovec { iov_base: reply.as_mut_ptr().cast::<c_void>(), iov_len: length };
        let from = &self.received[slot].msg_hdr;
        let (name, name_length, control_length) = (from.msg_name, from.msg_namelen, from.msg_controllen);
        let to = &mut self.queued[self.waiting].msg_hdr;
        to.msg_name = name;
        to.msg_namelen = name_length;
        to.msg_iov = ptr::from_mut(&mut self.reply_vectors[slot]);
        to.msg_iovlen = 1;
        to.msg_control = ptr::null_mut();
        to.msg_controllen = 0;
        if self.with_destination && source_from_destination(&mut self.controls[slot], control_length) {
            to.msg_control = ptr::from_mut(&mut self.controls[slot]).cast();
            to.msg_controllen = control_length;
        }
        self.waiting += 1;
    }

    /// Sends all queued replies; how many the kernel refused. One that is refused does not hold up the others.
    pub fn send(&mut self, socket: BorrowedFd<'_>) -> usize {
        let (mut next, mut refused) = (0, 0);
        while next < self.waiting {
            match self.send_from(socket.as_raw_fd(), next) {
                Ok(sent) => next += sent.max(1),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOSYS) && self.calls == Calls::Batched => {
                    self.calls = Calls::Single;
                }
                Err(_) => {
                    next += 1;
                    refused += 1;
                }
            }
        }
        self.waiting = 0;
        refused
    }

    fn send_from(&mut self, socket: RawFd, next: usize) -> io::Result<usize> {
        let waiting = &mut self.queued[next..self.waiting];
        let sent = match self.calls {
            // SAFETY: every header of the slice was filled by `queue` with pointers into vectors of this struct that
            // are never resized; the kernel reads them only during the call.
            Calls::Batched => unsafe {
                libc::sendmmsg(socket, waiting.as_mut_ptr(), waiting.len() as u32, libc::MSG_NOSIGNAL as _) as isize
            },
            Calls::Single => {
                let header = &waiting[0].msg_hdr;
                let sent = if header.msg_control.is_null() {
                    // SAFETY: as above, for the buffer and name of the first header (`next < self.waiting`).
                    unsafe {
                        let vector = &*header.msg_iov;
                        let name = header.msg_name.cast::<libc::sockaddr>();
                        let flags = libc::MSG_NOSIGNAL;
                        libc::sendto(socket, vector.iov_base, vector.iov_len, flags, name, header.msg_namelen)
                    }
                } else {
                    // SAFETY: as above, for the first header.
                    unsafe { libc::sendmsg(socket, header, libc::MSG_NOSIGNAL) }
                };
                sent.min(1)
            }
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// The address in what the kernel wrote as a peer's name.
fn socket_address(name: &libc::sockaddr_in6) -> SocketAddr {
    if c_int::from(name.sin6_family) == libc::AF_INET {
        // SAFETY: the family says that the kernel wrote a sockaddr_in, which is smaller than a sockaddr_in6, needs no
        // stricter alignment, and holds only integers.
        let name = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in>() };
        let address = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
        return SocketAddr::new(IpAddr::V4(address), u16::from_be(name.sin_port));
    }
    let address = Ipv6Addr::from(name.sin6_addr.s6_addr);
    SocketAddr::new(IpAddr::V6(address), u16::from_be(name.sin6_port))
}

/// Turns the control message that tells the asked address into one that sets the source of the reply: the same
/// octets, but the interface is left to the routing table (save for link-local addresses, which mean nothing without).
/// False when there is no such message.
fn source_from_destination(control: &mut Control, length: usize) -> bool {
    const HEADER: usize = size_of::<libc::cmsghdr>();
    const WORD: usize = size_of::<c_int>();
    if length < HEADER + size_of::<libc::in_pktinfo>() {
        return false;
    }
    // SAFETY: `Control` is aligned to 8 octets, at least `HEADER` long, and holds only integers that the kernel wrote.
    let header = unsafe { &*ptr::from_ref(control).cast::<libc::cmsghdr>() };
    let interface = match (header.cmsg_level, header.cmsg_type) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => HEADER,
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if length >= HEADER + size_of::<libc::in6_pktinfo>() => {
            let address = &control.0[HEADER..HEADER + 16];
            if address[0] == 0xfe && address[1] & 0xc0 == 0x80 {
                return true;
            }
            HEADER + 16
        }
        _ => return false,
    };
    control.0[interface..interface + WORD].fill(0);
    true
}

/// Datagrams that the kernel dropped because the socket's receive queue was full, since the socket was made.
/// `None` where the kernel does not tell.
pub fn queue_drops(socket: BorrowedFd<'_>) -> Option<u64> {
    let mut words = [0u32; MEMINFO_DROPS + 1];
    let mut length = size_of::<[u32; MEMINFO_DROPS + 1]>() as libc::socklen_t;
    // SAFETY: `words` and `length` are live, writable and of the size stated; the kernel writes at most `length` octets.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_MEMINFO,
            words.as_mut_ptr().cast::<c_void>(),
            &raw mut length,
        )
    };
    let complete = length as usize >= size_of::<[u32; MEMINFO_DROPS + 1]>();
    (status == 0 && complete).then(|| u64::from(words[MEMINFO_DROPS]))
}

/// Makes the kernel tell the asked address with each datagram of a socket bound to a wildcard.
///
/// # Errors
/// As `setsockopt`.
pub fn tell_destination(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    let (level, option) =
        if ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO) } else { (libc::IPPROTO_IP, libc::IP_PKTINFO) };
    let on: c_int = 1;
    // SAFETY: `on` is live and of the size stated; the kernel only reads it.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            ptr::from_ref(&on).cast::<c_void>(),
            size_of::<c_int>() as libc::socklen_t,
        )
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
