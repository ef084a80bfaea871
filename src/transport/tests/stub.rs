//! An answerer for tests of the sockets: the reply is the query with QR set, and what the question begins with decides.

use super::answerer::{Answerer, Slot};
use super::transfer::{Part, Transfer, channel};
use crate::responder::{Client, DropReason, Outcome, Verdict};
use std::net::IpAddr;
use std::sync::Arc;

/// `panic`: panics. `client`: the reply ends in the client's address as text. `fill`: the reply is as long as its
/// buffer. `big`: 60,000 octets. `wait`: SERVFAIL with EDE 14. `axfr`: a transfer of three messages of 40,000 octets,
/// `axfr cut` one that breaks off after them.
pub struct Stub;

/// A query with this ID and question text.
pub fn query(id: u16, text: &str) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend([0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    query.extend(text.as_bytes());
    query
}

/// The text of a reply to such a query.
pub fn text(reply: &[u8]) -> String {
    String::from_utf8_lossy(&reply[12..]).into_owned()
}

fn outcome(address: IpAddr) -> Outcome {
    Outcome::new(0, u8::from(address.is_ipv6()), 0, 0)
}

impl Answerer for Stub {
    type Scratch = ();

    fn answer_batch(&self, (): &mut (), slots: &mut [Slot<'_>]) {
        for slot in slots {
            slot.verdict = self.answer(&slot.client, slot.query, slot.reply);
        }
    }

    fn answer(&self, client: &Client, query: &[u8], reply: &mut [u8]) -> Verdict {
        if query.len() < 12 {
            return Verdict::Drop(DropReason::Short);
        }
        if query[2] & 0x80 != 0 {
            return Verdict::Drop(DropReason::Response);
        }
        reply[..query.len()].copy_from_slice(query);
        reply[2] |= 0x80;
        let mut length = query.len();
        match &query[12..] {
            [b'p', b'a', b'n', b'i', b'c', ..] => panic!("asked to panic"),
            [b'c', b'l', b'i', b'e', b'n', b't', ..] => {
                let address = client.address.to_string();
                reply[length..length + address.len()].copy_from_slice(address.as_bytes());
                length += address.len();
            }
            [b'f', b'i', b'l', b'l', ..] => length = reply.len(),
            [b'b', b'i', b'g', ..] => length = 60_000,
            [b'w', b'a', b'i', b't', ..] => {
                reply[3] = 2;
                return Verdict::Reply(length, Outcome::new(0, 0, 0, 2).with_ede(14));
            }
            [b'a', b'x', b'f', b'r', ..] => return Verdict::Transfer(0),
            _ => {}
        }
        Verdict::Reply(length, outcome(client.address))
    }

    fn transfer(self: &Arc<Self>, _zone: u8, query: &[u8]) -> Option<Transfer> {
        let (id, ends) = ([query[0], query[1]], !query.ends_with(b"cut"));
        let (sender, transfer) = channel();
        tokio::spawn(async move {
            for number in 0..3u8 {
                let mut message = vec![number; 40_000];
                message[..2].copy_from_slice(&id);
                let _ = sender.send(Part::Message(message, None)).await;
            }
            if ends {
                let _ = sender.send(Part::End).await;
            }
        });
        Some(transfer)
    }
}
