//! The octets of an admitted connection: an error when the peer is silent or does not read for too long.

use crate::telemetry::counters::Timeout;
use crate::transport::accept::Alarm;
use crate::transport::admission::{Admission, Permit};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Octets of the HTTP/2 preface: a peer that has sent fewer has not begun.
const PREFACE: u64 = 24;
/// The longest silence after that: probes are answered more often by any living peer.
const SILENCE: Duration = Duration::from_secs(60);

/// One connection.
pub struct Guarded {
    stream: TcpStream,
    permit: Permit,
    admission: Arc<Admission>,
    deadline: Duration,
    received: u64,
    last_read: Instant,
    read_alarm: Alarm,
    /// Since when the peer has not taken octets.
    blocked_since: Option<Instant>,
    write_alarm: Alarm,
}

impl Guarded {
    /// `deadline`: for the first octets, and for the peer to take what is written.
    pub fn new(stream: TcpStream, permit: Permit, admission: Arc<Admission>, deadline: Duration) -> Self {
        let now = Instant::now();
        Guarded {
            stream,
            permit,
            admission,
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

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
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

/// Without vectored writes: h2 then copies replies of up to 1,024 octets behind each other, and many go out in one write.
/// With them, each of 256 or more would be a write of its own.
impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.guard_write(written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
