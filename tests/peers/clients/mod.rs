//! Programs as users have them, behind CoreDNS in front of the server: glibc's `getaddrinfo`, Go's resolver, `dig`.
//!
//! What each of them and each CoreDNS plugin makes of our order is written in docs/clients.md.

mod clusterset;
mod network;

use std::collections::BTreeSet;
use std::path::Path;

use crate::clients::clusterset::{Clusterset, EAST, EAST_CACHED, EAST_SHUFFLED, WEST, WEST_CACHED};
use crate::process::{peers_or_skip, say};

/// The ways in which a program may name a service: absolute, whole, and short by the search list.
const FORMS: [&str; 3] = ["{}.shop.svc.clusterset.local.", "{}.shop.svc.clusterset.local", "{}.shop"];

/// Everything, or `None` with one line that says why not.
fn start(peers: &Path) -> Option<Clusterset> {
    let started = Clusterset::start(peers);
    started.map_err(|reason| say(&format!("skipped: no network namespace for client programs: {reason}"))).ok()
}

/// Asks for the addresses of one family (4 or 6, or 0 for both) as one program does, in the order in which it gets them.
type Program = fn(&Clusterset, &Path, &str, &str, u8) -> Vec<String>;

const PROGRAMS: [(&str, Program); 3] = [("glibc", glibc), ("Go", go), ("dig", dig)];

