//! Row "import changes from ClusterSetIP to Headless": no moment of NXDOMAIN or NODATA.

use super::{Build, CONFIG, Fleet};
use serde_json::{Value, json};

const WEB: &str = "web.shop.svc.clusterset.local A";
const NOBODY: &str = "nobody.shop.svc.clusterset.local A";

fn import(kind: &str, ips: &[&str]) -> Value {
    json!({
        "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceImport",
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"type": kind, "ips": ips, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
    })
}

/// A slice as an MCS controller copies it.
fn copy(from: &str, address: &str) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "shop", "name": format!("web-{from}"), "labels": {
            "multicluster.kubernetes.io/service-name": "web",
            "multicluster.kubernetes.io/source-cluster": from,
        }},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "hostname": "a", "conditions": {"ready": true}}],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    })
}

/// East, the home, reads imports; they come with copies of the slices of west.
fn fleet() -> Fleet {
    let config = CONFIG.replace("{ name: east,", "{ name: east, mode: import,");
    let fill = |name: &str, server: &crate::support::apiserver::ApiServer| {
        if name == "east" {
            server.put(import("ClusterSetIP", &["10.96.0.7"]));
            server.put(copy("west", "10.2.0.7"));
        }
    };
    let fleet = Fleet::built(&Build { config: &config, fill: &fill, ..Build::default() });
    fleet.wait_answer(WEB, "10.96.0.7");
    fleet
}

#[test]
fn import_changes_from_clustersetip_to_headless() {
    let fleet = fleet();
    let prober = fleet.probe(&[WEB]);
    for round in 0..20 {
        fleet.servers["east"].put(import("Headless", &[]));
        fleet.wait_answer(WEB, "10.2.0.7");
        fleet.servers["east"].put(import("ClusterSetIP", &["10.96.0.7"]));
        fleet.wait_answer(WEB, "10.96.0.7");
        println!("round {round}");
    }
    let record = prober.stop();
    record.has_no_gap();
    assert!(record.of(WEB).iter().all(|reply| ["10.96.0.7", "10.2.0.7"].contains(&reply.as_str())));
}

#[test]
fn import_deleted_while_slices_stay() {
    let fleet = fleet();
    let prober = fleet.probe(&[WEB, NOBODY]);
    fleet.servers["east"].put(import("Headless", &[]));
    fleet.wait_answer("a.west.web.shop.svc.clusterset.local A", "10.2.0.7");
    fleet.servers["east"].delete("serviceimports", "shop", "web");
    fleet.wait_answer(WEB, "NXDOMAIN");
    fleet.wait_answer("a.west.web.shop.svc.clusterset.local A", "NXDOMAIN");
    // The slices stayed: with the import everything is back, whole at once.
    fleet.servers["east"].put(import("Headless", &[]));
    fleet.wait_answer(WEB, "10.2.0.7");
    let record = prober.stop();
    // A busy machine may let the prober miss a moment, but not see another one.
    let mut due = ["10.96.0.7", "10.2.0.7", "NXDOMAIN", "10.2.0.7"].iter();
    assert!(record.of(WEB).iter().all(|seen| due.any(|reply| reply == seen)), "{:?}", record.of(WEB));
    assert_eq!(record.of(NOBODY), ["NXDOMAIN"]);
}
