//! Connections as tonic gets them: admitted, closed when silent, when they do not read, or when told to give way.

use crate::telemetry::counters::Timeout;
use crate::transport::accept::{Accepted, Accepting, Alarm};
use crate::transport::admission::{Admission, Permit, Slot};
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::Stream;
use tonic::transport::server::Connected;

/// Octets of the HTTP/2 preface: a peer that has sent fewer has not begun.
const PREFACE: u64 = 24;
/// The longest silence after that: probes are answered more often by any living peer.
const SILENCE: Duration = Duration::from_secs(60);

/// What the service knows about the connection of a request.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    pub peer: IpAddr,
    pub slot: Arc<Slot>,
}

/// The admitted connections of one listener.
pub struct Incoming {
    listener: TcpListener,
    accepting: Accepting,
    admission: Arc<Admission>,
    deadline: Duration,
}

impl Incoming {
    /// `deadline`: for the first octets, and for the peer to take what is written.
    pub fn new(listener: TcpListener, admission: &Arc<Admission>, deadline: Duration) -> Self {
        Incoming { listener, accepting: Accepting::new(admission), admission: Arc::clone(admission), deadline }
    }
}

impl Stream for Incoming {
    type Item = io::Result<Guarded>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let accepted = ready!(this.accepting.poll_accept(&this.listener, cx));
        Poll::Ready(Some(Ok(Guarded::new(accepted, Arc::clone(&this.admission), this.deadline))))
    }
}

/// One connection.
pub struct Guarded {
    stream: TcpStream,
    peer: IpAddr,
    permit: Permit,
    admission: Arc<Admission>,
    told_to_close: Pin<Box<dyn Future<Output = ()> + Send>>,
    deadline: Duration,
    received: u64,
    last_read: Instant,
    read_alarm: Alarm,
    /// Since when the peer has not taken octets.
    blocked_since: Option<Instant>,
    write_alarm: Alarm,
}

impl Guarded {
    fn new(accepted: Accepted, admission: Arc<Admission>, deadline: Duration) -> Self {
        let slot = Arc::clone(accepted.permit.slot());
        let now = Instant::now();
        Guarded {
            stream: accepted.stream,
            peer: accepted.peer.ip().to_canonical(),
            permit: accepted.permit,
            admission,
            told_to_close: Box::pin(async move { slot.told_to_close().await }),
            deadline,
            received: 0,
            last_read: now,
            read_alarm: Alarm::new((now + deadline).into()),
            blocked_since: None,
            write_alarm: Alarm::new((now + SILENCE).into()),
        }
    }

    /// Ready with an error when the wait for octets has lasted too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (limit, kind) =
            if self.received < PREFACE { (self.deadline, Timeout::Read) } else { (SILENCE, Timeout::Idle) };
        ready!(self.read_alarm.poll_at((self.last_read + limit).into(), cx));
        self.admission.streams().timed_out(kind);
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// Passes the result of a write on, unless it has waited too long.
    fn guard_write(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.blocked_since = None;
            return written;
        }
        let since = *self.blocked_since.get_or_insert_with(Instant::now);
        ready!(self.write_alarm.poll_at((since + self.deadline).into(), cx));
        self.admission.streams().timed_out(Timeout::Write);
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl Connected for Guarded {
    type ConnectInfo = ConnectionInfo;

    fn connect_info(&self) -> ConnectionInfo {
        ConnectionInfo { peer: self.peer, slot: Arc::clone(self.permit.slot()) }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.permit.slot().is_closing() || self.told_to_close.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => self.poll_silence(cx),
            Poll::Ready(result) => {
                self.received += (buffer.filled().len() - before) as u64;
                self.last_read = Instant::now();
                self.permit.touch(self.last_read);
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.guard_write(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.guard_write(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
