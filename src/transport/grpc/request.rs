//! A request of which the body arrives: DATA frames in, the one gRPC message of a unary call out.
//!
//! A message that came in one frame, as nearly all do, is not copied. Parts of one are, so that they do not hold the
//! connection's read buffers; what they held of the flow-control windows stays taken until the stream ends, which bounds
//! the unfinished messages of a connection by its window.

use super::service::REQUEST_MAX;
use h2::RecvStream;
use http::{Request, Uri};
use prost::bytes::Bytes;
use std::task::{Context, Poll, ready};
use tonic::Status;

/// Octets before a message: a flag (compressed) and four of length.
const PREFIX: usize = 5;

/// One request.
pub struct Arriving {
    request: Request<RecvStream>,
    /// Of the prefix and the message, while they are not whole.
    begun: Vec<u8>,
    message: Option<Bytes>,
}

/// Why a request has no message.
pub enum NoMessage {
    /// The client shall know.
    Status(Status),
    /// The client or its connection is gone.
    Gone,
}

impl Arriving {
    /// Nothing of its body has been read.
    pub fn new(request: Request<RecvStream>) -> Self {
        Arriving { request, begun: Vec::new(), message: None }
    }

    /// Which method is called.
    pub fn uri(&self) -> Uri {
        self.request.uri().clone()
    }

    /// Likewise.
    pub fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// Ready once the client has ended the stream, or at the first octets that cannot become a message. Trailers and
    /// what follows the message do not count.
    pub fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, NoMessage>> {
        loop {
            match ready!(self.request.body_mut().poll_data(cx)) {
                Some(Ok(part)) => {
                    if let Err(status) = self.take(part) {
                        return Poll::Ready(Err(NoMessage::Status(status)));
                    }
                }
                Some(Err(_)) => return Poll::Ready(Err(NoMessage::Gone)),
                None => {
                    let none = || NoMessage::Status(Status::invalid_argument("no whole message"));
                    return Poll::Ready(self.message.take().ok_or_else(none));
                }
            }
        }
    }

    fn take(&mut self, part: Bytes) -> Result<(), Status> {
        if self.message.is_some() {
            return Ok(());
        }
        if !self.begun.is_empty() {
            self.begun.extend_from_slice(&part);
        }
        let all = if self.begun.is_empty() { &part[..] } else { &self.begun[..] };
        let end = self.end(all)?;
        match end.filter(|end| *end <= all.len()) {
            Some(end) if self.begun.is_empty() => self.message = Some(part.slice(PREFIX..end)),
            Some(end) => self.message = Some(Bytes::from(std::mem::take(&mut self.begun)).slice(PREFIX..end)),
            None if self.begun.is_empty() => self.begun.extend_from_slice(&part),
            None => {}
        }
        Ok(())
    }

    /// Where the message ends that begins with these octets; `None` while its prefix is not whole.
    fn end(&self, all: &[u8]) -> Result<Option<usize>, Status> {
        let Some(([flag, length @ ..], _)) = all.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        match flag {
            0 if length <= REQUEST_MAX => Ok(Some(PREFIX + length)),
            0 => Err(Status::resource_exhausted(format!("a message of {length} octets: {REQUEST_MAX} are the most"))),
            1 if self.request.headers().get("grpc-encoding").is_some_and(|encoding| encoding != "identity") => {
                let mut status = Status::unimplemented("messages are not decompressed here");
                status
                    .metadata_mut()
                    .insert("grpc-accept-encoding", tonic::metadata::MetadataValue::from_static("identity"));
                Err(status)
            }
            _ => Err(Status::invalid_argument("a compressed message without grpc-encoding")),
        }
    }
}

/// A gRPC message of `length` octets, which `fill` appends to its prefix.
pub fn framed(length: usize, fill: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut octets = Vec::with_capacity(PREFIX + length);
    octets.push(0);
    octets.extend_from_slice(&(length as u32).to_be_bytes());
    fill(&mut octets);
    octets.into()
}
