//! DNS.md section 5: what is judged before any name is looked up.

use super::reading::{ask, read};
use super::world::{answered, asked, asked_by, client, name, settings, world};
use crate::dns::types::{class, rtype};
use crate::responder::{Client, DropReason, NO_ZONE, Transport, Verdict, respond};
use crate::table::{Frame, FrameSettings};

const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Grpc];

#[test]
fn what_the_header_decides_is_the_same_on_every_transport() {
    let table = world();
    let good = ask("web.shop.svc.clusterset.local", rtype::A).wire();
    let with = |at: usize, value: u8| {
        let mut octets = good.clone();
        octets[at] = value;
        octets
    };
    let notimp = |opcode: u8| [0x12, 0x34, 0x80 | opcode << 3, 4, 0, 0, 0, 0, 0, 0, 0, 0].to_vec();
    let formerr = |rd: u8| [0x12, 0x34, 0x80 | rd, 1, 0, 0, 0, 0, 0, 0, 0, 0].to_vec();
    let cases = [
        ("NOTIFY", with(2, 4 << 3 | 1), notimp(4)),
        ("UPDATE with every flag", [&[0x12, 0x34, 5 << 3 | 7, 0xff], &good[4..]].concat(), notimp(5)),
        ("a header of opcode 2 only", with(2, 2 << 3)[..12].to_vec(), notimp(2)),
        ("QDCOUNT 2", with(5, 2), formerr(1)),
        ("QDCOUNT 0", with(5, 0), formerr(1)),
        ("no question behind the header", good[..12].to_vec(), formerr(1)),
        ("a question cut short", good[..good.len() - 1].to_vec(), formerr(1)),
        ("a compression pointer in QNAME", [&good[..12], &[1, b'a', 0xc0, 12, 0, 1, 0, 1]].concat(), formerr(1)),
        ("RD clear", [&[0x12, 0x34, 0, 0], &good[4..12]].concat(), formerr(0)),
    ];
    for transport in TRANSPORTS {
        for (what, query, reply) in &cases {
            let (octets, outcome) = answered(&table, &client(transport), query);
            assert_eq!(&octets, reply, "{what} over {transport:?}");
            assert_eq!((outcome.zone(), outcome.malformed()), (NO_ZONE, reply[3] == 1), "{what}");
        }
    }
}

#[test]
fn responses_and_scraps_get_no_reply() {
    let table = world();
    let mut response = ask("web.shop.svc.clusterset.local", rtype::A).wire();
    response[2] |= 0x80;
    for transport in TRANSPORTS {
        let verdict = |query: &[u8]| respond(&table.pin(), &client(transport), query, &mut [0; 512]);
        assert_eq!(verdict(&response), Verdict::Drop(DropReason::Response));
        for length in 0..12 {
            assert_eq!(verdict(&response[..length]), Verdict::Drop(DropReason::Short));
        }
    }
}

#[test]
fn id_question_and_rd_are_copied_and_other_flags_are_ignored() {
    let table = world();
    let mut question = ask("web.shop.svc.clusterset.local", rtype::A);
    question.name = b"\x03WeB\x04sHop\x03svc\x0aClusterSet\x05LOCAL\0".to_vec();
    for (flags, expected) in [(0x0100, "aa rd"), (0x0000, "aa"), (0x07ff & !0x0100, "aa"), (0x07f0, "aa rd")] {
        question.flags = flags;
        let wire = question.wire();
        let (octets, _) = answered(&table, &client(Transport::Udp), &wire);
        assert_eq!((read(&octets).flags.as_str(), octets[3]), (expected, 0), "{flags:04x}");
        assert_eq!(octets[12..wire.len()], wire[12..], "the question byte for byte");
        assert_eq!(read(&octets).answers, ["WeB.sHop.svc.ClusterSet.LOCAL. 5 A 10.0.0.1"]);
    }
}

