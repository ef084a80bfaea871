//! A TCP proxy on loopback that fails on order.

use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// What the proxy does with octets and connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Passes everything on.
    None,
    /// Live connections stay open and silent; new ones are not accepted and, the backlog being full, not even
    /// acknowledged.
    BlackHole,
    /// Every connection is reset, new ones too.
    Reset,
    /// One octet in this time, each way.
    Drip(Duration),
}

/// A running proxy; dropping it closes everything.
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    /// What fills the backlog.
    fillers: Arc<Mutex<Vec<TcpStream>>>,
    _runtime: Runtime,
}

impl FaultProxy {
    /// Starts one on a free port of 127.0.0.1 that leads to `target`.
    pub fn start(target: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        socket.listen(1).unwrap();
        socket.set_nonblocking(true).unwrap();
        let _inside = runtime.enter();
        let listener = TcpListener::from_std(socket.into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, orders) = watch::channel(Fault::None);
        runtime.spawn(accept(listener, target, orders));
        FaultProxy { address, fault, fillers: Arc::default(), _runtime: runtime }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Fails in this way from now on.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
        let mut fillers = self.fillers.lock().unwrap();
        fillers.clear();
        if fault == Fault::BlackHole {
            // Until the kernel acknowledges no more.
            while let Ok(filler) = TcpStream::connect_timeout(&self.address, Duration::from_millis(200)) {
                fillers.push(filler);
            }
        }
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, mut orders: watch::Receiver<Fault>) {
    loop {
        if *orders.borrow_and_update() == Fault::BlackHole {
            if orders.changed().await.is_err() {
                return;
            }
            continue;
        }
        let client = tokio::select! {
            client = listener.accept() => client,
            changed = orders.changed() => if changed.is_err() { return } else { continue },
        };
        let Ok((client, _)) = client else { continue };
        let Ok(server) = tokio::net::TcpStream::connect(target).await else { continue };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(copy(from_client, to_server, orders.clone()));
        tokio::spawn(copy(from_server, to_client, orders.clone()));
    }
}

/// One direction of one connection.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut orders: watch::Receiver<Fault>) {
    let mut octets = [0; 16 << 10];
    loop {
        let fault = *orders.borrow_and_update();
        match fault {
            Fault::BlackHole => {
                if orders.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Fault::Reset => {
                // Both halves see it: the last one to drop the socket sends the RST.
                let _ = socket2::SockRef::from(to.as_ref()).set_linger(Some(Duration::ZERO));
                let _ = socket2::SockRef::from(from.as_ref()).set_linger(Some(Duration::ZERO));
                return;
            }
            Fault::None | Fault::Drip(_) => {}
        }
        let room = if matches!(fault, Fault::Drip(_)) { 1 } else { octets.len() };
        let read = tokio::select! {
            read = from.read(&mut octets[..room]) => read,
            changed = orders.changed() => if changed.is_err() { return } else { continue },
        };
        let Ok(length @ 1..) = read else { return };
        if let Fault::Drip(every) = fault {
            tokio::time::sleep(every).await;
        }
        if to.write_all(&octets[..length]).await.is_err() {
            return;
        }
    }
}
