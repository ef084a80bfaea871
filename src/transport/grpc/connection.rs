//! One HTTP/2 connection, as one task.
//!
//! In: streams of requests. Out: their replies. A turn first takes in everything that has arrived, then answers it in
//! place, so that the replies of many streams leave in few writes; only health requests get tasks of their own.

use super::health::HEALTH_PATHS;
use super::request::{Arriving, NoMessage};
use super::service::{GrpcService, QUERY_PATH};
use crate::transport::accept::Alarm;
use crate::transport::admission::Slot;
use crate::transport::answerer::Answerer;
use crate::transport::phase::PhaseReceiver;
use crate::transport::settings::GrpcLimits;
use h2::server::SendResponse;
use h2::{Ping, PingPong, RecvStream};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response};
use prost::bytes::Bytes;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tonic::Status;

/// How often a connection is probed, and how long it has to answer: a peer that vanished without FIN is noticed.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Octets that one stream, and one connection, may send ahead of being read: a stream, its longest request.
const STREAM_WINDOW: u32 = 65_535 + 16;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Octets of request headers.
const HEADERS_MAX: u32 = 8 * 1024;

/// What a connection needs to know.
pub struct Terms<A> {
    pub service: Arc<GrpcService<A>>,
    pub limits: GrpcLimits,
    pub peer: IpAddr,
    pub slot: Arc<Slot>,
}

/// A connection after its preface.
struct Connection<A, S> {
    h2: h2::server::Connection<S, Bytes>,
    terms: Terms<A>,
    /// Calls that are not whole, in the order in which their time is over.
    waiting: Vec<Waiting>,
    alarm: Alarm,
    /// Queries that are answered at the end of this turn.
    queries: Vec<(Bytes, SendResponse<Bytes>)>,
    health: JoinSet<()>,
    replying: Replying,
}

struct Call {
    arriving: Arriving,
    respond: SendResponse<Bytes>,
}

struct Waiting {
    call: Call,
    until: Instant,
    _busy: Busy,
}

/// Serves a connection to its end: until the peer goes, or is not there any more, or was told to go and is done.
pub async fn serve<A, S>(stream: S, terms: Terms<A>, phase: PhaseReceiver)
where
    A: Answerer,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = h2::server::Builder::new();
    builder
        .max_concurrent_streams(terms.limits.streams)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADERS_MAX);
    let max_age = terms.limits.max_age;
    let Ok(h2) = builder.handshake(stream).await else { return };
    let mut connection = Connection::new(h2, terms);
    let mut vanished = pin!(vanished(connection.h2.ping_pong(), PING_EVERY));
    let mut leave = pin!(leave(phase, max_age));
    let mut leaving = false;
    loop {
        tokio::select! {
            biased;
            () = poll_fn(|cx| connection.poll_turn(cx)) => return,
            () = &mut vanished => return,
            () = &mut leave, if !leaving => {
                leaving = true;
                connection.h2.graceful_shutdown();
            }
        }
    }
}

/// Ready when a probe was not answered within the time after which the next one is due.
async fn vanished(ping_pong: Option<PingPong>, every: Duration) {
    let Some(mut ping_pong) = ping_pong else { return std::future::pending().await };
    loop {
        tokio::time::sleep(every).await;
        if !matches!(tokio::time::timeout(every, ping_pong.ping(Ping::opaque())).await, Ok(Ok(_))) {
            return;
        }
    }
}

/// Ready when the connection shall end in good order: at the drain, or at its age.
async fn leave(mut phase: PhaseReceiver, max_age: Duration) {
    if max_age.is_zero() {
        return phase.draining().await;
    }
    // An error means that the time is over.
    let _ = tokio::time::timeout(max_age, phase.draining()).await;
}

