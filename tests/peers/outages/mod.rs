//! What an API server may do to a reader besides hanging and dying (faults.rs): take its rights away, let its token run
//! out, lose a kind, lose its store, become another cluster. No answer may be wrong meanwhile, and every change afterwards must be seen.

mod kinds;
mod rights;
mod store;
mod swapped;
mod switch;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::api_server::{ApiServer, Mcs};
use crate::etcd::Etcd;
use crate::objects::{self, ready};
use crate::probe::{Probe, set, until};
use crate::process::eventually;
use crate::server::Server;
use crate::shop::{HTTP, add_service};

/// After a fault the server may wait a minute before it tries again.
const RECOVERY: Duration = Duration::from_secs(100);
const NAME: &str = "cart.faults.svc.clusterset.local.";
/// The pod in the home cluster, which is a folder.
const HOME_POD: &str = "10.11.0.1";
/// The pods in west: the first one at the beginning, both later.
const WEST_PODS: [&str; 2] = ["10.12.0.1", "10.12.0.2"];

/// West on a real API server, and the folder of the home cluster.
struct West {
    api: ApiServer,
    home: TempDir,
    etcd: Etcd,
}

impl West {
    /// West with `cart` on its first pod; home with one pod of it too.
    fn start(peers: &Path) -> West {
        let etcd = Etcd::start(peers);
        let api = ApiServer::start(peers, &etcd, "west", "10.2.0.0/16", Mcs::V1Beta1, &[]);
        api.create(objects::namespace("faults"));
        add_service(&api, "faults", "cart", "ClusterIP", &WEST_PODS[..1]);
        api.create(objects::export(api.mcs.version(), "faults", "cart"));
        let home = tempfile::tempdir().expect("create a folder of manifests");
        let version = api.mcs.version();
        let mut service = objects::service("faults", "cart", "ClusterIP", &[HTTP]);
        service["spec"]["clusterIP"] = "10.1.0.7".into();
        let objects = [
            objects::namespace("faults"),
            service,
            objects::slice("faults", "cart-1", "cart", &ready(&[HOME_POD]), &[HTTP]),
            objects::export(version, "faults", "cart"),
        ];
        for (number, object) in objects.iter().enumerate() {
            // JSON is YAML.
            std::fs::write(home.path().join(format!("{number}.yaml")), object.to_string()).expect("write a manifest");
        }
        West { api, home, etcd }
    }

    /// A server of both clusters that reads west with this kubeconfig. Watches live for 3 s.
    fn server(&self, kubeconfig: &Path) -> Server {
        Server::start(&format!(
            "freshness: {{ suspectAfter: 6s, demoteAfter: 10s }}\nlocal: {{ cluster: home }}\nclusters:\n\
             - name: home\n  source: {{ manifests: {{ path: \"{}\" }} }}\n  reach: endpoints\n\
             - name: west\n  source: {{ kubeconfig: {{ path: \"{}\", context: west }} }}\n  reach: endpoints\n",
            self.home.path().display(),
            kubeconfig.display()
        ))
    }

    /// The same, asked without pause from its first whole answer on: with so many pods of west, or with one.
    fn asked(&self, kubeconfig: &Path, pods: usize) -> (Server, Probe) {
        let server = self.server(kubeconfig);
        until_answered(&server, 1);
        let probe = Probe::start(server.dns, NAME, &[answer(1), answer(pods)]);
        (server, probe)
    }

    /// `cart` in west has both pods from now on.
    fn scale(&self) {
        self.api.replace(objects::slice("faults", "cart-1", "cart", &ready(&WEST_PODS), &[HTTP]));
    }
}

/// Home's pod and so many of west.
fn answer(pods: usize) -> BTreeSet<String> {
    set(&[&[HOME_POD], &WEST_PODS[..pods]].concat())
}

/// Waits for the answer with so many pods of west; how long it took.
fn until_answered(server: &Server, pods: usize) -> Duration {
    until(server.dns, NAME, &Ok(answer(pods)), Instant::now(), RECOVERY)
}

/// Waits until a metric of cluster west whose line holds these words is above zero.
fn until_counted(server: &Server, words: &[&str]) {
    eventually(RECOVERY, || {
        let metrics = server.metrics();
        let line =
            |line: &&str| line.contains("source_cluster=\"west\"") && words.iter().all(|word| line.contains(word));
        let lines: Vec<&str> = metrics.lines().filter(line).collect();
        let counted = lines.iter().any(|line| !line.ends_with(" 0"));
        if counted { Ok(()) } else { Err(format!("{words:?}: {lines:?}\n{}", server.log())) }
    });
}
