//! A kind that was served is removed, with everything of it, and comes back.

use serde_json::json;

use crate::api_server::Mcs;
use crate::objects;
use crate::outages::{RECOVERY, West, until_answered};
use crate::process::{eventually, peers_or_skip, say};

#[test]
fn a_deleted_crd_takes_its_own_exports_and_no_others_and_comes_back() {
    let west = West::start(&peers_or_skip!());
    let (server, probe) = west.asked(&west.api.restricted_kubeconfig(), 0);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "serviceexports.multicluster.x-k8s.io" },
    });
    west.api.delete(&definition);
    until_answered(&server, 0);
    west.api.wait_until_gone(&definition);
    // One absence is not believed: the kind is looked for once more after half a minute.
    eventually(RECOVERY, || match server.log() {
        log if log.contains("serviceexports.multicluster.x-k8s.io: discovery no longer lists it") => Ok(()),
        log => Err(format!("discovery has not been asked:\n{log}")),
    });
    west.api.install_crd("serviceexports", Mcs::V1Beta1);
    west.api.create(objects::export(west.api.mcs.version(), "faults", "cart"));
    let found = until_answered(&server, 1);
    say(&format!("{} questions without a wrong answer; the kind found again after {found:?}", probe.finish()));
}
