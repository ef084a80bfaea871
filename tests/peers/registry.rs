//! A cluster that joins and leaves by a Secret of a real API server, as `istioctl create-remote-secret` writes it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::api_server::repository;
use crate::objects;
use crate::probe::{Probe, set, until};
use crate::process::{peers_or_skip, say};
use crate::server::{Server, cluster};
use crate::shop::add_service;
use crate::world::World;

/// How long a change may take on a busy machine.
const SOON: Duration = Duration::from_secs(60);
const NAME: &str = "cart.registry.svc.clusterset.local.";

#[test]
fn a_cluster_joins_and_leaves_by_a_remote_secret() {
    let world = World::start(&peers_or_skip!(), &[]);
    for (api, pods) in [(&world.east, ["10.11.0.1"]), (&world.west, ["10.12.0.1"])] {
        api.create(objects::namespace("registry"));
        add_service(api, "registry", "cart", "ClusterIP", &pods);
        api.create(objects::export(api.mcs.version(), "registry", "cart"));
    }
    world.east.apply_file(&repository().join("deploy/rbac/registry.yaml"), "");
    let east = cluster(&world.east, &["reach: endpoints"]);
    let server = Server::start(&format!(
        "local: {{ cluster: east }}\nclusters:\n{east}registry: {{ secrets: {{}}, allowServers: [127.0.0.1] }}\n"
    ));
    let (alone, both) = (set(&["10.11.0.1"]), set(&["10.11.0.1", "10.12.0.1"]));
    until(server.dns, NAME, &Ok(alone.clone()), Instant::now(), SOON);
    let probe = Probe::start(server.dns, NAME, &[alone.clone(), both.clone()]);

    let kubeconfig = std::fs::read_to_string(world.west.restricted_kubeconfig()).expect("it was written");
    let traits = json!({ "networking.istio.io/cluster": "west", "clusterset-dns.io/reach": "endpoints" });
    let secret = objects::remote_secret("west", traits, &kubeconfig);
    world.east.create(secret.clone());
    let joined = until(server.dns, NAME, &Ok(both), Instant::now(), SOON);
    world.east.delete(&secret);
    let left = until(server.dns, NAME, &Ok(alone), Instant::now(), SOON);
    say(&format!("{} questions without a wrong answer; joined in {joined:?}, left in {left:?}", probe.finish()));
    assert!(!server.log().contains("WARN [bad-kubeconfig]"), "{}", server.log());
    assert_eq!(server.stop(), Some(0));
}