impl<A, S> Connection<A, S>
where
    A: Answerer,
    S: AsyncRead + AsyncWrite + Unpin,
{
    fn new(h2: h2::server::Connection<S, Bytes>, terms: Terms<A>) -> Self {
        let alarm = Alarm::new((Instant::now() + terms.limits.deadline).into());
        let (waiting, queries, health, replying) = (Vec::new(), Vec::new(), JoinSet::new(), Replying::new());
        Connection { h2, terms, waiting, alarm, queries, health, replying }
    }

    /// Ready at the end of the connection. What a turn answers wakes the task, and goes out at the begin of the next.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.h2.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond, cx),
                Poll::Ready(None | Some(Err(_))) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        self.poll_waiting(cx);
        self.answer();
        while let Poll::Ready(Some(ended)) = self.health.poll_join_next(cx) {
            if ended.is_err_and(|error| error.is_panic()) {
                self.terms.service.counters.panicked();
            }
        }
        Poll::Pending
    }

    fn begin(&mut self, request: Request<RecvStream>, respond: SendResponse<Bytes>, cx: &mut Context<'_>) {
        let path = request.uri().path();
        if path != QUERY_PATH && !path.starts_with(HEALTH_PATHS) {
            return self.replying.refuse(respond, Status::unimplemented("no such method here"));
        }
        let mut call = Call { arriving: Arriving::new(request), respond };
        match call.arriving.poll_message(cx) {
            Poll::Ready(message) => self.arrived(message, call),
            Poll::Pending => {
                let until = Instant::now() + self.terms.limits.deadline;
                self.waiting.push(Waiting { call, until, _busy: Busy::new(&self.terms.slot) });
            }
        }
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) {
        while let Some(first) = self.waiting.first() {
            let over = self.alarm.poll_at(first.until.into(), cx).is_ready();
            let now = Instant::now();
            for mut waiting in std::mem::take(&mut self.waiting) {
                match waiting.call.arriving.poll_message(cx) {
                    Poll::Ready(message) => self.arrived(message, waiting.call),
                    Poll::Pending if over && waiting.until <= now => {
                        let late = NoMessage::Status(Status::cancelled("the request took too long"));
                        self.arrived(Err(late), waiting.call);
                    }
                    Poll::Pending => self.waiting.push(waiting),
                }
            }
            if !over {
                break;
            }
        }
    }

    /// Queries wait for the end of the turn: a reply that was ready now would go out in a write of its own.
    fn arrived(&mut self, message: Result<Bytes, NoMessage>, call: Call) {
        match message {
            Ok(message) if call.arriving.path() == QUERY_PATH => self.queries.push((message, call.respond)),
            Ok(message) => {
                let health = self.terms.service.health.clone();
                self.health.spawn(health.answer(call.arriving.uri(), message, call.respond));
            }
            Err(NoMessage::Status(status)) => self.replying.refuse(call.respond, status),
            Err(NoMessage::Gone) => {}
        }
    }

    fn answer(&mut self) {
        for (message, respond) in self.queries.drain(..) {
            match self.terms.service.answer(self.terms.peer, message) {
                Ok(reply) => self.replying.reply(respond, reply),
                Err(status) => self.replying.refuse(respond, status),
            }
        }
    }
}

/// The parts that all replies share.
struct Replying {
    head: HeaderMap,
    trailers: HeaderMap,
}

impl Replying {
    fn new() -> Self {
        let one = |name: HeaderName, value| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        Replying { head: one(CONTENT_TYPE, "application/grpc"), trailers: one(Status::GRPC_STATUS, "0") }
    }

    /// Sends a message with status OK. An error says that the client does not want it any more.
    fn reply(&self, mut respond: SendResponse<Bytes>, message: Bytes) {
        let mut response = Response::new(());
        *response.headers_mut() = self.head.clone();
        let _ = respond.send_response(response, false).and_then(|mut stream| {
            stream.send_data(message, false)?;
            stream.send_trailers(self.trailers.clone())
        });
    }

    /// Sends a status alone.
    fn refuse(&self, mut respond: SendResponse<Bytes>, status: Status) {
        let (head, ()) = status.into_http::<()>().into_parts();
        let _ = respond.send_response(Response::from_parts(head, ()), true);
    }
}

/// A call under way: its connection does not give way meanwhile.
struct Busy(Arc<Slot>);

impl Busy {
    fn new(slot: &Arc<Slot>) -> Self {
        slot.begin();
        Busy(Arc::clone(slot))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const EVERY: Duration = Duration::from_millis(20);
    const PREFACE_AND_SETTINGS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    /// How many probes come before the server gives up on a client that answers so many.
    async fn probes(mut client: DuplexStream, answered: usize) -> usize {
        client.write_all(PREFACE_AND_SETTINGS).await.unwrap();
        let (mut probes, mut head) = (0, [0; 9]);
        while client.read_exact(&mut head).await.is_ok() {
            let mut payload = vec![0; usize::from(head[2])];
            client.read_exact(&mut payload).await.unwrap();
            if head[3] == 6 {
                probes += 1;
                if probes <= answered {
                    client.write_all(&[&[0, 0, 8, 6, 1, 0, 0, 0, 0], &payload[..]].concat()).await.unwrap();
                }
            }
        }
        probes
    }

    #[tokio::test]
    async fn a_peer_that_answers_no_probe_has_vanished() {
        for answered in [0, 2] {
            let (client, server) = duplex(1024);
            let serve = async move {
                let mut h2: h2::server::Connection<_, Bytes> = h2::server::handshake(server).await.unwrap();
                let ping_pong = h2.ping_pong();
                tokio::select! {
                    _ = poll_fn(|cx| h2.poll_closed(cx)) => panic!("the client stays"),
                    () = vanished(ping_pong, EVERY) => {}
                }
            };
            let (seen, ()) = tokio::join!(probes(client, answered), serve);
            assert_eq!(seen, answered + 1);
        }
    }
}
