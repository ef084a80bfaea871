//! Two clusters behind the server, CoreDNS in front of it: what `dig` sees through `forward`, `forward` with
//! `force_tcp`, and `grpc`.

use crate::coredns::{Front, Way};
use crate::dig::{Reply, dig};
use crate::process::peers_or_skip;
use crate::shop::{EAST_PODS, Shop, WEST_BALANCER, WEST_PODS};
use crate::world::World;

/// The name of one port of a service.
const ZONE: &str = "clusterset.local.";

#[test]
fn both_clusters_answer_through_every_way() {
    let world = World::shared(&peers_or_skip!());
    let shop = Shop::open(&world, "front-ends");
    let server = world.server("auto");
    let front = Front::start(&world.peers, server.dns, server.grpc, false);
    for way in Way::ALL {
        let ask = |name: &str, kind: &str| {
            dig(front.port(way), name, kind, &[])
                .unwrap_or_else(|error| panic!("{way:?}: {error}\n{}", front.coredns.log()))
        };
        addresses(&shop, &ask);
        headless(&shop, &ask);
        services(&shop, &ask);
        negatives(&shop, &ask);
    }
    assert_eq!(server.stop(), Some(0), "SIGTERM is a clean stop");
}

/// ClusterSetIP: both clusters, the local one first, however often one asks.
fn addresses(shop: &Shop, ask: &dyn Fn(&str, &str) -> Reply) {
    for _ in 0..4 {
        let web = ask(&shop.name("web"), "A");
        assert_eq!(web.data("A"), [shop.web[0].as_str(), WEST_BALANCER], "east's clusterIP, then west's load balancer");
        assert_eq!(web.answer[0].name, shop.name("web"));
        assert!(web.answer.iter().all(|record| record.ttl <= 5), "{web:?}");
        assert!(web.flags.iter().any(|flag| flag == "aa"), "{web:?}");

        let plain = ask(&shop.name("plain"), "A");
        assert_eq!(plain.data("A")[0], shop.plain[0], "east's clusterIP comes first");
        let mut others = plain.data("A")[1..].to_vec();
        others.sort_unstable();
        assert_eq!(others, WEST_PODS, "then west's pods: no load balancer, equal ports");
    }
    let mixed = shop.name("web").to_uppercase();
    assert_eq!(ask(&mixed, "A").data("A").len(), 2, "names are compared without case");
    let namespace = &shop.namespace;
    let short = ask(&format!("web.{namespace}.global."), "A");
    assert_eq!(short.data("A"), [shop.web[0].as_str(), WEST_BALANCER]);
    let west = ask(&format!("web.{namespace}.svc.west.global."), "A");
    assert_eq!(west.data("A"), [WEST_BALANCER], "the form with a cluster holds that cluster's addresses");
}

/// Headless: the ready pods of both clusters, and a name for each.
fn headless(shop: &Shop, ask: &dyn Fn(&str, &str) -> Reply) {
    let db = ask(&shop.name("db"), "A");
    let mut east = db.data("A")[..2].to_vec();
    east.sort_unstable();
    assert_eq!((east, &db.data("A")[2..]), (vec!["10.11.1.1", "10.11.1.2"], ["10.12.1.1"].as_slice()), "{db:?}");
    for (host, address) in [("db-0.east", "10.11.1.1"), ("db-1.east", "10.11.1.2"), ("db-0.west", "10.12.1.1")] {
        assert_eq!(ask(&shop.name(&format!("{host}.db")), "A").data("A"), [address], "{host}");
    }
}

