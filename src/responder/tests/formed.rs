//! DNS.md section 2: formed global names, and wildcards over the union of stored and formed names.

use super::reading::ask;
use super::world::{EAST, TWO_LABELS, WEST, asked, draft, lasts, put, put_draft, record, set, settings, tiers, world};
use crate::dns::rdata;
use crate::dns::types::rtype;
use crate::table::{Draft, Frame, Order, RrSet, Table};

fn rcode_and_lasts(table: &Table, owner: &str) -> (String, Vec<u8>) {
    let reply = asked(table, &ask(owner, rtype::A));
    let lasts = lasts(&reply);
    assert_eq!(reply.authorities.len(), usize::from(lasts.is_empty()), "{owner}");
    (reply.rcode, lasts)
}

#[test]
fn services_answer_under_the_global_zone() {
    let table = world();
    let everywhere = tiers(&[(&[1], EAST), (&[2, 3], WEST), (&[4], TWO_LABELS)]);
    put(&table, "all.shop.svc.clusterset.local", vec![everywhere]);
    put(&table, "svc.clusterset.local", Vec::new());
    for (owner, rcode, expected) in [
        ("web.shop.global", "NOERROR", &[1][..]),
        ("all.shop.global", "NOERROR", &[1, 2, 3, 4]),
        ("all.shop.svc.east.global", "NOERROR", &[1]),
        ("all.shop.svc.west.global", "NOERROR", &[2, 3]),
        ("all.shop.svc.eu.prod.global", "NOERROR", &[4]),
        ("web.shop.svc.west.global", "NOERROR", &[]),
        ("web.shop.svc.north.global", "NXDOMAIN", &[]),
        ("nobody.shop.svc.east.global", "NXDOMAIN", &[]),
        ("nobody.shop.global", "NXDOMAIN", &[]),
        ("_http._tcp.web.shop.global", "NXDOMAIN", &[]),
        ("x.web.shop.global", "NXDOMAIN", &[]),
        // Ancestors of formed names exist and are empty.
        ("shop.global", "NOERROR", &[]),
        ("east.global", "NOERROR", &[]),
        ("eu.prod.global", "NOERROR", &[]),
        ("prod.global", "NOERROR", &[]),
        ("svc.east.global", "NOERROR", &[]),
        ("svc.eu.prod.global", "NOERROR", &[]),
        ("svc.prod.global", "NXDOMAIN", &[]),
        ("shop.svc.east.global", "NOERROR", &[]),
        ("shop.svc.eu.prod.global", "NOERROR", &[]),
        ("nobody.global", "NXDOMAIN", &[]),
        ("nobody.svc.east.global", "NXDOMAIN", &[]),
        ("svc.north.global", "NXDOMAIN", &[]),
        ("shop.svc.prod.global", "NXDOMAIN", &[]),
    ] {
        assert_eq!(rcode_and_lasts(&table, owner), (rcode.to_owned(), expected.to_vec()), "{owner}");
    }
}

#[test]
fn names_of_one_cluster_tell_of_its_own_stale_rows_alone() {
    let table = world();
    let stale = RrSet { stale: true, ..tiers(&[(&[2], WEST)]) };
    let order = Order {
        sets: vec![RrSet { stale: true, ..tiers(&[(&[1], EAST), (&[2], WEST)]) }],
        by_cluster: vec![tiers(&[(&[1], EAST)]), stale],
    };
    put_draft(&table, &Draft { orders: vec![order], ..draft("old.shop.svc.clusterset.local", Vec::new()) });
    for (owner, lasts_due, opt) in [
        ("old.shop.global", &[1, 2][..], "1232 ede=3"),
        ("old.shop.svc.east.global", &[1], "1232"),
        ("old.shop.svc.west.global", &[2], "1232 ede=3"),
        ("old.shop.svc.eu.prod.global", &[], "1232"),
    ] {
        let reply = asked(&table, &ask(owner, rtype::A).edns(1232));
        assert_eq!((lasts(&reply), reply.opt.as_str()), (lasts_due.to_vec(), opt), "{owner}");
        let any = asked(&table, &ask(owner, rtype::ANY).edns(1232));
        assert_eq!(lasts(&any), lasts_due, "{owner} ANY");
    }
}

#[test]
fn formed_names_have_addresses_only() {
    let table = world();
    for qtype in [rtype::AAAA, rtype::SRV, rtype::TXT, 4711] {
        let reply = asked(&table, &ask("web.shop.global", qtype));
        assert_eq!((reply.rcode.as_str(), reply.answers.len(), reply.authorities.len()), ("NOERROR", 0, 1), "{qtype}");
        assert!(reply.authorities[0].starts_with("global. 5 SOA ns.dns.global."));
    }
    let any = asked(&table, &ask("web.shop.global", rtype::ANY));
    assert_eq!(any.answers, ["web.shop.global. 5 A 10.0.0.1"]);
}

#[test]
fn a_stored_name_outranks_a_formed_one_but_a_mere_ancestor_does_not() {
    let table = world();
    put(&table, "web.shop.global", vec![tiers(&[(&[99], EAST)])]);
    put(&table, "db.shop.global", Vec::new());
    put(&table, "x.db.shop.global", vec![tiers(&[(&[98], EAST)])]);
    assert_eq!(rcode_and_lasts(&table, "web.shop.global").1, [99]);
    assert_eq!(rcode_and_lasts(&table, "db.shop.global").1.len(), 5);
    assert_eq!(rcode_and_lasts(&table, "x.db.shop.global").1, [98]);
}

