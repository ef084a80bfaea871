//! `recvmmsg` and `sendmmsg`: up to [`BATCH`] datagrams in one system call.
//!
//! In: a socket and buffers. Out: how many datagrams came or went. Linux only.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::null_mut;

/// Datagrams per call.
pub const BATCH: usize = 32;
/// Octets kept of one datagram; no reply asked for here is longer.
const SLOT: usize = 2048;

/// Receive buffers, with the senders' addresses so that a batch can be sent back.
pub struct Received {
    buffers: Vec<[u8; SLOT]>,
    addresses: Vec<libc::sockaddr_storage>,
    lengths: [usize; BATCH],
}

impl Default for Received {
    fn default() -> Self {
        // SAFETY: sockaddr_storage is plain octets; all zero is a value of it.
        let address: libc::sockaddr_storage = unsafe { zeroed() };
        Received { buffers: vec![[0; SLOT]; BATCH], addresses: vec![address; BATCH], lengths: [0; BATCH] }
    }
}

impl Received {
    /// Takes what is there, waiting for the first datagram unless `nonblocking`.
    pub fn receive(&mut self, socket: BorrowedFd<'_>, nonblocking: bool) -> io::Result<usize> {
        let mut vectors: [libc::iovec; BATCH] =
            std::array::from_fn(|i| libc::iovec { iov_base: self.buffers[i].as_mut_ptr().cast(), iov_len: SLOT });
        let mut headers = headers(&mut vectors);
        for (header, address) in headers.iter_mut().zip(&mut self.addresses) {
            header.msg_hdr.msg_name = (&raw mut *address).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        }
        let flags = if nonblocking { libc::MSG_DONTWAIT } else { libc::MSG_WAITFORONE };
        // SAFETY: each header points to an iovec, a buffer and an address of this call's frame or of self, all alive
        // and not aliased until it returns; BATCH is their number.
        let count =
            unsafe { libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), BATCH as u32, flags, null_mut()) };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (length, header) in self.lengths.iter_mut().zip(&headers[..count]) {
            *length = (header.msg_len as usize).min(SLOT);
        }
        Ok(count)
    }

    /// Datagram `index` of the last receive.
    pub fn message(&self, index: usize) -> &[u8] {
        &self.buffers[index][..self.lengths[index]]
    }

    /// The same, to be changed before [`Self::send_back`].
    pub fn message_mut(&mut self, index: usize) -> &mut [u8] {
        &mut self.buffers[index][..self.lengths[index]]
    }

    /// Sends the first `count` datagrams to where they came from.
    pub fn send_back(&mut self, socket: BorrowedFd<'_>, count: usize) -> io::Result<()> {
        let mut vectors: [libc::iovec; BATCH] = std::array::from_fn(|i| libc::iovec {
            iov_base: self.buffers[i].as_mut_ptr().cast(),
            iov_len: self.lengths[i],
        });
        let mut headers = headers(&mut vectors);
        for (header, address) in headers.iter_mut().zip(&mut self.addresses) {
            let family = i32::from(address.ss_family);
            let length =
                if family == libc::AF_INET { size_of::<libc::sockaddr_in>() } else { size_of::<libc::sockaddr_in6>() };
            header.msg_hdr.msg_name = (&raw mut *address).cast();
            header.msg_hdr.msg_namelen = length as libc::socklen_t;
        }
        send_all(socket, &mut headers[..count])
    }
}

/// Sends `messages` (at most [`BATCH`]) on a connected socket; returns how many the kernel took.
pub fn send(socket: BorrowedFd<'_>, messages: &[&[u8]]) -> io::Result<usize> {
    let mut vectors: [libc::iovec; BATCH] = std::array::from_fn(|i| {
        let message = messages.get(i).copied().unwrap_or_default();
        libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() }
    });
    let mut headers = headers(&mut vectors);
    let count = messages.len().min(BATCH);
    // SAFETY: the first `count` headers point to iovecs of this frame and to the borrowed messages, which sendmmsg only
    // reads; the sockets are connected, so that there is no name.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count as u32, libc::MSG_DONTWAIT) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Makes room for `octets` of waiting datagrams (SO_RCVBUF; the kernel caps it at net.core.rmem_max).
pub fn receive_buffer(socket: BorrowedFd<'_>, octets: i32) -> io::Result<()> {
    let (value, length) = ((&raw const octets).cast(), size_of::<i32>() as libc::socklen_t);
    // SAFETY: the option takes an int; pointer and length are those of `octets`.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVBUF, value, length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn send_all(socket: BorrowedFd<'_>, mut headers: &mut [libc::mmsghdr]) -> io::Result<()> {
    while !headers.is_empty() {
        // SAFETY: the caller's headers point to live iovecs, buffers and addresses; the count is the slice's length.
        let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), headers.len() as u32, 0) };
        let sent = usize::try_from(sent).map_err(|_| io::Error::last_os_error())?;
        headers = &mut headers[sent..];
    }
    Ok(())
}

/// One header per iovec, without a name. Whoever uses them keeps `vectors` alive.
fn headers(vectors: &mut [libc::iovec; BATCH]) -> [libc::mmsghdr; BATCH] {
    let base = vectors.as_mut_ptr();
    std::array::from_fn(|i| {
        // SAFETY: mmsghdr is integers and pointers; all zero is a value of it.
        let mut header: libc::mmsghdr = unsafe { zeroed() };
        // SAFETY: i is below BATCH, the length of the array.
        header.msg_hdr.msg_iov = unsafe { base.add(i) };
        header.msg_hdr.msg_iovlen = 1;
        header
    })
}
