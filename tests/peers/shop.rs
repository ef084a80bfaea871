//! The services that most tests ask for: a shop exported from both clusters, in a namespace of the test's own.

use serde_json::json;

use crate::api_server::ApiServer;
use crate::objects::{self, Endpoint, Port, ready};
use crate::world::World;

/// The port of the web services.
pub const HTTP: Port<'static> = ("http", "TCP", 80);
/// The port of the database.
pub const PG: Port<'static> = ("pg", "TCP", 5432);
/// Ready pods of `web` and `plain` in east, and in west.
pub const EAST_PODS: [&str; 2] = ["10.11.0.1", "10.11.0.2"];
/// See [`EAST_PODS`].
pub const WEST_PODS: [&str; 2] = ["10.12.0.1", "10.12.0.2"];
/// Load balancers of `web`.
pub const EAST_BALANCER: &str = "198.51.100.1";
/// See [`EAST_BALANCER`].
pub const WEST_BALANCER: &str = "198.51.100.2";

/// The allotted cluster addresses.
pub struct Shop {
    /// The namespace.
    pub namespace: String,
    /// `web`'s clusterIP in east, and in west.
    pub web: [String; 2],
    /// The same of `plain`.
    pub plain: [String; 2],
}

impl Shop {
    /// Creates in both clusters: `web` (ClusterIP with a load balancer), `plain` (ClusterIP), `db` (headless: two pods
    /// in east, one in west), all exported; and `hidden`, which nobody exports.
    pub fn open(world: &World, namespace: &str) -> Shop {
        let clusters = [(&world.east, EAST_PODS, EAST_BALANCER), (&world.west, WEST_PODS, WEST_BALANCER)];
        let mut shop = Shop { namespace: namespace.to_owned(), web: Default::default(), plain: Default::default() };
        for (index, (api, pods, balancer)) in clusters.into_iter().enumerate() {
            api.create(objects::namespace(namespace));
            shop.web[index] = add_service(api, namespace, "web", "LoadBalancer", &pods);
            let web = objects::service(namespace, "web", "LoadBalancer", &[HTTP]);
            api.patch_status(&web, json!({ "loadBalancer": { "ingress": [{ "ip": balancer }] } }));
            shop.plain[index] = add_service(api, namespace, "plain", "ClusterIP", &pods);
            add_service(api, namespace, "hidden", "ClusterIP", &pods);
            add_database(api, namespace);
            for name in ["web", "plain", "db"] {
                api.create(objects::export(api.mcs.version(), namespace, name));
            }
        }
        shop
    }

    /// The full name of one of its services, or of a name below one.
    pub fn name(&self, service: &str) -> String {
        format!("{service}.{}.svc.clusterset.local.", self.namespace)
    }
}

/// A Service on port 80 with one slice of ready pods; its clusterIP.
pub fn add_service(api: &ApiServer, namespace: &str, name: &str, kind: &str, pods: &[&str]) -> String {
    let stored = api.create(objects::service(namespace, name, kind, &[HTTP]));
    api.create(objects::slice(namespace, &format!("{name}-1"), name, &ready(pods), &[HTTP]));
    stored["spec"]["clusterIP"].as_str().expect("the API server allots a clusterIP").to_owned()
}

fn add_database(api: &ApiServer, namespace: &str) {
    let pod = |address, hostname, unready| Endpoint { address, hostname, unready };
    let pods = match api.name.as_str() {
        "east" => {
            vec![pod("10.11.1.1", "db-0", false), pod("10.11.1.2", "db-1", false), pod("10.11.1.9", "db-2", true)]
        }
        _ => vec![pod("10.12.1.1", "db-0", false)],
    };
    api.create(objects::service(namespace, "db", "Headless", &[PG]));
    api.create(objects::slice(namespace, "db-1", "db", &pods, &[PG]));
}
