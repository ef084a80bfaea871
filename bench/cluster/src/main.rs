//! `clusterset-dns-bench-cluster imports|exports SERVICES CLUSTERS PEERS OUT`: starts the API servers, fills them, writes
//! `OUT/CLUSTER.kubeconfig`, says `ready`, and ends with its input.

use anyhow::Context;
use clusterset_dns_bench::clusterset::{Clusterset, cluster_name};
use clusterset_dns_bench_cluster::api_server::{ApiServer, Mcs};
use clusterset_dns_bench_cluster::etcd::Etcd;
use clusterset_dns_bench_cluster::objects;
use clusterset_dns_bench_cluster::objects_of_set::{exports, imports, namespaces};
use std::io::Read;
use std::net::Ipv4Addr;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, services, clusters, peers, out] = arguments.as_slice() else {
        anyhow::bail!("usage: imports|exports SERVICES CLUSTERS PEERS OUT");
    };
    let set = Clusterset::new(services.parse()?, clusters.parse()?)?;
    let (peers, out) = (Path::new(peers), Path::new(out));
    let etcd = Etcd::start(peers);
    let last = if kind == "imports" { 1 } else { set.clusters };
    let mut servers = Vec::new();
    for cluster in 1..=last {
        let name = cluster_name(cluster);
        let base = Ipv4Addr::new(10, 100 + cluster as u8, 0, 0);
        let server = ApiServer::start(peers, &etcd, &name, &format!("{base}/16"), Mcs::Both, &[]);
        server.create_all(namespaces(&set).iter().map(|name| objects::namespace(name)).collect());
        // CoreDNS reads v1alpha1 alone; both are one object.
        server.create_all(match kind.as_str() {
            "imports" => imports(&set, server.mcs.version()),
            _ => exports(&set, cluster, base, server.mcs.version()),
        });
        // The restricted token lasts an hour.
        let user = format!("token: {}", server.restricted_token());
        let path = out.join(format!("{name}.kubeconfig"));
        std::fs::write(&path, server.kubeconfig(&user)).with_context(|| path.display().to_string())?;
        servers.push(server);
    }
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
