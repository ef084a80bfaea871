//! One real kube-apiserver: a member cluster without nodes and controllers. Tests write its objects by API (api_objects.rs).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::access;
use crate::etcd::Etcd;
use crate::objects;
use crate::process::{Process, eventually, free_port};

/// Which versions of the MCS API a cluster serves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mcs {
    /// `v1alpha1` alone.
    V1Alpha1,
    /// `v1beta1` alone.
    V1Beta1,
    /// Both, stored as `v1beta1`.
    Both,
}

impl Mcs {
    fn crds(self) -> &'static str {
        match self {
            Mcs::V1Alpha1 => "mcs-v1alpha1.yaml",
            Mcs::V1Beta1 => "mcs-v1beta1.yaml",
            Mcs::Both => "mcs.yaml",
        }
    }

    /// The version in which tests write objects.
    pub fn version(self) -> &'static str {
        match self {
            Mcs::V1Alpha1 => "multicluster.x-k8s.io/v1alpha1",
            Mcs::V1Beta1 | Mcs::Both => "multicluster.x-k8s.io/v1beta1",
        }
    }
}

/// A running API server with the MCS CRDs installed, and an administrator's client to it.
pub struct ApiServer {
    /// The cluster's name; also its context in kubeconfigs and its prefix in etcd.
    pub name: String,
    /// Which MCS versions it serves.
    pub mcs: Mcs,
    peers: PathBuf,
    arguments: Vec<String>,
    folder: TempDir,
    port: u16,
    process: Mutex<Process>,
    pub(crate) runtime: Runtime,
    pub(crate) client: kube::Client,
}

impl ApiServer {
    /// Starts an API server on `etcd`, waits until it is ready, installs deploy/crds and deploy/rbac.
    ///
    /// `range` is its service range (`10.1.0.0/16`), `more` further arguments of kube-apiserver.
    pub fn start(peers: &Path, etcd: &Etcd, name: &str, range: &str, mcs: Mcs, more: &[&str]) -> ApiServer {
        let folder = tempfile::tempdir().expect("create a folder for an API server");
        write_keys(folder.path());
        let mut arguments = vec![format!("--etcd-servers={}", etcd.url())];
        arguments.push(format!("--etcd-prefix=/{name}"));
        arguments.push(format!("--service-cluster-ip-range={range}"));
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let server = Self::launch(peers, name, mcs, folder, arguments);
        server.install();
        server
    }

    fn install(&self) {
        self.apply_file(&repository().join("deploy/crds").join(self.mcs.crds()), "");
        self.wait_for_mcs();
        self.create(objects::namespace("clusterset-dns"));
        self.apply_file(&repository().join("deploy/rbac/member-cluster.yaml"), "");
    }

    /// Installs one of the CRDs again: `plural` is the first word of its name.
    pub fn install_crd(&self, plural: &str, mcs: Mcs) {
        self.apply_file(&repository().join("deploy/crds").join(mcs.crds()), plural);
        self.wait_for_mcs();
    }

    /// A second API server of the same cluster: the same objects, another port.
    pub fn sibling(&self) -> ApiServer {
        let folder = tempfile::tempdir().expect("create a folder for an API server");
        for file in ["sa.key", "sa.pub", "tokens.csv"] {
            std::fs::copy(self.folder.path().join(file), folder.path().join(file)).expect("copy a key");
        }
        Self::launch(&self.peers, &self.name, self.mcs, folder, self.arguments.clone())
    }

    /// An API server of another, empty cluster on another etcd, with the same name, certificate and tokens.
    pub fn namesake(&self, etcd: &Etcd) -> ApiServer {
        let folder = tempfile::tempdir().expect("create a folder for an API server");
        std::fs::create_dir(folder.path().join("certificates")).expect("create a folder for certificates");
        for file in ["sa.key", "sa.pub", "tokens.csv", "certificates/apiserver.crt", "certificates/apiserver.key"] {
            std::fs::copy(self.folder.path().join(file), folder.path().join(file)).expect("copy a key");
        }
        let mut arguments = self.arguments.clone();
        arguments[0] = format!("--etcd-servers={}", etcd.url());
        let server = Self::launch(&self.peers, &self.name, self.mcs, folder, arguments);
        server.install();
        server
    }

    fn launch(peers: &Path, name: &str, mcs: Mcs, folder: TempDir, arguments: Vec<String>) -> ApiServer {
        // kube needs to be told which of rustls's providers to use; the second call is harmless.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = free_port();
        let process = spawn(peers, name, folder.path(), port, &arguments);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("start a runtime");
        eventually(Duration::from_secs(60), || {
            access::authority(folder.path()).ok_or("no serving certificate".to_owned())
        });
        let kubeconfig = access::kubeconfig(name, port, folder.path(), &format!("token: {}", access::ADMIN_TOKEN));
        let client = runtime.block_on(client(&kubeconfig));
        let process = Mutex::new(process);
        let peers = peers.to_owned();
        let server = ApiServer { name: name.to_owned(), mcs, peers, arguments, folder, port, process, runtime, client };
        server.wait_ready();
        server
    }

