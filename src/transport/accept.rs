//! Accepting connections for TCP and gRPC: caps, and what to do when descriptors run out.

use super::admission::{Admission, Permit};
use crate::telemetry::counters::Refusal;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

/// The pause after an error of the listener, so that a lack of descriptors does not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that may stay.
pub struct Accepted<S = TcpStream> {
    pub stream: S,
    pub peer: SocketAddr,
    pub permit: Permit,
}

/// The state of one accept loop.
pub struct Accepting {
    admission: Arc<Admission>,
    pause: Option<std::pin::Pin<Box<Sleep>>>,
}

/// The next connection that is admitted.
pub async fn accept(listener: &TcpListener, accepting: &mut Accepting) -> Accepted {
    std::future::poll_fn(|cx| accepting.poll_accept(listener, cx)).await
}

impl Accepting {
    /// Ready to accept.
    pub fn new(admission: &Arc<Admission>) -> Self {
        Accepting { admission: Arc::clone(admission), pause: None }
    }

    /// Polls for the next connection that is admitted.
    pub fn poll_accept(&mut self, listener: &TcpListener, cx: &mut Context<'_>) -> Poll<Accepted> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(listener.poll_accept(cx)) {
                Ok((stream, peer)) => {
                    if let Some(accepted) = self.admit(stream, peer) {
                        return Poll::Ready(accepted);
                    }
                }
                Err(error) => self.after(&error),
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<Accepted> {
        let permit = self.admission.admit(peer.ip()).ok()?;
        // A reply must not wait for the acknowledgement of the one before.
        stream.set_nodelay(true).ok()?;
        Some(Accepted { stream, peer, permit })
    }

    /// Closes the listener, after taking the connections that wait in it: they would be reset otherwise.
    pub fn sweep(&self, listener: TcpListener) -> Vec<Accepted> {
        let Ok(listener) = listener.into_std() else { return Vec::new() };
        // The listener does not block: the first error says that none is left.
        let waiting = std::iter::from_fn(|| listener.accept().ok());
        waiting
            .filter_map(|(stream, peer)| {
                stream.set_nonblocking(true).ok()?;
                self.admit(TcpStream::from_std(stream).ok()?, peer)
            })
            .collect()
    }

    fn after(&mut self, error: &io::Error) {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => {
                self.admission.refused(Refusal::Descriptors);
                self.admission.give_way(None);
            }
            // The peer left between its connect and our accept.
            Some(libc::ECONNABORTED | libc::EINTR) => return,
            _ => {}
        }
        self.pause = Some(Box::pin(sleep(PAUSE)));
    }
}

/// A timer that can be moved cheaply: it is armed again only when it fires early or must fire sooner.
pub struct Alarm(std::pin::Pin<Box<Sleep>>);

impl Alarm {
    /// Armed for `deadline`.
    pub fn new(deadline: Instant) -> Self {
        Alarm(Box::pin(tokio::time::sleep_until(deadline)))
    }

    /// Ready once `deadline` has passed.
    pub fn poll_at(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if deadline < self.0.deadline() {
            self.0.as_mut().reset(deadline);
        }
        loop {
            ready!(self.0.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::counters::Counters;
    use crate::transport::admission::Caps;

    #[tokio::test]
    async fn without_descriptors_the_oldest_idle_connection_goes_and_accepting_pauses() {
        let caps = Caps { total: 10, per_client: 10 };
        let admission = Admission::new(caps, Arc::new(Counters::default()), |counters| &counters.tcp);
        let open = admission.admit([127, 0, 0, 1].into()).unwrap();
        let mut accepting = Accepting::new(&admission);
        accepting.after(&io::Error::from_raw_os_error(libc::ECONNABORTED));
        assert!(accepting.pause.is_none() && !open.slot().is_closing());
        accepting.after(&io::Error::from_raw_os_error(libc::EMFILE));
        assert!(accepting.pause.is_some() && open.slot().is_closing());
        assert_eq!(admission.streams().refusals(), [0, 0, 1, 1]);
    }

    #[tokio::test]
    async fn an_alarm_moves_both_ways() {
        let start = Instant::now();
        let mut alarm = Alarm::new(start + Duration::from_secs(3600));
        for milliseconds in [10, 40] {
            let deadline = start + Duration::from_millis(milliseconds);
            std::future::poll_fn(|cx| alarm.poll_at(deadline, cx)).await;
            assert!(Instant::now() >= deadline);
        }
    }
}
