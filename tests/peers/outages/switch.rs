//! One TCP address that leads to one of several servers, and from one moment on to another.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A TCP proxy on 127.0.0.1. Dropping it ends it.
pub struct Switch {
    /// Where it listens.
    pub port: u16,
    target: Arc<AtomicU16>,
    live: Arc<Mutex<Vec<TcpStream>>>,
    closed: Arc<AtomicBool>,
}

impl Switch {
    /// Leads to 127.0.0.1 and `target`.
    pub fn start(target: u16) -> Switch {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a TCP socket");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let switch =
            Switch { port, target: Arc::new(AtomicU16::new(target)), live: Arc::default(), closed: Arc::default() };
        let (target, live, closed) = (switch.target.clone(), switch.live.clone(), switch.closed.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target.load(Ordering::SeqCst))) else {
                    continue;
                };
                join(&client, &server);
                live.lock().expect("no thread panics while it holds the list").extend([client, server]);
            }
        });
        switch
    }

    /// Leads to another port from now on; what was open is closed.
    pub fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
        for stream in self.live.lock().expect("no thread panics while it holds the list").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        self.lead_to(0);
        // Wakes the accepting thread, so that it sees the end.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Copies both directions until one ends.
fn join(client: &TcpStream, server: &TcpStream) {
    for (from, to) in [(client, server), (server, client)] {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
        thread::spawn(move || {
            let mut octets = [0; 16 << 10];
            while let Ok(length @ 1..) = from.read(&mut octets) {
                if to.write_all(&octets[..length]).is_err() {
                    break;
                }
            }
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}
