//! DNS.md section 5, "AXFR / IXFR".

use super::reading::{Question, ask, read};
use super::world::{answered, client, settings, world};
use crate::dns::types::rtype;
use crate::responder::{Client, Transport, Verdict, respond};
use crate::table::{Frame, FrameSettings, Table};

const PEER: &str = "10.0.0.53";

fn open_to_one() -> Table {
    let table = world();
    let transfer_allow = vec![(PEER.parse().unwrap(), 32)];
    table.set_frame(Frame::new(FrameSettings { transfer_allow, ..settings() }));
    table
}

fn verdict(table: &Table, address: &str, transport: Transport, question: &Question) -> Verdict {
    let from = Client { address: address.parse().unwrap(), ..client(transport) };
    respond(&table.pin(), &from, &question.wire(), &mut [0; 4096])
}

#[test]
fn a_granted_peer_gets_the_zone_over_tcp() {
    let table = open_to_one();
    let granted = |question: &Question| verdict(&table, PEER, Transport::Tcp, question);
    assert_eq!(granted(&ask("clusterset.local", rtype::AXFR)), Verdict::Transfer(0));
    assert_eq!(granted(&ask("Global", rtype::AXFR)), Verdict::Transfer(1));
    assert_eq!(granted(&ask("global", rtype::IXFR).serial(999)), Verdict::Transfer(1));
    assert_eq!(
        granted(&ask("global", rtype::IXFR).serial(1000u32.wrapping_sub(1 << 31).wrapping_add(1))),
        Verdict::Transfer(1)
    );
    assert_eq!(granted(&ask("global", rtype::IXFR)), Verdict::Transfer(1), "no serial: the whole zone");
}

#[test]
fn ixfr_is_one_soa_when_current_or_not_over_tcp() {
    let table = open_to_one();
    for (transport, serial) in [
        (Transport::Tcp, 1000),
        (Transport::Tcp, 1001),
        (Transport::Udp, 1),
        (Transport::Udp, 1000),
        (Transport::Grpc, 1),
    ] {
        let from = Client { address: PEER.parse().unwrap(), ..client(transport) };
        let (octets, _) = answered(&table, &from, &ask("clusterset.local", rtype::IXFR).serial(serial).wire());
        let reply = read(&octets);
        assert_eq!((reply.rcode.as_str(), reply.flags.as_str()), ("NOERROR", "aa rd"));
        assert!(reply.answers.len() == 1 && reply.answers[0].contains(" SOA ") && reply.answers[0].contains(" 1000 "));
    }
}

#[test]
fn everything_else_is_refused() {
    let table = open_to_one();
    for (address, transport, owner, qtype) in [
        ("10.0.0.54", Transport::Tcp, "clusterset.local", rtype::AXFR),
        ("10.0.0.54", Transport::Tcp, "clusterset.local", rtype::IXFR),
        ("10.0.0.54", Transport::Udp, "clusterset.local", rtype::IXFR),
        (PEER, Transport::Udp, "clusterset.local", rtype::AXFR),
        (PEER, Transport::Grpc, "clusterset.local", rtype::AXFR),
        (PEER, Transport::Tcp, "svc.clusterset.local", rtype::AXFR),
    ] {
        let from = Client { address: address.parse().unwrap(), ..client(transport) };
        let (octets, _) = answered(&table, &from, &ask(owner, qtype).edns(1232).wire());
        let reply = read(&octets);
        assert_eq!((reply.rcode.as_str(), reply.opt.as_str()), ("REFUSED", "1232 ede=18"), "{address} {owner}");
    }
    let closed = world();
    assert!(matches!(verdict(&closed, PEER, Transport::Tcp, &ask("global", rtype::AXFR)), Verdict::Reply(..)));
}

#[test]
fn a_zone_that_is_not_known_yet_does_not_transfer() {
    let table = open_to_one();
    let transfer_allow = vec![(PEER.parse().unwrap(), 32)];
    let mut waiting = FrameSettings { transfer_allow, ..settings() };
    waiting.zones[0].unknown = 0b1;
    waiting.zones[1].unknown = 0b10;
    table.set_frame(Frame::new(waiting));
    let from = Client { address: PEER.parse().unwrap(), ..client(Transport::Tcp) };
    for qtype in [rtype::AXFR, rtype::IXFR] {
        let (octets, _) = answered(&table, &from, &ask("clusterset.local", qtype).edns(1232).wire());
        let reply = read(&octets);
        assert_eq!((reply.rcode.as_str(), reply.opt.as_str()), ("SERVFAIL", "1232 ede=14"));
    }
    let other_view = verdict(&table, PEER, Transport::Tcp, &ask("global", rtype::AXFR));
    assert_eq!(other_view, Verdict::Transfer(1), "only the local view transfers");
}
