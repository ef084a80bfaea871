//! gRPC as CoreDNS's `grpc` plugin speaks it: several HTTP/2 connections, each with a window of streams, one query each.

use super::slots::Slots;
use super::{PATIENCE, Plan, Run, Tally};
use crate::expect::Questions;
use anyhow::{Context, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, TryStreamExt};
use h2::client::SendRequest;
use http::{Request, StatusCode};
use std::cell::{Cell, RefCell};
use std::pin::pin;

/// Octets before a message: a flag and four of length (gRPC), a tag (protobuf field 1, octets).
const FIELD_1: u8 = 0x0a;

/// Asks by `plan` (its sockets are connections, its window the streams of each) and checks every reply.
///
/// # Errors
/// Of the connections, and of a stream that ends otherwise than with one message and status 0.
pub fn run(plan: &Plan, questions: &mut Questions) -> anyhow::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asking = Asking { run: RefCell::new(Run::new(plan, questions)), ended: Cell::new(false) };
    let limit = plan.warmup + plan.measure + 3 * PATIENCE;
    let all = async {
        let connections: FuturesUnordered<_> = (0..plan.sockets).map(|_| asking.connection(plan)).collect();
        connections.try_collect::<Vec<()>>().await
    };
    let done = runtime.block_on(async { tokio::time::timeout(limit, all).await });
    done.with_context(|| format!("{}: streams stall", plan.server))??;
    Ok(asking.run.into_inner().tally)
}

struct Asking<'a> {
    run: RefCell<Run<'a>>,
    ended: Cell<bool>,
}

impl Asking<'_> {
    async fn connection(&self, plan: &Plan) -> anyhow::Result<()> {
        let stream = tokio::net::TcpStream::connect(plan.server).await.with_context(|| plan.server.to_string())?;
        stream.set_nodelay(true)?;
        let (send, connection) = h2::client::handshake(stream).await?;
        let slots = RefCell::new(Slots::new(plan.window));
        let streams: FuturesUnordered<_> = (0..plan.window).map(|_| self.stream(plan, &slots, send.clone())).collect();
        let streams = pin!(streams.try_collect::<Vec<()>>());
        match select(streams, pin!(connection)).await {
            Either::Left((done, _)) => done.map(drop),
            Either::Right((ended, _)) => bail!("{}: the connection ended: {ended:?}", plan.server),
        }
    }

    /// One query after the other, each on a stream of its own.
    async fn stream(&self, plan: &Plan, slots: &RefCell<Slots>, send: SendRequest<Bytes>) -> anyhow::Result<()> {
        let uri = format!("http://{}/coredns.dns.DnsService/Query", plan.server);
        let mut send = send.ready().await?;
        while let Some(body) = self.next(slots) {
            let request = Request::post(&uri).header("content-type", "application/grpc").header("te", "trailers");
            let (response, mut out) = send.send_request(request.body(())?, false)?;
            out.send_data(body, true)?;
            let reply = message(response.await?).await?;
            self.take(slots, &reply);
            send = send.ready().await?;
        }
        Ok(())
    }

    fn take(&self, slots: &RefCell<Slots>, reply: &[u8]) {
        let mut run = self.run.borrow_mut();
        let now = run.now();
        run.reply(&mut slots.borrow_mut(), reply, now);
    }

    /// The next question as a gRPC message; `None` at the end.
    fn next(&self, slots: &RefCell<Slots>) -> Option<Bytes> {
        let mut run = self.run.borrow_mut();
        if self.ended.get() || !run.goes_on() {
            self.ended.set(true);
            return None;
        }
        let now = run.now();
        let index = run.next_question(&mut slots.borrow_mut(), now)?;
        Some(frame(run.questions.query(index)))
    }
}

/// A query is shorter than 128 octets or its length takes two.
fn frame(query: &[u8]) -> Bytes {
    let mut length = vec![query.len() as u8];
    if query.len() > 0x7f {
        length = vec![query.len() as u8 | 0x80, (query.len() >> 7) as u8];
    }
    let whole = (1 + length.len() + query.len()) as u32;
    [&[0], &whole.to_be_bytes()[..], &[FIELD_1], &length, query].concat().into()
}

/// The DNS message of a response.
async fn message(response: http::Response<h2::RecvStream>) -> anyhow::Result<Bytes> {
    ensure!(response.status() == StatusCode::OK, "HTTP status {}", response.status());
    let (head, mut body) = response.into_parts();
    let mut whole = BytesMut::new();
    while let Some(part) = body.data().await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        whole.extend_from_slice(&part);
    }
    let trailers = body.trailers().await?;
    let status = trailers.as_ref().unwrap_or(&head.headers).get("grpc-status").map(|status| status.as_bytes().to_vec());
    ensure!(status.as_deref() == Some(b"0"), "gRPC status {status:?}");
    ensure!(whole.len() > 7 && whole[0] == 0 && whole[5] == FIELD_1, "no DnsPacket: {whole:?}");
    let length = if whole[6] < 0x80 { 1 } else { 2 };
    whole.advance(6 + length);
    Ok(whole.freeze())
}
