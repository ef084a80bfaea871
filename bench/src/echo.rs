//! The floor: a responder that flips the QR bit and sends the datagram back.

use crate::mmsg::{self, Received};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

/// Room for the queries that wait at a server; the server under test is configured with the same.
pub const RECEIVE_BUFFER: i32 = 1 << 20;

/// Opens the socket.
pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    mmsg::receive_buffer(socket.as_fd(), RECEIVE_BUFFER)?;
    Ok(socket)
}

/// Answers for ever with up to 32 datagrams per system call.
pub fn batched(socket: &UdpSocket) -> io::Result<()> {
    let mut received = Received::default();
    loop {
        let count = received.receive(socket.as_fd(), false)?;
        for index in 0..count {
            flip(received.message_mut(index));
        }
        received.send_back(socket.as_fd(), count)?;
    }
}

/// Answers for ever with one system call per datagram and direction.
pub fn plain(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 2048];
    loop {
        let (length, client) = socket.recv_from(&mut buffer)?;
        flip(&mut buffer[..length]);
        socket.send_to(&buffer[..length], client)?;
    }
}

fn flip(message: &mut [u8]) {
    if let Some(flags) = message.get_mut(2) {
        *flags |= 0x80;
    }
}
