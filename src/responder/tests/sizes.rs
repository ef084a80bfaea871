//! DNS.md section 5, "UDP size": limits, cuts at a record's border, TC.

use super::reading::{Read, ask, read};
use super::world::{answered, asked, asked_by, client, lasts, name, put, record, set, settings, tiers, world};
use crate::dns::types::rtype;
use crate::dns::{Header, rdata};
use crate::responder::{Client, Transport, Verdict, respond};
use crate::table::{Frame, FrameSettings, Glue, Record, RrSet, Table};

const BIG: &str = "big.shop.svc.clusterset.local";
/// Header, question and one A record.
const HEAD: usize = 12 + BIG.len() + 2 + 4;
const A: usize = 16;
const OPT: usize = 11;

fn big(count: u8) -> Table {
    let table = world();
    let all: Vec<u8> = (1..=count).collect();
    put(&table, BIG, vec![tiers(&[(&all, 0)])]);
    table
}

#[test]
fn the_limit_is_the_smaller_of_the_clients_and_ours() {
    let table = big(200);
    for (payload, limit, opt) in [
        (None, 512, 0),
        (Some(0), 512, OPT),
        (Some(511), 512, OPT),
        (Some(700), 700, OPT),
        (Some(1232), 1232, OPT),
        (Some(65_535), 1232, OPT),
    ] {
        let question = ask(BIG, rtype::A);
        let reply = asked(&table, &payload.map_or(question.clone(), |payload| question.clone().edns(payload)));
        let fit = (limit - HEAD - opt) / A;
        assert_eq!((reply.answers.len(), reply.flags.as_str()), (fit, "aa tc rd"), "{payload:?}");
        assert_eq!(reply.length, HEAD + fit * A + opt);
        assert_eq!(reply.opt.is_empty(), opt == 0);
    }
}

#[test]
fn exactly_full_is_not_truncated() {
    let fit = (512 - HEAD) / A;
    for (count, flags) in [(fit, "aa rd"), (fit + 1, "aa tc rd")] {
        let reply = asked(&big(count as u8), &ask(BIG, rtype::A));
        assert_eq!((reply.answers.len(), reply.flags.as_str()), (fit, flags));
    }
}

#[test]
fn rotation_comes_before_the_cut() {
    let table = big(100);
    let mut seen = std::collections::BTreeSet::new();
    for part in 0..64u64 {
        let from = Client { random: part << 26, ..client(Transport::Udp) };
        seen.extend(lasts(&asked_by(&table, &from, &ask(BIG, rtype::A))));
    }
    assert_eq!(seen.len(), 100, "every address shows up in some cut reply");
}

#[test]
fn streams_carry_what_a_message_can_hold() {
    let table = world();
    let records: Vec<Record> =
        (0..4500u32).map(|number| record((0x0a00_0000 + number).to_be_bytes().to_vec())).collect();
    put(&table, BIG, vec![RrSet { tiers: vec![4500], ..set(rtype::A, records) }]);
    for transport in [Transport::Tcp, Transport::Grpc] {
        let reply = asked_by(&table, &client(transport), &ask(BIG, rtype::A).edns(512));
        assert_eq!(reply.answers.len(), (65_535 - HEAD - OPT) / A);
        assert_eq!(reply.flags, "aa tc rd");
        let table = big(200);
        let reply = asked_by(&table, &client(transport), &ask(BIG, rtype::A));
        assert_eq!((reply.answers.len(), reply.flags.as_str()), (200, "aa rd"));
    }
}

/// `count` SRV records, each with an A and a AAAA record as glue.
fn with_glue(count: u16) -> Table {
    let table = world();
    let one = |number: u16| {
        let target = name(&format!("h{number:03}.east.{BIG}"));
        let owner = rdata::pointed_owner(&target, &name(BIG));
        let a = rdata::record(&owner, rtype::A, 5, &[10, 0, 0, 1]);
        let aaaa = rdata::record(&owner, rtype::AAAA, 5, &[0xfd; 16]);
        Record { glue: Glue { wire: [a, aaaa].concat(), count: 2 }, ..record(rdata::srv(0, 1, 80, &target)) }
    };
    put(&table, BIG, vec![set(rtype::SRV, (0..count).map(one).collect())]);
    table
}