#[test]
fn records_after_the_question_that_cannot_be_read_are_formerr_without_opt() {
    let table = world();
    let question = ask("web.shop.svc.clusterset.local", rtype::A);
    let opt = [0u8, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    let cases: [(&str, u8, Vec<u8>); 4] = [
        ("two OPT records", 2, [opt, opt].concat()),
        ("an OPT record of another owner", 1, [&[1, b'a'][..], &opt].concat()),
        ("an option cut short", 1, [&opt[..10], &[3, 0, 3, 0]].concat()),
        ("a count without a record", 9, opt.to_vec()),
    ];
    for (what, additionals, records) in cases {
        let mut query = [question.wire(), records].concat();
        query[11] = additionals;
        let (octets, outcome) = answered(&table, &client(Transport::Udp), &query);
        let reply = read(&octets);
        assert_eq!((reply.rcode.as_str(), reply.flags.as_str(), reply.opt.as_str()), ("FORMERR", "rd", ""), "{what}");
        assert!(outcome.malformed() && reply.question.contains("web.shop"), "{what}");
    }
}

#[test]
fn names_outside_the_zones_are_refused_at_once() {
    let table = world();
    for outside in ["example.com", "clusterset.localx", "xclusterset.local", "local", "."] {
        for qtype in [rtype::A, rtype::NS, rtype::AXFR] {
            let reply = asked(&table, &ask(outside, qtype).edns(1232));
            assert_eq!((reply.rcode.as_str(), reply.flags.as_str()), ("REFUSED", "rd"), "{outside}");
            assert_eq!(reply.opt, "1232 ede=20", "{outside}");
            assert_eq!(asked(&table, &ask(outside, qtype)).opt, "", "no OPT where none was sent");
        }
    }
}

#[test]
fn clients_outside_allow_query_are_refused() {
    let table = world();
    let allowed = vec![("10.0.0.0".parse().unwrap(), 8), ("::1".parse().unwrap(), 128)];
    table.set_frame(Frame::new(FrameSettings { allow_query: allowed, ..settings() }));
    for (address, rcode, opt) in [
        ("10.1.2.3", "NOERROR", "1232"),
        ("::ffff:10.1.2.3", "NOERROR", "1232"),
        ("::1", "NOERROR", "1232"),
        ("192.0.2.1", "REFUSED", "1232 ede=18"),
        ("::2", "REFUSED", "1232 ede=18"),
    ] {
        let from = Client { address: address.parse().unwrap(), ..client(Transport::Udp) };
        let reply = asked_by(&table, &from, &ask("clusterset.local", rtype::SOA).edns(1232));
        assert_eq!((reply.rcode.as_str(), reply.opt.as_str()), (rcode, opt), "{address}");
    }
}

#[test]
fn classes() {
    let table = world();
    let web = || ask("web.shop.svc.clusterset.local", rtype::A);
    assert_eq!(asked(&table, &web().class(class::ANY)).answers.len(), 1);
    for qclass in [2, 4, 254, 999] {
        let reply = asked(&table, &web().class(qclass).edns(1232));
        assert_eq!((reply.rcode.as_str(), reply.opt.as_str()), ("REFUSED", "1232 ede=20"), "{qclass}");
    }
    let chaos = |text, qtype| asked(&table, &ask(text, qtype).class(class::CH).edns(1232));
    assert_eq!(chaos("version.bind", rtype::TXT).opt, "1232 ede=18");
    assert_eq!(chaos("web.shop.svc.clusterset.local", rtype::A).opt, "1232 ede=20");
    let texts = FrameSettings { chaos_version: Some("v1".into()), chaos_id: Some("pod-7".into()), ..settings() };
    table.set_frame(Frame::new(texts));
    let chaos = |text, qtype| asked(&table, &ask(text, qtype).class(class::CH));
    assert_eq!(chaos("Version.Bind", rtype::TXT).answers, ["version.bind. 0 TXT v1"]);
    let id = chaos("id.server", rtype::ANY);
    assert_eq!(
        (id.rcode.as_str(), id.flags.as_str(), id.answers),
        ("NOERROR", "aa rd", vec!["id.server. 0 TXT pod-7".to_owned()])
    );
    assert!(chaos("id.server", rtype::A).answers.is_empty());
    assert_eq!(chaos("hostname.bind", rtype::TXT).rcode, "REFUSED");
}

#[test]
fn what_an_answer_counts_as() {
    let table = world();
    let from = client(Transport::Udp);
    let outcome = |text, qtype| answered(&table, &from, &ask(text, qtype).edns_ttl([0, 0, 0x80, 0]).wire()).1;
    let found = outcome("web.shop.svc.clusterset.local", rtype::SRV);
    assert_eq!((found.zone(), found.view(), found.rcode(), found.dnssec_ok()), (0, 0, 0, true));
    assert_eq!(crate::responder::TYPE_NAMES[usize::from(found.type_slot())], "SRV");
    let missing = outcome("nobody.global", 4711);
    assert_eq!((missing.zone(), missing.rcode(), missing.type_slot()), (1, 3, 19));
    assert_eq!(outcome("example.com", rtype::A).zone(), NO_ZONE);
    assert_eq!(name("global").label_count(), 1);
}
