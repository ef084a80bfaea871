//! The store behind an API server hangs, or comes back from a backup: nothing in a quiet watch tells of either.

use std::time::Instant;

use crate::objects;
use crate::outages::{HOME_POD, NAME, RECOVERY, West, until_counted};
use crate::probe::{Probe, set, until};
use crate::process::{peers_or_skip, say};

#[test]
fn a_hung_etcd_behind_a_live_api_server_is_found_by_the_probe() {
    let west = West::start(&peers_or_skip!());
    let server = west.server(&west.api.restricted_kubeconfig());
    let [before, after] = [set(&[HOME_POD, "10.12.0.1"]), set(&[HOME_POD, "10.12.0.1", "10.12.0.2"])];
    until(server.dns, NAME, &Ok(before.clone()), Instant::now(), RECOVERY);
    let probe = Probe::start(server.dns, NAME, &[before, after.clone()]);

    // Watches go on ending and starting cleanly, from the cache of the API server.
    west.etcd.signal("STOP");
    until_counted(&server, &["cluster_kind_degraded", "EndpointSlice"]);
    west.etcd.signal("CONT");
    west.scale(&["10.12.0.1", "10.12.0.2"]);
    let found = until(server.dns, NAME, &Ok(after), Instant::now(), RECOVERY);

    say(&format!("{} questions without a wrong answer; a change after the hang seen in {found:?}", probe.finish()));
}

#[test]
fn an_etcd_restored_from_a_backup_is_listed_again() {
    let west = West::start(&peers_or_skip!());
    let server = west.server(&west.api.restricted_kubeconfig());
    let [before, after] = [set(&[HOME_POD, "10.12.0.1"]), set(&[HOME_POD, "10.12.0.1", "10.12.0.2"])];
    until(server.dns, NAME, &Ok(before.clone()), Instant::now(), RECOVERY);
    let probe = Probe::start(server.dns, NAME, &[before.clone(), after.clone()]);

    west.api.kill();
    west.etcd.back_up();
    west.api.restart();
    west.scale(&["10.12.0.1", "10.12.0.2"]);
    for round in 0..20 {
        west.api.create(objects::namespace(&format!("noise-{round}")));
    }
    until(server.dns, NAME, &Ok(after), Instant::now(), RECOVERY);

    // The second pod was never there: versions go back, and what was read is of a future that did not happen.
    west.api.kill();
    west.etcd.kill();
    west.etcd.restore();
    west.api.restart();
    let found = until(server.dns, NAME, &Ok(before), Instant::now(), RECOVERY);

    say(&format!(
        "{} questions without a wrong answer; the older state answered {found:?} after the restart",
        probe.finish()
    ));
}
