//! A TCP stream in pieces: the replies to the whole, no matter how reads and writes are cut, and no read while the peer
//! takes no replies.

use super::world;
use clusterset_dns::responder::{Client, Transport, Verdict, respond};
use clusterset_dns::table::Table;
use clusterset_dns::transport::answerer::{Answerer, Slot};
use clusterset_dns::transport::{TcpLimits, converse};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

static ANSWERS: OnceLock<Arc<Answers>> = OnceLock::new();

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a thread can be started");
}

/// The table, with rotation by the query instead of by chance. Transfers are refused, so that one reader suffices.
struct Answers(Table);

impl Answerer for Answers {
    type Scratch = ();

    fn answer(&self, client: &Client, query: &[u8], reply: &mut [u8]) -> Verdict {
        let random = query.iter().fold(7u64, |seed, octet| seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(*octet));
        respond(&self.0.pin(), &Client { random, ..*client }, query, reply)
    }

    fn answer_batch(&self, (): &mut (), slots: &mut [Slot<'_>]) {
        for slot in slots {
            slot.verdict = self.answer(&slot.client, slot.query, slot.reply);
        }
    }
}

/// Sends what follows the first two octets: whole, cut by them, and octet by octet; the peer may ask for transfers when
/// the second one is odd.
pub fn check(octets: &[u8]) {
    let Some((&[seed, flags], stream)) = octets.split_first_chunk() else { return };
    let answers = ANSWERS.get_or_init(|| Arc::new(Answers(world::table())));
    let peer = IpAddr::from(if flags & 1 == 1 { [127, 0, 0, 1] } else { [10, 3, 0, 1] });
    let repeated = stream.repeat(1 + usize::from(flags >> 4));
    let expected = replies(answers, peer, &repeated);
    let buffer = if flags & 2 == 2 { 1 } else { 256 << 10 };
    for cut in [Cut::Whole, Cut::Random(u64::from(seed) << 8 | u64::from(flags)), Cut::Octets] {
        let (written, read) = converse_over(answers, peer, &repeated, cut, buffer);
        assert_eq!(written, expected.octets, "{cut:?}");
        assert!(read || !expected.is_whole, "{cut:?}: octets were left unread");
    }
}

/// What a stream is answered with.
struct Expected {
    octets: Vec<u8>,
    /// Nothing in it makes the server close.
    is_whole: bool,
}

/// The replies to the whole frames, one after the other; a message without a reply ends them.
fn replies(answers: &Answers, address: IpAddr, mut stream: &[u8]) -> Expected {
    let (mut octets, mut reply) = (Vec::new(), vec![0; 65_535]);
    let client = Client { address, transport: Transport::Tcp, listener_view: None, random: 0 };
    while let Some((prefix, rest)) = stream.split_first_chunk::<2>() {
        let Some((query, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*prefix))) else { break };
        stream = rest;
        let length = match answers.answer(&client, query, &mut reply) {
            Verdict::Reply(length, _) => length,
            Verdict::Transfer(_) => {
                reply[..12].copy_from_slice(&[query[0], query[1], 0x80 | query[2] & 0x79, 5, 0, 0, 0, 0, 0, 0, 0, 0]);
                12
            }
            Verdict::Drop(_) => return Expected { octets, is_whole: false },
        };
        octets.extend((length as u16).to_be_bytes());
        octets.extend(&reply[..length]);
    }
    Expected { octets, is_whole: true }
}

/// The octets the server wrote, and whether it read to the end.
fn converse_over(answers: &Arc<Answers>, peer: IpAddr, stream: &[u8], cut: Cut, buffer: usize) -> (Vec<u8>, bool) {
    let mut pipe = Pipe { unread: stream, written: Vec::new(), cut, refused: false };
    let limits = TcpLimits { buffer, ..TcpLimits::default() };
    let peer = SocketAddr::new(peer, 4242);
    RUNTIME.with(|runtime| runtime.block_on(converse(&mut pipe, peer, Arc::clone(answers), limits)));
    (pipe.written, pipe.unread.is_empty())
}

/// How many octets go at a time.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Whole,
    Octets,
    /// A number of octets by chance, or none for the moment.
    Random(u64),
}

impl Cut {
    /// `None`: not now.
    fn next(&mut self) -> Option<usize> {
        match self {
            Cut::Whole => Some(usize::MAX),
            Cut::Octets => Some(1),
            Cut::Random(state) => {
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let draw = (*state >> 33) as usize;
                (!draw.is_multiple_of(4)).then(|| 1 + draw % [3, 40, 700][draw / 4 % 3])
            }
        }
    }
}

/// A peer that has sent `unread`, closed its half, and takes replies in its own time.
struct Pipe<'s> {
    unread: &'s [u8],
    written: Vec<u8>,
    cut: Cut,
    /// The last write was refused: whoever reads on gathers replies without a bound.
    refused: bool,
}

impl AsyncRead for Pipe<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        assert!(!self.refused, "reads on while replies wait");
        assert!(buffer.remaining() > 0, "a read without room looks like the end");
        let Some(octets) = self.cut.next() else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let (now, later) = self.unread.split_at(octets.min(self.unread.len()).min(buffer.remaining()));
        buffer.put_slice(now);
        self.unread = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let taken = self.cut.next().map(|most| most.min(octets.len()));
        self.refused = taken.is_none();
        let Some(taken) = taken else {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        self.written.extend_from_slice(&octets[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
