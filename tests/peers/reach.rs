//! How a ClusterSetIP service without a clusterset address answers, by the `reach` of its clusters.

use crate::coredns::{Front, Way};
use crate::dig::dig;
use crate::process::peers_or_skip;
use crate::shop::{EAST_BALANCER, EAST_PODS, Shop, WEST_BALANCER, WEST_PODS};
use crate::world::World;

/// Asks for `web` through all three ways and compares each cluster's part, east first; order inside a part is free.
fn assert_answers(reach: &str, parts: impl Fn(&Shop) -> [Vec<String>; 2]) {
    let world = World::shared(&peers_or_skip!());
    let shop = Shop::open(&world, &format!("reach-{}", reach.to_lowercase()));
    let server = world.server(reach);
    let front = Front::start(&world.peers, server.dns, server.grpc, false);
    let [east, west] = parts(&shop);
    for way in Way::ALL {
        let reply = dig(front.port(way), &shop.name("web"), "A", &[]).expect("CoreDNS answers");
        let mut got: Vec<String> = reply.data("A").into_iter().map(str::to_owned).collect();
        assert_eq!(got.len(), east.len() + west.len(), "reach {reach}, {way:?}: {got:?}");
        let mut last = got.split_off(east.len());
        got.sort_unstable();
        last.sort_unstable();
        assert_eq!((&got, &last), (&east, &west), "reach {reach}, {way:?}");
    }
}

fn owned(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|&address| address.to_owned()).collect()
}

#[test]
fn auto_takes_the_own_cluster_address_and_the_others_load_balancer() {
    assert_answers("auto", |shop| [owned(&[&shop.web[0]]), owned(&[WEST_BALANCER])]);
}

#[test]
fn cluster_ip_takes_both_cluster_addresses() {
    assert_answers("clusterIP", |shop| [owned(&[&shop.web[0]]), owned(&[&shop.web[1]])]);
}

#[test]
fn load_balancer_takes_both_load_balancers() {
    assert_answers("loadBalancer", |_| [owned(&[EAST_BALANCER]), owned(&[WEST_BALANCER])]);
}

#[test]
fn endpoints_takes_the_ready_pods() {
    assert_answers("endpoints", |_| [owned(&EAST_PODS), owned(&WEST_PODS)]);
}
