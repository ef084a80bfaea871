//! Rows of DNS.md section 5: odd and malformed messages, and what is due on every transport.

use super::shown::shown;
use super::{WEB, World, opt, option, query, table, with, with_additional};
use clusterset_dns::dns::types::rtype;
use clusterset_dns::responder::{Client, Transport, Verdict, respond};
use clusterset_dns::table::{Frame, FrameSettings};
use std::net::IpAddr;

/// What a message is due: the same everywhere, or what UDP, TCP and gRPC each do.
enum Due {
    Dropped,
    Same(&'static str),
    Each([&'static str; 3]),
}
use Due::{Dropped, Each, Same};

type Case = (&'static str, Vec<u8>, Due);

async fn ask_all(world: &World, cases: &[Case]) {
    for (what, message, due) in cases {
        let replies = world.ask(message).await;
        let lines = replies.each_ref().map(|reply| reply.as_deref().map(shown));
        let expected = match due {
            Dropped => [None; 3],
            Same(line) => [Some(*line); 3],
            Each(lines) => lines.map(Some),
        };
        assert_eq!(lines.each_ref().map(Option::as_deref), expected, "{what}: UDP, TCP, gRPC");
        if matches!(due, Same(_)) {
            assert!(replies.iter().all(|reply| *reply == replies[0]), "{what}: the octets differ: {replies:02x?}");
        }
    }
}

fn class(text: &str, qtype: u16, qclass: u8) -> Vec<u8> {
    let query = query(text, qtype);
    let last = query.len() - 1;
    with(query, last, &[qclass])
}

/// A query whose question is these octets.
fn raw(question: &[u8]) -> Vec<u8> {
    [&query(WEB, 1)[..12], question].concat()
}

fn headers() -> Vec<Case> {
    let web = || query(WEB, rtype::A);
    let mut cases = vec![
        ("RD is copied", web(), Same("NOERROR aa rd 1/0/0")),
        ("RD is left clear", with(web(), 2, &[0]), Same("NOERROR aa 1/0/0")),
        ("other flags are ignored", with(web(), 2, &[7, 0xff]), Same("NOERROR aa rd 1/0/0")),
        ("NXDOMAIN", query("no.shop.svc.clusterset.local", 1), Same("NXDOMAIN aa rd 0/1/0")),
        ("no data", query(WEB, rtype::AAAA), Same("NOERROR aa rd 0/1/0")),
        ("a response", with(web(), 2, &[0x81]), Dropped),
        ("a response of another opcode", with(web(), 2, &[0xa9]), Dropped),
        ("nothing", Vec::new(), Dropped),
        ("eleven octets", web()[..11].to_vec(), Dropped),
        ("a lone header", web()[..12].to_vec(), Same("FORMERR rd 0/0/0 bare")),
        ("no question", with(web(), 5, &[0]), Same("FORMERR rd 0/0/0 bare")),
        ("two questions", with(web(), 5, &[2]), Same("FORMERR rd 0/0/0 bare")),
        ("65,535 questions", with(web(), 4, &[255, 255]), Same("FORMERR rd 0/0/0 bare")),
        ("a lone UPDATE header", with(web()[..12].to_vec(), 2, &[0x28, 0]), Same("NOTIMP 0/0/0 bare")),
        ("NOTIFY with every flag", with(web(), 2, &[0x27, 0xff]), Same("NOTIMP 0/0/0 bare")),
    ];
    for opcode in 1..16 {
        cases.push(("another opcode", with(web(), 2, &[opcode << 3 | 1]), Same("NOTIMP 0/0/0 bare")));
    }
    cases
}

fn malformed() -> Vec<Case> {
    let (web, formerr) = (query(WEB, rtype::A), "FORMERR rd 0/0/0");
    let bare = || Same("FORMERR rd 0/0/0 bare");
    let long: Vec<u8> = [[63; 64]; 4].concat().into_iter().chain([0, 0, 1, 0, 1]).collect();
    let mut cases = vec![
        ("a pointer in the name", raw(&[1, b'a', 0xc0, 12, 0, 1, 0, 1]), bare()),
        ("a pointer to itself", raw(&[0xc0, 12, 0, 1, 0, 1]), bare()),
        ("label type 01", raw(&[0x41, b'a', 0, 0, 1, 0, 1]), bare()),
        ("label type 10", raw(&[0x81, b'a', 0, 0, 1, 0, 1]), bare()),
        ("a name of 257 octets", raw(&long), bare()),
        ("a name without an end", raw(&[3, b'w', b'e', b'b']), bare()),
        ("a count without a record", with(web.clone(), 7, &[1]), Same(formerr)),
        ("counts of 65,535", with(web.clone(), 6, &[255; 6]), Same(formerr)),
        ("octets behind the message", [&web[..], b"more"].concat(), Same("NOERROR aa rd 1/0/0")),
        (
            "records in every section",
            [&with(web.clone(), 7, &[1, 0, 1, 0, 1])[..], &[0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0].repeat(3)].concat(),
            Same("NOERROR aa rd 1/0/0"),
        ),
        ("a record cut short", with_additional(web.clone(), 1, &[0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 9, 1]), Same(formerr)),
    ];
    for length in 12..web.len() {
        cases.push(("a question cut short", web[..length].to_vec(), bare()));
    }
    cases
}

fn refusals() -> Vec<Case> {
    let edns = |message: Vec<u8>| with_additional(message, 1, &opt(1232, [0; 4], &[]));
    let foreign = "REFUSED rd 0/0/0 opt=0,1232,15:20";
    let prohibited = "REFUSED rd 0/0/0 opt=0,1232,15:18";
    let (web, any) = (query(WEB, rtype::A), query(WEB, rtype::ANY));
    vec![
        ("outside the zones", query("example.com", 1), Same("REFUSED rd 0/0/0")),
        ("outside the zones, EDNS", edns(query("example.com", 1)), Same(foreign)),
        ("the root", edns(raw(&[0, 0, 2, 0, 1])), Same(foreign)),
        ("AXFR", edns(query("clusterset.local", rtype::AXFR)), Same(prohibited)),
        ("IXFR", edns(query("clusterset.local", rtype::IXFR)), Same(prohibited)),
        ("AXFR of a foreign zone", edns(query("example.com", rtype::AXFR)), Same(foreign)),
        ("class ANY", class(WEB, rtype::A, 255), Same("NOERROR aa rd 1/0/0")),
        ("class HS", edns(class(WEB, rtype::A, 4)), Same(foreign)),
        ("class NONE", edns(class(WEB, rtype::A, 254)), Same(foreign)),
        ("class 0", edns(class(WEB, rtype::A, 0)), Same(foreign)),
        ("version.bind", class("version.bind", rtype::TXT, 3), Same("NOERROR aa rd 1/0/0")),
        ("id.server, which is off", edns(class("id.server", rtype::TXT, 3)), Same(prohibited)),
        ("another CH name", edns(class(WEB, rtype::A, 3)), Same(foreign)),
        ("type ANY: the first set", any, Same("NOERROR aa rd 1/0/0")),
        ("type 0", query(WEB, 0), Same("NOERROR aa rd 0/1/0")),
        ("type OPT in the question", query(WEB, 41), Same("NOERROR aa rd 0/1/0")),
        ("type 65,535", query(WEB, 65_535), Same("NOERROR aa rd 0/1/0")),
        ("EDNS", edns(web), Same("NOERROR aa rd 1/0/0 opt=0,1232")),
        (
            "not known yet",
            edns(query("no.global", 1)),
            Each(["SERVFAIL rd 0/0/0 opt=0,1232,15:14", "SERVFAIL rd 0/0/0 opt=0,1232,15:14", "UNAVAILABLE"]),
        ),
    ]
}

fn sizes_and_options() -> Vec<Case> {
    let options = |options: &[u8]| with_additional(query(WEB, 1), 1, &opt(1232, [0; 4], options));
    let big = |payload| with_additional(query("big.shop.svc.clusterset.local", 1), 1, &opt(payload, [0; 4], &[]));
    let plain = "NOERROR aa rd 1/0/0 opt=0,1232";
    let wrong = "FORMERR rd 0/0/0 opt=0,1232";
    let whole = "NOERROR aa rd 200/0/0 opt=0,1232";
    let cut = "NOERROR aa tc rd 73/0/0 opt=0,1232";
    vec![
        (
            "512 octets without EDNS",
            query("big.shop.svc.clusterset.local", 1),
            Each(["NOERROR aa tc rd 29/0/0", "NOERROR aa rd 200/0/0", "NOERROR aa rd 200/0/0"]),
        ),
        ("a payload of 1232", big(1232), Each([cut, whole, whole])),
        ("a payload of 65,535", big(65_535), Each([cut, whole, whole])),
        ("a payload of 0 is 512", big(0), Each(["NOERROR aa tc rd 28/0/0 opt=0,1232", whole, whole])),
        ("NSID", options(&option(3, b"")), Same("NOERROR aa rd 1/0/0 opt=0,1232,3")),
        ("ECS that is not believed", options(&option(8, &[0, 1, 24, 0, 10, 2, 3])), Same(plain)),
        ("ECS cut short", options(&option(8, &[0, 1, 24, 0, 10])), Same(wrong)),
        ("ECS of an unknown family", options(&option(8, &[0, 9, 0, 0])), Same(wrong)),
        ("a client cookie", options(&option(10, &[1; 8])), Same(plain)),
        ("both cookies", options(&option(10, &[1; 16])), Same(plain)),
        ("a cookie of 9 octets", options(&option(10, &[1; 9])), Same(wrong)),
        ("padding", options(&option(12, &[0; 100])), Same(plain)),
        ("keepalive", options(&option(11, b"")), Each([plain, "NOERROR aa rd 1/0/0 opt=0,1232,11", plain])),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transport_gives_odd_messages_the_same_verdict() {
    let world = World::start().await;
    for cases in [headers(), malformed(), refusals(), sizes_and_options()] {
        ask_all(&world, &cases).await;
    }
    let allow_query = vec![("192.0.2.0".parse().unwrap(), 24)];
    world.table.set_frame(Frame::new(FrameSettings { allow_query, ..super::frame_settings() }));
    let edns = with_additional(query(WEB, 1), 1, &opt(1232, [0; 4], &[]));
    let not_allowed: Vec<Case> = vec![
        ("outside allowQuery", edns, Same("REFUSED rd 0/0/0 opt=0,1232,15:18")),
        ("malformed is said first", query(WEB, 1)[..20].to_vec(), Same("FORMERR rd 0/0/0 bare")),
    ];
    ask_all(&world, &not_allowed).await;
    world.end().await;
}

/// Every single octet of a query replaced, every cut of it: one gate, so one verdict.
#[test]
fn any_change_of_a_query_is_judged_alike_on_every_transport() {
    let table = table();
    let address = IpAddr::from([127, 0, 0, 1]);
    let options = [option(3, b""), option(8, &[0, 1, 24, 0, 10, 2, 3]), option(10, &[1; 8])].concat();
    let whole = with_additional(query(WEB, 1), 1, &opt(1232, [0, 0, 0x80, 0], &options));
    let changed = (0..whole.len()).flat_map(|at| (0..=255).map(move |octet| (at, octet)));
    let changed = changed.map(|(at, octet)| with(whole.clone(), at, &[octet]));
    let mut met = std::collections::BTreeSet::new();
    for message in changed.chain((0..whole.len()).map(|length| whole[..length].to_vec())) {
        let verdicts = [Transport::Udp, Transport::Tcp, Transport::Grpc].map(|transport| {
            let client = Client { address, transport, listener_view: None, random: 0 };
            let mut reply = [0; 2048];
            match respond(&table.pin(), &client, &message, &mut reply) {
                Verdict::Reply(length, _) => reply[..length].to_vec(),
                Verdict::Drop(reason) => format!("{reason:?}").into_bytes(),
                Verdict::Transfer(_) => unreachable!("nobody may transfer"),
            }
        });
        // The keepalive option is TCP's, and may arise by a changed code.
        let is_keepalive = message.windows(4).any(|octets| octets[..2] == [0, 11]);
        let same = verdicts[0] == verdicts[2] && (is_keepalive || verdicts[0] == verdicts[1]);
        assert!(same, "{message:02x?}: {verdicts:02x?}");
        met.insert(verdicts[0].get(3).map(|flags| flags & 15));
    }
    assert!(met.len() >= 5, "NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED: {met:?}");
}
