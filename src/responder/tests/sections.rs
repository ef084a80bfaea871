//! DNS.md sections 1 and 4: names, sections, negative answers.

use super::reading::ask;
use super::world::{answered, asked, client, draft, put_draft, settings, world};
use crate::dns::types::{ede, rtype};
use crate::responder::Transport;
use crate::table::Frame;

const SOA: &str =
    "clusterset.local. 5 SOA ns.dns.clusterset.local. hostmaster.clusterset.local. 1000 7200 1800 86400 5";

#[test]
fn names_of_a_clusterset_zone() {
    let table = world();
    let none: &[&str] = &[];
    let web = "web.shop.svc.clusterset.local.";
    let web_a = format!("{web} 5 A 10.0.0.1");
    let glue: &[&str] = &[&web_a];
    let ns_glue: &[&str] = &["ns.dns.clusterset.local. 5 A 10.96.0.10"];
    for (owner, qtype, answers, additionals) in [
        ("", rtype::SOA, &[SOA][..], none),
        ("", rtype::NS, &["clusterset.local. 5 NS ns.dns.clusterset.local."], ns_glue),
        ("ns.dns.", rtype::A, ns_glue, none),
        ("dns-version.", rtype::TXT, &["dns-version.clusterset.local. 28800 TXT 1.1.0"], none),
        ("web.shop.svc.", rtype::A, glue, none),
        (
            "web.shop.svc.",
            rtype::SRV,
            &["web.shop.svc.clusterset.local. 5 SRV 0 1 80 web.shop.svc.clusterset.local."],
            glue,
        ),
        (
            "_http._tcp.web.shop.svc.",
            rtype::SRV,
            &["_http._tcp.web.shop.svc.clusterset.local. 5 SRV 0 1 80 web.shop.svc.clusterset.local."],
            glue,
        ),
    ] {
        let reply = asked(&table, &ask(&format!("{owner}clusterset.local"), qtype));
        assert_eq!((reply.rcode.as_str(), reply.flags.as_str()), ("NOERROR", "aa rd"), "{owner} {qtype}");
        assert_eq!((reply.answers, reply.additionals), (owned(answers), owned(additionals)), "{owner} {qtype}");
        assert_eq!(reply.authorities, owned(none), "{owner} {qtype}");
    }
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn nodata_and_nxdomain_carry_one_soa_and_do_not_depend_on_the_type() {
    let table = world();
    let existing = ["dns.", "svc.", "pod.", "shop.svc.", "_tcp.web.shop.svc.", "_http._tcp.web.shop.svc.", "ns.dns."];
    let missing = ["foo.", "x.pod.", "nobody.svc.", "x.shop.svc.", "_udp.web.shop.svc.", "x.ns.dns.", "*.shop.svc."];
    let cases = existing.map(|owner| (owner, "NOERROR")).into_iter().chain(missing.map(|owner| (owner, "NXDOMAIN")));
    for (owner, rcode) in cases {
        for qtype in [rtype::AAAA, rtype::MX, rtype::RRSIG, rtype::CNAME, 4711] {
            let reply = asked(&table, &ask(&format!("{owner}clusterset.local"), qtype));
            assert_eq!((reply.rcode.as_str(), reply.flags.as_str()), (rcode, "aa rd"), "{owner} {qtype}");
            assert_eq!((reply.answers.len(), reply.authorities), (0, owned(&[SOA])), "{owner} {qtype}");
        }
    }
}

#[test]
fn the_negative_ttl_is_at_most_five_minutes_and_the_minimum_is_the_ttl() {
    let table = world();
    let mut long = settings();
    long.zones[0].ttl = 3600;
    table.set_frame(Frame::new(long));
    table.bump_serial(0, 2000);
    let reply = asked(&table, &ask("foo.clusterset.local", rtype::A));
    let soa =
        "clusterset.local. 300 SOA ns.dns.clusterset.local. hostmaster.clusterset.local. 2000 7200 1800 86400 3600";
    assert_eq!(reply.authorities, [soa]);
}

#[test]
fn the_serial_is_written_into_every_copy() {
    let table = world();
    table.bump_serial(0, 5_000_000);
    for (owner, qtype) in
        [("clusterset.local", rtype::SOA), ("clusterset.local", rtype::A), ("x.clusterset.local", rtype::A)]
    {
        let reply = asked(&table, &ask(owner, qtype));
        let soa = reply.answers.first().or(reply.authorities.first()).unwrap();
        assert!(soa.contains(" 5000000 "), "{soa}");
    }
}

#[test]
fn owners_and_zone_names_follow_the_case_of_the_question() {
    let table = world();
    let mut question = ask("x.clusterset.local", rtype::A);
    question.name = b"\x01X\x0aClusterSET\x05Local\0".to_vec();
    let soa = &asked(&table, &question).authorities[0];
    assert!(soa.starts_with("ClusterSET.Local. 5 SOA ns.dns.ClusterSET.Local. hostmaster.ClusterSET.Local."), "{soa}");
    question.name = b"\x0aClusterSET\x05Local\0".to_vec();
    question.qtype = rtype::NS;
    let reply = asked(&table, &question);
    assert_eq!(reply.answers, ["ClusterSET.Local. 5 NS ns.dns.ClusterSET.Local."]);
    assert_eq!(reply.additionals, ["ns.dns.ClusterSET.Local. 5 A 10.96.0.10"]);
}

#[test]
fn type_any_is_the_first_set_on_every_transport() {
    let table = world();
    for transport in [Transport::Udp, Transport::Tcp, Transport::Grpc] {
        let ask_any = |owner| super::world::asked_by(&table, &client(transport), &ask(owner, rtype::ANY));
        assert_eq!(ask_any("web.shop.svc.clusterset.local").answers, ["web.shop.svc.clusterset.local. 5 A 10.0.0.1"]);
        assert_eq!(ask_any("clusterset.local").answers, [SOA]);
        let nodata = ask_any("svc.clusterset.local");
        assert_eq!((nodata.answers.len(), nodata.authorities), (0, owned(&[SOA])));
    }
}

#[test]
fn unknown_is_not_absent() {
    let table = world();
    let mut unheard = settings();
    unheard.zones[0].unknown = 0b1;
    unheard.zones[1].unknown = 0b1;
    table.set_frame(Frame::new(unheard));
    for (owner, rcode) in [
        ("x.shop.svc.clusterset.local", "SERVFAIL"),
        ("nobody.svc.clusterset.local", "SERVFAIL"),
        ("_udp.web.shop.svc.clusterset.local", "SERVFAIL"),
        ("nobody.global", "SERVFAIL"),
        ("a.b.c.d.e.f.global", "SERVFAIL"),
        ("foo.clusterset.local", "NXDOMAIN"),
        ("x.pod.clusterset.local", "NXDOMAIN"),
        ("svc.svcx.clusterset.local", "NXDOMAIN"),
        ("web.shop.svc.clusterset.local", "NOERROR"),
        ("shop.svc.clusterset.local", "NOERROR"),
        ("web.shop.global", "NOERROR"),
    ] {
        let question = ask(owner, rtype::AAAA).edns(1232);
        let reply = asked(&table, &question);
        let (_, outcome) = answered(&table, &client(Transport::Udp), &question.wire());
        assert_eq!(reply.rcode, rcode, "{owner}");
        if rcode == "SERVFAIL" {
            assert_eq!(
                (reply.flags.as_str(), reply.opt.as_str(), reply.authorities.len()),
                ("rd", "1232 ede=14", 0),
                "{owner}"
            );
            assert_eq!((outcome.rcode(), u16::from(outcome.ede())), (2, ede::NOT_READY));
        }
    }
}

#[test]
fn a_set_without_records_is_nodata() {
    let table = world();
    put_draft(&table, &draft("void.shop.svc.clusterset.local", vec![super::world::tiers(&[])]));
    let reply = asked(&table, &ask("void.shop.svc.clusterset.local", rtype::A));
    assert_eq!((reply.rcode.as_str(), reply.authorities), ("NOERROR", owned(&[SOA])));
}
