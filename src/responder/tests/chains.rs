//! DNS.md section 2: a CNAME is chased inside our zones, at most 8 steps; a loop ends the chain.

use super::reading::ask;
use super::world::{EAST, asked, lasts, name, put, record, set, settings, tiers, world};
use crate::dns::rdata;
use crate::dns::types::rtype;
use crate::table::{Frame, RrSet, Table};

fn alias(table: &Table, owner: &str, target: &str) {
    put(table, owner, vec![set(rtype::CNAME, vec![record(rdata::name(&name(target)))])]);
}

fn chained() -> Table {
    let table = world();
    put(&table, "end.global", vec![tiers(&[(&[1, 2], EAST)])]);
    alias(&table, "one.global", "end.global");
    alias(&table, "two.global", "one.global");
    alias(&table, "out.global", "www.example.com");
    alias(&table, "svc.two.global", "db.shop.svc.clusterset.local");
    alias(&table, "to-formed.global", "db.shop.svc.west.global");
    alias(&table, "to-nothing.global", "nobody.clusterset.local");
    alias(&table, "to-apex.global", "clusterset.local");
    alias(&table, "self.global", "self.global");
    alias(&table, "ping.global", "pong.global");
    alias(&table, "pong.global", "ping.global");
    table
}

#[test]
fn targets_in_our_zones_are_followed() {
    let table = chained();
    let two = asked(&table, &ask("TWO.global", rtype::A));
    let expected = [
        "two.global. 5 CNAME one.global.",
        "one.global. 5 CNAME end.global.",
        "end.global. 5 A 10.0.0.1",
        "end.global. 5 A 10.0.0.2",
    ];
    assert_eq!(
        two.answers
            .iter()
            .map(|line| line.to_lowercase().replace(" cname ", " CNAME ").replace(" a ", " A "))
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!((two.rcode.as_str(), two.flags.as_str()), ("NOERROR", "aa rd"));
    let across = asked(&table, &ask("svc.two.global", rtype::A));
    assert_eq!(across.answers.len(), 6);
    assert!(across.answers[1].starts_with("db.shop.svc.clusterset.local. 5 A "));
    let formed = asked(&table, &ask("to-formed.global", rtype::A));
    assert_eq!(formed.answers.len(), 4);
    assert!(formed.answers[3].starts_with("db.shop.svc.west.global. 5 A 10.0.0.1"));
}

#[test]
fn srv_records_behind_a_cname_bring_the_addresses_of_their_targets() {
    let table = chained();
    alias(&table, "http.global", "_http._tcp.web.shop.svc.clusterset.local");
    let row = |target: &str| record(rdata::srv(0, 1, 5060, &name(target)));
    put(&table, "_sip._udp.global", vec![set(rtype::SRV, vec![row("two.global"), row("end.global")])]);
    alias(&table, "sip.global", "_sip._udp.global");
    for (owner, additionals) in [
        ("http.global", vec!["web.shop.svc.clusterset.local. 5 A 10.0.0.1"]),
        ("sip.global", vec!["end.global. 5 A 10.0.0.1", "end.global. 5 A 10.0.0.2"]),
    ] {
        let reply = asked(&table, &ask(owner, rtype::SRV));
        assert!(reply.answers[1].contains(" SRV "), "{:?}", reply.answers);
        assert_eq!(reply.additionals, additionals, "{owner}");
    }
}

#[test]
fn type_cname_and_any_are_answered_by_the_cname_alone() {
    let table = chained();
    for qtype in [rtype::CNAME, rtype::ANY] {
        assert_eq!(asked(&table, &ask("two.global", qtype)).answers, ["two.global. 5 CNAME one.global."]);
    }
}

#[test]
fn targets_outside_are_left_to_the_client() {
    let reply = asked(&chained(), &ask("out.global", rtype::A));
    assert_eq!((reply.rcode.as_str(), reply.answers.len(), reply.authorities.len()), ("NOERROR", 1, 0));
}

#[test]
fn the_last_name_decides_negative_answers() {
    let table = chained();
    let missing = asked(&table, &ask("to-nothing.global", rtype::A));
    assert_eq!((missing.rcode.as_str(), missing.answers.len()), ("NXDOMAIN", 1));
    assert!(
        missing.authorities[0]
            .starts_with("clusterset.local. 5 SOA ns.dns.clusterset.local. hostmaster.clusterset.local.")
    );
    let no_type = asked(&table, &ask("two.global", rtype::AAAA));
    assert_eq!((no_type.rcode.as_str(), no_type.answers.len(), no_type.authorities.len()), ("NOERROR", 2, 1));
    let mut unheard = settings();
    unheard.zones[0].unknown = 1;
    alias(&table, "to-unheard.global", "x.shop.svc.clusterset.local");
    table.set_frame(Frame::new(unheard));
    let unknown = asked(&table, &ask("to-unheard.global", rtype::A).edns(1232));
    assert_eq!((unknown.rcode.as_str(), unknown.answers.len(), unknown.opt.as_str()), ("SERVFAIL", 0, "1232 ede=14"));
    assert_eq!(unknown.flags, "rd");
}

#[test]
fn loops_end_the_chain() {
    let table = chained();
    for (owner, answers) in [("self.global", 1), ("ping.global", 2)] {
        let reply = asked(&table, &ask(owner, rtype::A));
        assert_eq!(
            (reply.rcode.as_str(), reply.answers.len(), reply.authorities.len()),
            ("NOERROR", answers, 0),
            "{owner}"
        );
    }
    alias(&table, "*.wild.global", "next.wild.global");
    put(&table, "wild.global", Vec::new());
    let reply = asked(&table, &ask("first.wild.global", rtype::A));
    assert_eq!(
        reply.answers,
        ["first.wild.global. 5 CNAME next.wild.global.", "next.wild.global. 5 CNAME next.wild.global."]
    );
}

#[test]
fn eight_steps_are_taken_and_no_more() {
    for (links, addresses) in [(8, 1), (9, 0)] {
        let table = world();
        for link in 0..links {
            alias(&table, &format!("c{link}.global"), &format!("c{}.global", link + 1));
        }
        put(&table, &format!("c{links}.global"), vec![tiers(&[(&[9], EAST)])]);
        let reply = asked(&table, &ask("c0.global", rtype::A));
        let found = reply.answers.iter().filter(|line| line.contains(" A ")).count();
        assert_eq!((found, reply.answers.len()), (addresses, 9), "{links} links");
    }
}

#[test]
fn names_in_followed_ns_and_soa_data_point_to_the_target() {
    let table = chained();
    table.bump_serial(0, 77_777);
    let ns = asked(&table, &ask("to-apex.global", rtype::NS));
    assert_eq!(ns.answers[1], "clusterset.local. 5 NS ns.dns.clusterset.local.");
    assert!(ns.additionals.is_empty());
    let soa = asked(&table, &ask("to-apex.global", rtype::SOA));
    let expected =
        "clusterset.local. 5 SOA ns.dns.clusterset.local. hostmaster.clusterset.local. 77777 7200 1800 86400 5";
    assert_eq!(soa.answers[1], expected);
}

#[test]
fn a_stale_target_and_a_cut_chain_are_told() {
    let table = chained();
    put(&table, "end.global", vec![RrSet { stale: true, ..tiers(&[(&(1..=60).collect::<Vec<u8>>(), EAST)]) }]);
    let reply = asked(&table, &ask("two.global", rtype::A).edns(512));
    assert_eq!((reply.flags.as_str(), reply.opt.as_str()), ("aa tc rd", "1232 ede=3"));
    assert!(
        reply.length <= 512
            && lasts(&super::reading::Read { answers: reply.answers[2..].to_vec(), ..reply.clone() }).len() > 20
    );
}
