//! Row "1,000 endpoints x 100 slices in one service": cut at the limit, at most 64 KiB, other names flat.

use super::{Fleet, objects, prober};
use crate::wire;
use serde_json::{Value, json};

const HUGE: &str = "huge.shop.svc.clusterset.local";
const DB: &str = "db.shop.svc.clusterset.local A";

/// A slice of a thousand endpoints.
fn slice(number: u32) -> Value {
    let endpoints: Vec<Value> = (0..1000)
        .map(|host| {
            let address = format!("10.{}.{}.{}", 100 + number, host >> 8, host & 255);
            json!({"addresses": [address], "conditions": {"ready": true}})
        })
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"namespace": "shop", "name": format!("huge-{number:03}"),
            "labels": {"kubernetes.io/service-name": "huge"}},
        "addressType": "IPv4", "endpoints": endpoints,
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    })
}

#[test]
fn a_thousand_endpoints_in_each_of_a_hundred_slices() {
    let fleet = Fleet::start();
    let prober = fleet.probe(&[DB]);
    objects("huge", &[80]).into_iter().for_each(|object| fleet.servers["north"].put(object));
    (0..100).for_each(|number| fleet.servers["north"].put(slice(number)));
    let held = || fleet.report("north").map(|report| report.findings).unwrap_or_default();
    fleet.wait("all slices are held", || {
        let report = fleet.report("north").unwrap();
        report.kinds.iter().any(|(kind, held)| kind.as_str() == "EndpointSlice" && held.objects == 102)
    });
    fleet.wait("the excess is told", || held().iter().any(|(code, _)| *code == "over-limit"));
    for rtype in ["A", "SRV", "AAAA"] {
        let reply = wire::ask_tcp(&fleet.table, HUGE, rtype);
        println!("{rtype}: {} octets, {} answers", reply.len(), u16::from_be_bytes([reply[6], reply[7]]));
        assert!(reply.len() <= 65_535 && reply[3] & 15 == 0, "{rtype}");
    }
    let answers = prober::now(&fleet.table, &format!("{HUGE} A"));
    let addresses: Vec<&str> = answers.split(' ').collect();
    assert!((3000..=4095).contains(&addresses.len()), "as many as fit: {}", addresses.len());
    // The first slices are kept: the cut is by name, so that every replica cuts alike.
    assert!(addresses.iter().all(|address| (100..110).contains(&octet(address))), "beyond the first 10,000");
    let record = prober.stop();
    record.has_no_gap();
    assert_eq!(record.of(DB), ["10.1.0.1 10.2.0.1 10.3.0.1"]);
}

fn octet(address: &str) -> u8 {
    address.split('.').nth(1).and_then(|octet| octet.parse().ok()).unwrap_or_default()
}
