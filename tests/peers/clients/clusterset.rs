//! Three clusters in two regions, one server with a view listener of its own for west, and CoreDNS in front of each.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::clients::network::Network;
use crate::coredns::{Way, stanza};
use crate::process::{Process, eventually, free_port};

/// CoreDNS of cluster east, without its cache.
pub const EAST: &str = "127.0.0.11";
/// The same with the cache as it is shipped.
pub const EAST_CACHED: &str = "127.0.0.12";
/// The same with `loadbalance` beside the cache.
pub const EAST_SHUFFLED: &str = "127.0.0.13";
/// CoreDNS of cluster west, without its cache.
pub const WEST: &str = "127.0.0.21";
/// The same with the cache as it is shipped.
pub const WEST_CACHED: &str = "127.0.0.22";

const SERVER: u16 = 5300;
/// The listener of the view of west.
const SERVER_FOR_WEST: u16 = 5301;

/// All of it. Dropping it ends every process.
pub struct Clusterset {
    /// Where it runs.
    pub network: Network,
    _processes: Vec<Process>,
    _folder: TempDir,
}

impl Clusterset {
    /// Starts everything; `Err` says why no network namespace can be made.
    pub fn start(peers: &Path) -> Result<Clusterset, String> {
        let network = Network::new()?;
        let folder = tempfile::tempdir().expect("create a folder for a clusterset");
        let mut processes = vec![server(&network, folder.path())];
        let east = [
            block(EAST, SERVER, false, ""),
            block(EAST_CACHED, SERVER, true, ""),
            block(EAST_SHUFFLED, SERVER, true, "    loadbalance\n"),
        ];
        let west = [block(WEST, SERVER_FOR_WEST, false, ""), block(WEST_CACHED, SERVER_FOR_WEST, true, "")];
        processes.push(coredns(&network, peers, folder.path(), "east", &east));
        processes.push(coredns(&network, peers, folder.path(), "west", &west));
        for address in [EAST, EAST_CACHED, EAST_SHUFFLED, WEST, WEST_CACHED] {
            let arguments = [&format!("@{address}"), "+short", "+tries=1", "+time=1", "web.shop.svc.clusterset.local."];
            eventually(Duration::from_secs(60), || {
                let output = network.command("dig").args(arguments).output().map_err(|error| error.to_string())?;
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let logs = || processes.iter().map(Process::log_tail).collect::<String>();
                if text.contains("10.") { Ok(()) } else { Err(format!("{address}: {text}\n{}", logs())) }
            });
        }
        Ok(Clusterset { network, _processes: processes, _folder: folder })
    }
}

fn server(network: &Network, folder: &Path) -> Process {
    let mut configuration = format!(
        "zones: [clusterset.local]\nlameduck: 0s\nlocal: {{ cluster: east }}\nlisten:\n  dns: [\"127.0.0.1:{SERVER}\"]\n  grpc: []\n  \
         health: \"\"\n  ready: \"\"\n  metrics: \"\"\n  admin: \"\"\n\
         views:\n- {{ name: west, cluster: west, listen: [\"127.0.0.1:{SERVER_FOR_WEST}\"] }}\nclusters:\n"
    );
    for (number, name, region) in [(1, "east", "eu"), (2, "west", "us"), (3, "north", "eu")] {
        let cluster = folder.join(name);
        std::fs::create_dir(&cluster).expect("create a folder of manifests");
        std::fs::write(cluster.join("shop.yaml"), manifests(number)).expect("write a manifest");
        configuration.push_str(&format!(
            "- {{ name: {name}, region: {region}, reach: clusterIP, source: {{ manifests: {{ path: \"{}\" }} }} }}\n",
            cluster.display()
        ));
    }
    let path = folder.join("config.yaml");
    std::fs::write(&path, configuration).expect("write a configuration");
    let mut command = network.command(env!("CARGO_BIN_EXE_clusterset-dns"));
    command.arg("serve").arg("--config").arg(&path);
    Process::start("clusterset-dns", folder, &mut command)
}

/// Cluster `number`: its addresses begin with `10.<number>.` and `fd00:<number>:`, and end alike in both families.
fn manifests(number: u8) -> String {
    let service = |name: &str, spec: &str, annotation: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{ name: {name}, namespace: shop }}\nspec: {{ {spec}, ports: [{{ name: http, port: 80 }}] }}\n\
             ---\napiVersion: multicluster.x-k8s.io/v1beta1\nkind: ServiceExport\nmetadata: {{ name: {name}, namespace: shop, \
             creationTimestamp: \"2026-01-10T09:00:0{number}Z\"{annotation} }}\n---\n"
        )
    };
    let slice = |family: &str, prefix: &str| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{ name: db-{family}, namespace: shop, labels: {{ \
             kubernetes.io/service-name: db }} }}\naddressType: IP{family}\nports: [{{ name: http, port: 80 }}]\nendpoints:\n\
             - {{ addresses: [\"{prefix}21\"], hostname: db-0 }}\n- {{ addresses: [\"{prefix}22\"], hostname: db-1 }}\n---\n"
        )
    };
    let ips = |last: u8| format!("clusterIPs: [\"10.{number}.0.{last}\", \"fd00:{number}::{last}\"]");
    [
        service("web", &ips(10), ""),
        service("near", &ips(11), ", annotations: { clusterset-dns.io/answer: nearest }"),
        service("db", "clusterIP: None", ""),
        slice("v4", &format!("10.{number}.0.")),
        slice("v6", &format!("fd00:{number}::")),
    ]
    .concat()
}

/// The stanza as it is shipped, at port 53 of one address.
fn block(address: &str, upstream: u16, cache: bool, more: &str) -> String {
    stanza(Way::Forward, 53, [upstream, free_port()], 9153, cache)
        .replace("bind 127.0.0.1\n", &format!("bind {address}\n{more}"))
}

/// One CoreDNS of a cluster: the stanzas, and for every other name, as of the cluster's own zone, that it does not exist.
fn coredns(network: &Network, peers: &Path, folder: &Path, name: &str, blocks: &[String]) -> Process {
    let path = folder.join(format!("{name}.Corefile"));
    let addresses: Vec<&str> =
        if name == "east" { vec![EAST, EAST_CACHED, EAST_SHUFFLED] } else { vec![WEST, WEST_CACHED] };
    let rest = format!(
        ".:53 {{\n    bind {}\n    template ANY ANY {{\n        rcode NXDOMAIN\n        authority \"cluster.local 5 IN SOA ns.dns.cluster.local hostmaster.cluster.local 1 7200 1800 86400 5\"\n    }}\n}}\n",
        addresses.join(" ")
    );
    let metrics = format!("127.0.0.1:{}", if name == "east" { 9153 } else { 9154 });
    std::fs::write(&path, blocks.concat().replace("127.0.0.1:9153", &metrics) + &rest).expect("write a Corefile");
    let mut command = network.command(&peers.join("coredns").display().to_string());
    command.arg("-conf").arg(&path);
    Process::start(&format!("coredns-{name}"), folder, &mut command)
}