fn glibc(set: &Clusterset, _peers: &Path, nameserver: &str, name: &str, family: u8) -> Vec<String> {
    let database = match family {
        0 => "ahosts",
        4 => "ahostsv4",
        _ => "ahostsv6",
    };
    let lines = set.network.lines(nameserver, "getent", &[database, name]);
    let streams = lines.iter().filter(|line| line.contains("STREAM"));
    streams.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn go(set: &Clusterset, peers: &Path, nameserver: &str, name: &str, family: u8) -> Vec<String> {
    let program = peers.join("go-client");
    assert!(program.is_file(), "{} is missing: `tests/run peers` builds it", program.display());
    let network = match family {
        0 => "ip",
        4 => "ip4",
        _ => "ip6",
    };
    set.network.lines(nameserver, &program.display().to_string(), &[network, name])
}

fn dig(set: &Clusterset, _peers: &Path, nameserver: &str, name: &str, family: u8) -> Vec<String> {
    let types: &[&str] = match family {
        0 => &["A", "AAAA"],
        4 => &["A"],
        _ => &["AAAA"],
    };
    types.iter().flat_map(|kind| set.network.lines(nameserver, "dig", &["+short", "+search", name, kind])).collect()
}

/// The cluster of an address: the number after its first group.
fn cluster(address: &str) -> &str {
    address.split(['.', ':']).nth(1).unwrap_or_default()
}

/// Which endpoint an address belongs to, in either family: the cluster and the last group.
fn endpoint(address: &str) -> (String, String) {
    let last = address.rsplit(['.', ':']).next().unwrap_or_default();
    (cluster(address).to_owned(), last.to_owned())
}

#[test]
fn every_program_meets_the_nearest_address_first() {
    let peers = peers_or_skip!();
    let Some(set) = start(&peers) else { return };
    let mut asked = 0;
    for (program, ask) in PROGRAMS {
        for nameserver in [EAST, EAST_CACHED] {
            for form in FORMS {
                let name = |service: &str| form.replace("{}", service);
                for _ in 0..3 {
                    // East is nearest to itself, north is in its region, west is not.
                    let web = ask(&set, &peers, nameserver, &name("web"), 4);
                    assert_eq!(
                        web,
                        ["10.1.0.10", "10.3.0.10", "10.2.0.10"],
                        "{program}, {nameserver}, {}",
                        name("web")
                    );
                    let db = ask(&set, &peers, nameserver, &name("db"), 4);
                    let clusters: Vec<&str> = db.iter().map(|address| cluster(address)).collect();
                    assert_eq!(
                        clusters,
                        ["1", "1", "3", "3", "2", "2"],
                        "{program}, {nameserver}, {}: {db:?}",
                        name("db")
                    );
                    let near = ask(&set, &peers, nameserver, &name("near"), 4);
                    assert_eq!(near, ["10.1.0.11"], "{program}, {nameserver}, {}", name("near"));
                    asked += 3;
                }
            }
        }
    }
    say(&format!("{asked} look-ups by glibc, Go and dig began with the nearest address"));
}

#[test]
fn both_families_hold_the_same_endpoints() {
    let peers = peers_or_skip!();
    let Some(set) = start(&peers) else { return };
    for (program, ask) in PROGRAMS {
        for nameserver in [EAST, EAST_CACHED, EAST_SHUFFLED, WEST] {
            for (service, endpoints) in [("web", 3), ("near", 1), ("db", 6)] {
                let name = FORMS[2].replace("{}", service);
                let of =
                    |family| ask(&set, &peers, nameserver, &name, family).into_iter().collect::<BTreeSet<String>>();
                let [v4, v6, both] = [4, 6, 0].map(of);
                let [first, second] =
                    [&v4, &v6].map(|set| set.iter().map(|one| endpoint(one)).collect::<BTreeSet<_>>());
                assert_eq!(first.len(), endpoints, "{program}, {nameserver}, {name}: {v4:?}");
                assert_eq!(first, second, "{program}, {nameserver}, {name}");
                assert_eq!(both, &v4 | &v6, "{program}, {nameserver}, {name}: both families at once");
            }
        }
    }
}

#[test]
fn loadbalance_destroys_the_order_but_not_the_choice_of_the_nearest() {
    const ASKED: usize = 40;
    let peers = peers_or_skip!();
    let Some(set) = start(&peers) else { return };
    for (program, ask) in PROGRAMS {
        let [web, near] = ["web", "near"].map(|service| {
            let name = FORMS[0].replace("{}", service);
            let firsts = (0..ASKED).map(|_| ask(&set, &peers, EAST_SHUFFLED, &name, 4).swap_remove(0));
            firsts.collect::<BTreeSet<String>>()
        });
        // Of 40 uniform draws from three, all are alike once in four quintillion runs.
        assert!(web.len() > 1, "{program}: {web:?}");
        assert_eq!(near, BTreeSet::from(["10.1.0.11".to_owned()]), "{program}: `answer: nearest` needs no order");
    }
}

#[test]
fn srv_records_reach_go_through_every_stage() {
    let peers = peers_or_skip!();
    let Some(set) = start(&peers) else { return };
    let program = peers.join("go-client").display().to_string();
    for nameserver in [EAST, EAST_CACHED, EAST_SHUFFLED, WEST_CACHED] {
        let arguments = ["srv", "http", "tcp", "db.shop.svc.clusterset.local."];
        let records: BTreeSet<String> = set.network.lines(nameserver, &program, &arguments).into_iter().collect();
        let targets = ["east", "north", "west"].iter().flat_map(|cluster| {
            ["db-0", "db-1"].map(|host| format!("0 80 {host}.{cluster}.db.shop.svc.clusterset.local."))
        });
        assert_eq!(records, targets.collect::<BTreeSet<_>>(), "{nameserver}");
    }
}

#[test]
fn two_clusters_before_one_server_get_each_their_own_order() {
    let peers = peers_or_skip!();
    let Some(set) = start(&peers) else { return };
    for (program, ask) in PROGRAMS {
        for (nameserver, nearest) in [(EAST, "1"), (WEST, "2"), (EAST_CACHED, "1"), (WEST_CACHED, "2")] {
            for (service, nearest_rows) in [("web", 1), ("near", 1), ("db", 2)] {
                let addresses = ask(&set, &peers, nameserver, &FORMS[1].replace("{}", service), 4);
                let near: Vec<&str> = addresses[..nearest_rows].iter().map(|address| cluster(address)).collect();
                assert_eq!(near, vec![nearest; nearest_rows], "{program}, {nameserver}, {service}: {addresses:?}");
            }
        }
    }
}
