//! `respond`: any octets give no panic and a well-formed reply, or none where none is due.

use super::walker::{Walked, walk};
use super::world;
use clusterset_dns::dns::{Header, Query};
use clusterset_dns::responder::{Client, DropReason, Transport, Verdict, respond};
use clusterset_dns::table::Table;
use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::OnceLock;

static TABLE: OnceLock<Table> = OnceLock::new();

thread_local! {
    static REPLY: RefCell<Vec<u8>> = RefCell::new(vec![0; 65_535]);
}

/// Asks `octets` on every transport, as a trusted peer and as a stranger, and with a small buffer.
pub fn check(octets: &[u8]) {
    let table = TABLE.get_or_init(world::table);
    let peers = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 3, 0, 1])];
    let random = octets.iter().fold(7u64, |seed, octet| seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(*octet));
    REPLY.with_borrow_mut(|reply| {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Grpc] {
            for address in peers {
                let client = Client { address, transport, listener_view: None, random };
                reply.fill(0xee);
                let verdict = respond(&table.pin(), &client, octets, reply);
                judge(octets, transport, verdict, reply);
            }
        }
        let client = Client { address: peers[1], transport: Transport::Tcp, listener_view: Some(63), random };
        let small = &mut reply[..random as usize % 600];
        if let Verdict::Reply(length, _) = respond(&table.pin(), &client, octets, small) {
            walk(&small[..length]);
        }
    });
}

fn judge(query: &[u8], transport: Transport, verdict: Verdict, reply: &[u8]) {
    let Some(header) = Header::read(query) else {
        return assert_eq!(verdict, Verdict::Drop(DropReason::Short));
    };
    if header.is_response() {
        return assert_eq!(verdict, Verdict::Drop(DropReason::Response));
    }
    match verdict {
        Verdict::Reply(length, outcome) => {
            let walked = walk(&reply[..length]);
            assert_eq!(outcome.truncated(), walked.flags[0] & 2 != 0);
            assert_eq!(outcome.rcode() & 15, walked.flags[1]);
            check_header(query, &header, &walked);
            check_size(query, &header, transport, length, &walked);
            assert!(reply[length..].iter().take(64).all(|octet| *octet == 0xee), "nothing behind the reply is written");
        }
        Verdict::Transfer(zone) => assert!(zone < 2 && transport == Transport::Tcp),
        Verdict::Drop(reason) => unreachable!("a message that is due a reply was dropped as {reason:?}"),
    }
}

/// ID, QR, opcode; RA, Z, AD, CD and the upper bits never; the question byte for byte.
fn check_header(query: &[u8], header: &Header, walked: &Walked) {
    assert_eq!(walked.id, header.id);
    assert_eq!(walked.flags[0] & 0xf8, 0x80 | header.opcode() << 3);
    assert_eq!(walked.flags[1] & 0xf0, 0);
    let rcode = walked.flags[1] & 15;
    let has_records = walked.counts[1] > 0;
    assert!(!has_records || matches!(rcode, 0 | 3), "no answers beside an error");
    if walked.flags[0] & 4 == 0 {
        assert!(rcode != 3 && !has_records && walked.counts[2] == 0, "records and NXDOMAIN are authoritative");
    }
    if header.opcode() != 0 || header.questions != 1 {
        assert_eq!(walked.counts, [0; 4]);
        assert_eq!(rcode, if header.opcode() != 0 { 4 } else { 1 });
    }
    if walked.counts[0] == 1 {
        assert!(query.len() >= walked.question_end);
    }
}

fn check_size(query: &[u8], header: &Header, transport: Transport, length: usize, walked: &Walked) {
    let mut read = Query::default();
    let readable = header.opcode() == 0 && header.questions == 1 && read.read(query, header).is_ok();
    let edns = read.edns.filter(|_| readable);
    assert_eq!(walked.opts, usize::from(edns.is_some()), "OPT if and only if one was sent");
    let limit = match (transport, edns) {
        (Transport::Udp, None) => 512,
        (Transport::Udp, Some(edns)) => usize::from(edns.payload.clamp(512, 1232)),
        _ => 65_535,
    };
    assert!(length <= limit, "{length} octets over {transport:?}, {limit} allowed");
}
