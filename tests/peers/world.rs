//! Two clusters: east serves MCS `v1alpha1`, west `v1beta1`, on one etcd.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::api_server::{ApiServer, Mcs};
use crate::etcd::Etcd;
use crate::server::{Server, cluster};

/// East and west.
pub struct World {
    /// Service range 10.1.0.0/16, MCS `v1alpha1`.
    pub east: ApiServer,
    /// Service range 10.2.0.0/16, MCS `v1beta1`.
    pub west: ApiServer,
    /// The store of both.
    pub etcd: Etcd,
    /// The folder of the built peers.
    pub peers: PathBuf,
}

impl World {
    /// Two clusters of the test's own: it may stop and kill them. `west` are further arguments of west's API server.
    pub fn start(peers: &Path, west: &[&str]) -> World {
        let etcd = Etcd::start(peers);
        let east = ApiServer::start(peers, &etcd, "east", "10.1.0.0/16", Mcs::V1Alpha1, &[]);
        let west = ApiServer::start(peers, &etcd, "west", "10.2.0.0/16", Mcs::V1Beta1, west);
        World { east, west, etcd, peers: peers.to_owned() }
    }

    /// Two clusters that tests share while they run at the same time; each test keeps to a namespace of its own.
    pub fn shared(peers: &Path) -> Arc<World> {
        static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let world = Arc::new(World::start(peers, &[]));
            *shared = Arc::downgrade(&world);
            world
        })
    }

    /// A server whose clients stand in east, with the same `reach` for both clusters.
    pub fn server(&self, reach: &str) -> Server {
        let reach = format!("reach: {reach}");
        let (east, west) = (cluster(&self.east, &[&reach]), cluster(&self.west, &[&reach]));
        Server::start(&format!("local: {{ cluster: east }}\nclusters:\n{east}{west}"))
    }
}
