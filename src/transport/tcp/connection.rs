//! One TCP connection: read, answer, write, and the times that each may take.

use super::TcpService;
use super::frames::{Stopped, with_scratch};
use crate::telemetry::counters::{Elapsed, Timeout};
use crate::transport::accept::{Accepted, Alarm};
use crate::transport::admission::Permit;
use crate::transport::answerer::Answerer;
use crate::transport::transfer::Transfer;
use crate::transport::udp::family;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

/// How long the server, having sent FIN, lets the peer read what is on its way before it closes for good.
const LINGER: Duration = Duration::from_secs(1);

/// How long after the start of the drain queries are still read: those on their way are answered.
const LAST_QUERIES: Duration = Duration::from_millis(100);

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All is answered, and the peer closed its half.
    Finished,
    /// All that was read is answered; the server closes.
    Leaving,
    /// The peer is gone, or broke the protocol.
    Broken,
    TimedOut(Timeout),
}

/// A connection and what is left over between reads.
pub struct Connection<A, S = TcpStream> {
    stream: S,
    peer: IpAddr,
    permit: Permit,
    service: Arc<TcpService<A>>,
    /// Octets not answered yet: a part of a frame, or whole frames while replies wait.
    input: Vec<u8>,
    /// Whole frames or transfer messages are left to answer before the next read.
    more: bool,
    /// A transfer's next message is being made.
    waiting: bool,
    /// Replies that the peer has not taken, from `written` on.
    output: Vec<u8>,
    written: usize,
    transfer: Option<Transfer>,
    /// The peer will send no more, or what it sent must not be read on.
    input_closed: bool,
    offended: bool,
    /// Once the drain has begun: when to send FIN, if no replies wait.
    leave_at: Option<Instant>,
    /// Since when the present wait lasts: for a query, for the rest of one, for the peer to take replies.
    since: Instant,
}

impl<A: Answerer, S: AsyncRead + AsyncWrite + Unpin> Connection<A, S> {
    /// A connection that was just accepted.
    pub fn new(accepted: Accepted<S>, service: Arc<TcpService<A>>) -> Self {
        Connection {
            stream: accepted.stream,
            peer: accepted.peer.ip().to_canonical(),
            permit: accepted.permit,
            service,
            input: Vec::new(),
            more: false,
            waiting: false,
            output: Vec::new(),
            written: 0,
            transfer: None,
            input_closed: false,
            offended: false,
            leave_at: None,
            since: Instant::now(),
        }
    }

    /// Serves the connection to its end.
    pub async fn run(mut self) {
        let slot = Arc::clone(self.permit.slot());
        let (mut phase, mut phase_end) = (self.service.phase.clone(), self.service.phase.clone());
        let mut alarm = Alarm::new(self.deadline().into());
        let end = loop {
            tokio::select! {
                biased;
                () = slot.told_to_close() => return,
                () = phase_end.closed() => return,
                () = phase.draining(), if self.leave_at.is_none() => self.leave_at = Some(Instant::now() + LAST_QUERIES),
                end = poll_fn(|cx| self.poll(cx, &mut alarm)) => break end,
            }
        };
        if let End::TimedOut(kind) = end {
            self.service.admission.streams().timed_out(kind);
        }
        if matches!(end, End::Leaving | End::TimedOut(Timeout::Idle)) {
            self.linger().await;
        }
    }

    /// FIN, then what the peer still sends is read and forgotten: a close with unread octets would be a reset, which
    /// can overtake the last replies.
    async fn linger(&mut self) {
        if self.stream.shutdown().await.is_ok() {
            let mut sink = [0; 512];
            let silence = async { while matches!(self.stream.read(&mut sink).await, Ok(1..)) {} };
            // Either the peer closed or the time is up; both end the connection.
            let _ = tokio::time::timeout(LINGER, silence).await;
        }
    }

    fn wait(&self) -> (Duration, Timeout) {
        let limits = &self.service.limits;
        if !self.output.is_empty() {
            (limits.deadline, Timeout::Write)
        } else if !self.input.is_empty() && !self.waiting {
            (limits.deadline, Timeout::Read)
        } else {
            (limits.idle, Timeout::Idle)
        }
    }

