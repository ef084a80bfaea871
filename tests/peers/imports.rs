//! Import mode beside CoreDNS's own `kubernetes { multicluster }`: one API server, the same questions, name by name.
//!
//! Where the two differ on purpose, `differences.txt` holds both answers and the reason. A difference that is not
//! listed fails, and so does a listed one that is no longer there.

use std::path::Path;
use std::time::Duration;

use crate::api_server::{ApiServer, Mcs};
use crate::coredns::{CoreDns, multicluster};
use crate::differences::{Pair, listed};
use crate::dig::{Reply, dig};
use crate::etcd::Etcd;
use crate::objects::{Endpoint, import, imported_slice, namespace, ready};
use crate::process::{eventually, free_port, peers_or_skip, say};
use crate::server::{Server, cluster};

const TYPES: [&str; 5] = ["A", "AAAA", "SRV", "TXT", "MX"];
const HTTP: (&str, &str, u16) = ("http", "TCP", 80);
const DNS: (&str, &str, u16) = ("dns", "UDP", 53);

/// What an MCS controller writes into east for services of east and west.
fn write_imports(api: &ApiServer) {
    let version = api.mcs.version();
    let host = |address, hostname| Endpoint { address, hostname, unready: false };
    api.create(namespace("shop"));
    api.create(namespace("empty"));
    let imports = [
        import(version, "shop", "web", "ClusterSetIP", &["10.99.0.1"], &[HTTP, ("metrics", "TCP", 9090)]),
        import(version, "shop", "dual", "ClusterSetIP", &["10.99.0.2", "fd00:99::2"], &[HTTP]),
        import(version, "shop", "six", "ClusterSetIP", &["fd00:99::3"], &[HTTP]),
        import(version, "shop", "bare", "ClusterSetIP", &["10.99.0.4"], &[("", "TCP", 80)]),
        import(version, "shop", "resolver", "ClusterSetIP", &["10.99.0.5"], &[DNS, ("dns-tcp", "TCP", 53)]),
        import(version, "shop", "portless", "ClusterSetIP", &["10.99.0.6"], &[]),
        import(version, "shop", "db", "Headless", &[], &[("pg", "TCP", 5432)]),
        import(version, "shop", "pods", "Headless", &[], &[HTTP]),
        import(version, "shop", "drained", "Headless", &[], &[HTTP]),
    ];
    for object in imports {
        api.create(object);
    }
    let pg = [("pg", "TCP", 5432)];
    let slices = [
        imported_slice("shop", "web", "east", &ready(&["10.11.0.1", "10.11.0.2"]), &[HTTP]),
        imported_slice("shop", "web", "west", &[host("10.12.0.1", "web-0")], &[HTTP]),
        imported_slice("shop", "db", "east", &[host("10.11.1.1", "db-0"), host("10.11.1.2", "db-1")], &pg),
        imported_slice("shop", "db", "west", &[host("10.12.1.1", "db-0")], &pg),
        imported_slice("shop", "db", "west", &[host("fd00:12::1", "db-0")], &pg),
        imported_slice("shop", "pods", "west", &ready(&["10.12.2.1"]), &[HTTP]),
        imported_slice("shop", "pods", "west", &ready(&["fd00:12:2::"]), &[HTTP]),
        imported_slice(
            "shop",
            "drained",
            "west",
            &[Endpoint { address: "10.12.3.1", hostname: "", unready: true }],
            &[HTTP],
        ),
    ];
    for object in slices {
        api.create(object);
    }
}

/// Every kind of name of DNS.md section 1, present and absent.
fn questions() -> Vec<(String, &'static str)> {
    let services = ["web", "dual", "six", "bare", "resolver", "portless", "db", "pods", "drained", "nobody"];
    let below = [
        "_http._tcp.web",
        "_metrics._tcp.web",
        "_none._tcp.web",
        "_http._udp.web",
        "_tcp.web",
        "east.web",
        "web-0.west.web",
        "10-11-0-1.east.web",
        "_dns._udp.resolver",
        "_dns-tcp._tcp.resolver",
        "_http._tcp.dual",
        "_http._tcp.nobody",
        "_pg._tcp.db",
        "_tcp.db",
        "east.db",
        "west.db",
        "north.db",
        "db-0.east.db",
        "db-1.east.db",
        "db-0.west.db",
        "db-9.east.db",
        "db-0.north.db",
        "_http._tcp.pods",
        "10-12-2-1.west.pods",
        "fd00-12-2--0.west.pods",
        "_http._tcp.drained",
        "x.y.z.web",
    ];
    let whole = [
        "",
        "svc.",
        "pod.",
        "dns-version.",
        "dns.",
        "ns.dns.",
        "foo.",
        "shop.svc.",
        "empty.svc.",
        "nowhere.svc.",
        "web.nowhere.svc.",
        "web.empty.svc.",
        "shop.pod.",
        "10-11-0-1.shop.pod.",
    ];
    let names = services.iter().chain(&below).map(|name| format!("{name}.shop.svc.clusterset.local."));
    let names = names.chain(whole.iter().map(|name| format!("{name}clusterset.local.")));
    names.flat_map(|name| TYPES.map(|kind| (name.clone(), kind))).collect()
}

