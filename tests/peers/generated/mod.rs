//! A generated clusterset on a real kube-apiserver, and our server reading it: shared by the tests that compare it.

pub mod model;
mod objects;
pub mod questions;
mod random;
pub mod tree;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::api_server::{ApiServer, Mcs};
use crate::etcd::Etcd;
use crate::generated::model::Clusterset;
use crate::objects::namespace;
use crate::process::{free_port, say};
use crate::secondaries::Kind;
use crate::server::{Server, cluster};

/// The clusterset, where it is stored and who answers for it.
pub struct Generated {
    /// What was written.
    pub set: Clusterset,
    /// The API server of the cluster in which it stands.
    pub east: ApiServer,
    /// Our server, in import mode.
    pub server: Server,
    /// The port on which a secondary is told of changes.
    pub secondary: (Kind, u16),
    _etcd: Etcd,
}

impl Generated {
    /// The one clusterset of this run: `CLUSTERSET_DNS_SEED` names another than the usual one.
    pub fn shared(peers: &Path) -> Arc<Generated> {
        static SHARED: Mutex<Weak<Generated>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let generated = Arc::new(Generated::start(peers));
            *shared = Arc::downgrade(&generated);
            generated
        })
    }

    fn start(peers: &Path) -> Generated {
        let seed = std::env::var("CLUSTERSET_DNS_SEED").map_or(1645, |seed| seed.parse().expect("a seed is a number"));
        let set = Clusterset::new(seed);
        let etcd = Etcd::start(peers);
        let east = ApiServer::start(peers, &etcd, "east", "10.1.0.0/16", Mcs::Both, &[]);
        // The API server makes `default` itself.
        east.create_all(set.namespaces.iter().filter(|&&name| name != "default").map(|name| namespace(name)).collect());
        let version = east.mcs.version();
        let objects: Vec<_> = set.services.iter().flat_map(|service| objects::objects(service, version)).collect();
        let (services, count) = (set.services.len(), objects.len());
        let started = std::time::Instant::now();
        east.create_all(objects);
        say(&format!("seed {seed}: {services} services, {count} objects written in {:?}", started.elapsed()));
        let secondary = (Kind::Nsd, free_port());
        let server = Server::start(&format!(
            "nameserver: [192.0.2.53]\ntransfer: {{ allow: [127.0.0.1/32], notify: [\"127.0.0.1:{}\"] }}\n\
             local: {{ cluster: east }}\nclusters:\n{}",
            secondary.1,
            cluster(&east, &["mode: import"])
        ));
        Generated { set, east, server, secondary, _etcd: etcd }
    }
}