    fn deadline(&self) -> Instant {
        let deadline = self.since + self.wait().0;
        match self.leave_at {
            Some(leave_at) if self.output.is_empty() && !self.waiting => deadline.min(leave_at),
            _ => deadline,
        }
    }

    fn is_leaving(&self) -> bool {
        self.output.is_empty() && !self.waiting && self.leave_at.is_some_and(|leave_at| Instant::now() >= leave_at)
    }

    fn poll(&mut self, cx: &mut Context<'_>, alarm: &mut Alarm) -> Poll<End> {
        if let Poll::Ready(end) = self.poll_work(cx) {
            return Poll::Ready(end);
        }
        ready!(alarm.poll_at(self.deadline().into(), cx));
        Poll::Ready(if self.is_leaving() { End::Leaving } else { End::TimedOut(self.wait().1) })
    }

    /// Writes, answers and reads until one of them must wait.
    fn poll_work(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            if ready!(self.poll_write(cx)).is_err() {
                return Poll::Ready(End::Broken);
            }
            if self.more {
                self.answer_kept(cx);
                if self.waiting && self.output.is_empty() {
                    return Poll::Pending;
                }
            } else if self.offended || self.is_leaving() {
                return Poll::Ready(End::Leaving);
            } else if self.input_closed {
                return Poll::Ready(End::Finished);
            } else {
                if ready!(self.poll_read(cx)).is_err() {
                    return Poll::Ready(End::Broken);
                }
            }
        }
    }

    /// Reads once and answers every whole frame.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        with_scratch(|scratch| {
            let kept = self.input.len();
            let mut buffer = ReadBuf::new(&mut scratch.input[kept..]);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            let read = buffer.filled().len();
            if read == 0 {
                self.input_closed = true;
                return Poll::Ready(Ok(()));
            }
            scratch.input[..kept].copy_from_slice(&self.input);
            let start = Instant::now();
            self.answer(scratch, kept + read, start, cx);
            // The time for the rest of a message runs from its first octet.
            if kept == 0 || self.input.len() < kept + read {
                self.since = start;
            }
            Poll::Ready(Ok(()))
        })
    }

    /// Goes on with what was left when the replies filled the buffer.
    fn answer_kept(&mut self, cx: &mut Context<'_>) {
        with_scratch(|scratch| {
            let kept = self.input.len();
            scratch.input[..kept].copy_from_slice(&self.input);
            self.since = Instant::now();
            self.answer(scratch, kept, self.since, cx);
        });
    }

    /// Answers from `scratch.input[..end]`, keeps what is left of it, and writes what the peer takes at once.
    fn answer(&mut self, scratch: &mut super::frames::Scratch, end: usize, start: Instant, cx: &mut Context<'_>) {
        let (consumed, stopped) = scratch.answer(end, &self.service, self.peer, &mut self.transfer, cx);
        self.more = matches!(stopped, Stopped::BufferFull | Stopped::AwaitTransfer);
        self.waiting = stopped == Stopped::AwaitTransfer;
        self.offended = stopped == Stopped::Offended;
        self.input.clear();
        if !self.offended {
            self.input.extend_from_slice(&scratch.input[consumed..end]);
        }
        let replies = scratch.take_output();
        let mut written = 0;
        while written < replies.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &replies[written..]) {
                Poll::Ready(Ok(octets @ 1..)) => written += octets,
                // Kept: the next write reports the error, or waits.
                _ => break,
            }
        }
        if written < replies.len() {
            self.output.extend_from_slice(&replies[written..]);
            self.permit.slot().begin();
            self.since = start;
        }
        let now = Instant::now();
        self.permit.touch(now);
        scratch.count(&self.service.counters, family(self.peer), Elapsed::from(now - start));
    }

    /// Writes the replies kept; the buffer goes when it is empty.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if self.output.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.output.len() {
            let octets = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output[self.written..]))?;
            if octets == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.written += octets;
        }
        self.output = Vec::new();
        self.written = 0;
        self.since = Instant::now();
        self.permit.slot().end();
        Poll::Ready(Ok(()))
    }
}

impl<A, S> Drop for Connection<A, S> {
    fn drop(&mut self) {
        if !self.output.is_empty() {
            self.permit.slot().end();
        }
    }
}
