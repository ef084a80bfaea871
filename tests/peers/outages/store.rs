//! The store behind an API server hangs, or comes back from a backup: nothing in a quiet watch tells of either.

use crate::objects;
use crate::outages::{West, until_answered, until_counted};
use crate::process::{peers_or_skip, say};

#[test]
fn a_hung_etcd_behind_a_live_api_server_is_found_by_the_probe() {
    let west = West::start(&peers_or_skip!());
    let (server, probe) = west.asked(&west.api.restricted_kubeconfig(), 2);

    // Watches go on ending and starting cleanly, from the cache of the API server.
    west.etcd.signal("STOP");
    until_counted(&server, &["cluster_kind_degraded", "EndpointSlice"]);
    west.etcd.signal("CONT");
    west.scale();
    let found = until_answered(&server, 2);

    say(&format!("{} questions without a wrong answer; a change after the hang seen in {found:?}", probe.finish()));
}

#[test]
fn an_etcd_restored_from_a_backup_is_listed_again() {
    let west = West::start(&peers_or_skip!());
    let (server, probe) = west.asked(&west.api.restricted_kubeconfig(), 2);

    west.api.kill();
    west.etcd.back_up();
    west.api.restart();
    west.scale();
    for round in 0..20 {
        west.api.create(objects::namespace(&format!("noise-{round}")));
    }
    until_answered(&server, 2);

    // The second pod was never there: versions go back, and what was read is of a future that did not happen.
    west.api.kill();
    west.etcd.kill();
    west.etcd.restore();
    west.api.restart();
    let found = until_answered(&server, 1);

    say(&format!(
        "{} questions without a wrong answer; the older state answered {found:?} after the restart",
        probe.finish()
    ));
}
