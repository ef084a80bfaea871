//! Another cluster's API server behind the same URL, with the same certificate and token: empty, and for a while only.

use crate::etcd::Etcd;
use crate::objects;
use crate::outages::switch::Switch;
use crate::outages::{West, until_answered, until_counted};
use crate::probe::{Probe, set};
use crate::process::{peers_or_skip, say};
use crate::shop::add_service;

/// More services than the brake lets go in one list (`brake.services`).
const SERVICES: usize = 30;

#[test]
fn another_cluster_behind_the_same_url_deletes_nothing_before_a_second_list_agrees() {
    let peers = peers_or_skip!();
    let west = West::start(&peers);
    for number in 0..SERVICES {
        let name = format!("only-in-west-{number}");
        add_service(&west.api, "faults", &name, "ClusterIP", &[&format!("10.12.1.{number}")]);
        west.api.create(objects::export(west.api.mcs.version(), "faults", &name));
    }
    let (etcd, switch) = (Etcd::start(&peers), Switch::start(west.api.port()));
    let other = west.api.namesake(&etcd);
    let folder = tempfile::tempdir().expect("create a folder for a kubeconfig");
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, west.api.administrators_kubeconfig(switch.port)).expect("write a kubeconfig");
    let (server, probe) = west.asked(&kubeconfig, 2);
    let west_alone = "only-in-west-7.faults.svc.clusterset.local.";
    let probes = [probe, Probe::start(server.dns, west_alone, &[set(&["10.12.1.7"])])];

    switch.lead_to(other.port());
    until_counted(&server, &["cluster_brake_active"]);
    switch.lead_to(west.api.port());
    west.scale();
    let found = until_answered(&server, 2);

    let asked: u64 = probes.into_iter().map(Probe::finish).sum();
    say(&format!("{asked} questions without a wrong answer; the right cluster seen again after {found:?}"));
}
