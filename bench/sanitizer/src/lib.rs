//! Bursts through `src/transport/mmsg.rs` in all its ways: IPv4 and IPv6, bound to an address and to a wildcard, batched and
//! one by one, more datagrams than a batch holds, empty and too long ones, replies of every length.

#[path = "../../../src/transport/mmsg.rs"]
pub mod mmsg;

#[cfg(test)]
mod tests {
    use super::mmsg::{Batch, Calls, QUERY_SIZE, queue_drops, tell_destination};
    use std::net::{SocketAddr, UdpSocket};
    use std::os::fd::AsFd;
    use std::time::Duration;

    const CAPACITY: usize = 32;
    const REPLY: usize = 1232;

    /// Lengths of one burst: from nothing to more than a query may have.
    fn lengths() -> impl Iterator<Item = usize> {
        (0..CAPACITY + 9).map(|number| if number % 8 == 7 { QUERY_SIZE + number } else { number * 37 })
    }

    /// Answers one burst by its octets reversed, cut to the room there is; how many were answered.
    fn answer(batch: &mut Batch, socket: &UdpSocket) -> usize {
        let count = batch.receive(socket.as_fd(), false).unwrap_or(0);
        let mut due = Vec::new();
        for (slot, datagram) in batch.datagrams().enumerate().take(count) {
            let length = datagram.query.len().min(datagram.reply.len());
            for (to, from) in datagram.reply[..length].iter_mut().zip(datagram.query.iter().rev()) {
                *to = *from;
            }
            due.push((slot, length));
        }
        for (slot, length) in due {
            batch.queue(slot, length);
        }
        assert_eq!(batch.send(socket.as_fd()), 0, "no reply is refused");
        count
    }

    fn bursts(listen: &str, ask: &str, calls: Calls) {
        let server = UdpSocket::bind(listen).unwrap();
        server.set_nonblocking(true).unwrap();
        let wildcard = server.local_addr().unwrap().ip().is_unspecified();
        if wildcard {
            tell_destination(server.as_fd(), server.local_addr().unwrap().is_ipv6()).unwrap();
        }
        let to = SocketAddr::new(ask.parse().unwrap(), server.local_addr().unwrap().port());
        let client = UdpSocket::bind((if to.is_ipv6() { "::1" } else { "127.0.0.1" }, 0)).unwrap();
        client.connect(to).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut batch = Batch::new(CAPACITY, REPLY, wildcard, calls);
        for round in 0..20u8 {
            let sent: Vec<Vec<u8>> = lengths().map(|length| vec![round; length]).collect();
            sent.iter().for_each(|datagram| assert!(client.send(datagram).is_ok()));
            let mut answered = 0;
            while answered < sent.len() {
                answered += answer(&mut batch, &server);
            }
            let mut buffer = [0; 2 * QUERY_SIZE];
            for datagram in &sent {
                let length = client.recv(&mut buffer).unwrap();
                assert_eq!(buffer[..length], datagram[..datagram.len().min(REPLY).min(length)]);
                assert!(buffer[..length].iter().all(|octet| *octet == round));
            }
        }
        assert_eq!(queue_drops(server.as_fd()), Some(0));
    }

    #[test]
    fn every_way_stays_inside_its_buffers() {
        for calls in [Calls::Batched, Calls::Single] {
            bursts("127.0.0.1:0", "127.0.0.1", calls);
            bursts("0.0.0.0:0", "127.0.0.1", calls);
            bursts("0.0.0.0:0", "127.0.0.9", calls);
            if UdpSocket::bind("[::1]:0").is_ok() {
                bursts("[::1]:0", "::1", calls);
                bursts("[::]:0", "::1", calls);
            }
        }
    }
}