/// A reply as one comparable line: the response code and the answers as a set. SRV weights are each server's own
/// choice and are left out; so are times to live.
fn in_one_line(reply: &Reply, kind: &str) -> String {
    let mut answers: Vec<String> = reply
        .answer
        .iter()
        .map(|record| {
            let words: Vec<&str> = record.data.split(' ').collect();
            match (record.kind.as_str(), words.as_slice()) {
                ("SRV", [priority, _weight, port, target]) => format!("{priority} {port} {target}"),
                (answered, _) if answered == kind => record.data.clone(),
                (answered, _) => format!("{answered} {}", record.data),
            }
        })
        .collect();
    answers.sort_unstable();
    [vec![reply.status.clone()], answers].concat().join(" | ")
}

/// Starts CoreDNS on the imports of an API server, and waits until it knows them.
fn second_opinion(peers: &Path, api: &ApiServer) -> (CoreDns, u16) {
    let port = free_port();
    let coredns = CoreDns::start(peers, &multicluster(port, &api.restricted_kubeconfig(), &api.name), port);
    for name in ["web.shop.svc.clusterset.local.", "db-0.west.db.shop.svc.clusterset.local."] {
        eventually(Duration::from_secs(60), || match dig(port, name, "A", &[]) {
            Ok(reply) if !reply.answer.is_empty() => Ok(()),
            other => Err(format!("CoreDNS does not know {name}: {other:?}\n{}", coredns.log())),
        });
    }
    (coredns, port)
}

#[test]
fn coredns_answers_as_the_listed_differences_say() {
    let peers = peers_or_skip!();
    let etcd = Etcd::start(&peers);
    let east = ApiServer::start(&peers, &etcd, "east", "10.1.0.0/16", Mcs::Both, &[]);
    write_imports(&east);
    let (_coredns, port) = second_opinion(&peers, &east);
    let mut listed = listed();
    let mut wrong = Vec::new();
    for (name, kind) in questions() {
        let line = in_one_line(&dig(port, &name, kind, &[]).expect("CoreDNS answers"), kind);
        println!("{name} {kind} -> {line}");
        if let Some(Pair { coredns, .. }) = listed.remove(&format!("{name} {kind}"))
            && coredns != line
        {
            wrong.push(format!("{name} {kind}: {line}, listed: {coredns}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(listed.is_empty(), "listed questions that are never asked: {:?}", listed.keys());
}

#[test]
fn imports_answer_as_coredns_does_but_for_the_listed_differences() {
    let peers = peers_or_skip!();
    let etcd = Etcd::start(&peers);
    let east = ApiServer::start(&peers, &etcd, "east", "10.1.0.0/16", Mcs::Both, &[]);
    write_imports(&east);
    let (_coredns, oracle) = second_opinion(&peers, &east);
    let settings = format!("local: {{ cluster: east }}\nclusters:\n{}", cluster(&east, &["mode: import"]));
    let server = Server::start(&settings);
    let listed = listed();
    let mut wrong = Vec::new();
    let asked = questions();
    for (name, kind) in &asked {
        let [coredns, here] =
            [oracle, server.dns].map(|port| in_one_line(&dig(port, name, kind, &[]).expect("a reply"), kind));
        let got = Pair { coredns, here };
        let as_wanted = match listed.get(&format!("{name} {kind}")) {
            None => got.coredns == got.here,
            Some(pair) => *pair == got,
        };
        if !as_wanted {
            let Pair { coredns, here } = got;
            wrong.push(format!("{name} {kind}\n    coredns: {coredns}\n    here:    {here}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} questions:\n{}", wrong.len(), asked.len(), wrong.join("\n"));
    say(&format!("{} questions compared with CoreDNS, {} listed differences", asked.len(), listed.len()));
}
