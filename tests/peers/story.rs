//! The story of a user with three clusters, asked with `dig` through CoreDNS: one joins by a Secret under load, one is lost,
//! one gets a new token, the last one leaves. At each step the order of the answers is as SOURCES.md and RESILIENCE.md say,
//! and no query fails.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api_server::{ApiServer, Mcs, repository};
use crate::coredns::{CoreDns, Way, stanza};
use crate::dig::{Reply, dig};
use crate::objects::{self, ready};
use crate::probe::{Probe, set};
use crate::process::{free_port, peers_or_skip, say};
use crate::server::{Server, cluster};
use crate::shop::{HTTP, add_service};
use crate::world::World;

/// How long a change may take on a busy machine.
const SOON: Duration = Duration::from_secs(60);
const NAME: &str = "cart.story.svc.clusterset.local.";
const SETTINGS: &str = "local: { cluster: east, region: eu }\n\
    freshness: { suspectAfter: 3s, demoteAfter: 4s, dropAfter: 12s, recoverAfter: 1s }\n\
    registry: { secrets: {}, allowServers: [127.0.0.1] }\n";
const EAST: &str = "10.11.0.1";
const WEST: &str = "10.12.0.1";
const NORTH: &str = "10.13.0.1";
const NORTH_LATER: &str = "10.13.0.2";

/// The Secret that makes north a cluster, with a token of its own each time.
fn secret(north: &ApiServer) -> Value {
    let kubeconfig = std::fs::read_to_string(north.restricted_kubeconfig()).expect("it was written");
    let traits = json!({ "clusterset-dns.io/reach": "endpoints", "clusterset-dns.io/region": "us" });
    objects::remote_secret("north", traits, &kubeconfig)
}

/// Three clusters, the server of the first two, CoreDNS in front of it.
struct Story {
    world: World,
    north: ApiServer,
    server: Server,
    coredns: CoreDns,
    port: u16,
}

impl Story {
    fn begin(peers: &Path) -> Story {
        let world = World::start(peers, &[]);
        let north = ApiServer::start(peers, &world.etcd, "north", "10.3.0.0/16", Mcs::V1Beta1, &[]);
        for (api, pod) in [(&world.east, EAST), (&world.west, WEST), (&north, NORTH)] {
            api.create(objects::namespace("story"));
            add_service(api, "story", "cart", "ClusterIP", &[pod]);
            api.create(objects::export(api.mcs.version(), "story", "cart"));
        }
        world.east.apply_file(&repository().join("deploy/rbac/registry.yaml"), "");
        let (east, west) = (
            cluster(&world.east, &["reach: endpoints", "region: eu"]),
            cluster(&world.west, &["reach: endpoints", "region: eu"]),
        );
        let server = Server::start(&format!("{SETTINGS}clusters:\n{east}{west}"));
        let port = free_port();
        let corefile = stanza(Way::Forward, port, [server.dns, free_port()], free_port(), false);
        let coredns = CoreDns::start(peers, &corefile, port);
        Story { world, north, server, coredns, port }
    }

    /// Asks with dig until the addresses come in this order; every reply on the way is an answer.
    fn until(&self, step: &str, wanted: &[&str]) -> Reply {
        let began = Instant::now();
        loop {
            let reply = dig(self.port, NAME, "A", &[]).unwrap_or_else(|error| panic!("{step}: {error}"));
            assert_eq!(reply.status, "NOERROR", "{step}: {reply:?}\n{}", self.server.log());
            if reply.data("A") == wanted {
                say(&format!("{step}: {wanted:?} after {:?}", began.elapsed()));
                return reply;
            }
            assert!(
                began.elapsed() < SOON,
                "{step}: {:?} instead of {wanted:?}\n{}\n{}",
                reply.data("A"),
                self.server.log(),
                self.coredns.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn three_clusters_one_joins_one_is_lost_one_gets_a_new_token_the_last_one_leaves() {
    let story = Story::begin(&peers_or_skip!());
    let Story { world, north, server, port, .. } = &story;
    story.until("two clusters, the own one first, then its region", &[EAST, WEST]);
    let allowed =
        [set(&[EAST, WEST]), set(&[EAST, WEST, NORTH]), set(&[EAST, NORTH]), set(&[EAST, NORTH_LATER]), set(&[EAST])];
    let probe = Probe::start(*port, NAME, &allowed);

    let joins = secret(north);
    world.east.create(joins.clone());
    let joined = story.until("north joins by a Secret, from another region", &[EAST, WEST, NORTH]);
    assert!(joined.errors.is_empty(), "{joined:?}");

    world.west.kill();
    let stale = story.until("west is lost: it comes last", &[EAST, NORTH, WEST]);
    assert_eq!(stale.errors, [3], "its address is old: {stale:?}");
    let dropped = story.until("west stays lost: others can answer", &[EAST, NORTH]);
    assert!(dropped.errors.is_empty(), "{dropped:?}");

    world.east.replace(secret(north));
    let began = Instant::now();
    while !server.log().contains("cluster north: read as it is configured now") {
        assert!(began.elapsed() < SOON, "{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    story.until("north has a new token: nothing changes", &[EAST, NORTH]);
    north.replace(objects::slice("story", "cart-1", "cart", &ready(&[NORTH_LATER]), &[HTTP]));
    story.until("and what it says by that is heard", &[EAST, NORTH_LATER]);

    world.east.delete(&joins);
    story.until("north leaves", &[EAST]);
    say(&format!("{} questions through CoreDNS, none failed", probe.finish()));
    assert!(!server.log().contains("WARN [bad-kubeconfig]"), "{}", server.log());
    let Story { server, .. } = story;
    assert_eq!(server.stop(), Some(0));
}
