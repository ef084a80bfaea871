//! The DNS service: a `DnsPacket` in, a reply or one of the few statuses of DNS.md section 5 out.

use super::generated::DnsPacket;
use super::health::Health;
use super::request::framed;
use crate::responder::{Outcome, Verdict};
use crate::telemetry::counters::{Elapsed, WorkerCounters};
use crate::transport::answerer::{Answerer, Asked, REFUSED, SERVFAIL, answer_contained, bare_reply};
use crate::transport::random::Random;
use crate::transport::udp::family;
use prost::Message;
use prost::bytes::Bytes;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use tonic::Status;

/// The longest request: a DNS message of 65,535 octets and its protobuf head.
pub const REQUEST_MAX: usize = 65_539;
/// The service of CoreDNS's `grpc` plugin.
pub const DNS_SERVICE: &str = "coredns.dns.DnsService";
/// Its one method.
pub const QUERY_PATH: &str = "/coredns.dns.DnsService/Query";
/// The field of `DnsPacket` (proto/dns.proto).
const MSG: u32 = 1;

/// What the connections of one listener on one stream worker share.
pub struct GrpcService<A> {
    pub answerer: Arc<A>,
    pub counters: Arc<WorkerCounters>,
    pub asked: Asked,
    pub health: Health,
}

thread_local! {
    static SCRATCH: RefCell<(Box<[u8]>, Random)> =
        RefCell::new((vec![0; 65_535].into_boxed_slice(), Random::seeded()));
}

impl<A: Answerer> GrpcService<A> {
    /// The gRPC message that answers this one.
    ///
    /// # Errors
    /// A status of DNS.md section 5.
    pub fn answer(&self, peer: IpAddr, message: Bytes) -> Result<Bytes, Status> {
        let packet = DnsPacket::decode(message).map_err(|_| Status::invalid_argument("not a DnsPacket"))?;
        SCRATCH.with_borrow_mut(|(reply, random)| {
            let length = self.answer_into(peer, &packet.msg, reply, random)?;
            Ok(encoded(&reply[..length]))
        })
    }

    fn answer_into(&self, peer: IpAddr, query: &[u8], reply: &mut [u8], random: &mut Random) -> Result<usize, Status> {
        let start = Instant::now();
        let client = self.asked.client(peer, random);
        let verdict = answer_contained(&*self.answerer, &client, query, reply);
        let (length, outcome) = match verdict {
            Some(Verdict::Reply(length, outcome)) => (length, outcome),
            // Transfers go over TCP (RFC 5936).
            Some(Verdict::Transfer(_)) => bare_reply(query, reply, REFUSED).ok_or_else(dropped)?,
            Some(Verdict::Drop(reason)) => {
                self.counters.drop_messages(reason.into(), 1);
                return Err(dropped());
            }
            None => {
                self.counters.panicked();
                bare_reply(query, reply, SERVFAIL).ok_or_else(dropped)?
            }
        };
        self.counters.record(outcome, family(client.address), query.len(), length, Elapsed::from(start.elapsed()));
        if verdict.is_some() && not_ready(outcome) {
            return Err(Status::unavailable("a cluster that could own this name has not been read yet"));
        }
        Ok(length)
    }
}

/// The gRPC message of a `DnsPacket` with this reply, copied once.
fn encoded(reply: &[u8]) -> Bytes {
    let length = 1 + encoded_len_varint(reply.len() as u64) + reply.len();
    framed(length, |out| {
        encode_key(MSG, WireType::LengthDelimited, out);
        encode_varint(reply.len() as u64, out);
        out.extend_from_slice(reply);
    })
}

/// Names that cannot be told absent yet are the responder's only SERVFAIL (DNS.md section 4). The extended error itself
/// is there only for clients that speak EDNS.
fn not_ready(outcome: Outcome) -> bool {
    outcome.rcode() == SERVFAIL
}

fn dropped() -> Status {
    Status::invalid_argument("not a DNS query")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_encoded_as_prost_would() {
        for length in [1, 127, 128, 300, 16_383, 16_384, 65_535] {
            let reply = vec![7; length];
            let packet = DnsPacket { msg: Bytes::from(reply.clone()) }.encode_to_vec();
            let prefix = [&[0], &(packet.len() as u32).to_be_bytes()[..]].concat();
            assert_eq!(encoded(&reply)[..], [prefix, packet].concat(), "{length} octets");
        }
    }
}