    /// Kills the process, as a power failure would.
    pub fn kill(&self) {
        self.process.lock().expect("no test panics while it holds the process").kill();
    }

    /// Sends a signal, such as `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        self.process.lock().expect("no test panics while it holds the process").signal(signal);
    }

    /// Starts the killed server again, on the same port, with the same certificate and keys.
    pub fn restart(&self) {
        let again = spawn(&self.peers, &self.name, self.folder.path(), self.port, &self.arguments);
        *self.process.lock().expect("no test panics while it holds the process") = again;
        self.wait_ready();
    }

    fn wait_ready(&self) {
        let mut process = self.process.lock().expect("no test panics while it holds the process");
        process.wait_until("/readyz says ok", Duration::from_secs(120), || {
            self.get_text("/readyz").is_ok_and(|body| body == "ok")
        });
    }

    /// Waits until both MCS kinds can be listed in every version that this cluster serves.
    fn wait_for_mcs(&self) {
        let versions: &[&str] = match self.mcs {
            Mcs::V1Alpha1 => &["v1alpha1"],
            Mcs::V1Beta1 => &["v1beta1"],
            Mcs::Both => &["v1alpha1", "v1beta1"],
        };
        for version in versions {
            for kind in ["serviceexports", "serviceimports"] {
                let path = format!("/apis/multicluster.x-k8s.io/{version}/{kind}");
                eventually(Duration::from_secs(60), || self.get_text(&path));
            }
        }
    }

    /// The token of the ServiceAccount of deploy/rbac, as `kubectl create token` would get it.
    pub fn restricted_token(&self) -> String {
        let path = "/api/v1/namespaces/clusterset-dns/serviceaccounts/clusterset-dns/token";
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 3600 }
        });
        let reply = self.send("POST", path, &request);
        reply["status"]["token"].as_str().expect("a TokenRequest is answered with a token").to_owned()
    }

    /// A new kubeconfig file of that ServiceAccount, with one context named after the cluster.
    pub fn restricted_kubeconfig(&self) -> PathBuf {
        static WRITTEN: AtomicU32 = AtomicU32::new(0);
        let text = self.kubeconfig(&format!("token: {}", self.restricted_token()));
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("restricted-{number}.kubeconfig"));
        std::fs::write(&path, text).expect("write a kubeconfig");
        path
    }

    /// The text of a kubeconfig; `user` is what its user is known by, such as `tokenFile: token`.
    pub fn kubeconfig(&self, user: &str) -> String {
        access::kubeconfig(&self.name, self.port, self.folder.path(), user)
    }

    /// The text of an administrator's kubeconfig that goes to another port of 127.0.0.1.
    pub fn administrators_kubeconfig(&self, port: u16) -> String {
        access::kubeconfig(&self.name, port, self.folder.path(), &format!("token: {}", access::ADMIN_TOKEN))
    }

    /// A token of the restricted ServiceAccount that the API server takes for `left` from now on, and then refuses.
    pub fn expiring_token(&self, left: Duration) -> String {
        // It grants a minute after the end, and no token may be asked for that lasts less than ten.
        const LEEWAY: Duration = Duration::from_secs(60);
        let now = std::time::UNIX_EPOCH.elapsed().expect("it is later than 1970");
        access::with_end(&self.restricted_token(), &self.folder.path().join("sa.key"), (now + left - LEEWAY).as_secs())
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The root of the checkout, also where bench/cluster builds this file.
pub fn repository() -> &'static Path {
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    built.ancestors().find(|folder| folder.join("deploy/crds").is_dir()).expect("built inside the checkout")
}

/// A client from the text of a kubeconfig.
pub async fn client(kubeconfig: &str) -> kube::Client {
    let parsed = Kubeconfig::from_yaml(kubeconfig).expect("a kubeconfig of our own making parses");
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(parsed, &options).await;
    kube::Client::try_from(config.expect("a kubeconfig of our own making is whole")).expect("build a client")
}

fn spawn(peers: &Path, name: &str, folder: &Path, port: u16, arguments: &[String]) -> Process {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new(peers.join("kube-apiserver"));
    command
        .args(arguments)
        .args([
            format!("--secure-port={port}"),
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
        ])
        .args(["--authorization-mode=RBAC", "--endpoint-reconciler-type=none", "--profiling=false"])
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(format!("--service-account-key-file={}", file("sa.pub")))
        .arg(format!("--service-account-signing-key-file={}", file("sa.key")))
        .arg(format!("--token-auth-file={}", file("tokens.csv")))
        .arg(format!("--cert-dir={}", file("certificates")));
    Process::start(&format!("kube-apiserver-{name}"), folder, &mut command)
}

/// The keys that sign ServiceAccount tokens, and the administrator's token.
fn write_keys(folder: &Path) {
    let key = folder.join("sa.key");
    run(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048"));
    run(Command::new("openssl").args(["rsa", "-in"]).arg(&key).args(["-pubout", "-out"]).arg(folder.join("sa.pub")));
    let token = format!("{},admin,1,\"system:masters\"\n", access::ADMIN_TOKEN);
    std::fs::write(folder.join("tokens.csv"), token).expect("write the token file");
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs it"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