#[test]
fn formed_names_exist_in_the_views_of_the_service_and_of_the_cluster() {
    let table = world();
    let mut hidden = draft("web.shop.svc.clusterset.local", vec![tiers(&[(&[1], EAST)])]);
    hidden.presence = 0b10;
    put_draft(&table, &hidden);
    assert_eq!(rcode_and_lasts(&table, "web.shop.global").0, "NXDOMAIN");
    let mut known = settings();
    known.clusters[0].views = 0b10;
    table.set_frame(Frame::new(known));
    assert_eq!(rcode_and_lasts(&table, "db.shop.svc.east.global").0, "NXDOMAIN");
    assert_eq!(rcode_and_lasts(&table, "db.shop.svc.west.global").0, "NOERROR");
}

#[test]
fn without_a_clusterset_zone_nothing_is_formed() {
    let table = world();
    let mut only_global = settings();
    only_global.zones.remove(0);
    table.set_frame(Frame::new(only_global));
    assert_eq!(rcode_and_lasts(&table, "web.shop.global").0, "NXDOMAIN");
    assert_eq!(asked(&table, &ask("web.shop.svc.clusterset.local", rtype::A)).rcode, "REFUSED");
}

/// `*.foo.global`, `*.global`, `*.deep.foo.global` in another view only, and what stands beside them.
fn wild() -> Table {
    let table = world();
    for (owner, last) in [("*.foo.global", 10), ("*.global", 20), ("host.foo.global", 30), ("a.b.foo.global", 40)] {
        put(&table, owner, vec![tiers(&[(&[last], EAST)])]);
    }
    for ancestor in ["foo.global", "b.foo.global"] {
        put(&table, ancestor, Vec::new());
    }
    table
}

#[test]
fn wildcards_stand_for_what_does_not_exist() {
    let table = wild();
    for (owner, rcode, expected) in [
        ("x.foo.global", "NOERROR", &[10][..]),
        ("x.y.z.foo.global", "NOERROR", &[10]),
        ("x.host.foo.global", "NXDOMAIN", &[]),
        ("host.foo.global", "NOERROR", &[30]),
        ("foo.global", "NOERROR", &[]),
        ("b.foo.global", "NOERROR", &[]),
        // The closest encloser is b.foo.global, which has no wildcard.
        ("x.b.foo.global", "NXDOMAIN", &[]),
        ("*.foo.global", "NOERROR", &[10]),
        ("x.*.foo.global", "NXDOMAIN", &[]),
        ("bar.global", "NOERROR", &[20]),
        ("x.bar.global", "NOERROR", &[20]),
        // Formed names and their ancestors stand in the way of the wildcard above them.
        ("web.shop.global", "NOERROR", &[1]),
        ("nobody.shop.global", "NXDOMAIN", &[]),
        ("shop.global", "NOERROR", &[]),
        ("x.east.global", "NXDOMAIN", &[]),
        ("x.web.shop.global", "NXDOMAIN", &[]),
        ("x.ns.dns.global", "NXDOMAIN", &[]),
    ] {
        assert_eq!(rcode_and_lasts(&table, owner), (rcode.to_owned(), expected.to_vec()), "{owner}");
    }
    let reply = asked(&table, &ask("q.foo.global", rtype::AAAA));
    assert_eq!((reply.rcode.as_str(), reply.authorities.len()), ("NOERROR", 1), "a wildcard without the type");
    assert_eq!(asked(&table, &ask("q.foo.global", rtype::A)).answers, ["q.foo.global. 5 A 10.0.0.10"]);
}

#[test]
fn wildcards_belong_to_their_views() {
    let table = wild();
    let mut elsewhere = draft("*.foo.global", vec![tiers(&[(&[10], EAST)])]);
    elsewhere.presence = 0b10;
    put_draft(&table, &elsewhere);
    assert_eq!(rcode_and_lasts(&table, "x.foo.global").0, "NXDOMAIN");
}

#[test]
fn zonal_names_of_a_service_are_wildcards_of_any_depth() {
    let table = world();
    for ancestor in ["_zone.db.shop.svc", "pin._zone.db.shop.svc"] {
        put(&table, &format!("{ancestor}.clusterset.local"), Vec::new());
    }
    put(
        &table,
        "*.pin._zone.db.shop.svc.clusterset.local",
        vec![set(rtype::A, vec![record(rdata::a([10, 0, 0, 7].into()))])],
    );
    for (owner, rcode, count) in [
        ("a.pin._zone.db.shop.svc", "NOERROR", 1),
        ("a.b.c.pin._zone.db.shop.svc", "NOERROR", 1),
        ("a.prefer._zone.db.shop.svc", "NXDOMAIN", 0),
        ("a.shop.svc", "NXDOMAIN", 0),
    ] {
        let reply = asked(&table, &ask(&format!("{owner}.clusterset.local"), rtype::A));
        assert_eq!((reply.rcode.as_str(), reply.answers.len()), (rcode, count), "{owner}");
    }
}
