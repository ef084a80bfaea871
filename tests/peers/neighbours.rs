//! The neighbours by themselves: if one of these fails, the fault is not the server's.

use std::time::Duration;

use serde_json::Value;

use crate::access;
use crate::api_server::{Mcs, client};
use crate::coredns::{CoreDns, Way, stanza};
use crate::dig::dig;
use crate::objects;
use crate::process::{eventually, free_port, peers_or_skip};
use crate::shop::Shop;
use crate::world::World;

#[test]
fn east_serves_v1alpha1_and_west_v1beta1() {
    let world = World::shared(&peers_or_skip!());
    for (api, version) in [(&world.east, "v1alpha1"), (&world.west, "v1beta1")] {
        let text = api.get_text("/apis/multicluster.x-k8s.io").expect("the group is served");
        let group: Value = serde_json::from_str(&text).expect("discovery is JSON");
        let served: Vec<&str> =
            group["versions"].as_array().into_iter().flatten().filter_map(|v| v["version"].as_str()).collect();
        assert_eq!(served, [version], "cluster {}", api.name);
    }
    assert!(Mcs::V1Alpha1.version().ends_with("v1alpha1"));
}

#[test]
fn the_role_of_deploy_rbac_lists_what_the_server_reads_and_nothing_else() {
    let world = World::shared(&peers_or_skip!());
    let api = &world.west;
    let kubeconfig = std::fs::read_to_string(api.restricted_kubeconfig()).expect("the kubeconfig was written");
    assert!(!kubeconfig.contains(access::ADMIN_TOKEN), "the restricted kubeconfig holds the administrator's token");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("start a runtime");
    let client = runtime.block_on(client(&kubeconfig));
    let status = |method: &str, path: &str, body: &str| {
        let request = ::http::Request::builder().method(method).uri(path).header("Content-Type", "application/json");
        let request = request.body(body.as_bytes().to_vec()).expect("a well-formed request");
        match runtime.block_on(client.request_text(request)) {
            Ok(_) => 200,
            Err(kube::Error::Api(status)) => status.code,
            Err(error) => panic!("{path}: {error}"),
        }
    };
    let mcs = api.mcs.version();
    for path in [
        "/api/v1/services?limit=1".to_owned(),
        "/api/v1/namespaces?limit=1".to_owned(),
        "/api/v1/nodes?limit=1".to_owned(),
        "/apis/discovery.k8s.io/v1/endpointslices?limit=1".to_owned(),
        format!("/apis/{mcs}/serviceexports?limit=1"),
        format!("/apis/{mcs}/serviceimports?limit=1"),
    ] {
        assert_eq!(status("GET", &path, ""), 200, "{path}");
    }
    for path in
        ["/api/v1/secrets", "/api/v1/pods", "/api/v1/configmaps", "/api/v1/namespaces/default/services/kubernetes"]
    {
        assert_eq!(status("GET", path, ""), 403, "{path}");
    }
    let namespace = objects::namespace("written").to_string();
    assert_eq!(status("POST", "/api/v1/namespaces", &namespace), 403, "the role must not write");
}

#[test]
fn the_shop_can_be_created_in_both_clusters() {
    let world = World::shared(&peers_or_skip!());
    let shop = Shop::open(&world, "neighbours");
    assert!(shop.web[0].starts_with("10.1.") && shop.web[1].starts_with("10.2."), "{:?}", shop.web);
    assert!(shop.plain[0].starts_with("10.1.") && shop.plain[1].starts_with("10.2."), "{:?}", shop.plain);
}

#[test]
fn coredns_takes_the_shipped_stanzas() {
    let peers = peers_or_skip!();
    let metrics = free_port();
    for way in Way::ALL {
        for cache in [true, false] {
            let port = free_port();
            let corefile = stanza(way, port, [free_port(), free_port()], metrics, cache);
            let coredns = CoreDns::start(&peers, &corefile, port);
            // Nothing stands behind it: CoreDNS itself says so.
            let reply = dig(port, "web.shop.svc.clusterset.local.", "A", &[]).expect("CoreDNS answers");
            assert_eq!(reply.status, "SERVFAIL", "{way:?}: {}", coredns.log());
        }
    }
}

#[test]
fn a_watch_from_before_a_compaction_ends_with_410() {
    let peers = peers_or_skip!();
    let world = World::start(&peers, &["--watch-cache=false"]);
    let old = resource_version(&world);
    for name in ["one", "two", "three"] {
        world.west.create(objects::namespace(name));
    }
    world.etcd.compact();
    let (reply, _) = eventually(Duration::from_secs(20), || {
        let path = format!("/api/v1/namespaces?watch=1&timeoutSeconds=1&resourceVersion={old}");
        match world.west.get_text(&path) {
            Ok(text) if text.contains("\"code\":410") => Ok(text),
            Err(text) if text.contains("410") => Ok(text),
            other => Err(format!("no 410: {other:?}")),
        }
    });
    assert!(reply.contains("too old resource version") || reply.contains("410"), "{reply}");
}

#[test]
fn a_killed_api_server_comes_back_with_what_a_second_one_wrote() {
    let world = World::start(&peers_or_skip!(), &[]);
    let east = &world.east;
    let kubeconfig = std::fs::read_to_string(east.restricted_kubeconfig()).expect("the kubeconfig was written");
    let writer = east.sibling();
    east.kill();
    assert!(east.get_text("/readyz").is_err(), "a killed API server answers nothing");
    writer.create(objects::namespace("meanwhile"));
    east.restart();
    assert!(east.get_text("/api/v1/namespaces/meanwhile").is_ok(), "both API servers hold the same cluster");
    assert!(writer.get_text("/api/v1/namespaces/meanwhile").is_ok());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("start a runtime");
    let request = ::http::Request::get("/api/v1/services?limit=1").body(Vec::new()).expect("a well-formed request");
    let listed = runtime.block_on(async { client(&kubeconfig).await.request_text(request).await });
    assert!(listed.is_ok(), "certificate and tokens outlive the restart: {listed:?}");

    east.signal("STOP");
    // The signal takes effect when the kernel next looks at each thread.
    eventually(Duration::from_secs(20), || match east.get_text("/readyz") {
        Ok(_) => Err("a stopped API server answers nothing".to_owned()),
        Err(_) => Ok(()),
    });
    east.signal("CONT");
    eventually(Duration::from_secs(20), || east.get_text("/readyz"));
}

fn resource_version(world: &World) -> String {
    let text = world.west.get_text("/api/v1/namespaces?limit=1").expect("namespaces can be listed");
    let list: Value = serde_json::from_str(&text).expect("a list is JSON");
    list["metadata"]["resourceVersion"].as_str().expect("a list has a resourceVersion").to_owned()
}