/// SRV records, each target with its address beside it.
fn services(shop: &Shop, ask: &dyn Fn(&str, &str) -> Reply) {
    let web = ask(&shop.name("_http._tcp.web"), "SRV");
    let fields: Vec<&str> = web.data("SRV")[0].split(' ').collect();
    assert_eq!(web.data("SRV").len(), 1, "{web:?}");
    assert_eq!((fields[0], fields[2], fields[3]), ("0", "80", shop.name("web").as_str()), "{web:?}");
    assert_ne!(fields[1], "0", "a target that should get traffic has a weight");
    assert_eq!(web.glue("A"), [shop.web[0].as_str(), WEST_BALANCER]);
    assert_eq!(ask(&shop.name("web"), "SRV").data("SRV").len(), 1, "the bare name: one record for each port");

    let db = ask(&shop.name("_pg._tcp.db"), "SRV");
    let mut targets: Vec<String> =
        db.data("SRV").iter().map(|data| data.split(' ').skip(2).collect::<Vec<_>>().join(" ")).collect();
    targets.sort_unstable();
    let wanted = ["db-0.east.db", "db-0.west.db", "db-1.east.db"].map(|target| format!("5432 {}", shop.name(target)));
    assert_eq!(targets, wanted);
    let mut glue = db.glue("A");
    glue.sort_unstable();
    assert_eq!(glue, ["10.11.1.1", "10.11.1.2", "10.12.1.1"], "every target's address is in the reply");
}

/// NODATA, NXDOMAIN and names that are not ours.
fn negatives(shop: &Shop, ask: &dyn Fn(&str, &str) -> Reply) {
    let namespace = &shop.namespace;
    let nodata = [
        (shop.name("web"), "AAAA"),
        (shop.name("web"), "MX"),
        (shop.name("_http._tcp.web"), "A"),
        (shop.name("_tcp.web"), "SRV"),
        (shop.name("east.db"), "A"),
        (format!("{namespace}.svc.clusterset.local."), "A"),
        ("svc.clusterset.local.".to_owned(), "TXT"),
    ];
    for (name, kind) in &nodata {
        ask(name, kind).assert_negative("NOERROR", ZONE);
    }
    let nxdomain = [
        shop.name("nobody"),
        shop.name("hidden"),
        shop.name("_https._tcp.web"),
        shop.name("db-2.east.db"),
        shop.name("db-0.north.db"),
        "web.nowhere.svc.clusterset.local.".to_owned(),
        "foo.clusterset.local.".to_owned(),
    ];
    for name in &nxdomain {
        for kind in ["A", "AAAA", "SRV", "TXT"] {
            ask(name, kind).assert_negative("NXDOMAIN", ZONE);
        }
    }
    let foreign = ask("www.example.org.", "A");
    assert_eq!(
        (foreign.status.as_str(), foreign.answer.len(), foreign.authority.len()),
        ("REFUSED", 0, 0),
        "{foreign:?}"
    );
    let version = ask("dns-version.clusterset.local.", "TXT");
    assert_eq!(version.data("TXT"), ["\"1.1.0\""]);
    assert_eq!(ask(ZONE, "SOA").data("SOA").len(), 1);
    assert_eq!(ask(ZONE, "NS").data("NS"), ["ns.dns.clusterset.local."]);
}

#[test]
fn the_stanzas_as_shipped_keep_the_order_in_their_cache() {
    let world = World::shared(&peers_or_skip!());
    let shop = Shop::open(&world, "cached");
    let server = world.server("endpoints");
    let front = Front::start(&world.peers, server.dns, server.grpc, true);
    for way in Way::ALL {
        for _ in 0..8 {
            let reply = dig(front.port(way), &shop.name("web"), "A", &[]).expect("CoreDNS answers");
            let addresses = reply.data("A");
            assert_eq!(addresses.len(), 4, "{way:?}: {reply:?}");
            assert!(
                addresses[..2].iter().all(|address| EAST_PODS.contains(address)),
                "{way:?}: east first: {addresses:?}"
            );
        }
    }
}

#[test]
fn a_direct_question_is_answered_alike_over_udp_and_tcp() {
    let world = World::shared(&peers_or_skip!());
    let shop = Shop::open(&world, "direct");
    let server = world.server("auto");
    for (name, kind) in [(shop.name("web"), "A"), (shop.name("_pg._tcp.db"), "SRV"), (shop.name("nobody"), "A")] {
        let [udp, tcp] =
            [&["+notcp"], &["+tcp"]].map(|way| dig(server.dns, &name, kind, way).expect("the server answers"));
        assert_eq!((&udp.status, udp.sorted(kind)), (&tcp.status, tcp.sorted(kind)), "{name} {kind}");
    }
}