fn glue_owners(reply: &Read) -> Vec<String> {
    reply.additionals.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn glue_is_left_out_silently_and_a_targets_records_stay_together() {
    let srv = asked_by(&with_glue(3), &client(Transport::Tcp), &ask(BIG, rtype::SRV));
    assert_eq!((srv.answers.len(), srv.additionals.len()), (3, 6));
    for count in 1..=10 {
        let reply = asked(&with_glue(count), &ask(BIG, rtype::SRV));
        let owners = glue_owners(&reply);
        assert!(reply.length <= 512 && owners.chunks(2).all(|pair| pair[0] == pair[1]), "{owners:?}");
        if reply.flags.contains("tc") {
            assert!(reply.answers.len() < usize::from(count) && owners.is_empty());
        } else {
            assert_eq!(reply.answers.len(), usize::from(count));
        }
    }
    let cut = asked(&with_glue(5), &ask(BIG, rtype::SRV));
    assert_eq!(cut.flags, "aa rd", "missing glue alone is no truncation");
    assert!(cut.additionals.len() < 10, "{}", cut.additionals.len());
}

#[test]
fn over_tcp_every_target_that_fits_brings_its_addresses() {
    let table = world();
    let target = |number: u16| format!("t{number}.global");
    for number in 0..300 {
        put(&table, &target(number), vec![tiers(&[(&[1], 0)])]);
    }
    let rows = (0..300).chain(0..300).map(|number| record(rdata::srv(0, 1, 80, &name(&target(number)))));
    put(&table, "_many._tcp.global", vec![set(rtype::SRV, rows.collect())]);
    let reply = asked_by(&table, &client(Transport::Tcp), &ask("_many._tcp.global", rtype::SRV));
    assert_eq!((reply.answers.len(), reply.additionals.len()), (600, 300));
    assert_eq!(reply.additionals[299], "t299.global. 5 A 10.0.0.1");
}

#[test]
fn one_targets_glue_is_not_repeated_for_each_port() {
    let table = world();
    let glue = Glue { wire: rdata::record(&[0xc0, 12], rtype::A, 5, &[10, 0, 0, 1]), count: 1 };
    let port = |port| Record { glue: glue.clone(), ..record(rdata::srv(0, 1, port, &name(BIG))) };
    put(&table, BIG, vec![set(rtype::SRV, vec![port(1), port(2)])]);
    let reply = asked(&table, &ask(BIG, rtype::SRV));
    assert_eq!((reply.answers.len(), reply.additionals.len()), (2, 1));
}

#[test]
fn a_small_buffer_truncates_and_never_panics() {
    let table = big(50);
    table.set_frame(Frame::new(FrameSettings { nsid: vec![b'n'; 255], ..settings() }));
    let questions = [
        ask(BIG, rtype::A).option(3, b""),
        ask("x.clusterset.local", rtype::A),
        ask("example.com", rtype::A).edns(1232),
        ask("_http._tcp.web.shop.svc.clusterset.local", rtype::SRV).edns(1232),
    ];
    for question in questions {
        for transport in [Transport::Udp, Transport::Tcp] {
            for size in 0..700 {
                let mut reply = vec![0; size];
                match respond(&table.pin(), &client(transport), &question.wire(), &mut reply) {
                    Verdict::Reply(length, _) => {
                        assert!(length <= size && Header::read(&reply[..length]).unwrap().is_response());
                        read(&reply[..length]);
                    }
                    verdict => assert!(size < 12, "{verdict:?} at {size}"),
                }
            }
        }
    }
}

#[test]
fn options_that_do_not_fit_give_way_to_the_soa() {
    let table = world();
    table.set_frame(Frame::new(FrameSettings { nsid: vec![b'n'; 255], ..settings() }));
    let long =
        format!("{}.clusterset.local", ["a".repeat(60), "b".repeat(60), "c".repeat(60), "d".repeat(40)].join("."));
    let (octets, outcome) =
        answered(&table, &client(Transport::Udp), &ask(&long, rtype::A).edns(512).option(3, b"").wire());
    let reply = read(&octets);
    assert_eq!((reply.rcode.as_str(), reply.opt.as_str(), outcome.truncated()), ("NXDOMAIN", "1232", false));
    assert_eq!(reply.authorities.len(), 1);
}
