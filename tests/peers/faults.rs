//! API servers that stop, hang, come back and have forgotten: no answer may vanish or be wrong meanwhile.

use std::time::{Duration, Instant};

use crate::objects::{self, ready};
use crate::probe::{Probe, set, until};
use crate::process::{peers_or_skip, say};
use crate::shop::{HTTP, add_service};
use crate::world::World;

/// Back-off after a fault grows to a minute; a restarted API server must be found again within this time.
const RECOVERY: Duration = Duration::from_secs(120);
const NAME: &str = "cart.faults.svc.clusterset.local.";

/// `cart`, exported from both clusters: 10.11.0.1 in east, `west` in west.
fn open(world: &World, west: &[&str]) {
    for (api, pods) in [(&world.east, ["10.11.0.1"].as_slice()), (&world.west, west)] {
        api.create(objects::namespace("faults"));
        add_service(api, "faults", "cart", "ClusterIP", pods);
        api.create(objects::export(api.mcs.version(), "faults", "cart"));
    }
}

#[test]
fn an_api_server_that_hangs_or_dies_takes_no_answer_with_it() {
    let world = World::start(&peers_or_skip!(), &[]);
    open(&world, &["10.12.0.1"]);
    let server = world.server("endpoints");
    let both = set(&["10.11.0.1", "10.12.0.1"]);
    let grown = set(&["10.11.0.1", "10.12.0.1", "10.12.0.2"]);
    until(server.dns, NAME, &Ok(both.clone()), Instant::now(), RECOVERY);
    let probe = Probe::start(server.dns, NAME, &[both, grown.clone()]);

    world.west.signal("STOP");
    std::thread::sleep(Duration::from_secs(3));
    world.west.signal("CONT");
    std::thread::sleep(Duration::from_secs(1));
    world.west.kill();
    std::thread::sleep(Duration::from_secs(3));
    world.west.restart();
    world.west.replace(objects::slice("faults", "cart-1", "cart", &ready(&["10.12.0.1", "10.12.0.2"]), &[HTTP]));
    let found = until(server.dns, NAME, &Ok(grown), Instant::now(), RECOVERY);

    say(&format!("{} questions without a wrong answer; a change after the restart seen in {found:?}", probe.finish()));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_compaction_behind_a_broken_watch_makes_no_wrong_answer() {
    // Without its watch cache the API server answers an old watch from etcd itself: after a compaction, with 410.
    let world = World::start(&peers_or_skip!(), &["--watch-cache=false"]);
    open(&world, &["10.12.0.1", "10.12.0.9"]);
    let server = world.server("endpoints");
    let before = set(&["10.11.0.1", "10.12.0.1", "10.12.0.9"]);
    let after = set(&["10.11.0.1", "10.12.0.1", "10.12.0.2"]);
    until(server.dns, NAME, &Ok(before.clone()), Instant::now(), RECOVERY);
    let probe = Probe::start(server.dns, NAME, &[before, after.clone()]);

    // West is written to through a second API server while the one that the server watches is down.
    let writer = world.west.sibling();
    world.west.kill();
    writer.replace(objects::slice("faults", "cart-1", "cart", &ready(&["10.12.0.1", "10.12.0.2"]), &[HTTP]));
    for round in 0..20 {
        writer.create(objects::namespace(&format!("noise-{round}")));
    }
    world.etcd.compact();
    world.west.restart();
    let found = until(server.dns, NAME, &Ok(after), Instant::now(), RECOVERY);

    say(&format!("{} questions without a wrong answer; the change seen {found:?} after the restart", probe.finish()));
    let errors: Vec<String> =
        server.metrics().lines().filter(|line| line.contains("watch_errors_total{")).map(str::to_owned).collect();
    assert!(errors.iter().any(|line| line.contains("code=\"410\"")), "no 410 was met: {errors:#?}\n{}", server.log());
}
