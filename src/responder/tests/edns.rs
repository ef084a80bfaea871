//! DNS.md section 5: EDNS, NSID, cookies, keepalive, client subnets as far as they are options.

use super::reading::ask;
use super::world::{asked, asked_by, client, put, settings, tiers, world};
use crate::dns::edns::option;
use crate::dns::types::rtype;
use crate::responder::Transport;
use crate::table::{Frame, FrameSettings};

const WEB: &str = "web.shop.svc.clusterset.local";

#[test]
fn an_opt_record_is_answered_by_one_and_only_then() {
    let table = world();
    for (question, opt) in [
        (ask(WEB, rtype::A), ""),
        (ask(WEB, rtype::A).edns(4096), "1232"),
        (ask(WEB, rtype::A).edns(0), "1232"),
        (ask(WEB, rtype::A).edns_ttl([0, 0, 0x80, 0]), "1232 do"),
        (ask(WEB, rtype::A).edns_ttl([7, 0, 0x7f, 0xff]), "1232"),
        (ask("nobody.global", rtype::A).edns(4096), "1232"),
        (ask("nobody.global", rtype::A), ""),
        (ask(WEB, rtype::A).option(65_001, b"unknown"), "1232"),
    ] {
        let reply = asked(&table, &question);
        assert_eq!((reply.opt.as_str(), reply.flags.as_str()), (opt, "aa rd"));
    }
}

#[test]
fn a_later_version_is_badvers_whatever_its_options() {
    let table = world();
    for question in [
        ask(WEB, rtype::A).edns_ttl([0, 1, 0x80, 0]),
        ask("example.com", rtype::A).edns_ttl([0, 255, 0x80, 0]),
        ask(WEB, rtype::A).edns_ttl([0, 1, 0x80, 0]).option(option::COOKIE, b"x"),
    ] {
        let reply = asked(&table, &question);
        assert_eq!((reply.rcode.as_str(), reply.flags.as_str(), reply.opt.as_str()), ("BADVERS", "rd", "1232 do"));
        assert!(reply.answers.is_empty() && reply.authorities.is_empty());
    }
}

#[test]
fn nsid_is_told_on_request() {
    let table = world();
    let question = ask(WEB, rtype::A).option(option::NSID, b"");
    assert_eq!(asked(&table, &question).opt, "1232", "none is configured");
    table.set_frame(Frame::new(FrameSettings { nsid: b"pod-7".to_vec(), ..settings() }));
    assert_eq!(asked(&table, &question).opt, "1232 nsid=pod-7");
    assert_eq!(asked(&table, &ask(WEB, rtype::A).edns(512)).opt, "1232");
    assert_eq!(asked(&table, &ask("example.com", rtype::A).option(option::NSID, b"")).opt, "1232 nsid=pod-7 ede=20");
}

#[test]
fn malformed_cookies_and_subnets_are_formerr_and_good_cookies_are_ignored() {
    let table = world();
    for (code, value, rcode) in [
        (option::COOKIE, &[1; 8][..], "NOERROR"),
        (option::COOKIE, &[1; 40], "NOERROR"),
        (option::COOKIE, &[1; 9], "FORMERR"),
        (option::COOKIE, &[], "FORMERR"),
        (option::CLIENT_SUBNET, &[0, 1, 24, 0, 10, 2, 3], "NOERROR"),
        (option::CLIENT_SUBNET, &[0, 1, 24, 0, 10, 2], "FORMERR"),
        (option::CLIENT_SUBNET, &[0, 1, 24, 1, 10, 2, 3], "FORMERR"),
        (option::CLIENT_SUBNET, &[], "FORMERR"),
    ] {
        let reply = asked(&table, &ask(WEB, rtype::A).option(code, value));
        assert_eq!((reply.rcode.as_str(), reply.opt.as_str()), (rcode, "1232"), "option {code} {value:?}");
    }
}

#[test]
fn keepalive_is_for_tcp() {
    let table = world();
    let question = ask(WEB, rtype::A).option(option::TCP_KEEPALIVE, b"");
    for (transport, opt) in [(Transport::Udp, "1232"), (Transport::Tcp, "1232 idle=300"), (Transport::Grpc, "1232")] {
        assert_eq!(asked_by(&table, &client(transport), &question).opt, opt, "{transport:?}");
    }
}

#[test]
fn rows_of_a_stale_cluster_are_told() {
    let table = world();
    let mut stale = tiers(&[(&[1, 2], 0)]);
    stale.stale = true;
    put(&table, "old.shop.svc.clusterset.local", vec![stale]);
    let reply = asked(&table, &ask("old.shop.svc.clusterset.local", rtype::A).edns(1232));
    assert_eq!((reply.rcode.as_str(), reply.flags.as_str(), reply.opt.as_str()), ("NOERROR", "aa rd", "1232 ede=3"));
    assert_eq!(asked(&table, &ask("old.shop.svc.clusterset.local", rtype::AAAA).edns(1232)).opt, "1232");
}
