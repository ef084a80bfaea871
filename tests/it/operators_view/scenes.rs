//! The scenes: what fails, and which states an operator then sees.

use super::{Operator, entry};
use crate::registry::{secret, server, token};
use crate::registry_edges::profile;
use crate::support::apiserver::{On, Reply, TOKEN};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpStream;

const ISTIO: &str = "istio/multiCluster";

fn export(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport",
        "metadata": {"namespace": namespace, "name": name},
    })
}

/// Each cluster is as its name says, and stays so: times that would take it further are switched off.
#[test]
fn clusters_in_every_state() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "home",
        "doubtful",
        "stale",
        "expired",
        "recovering",
        "braked",
        "drained",
        "forbidden",
        "guest",
        "over",
        "waiting",
    ];
    let mut servers =
        names.map(|name| (name, server(&format!("10.1.0.{}", 1 + names.iter().position(|n| *n == name).unwrap()))));
    let lost = "suspectAfter: 6s, demoteAfter: 6s";
    let mut config = "local: { cluster: home }\nbrake: { confirmAfter: 10m }\nclusters:\n".to_owned();
    for (name, server) in &servers {
        let more = match *name {
            "doubtful" => ", freshness: { demoteAfter: 0s, dropAfter: 0s }".to_owned(),
            "stale" => format!(", freshness: {{ {lost}, dropAfter: 0s }}"),
            "expired" => format!(", freshness: {{ {lost}, dropAfter: 7s }}"),
            "recovering" => format!(", freshness: {{ {lost}, dropAfter: 7s, recoverAfter: 5m }}"),
            "drained" => ", drain: true".to_owned(),
            "guest" => ", allow: { namespaces: [other] }".to_owned(),
            "over" => ", freshness: { grace: 1s }".to_owned(),
            "waiting" => ", freshness: { grace: 0s }".to_owned(),
            _ => String::new(),
        };
        config += &entry(folder.path(), name, server, &more);
    }
    {
        let of = |wanted: &str| &servers.iter().find(|(name, _)| *name == wanted).unwrap().1;
        (0..30).for_each(|number| of("braked").put(export("shop", &format!("s{number}"))));
        of("forbidden").always("endpointslices", On::List, Reply::status(403));
    }
    let is = |name: &str, list: &[&str]| list.contains(&name);
    servers.iter_mut().filter(|(name, _)| is(name, &["over", "waiting"])).for_each(|(_, server)| server.stop());
    let operator = Operator::start(folder.path(), &config);
    let lost = ["doubtful", "stale", "expired", "recovering"];
    for name in lost.iter().chain(&["braked"]) {
        let fresh = format!("cluster   {name}: fresh");
        operator.wait(&format!("{name} in sync"), || operator.explain().contains(&fresh));
    }
    servers.iter_mut().filter(|(name, _)| is(name, &lost)).for_each(|(_, server)| server.stop());
    let of = |wanted: &str| &servers.iter().find(|(name, _)| *name == wanted).unwrap().1;
    of("braked").always("serviceexports", On::List, Reply::list(10_000, &[], ""));
    of("braked").script("serviceexports", On::Watch, [Reply::status(410)]);
    of("braked").end_watches();

    operator.sees("unknown");
    operator.sees("grace over");
    operator.sees("suspect");
    operator.sees("stale");
    operator.sees("expired");
    operator.sees("brake active");
    operator.sees("drained");
    operator.sees("a kind is forbidden");
    operator.sees("not allowed");
    operator.wait("its end", || operator.explain().contains("cluster   recovering: expired"));
    servers.iter_mut().filter(|(name, _)| *name == "recovering").for_each(|(_, server)| server.resume());
    operator.sees("recovering");
}

#[test]
fn a_registry_with_faults() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west, north) = (server("10.1.0.1"), server("10.1.0.2"), server("10.1.0.3"));
    for (server, uid) in [(&home, "h"), (&west, "w"), (&north, "n")] {
        server.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": uid}}));
    }
    fs::write(folder.path().join("any.token"), TOKEN).unwrap();
    let plugin = west.kubeconfig_text("any", "exec: {apiVersion: v1, command: touch}");
    home.put(secret("west", ISTIO, &[("west", &token(&west))]));
    home.put(secret("bad", ISTIO, &[("south", &plugin)]));
    home.put(secret("clash", ISTIO, &[("home", &token(&west))]));
    let mut ill = profile("north", &north);
    ill["status"]["conditions"] = json!([{"type": "Joined", "status": "False", "reason": "Gone"}]);
    home.put(ill);
    let gateway = json!({
        "apiVersion": "submariner.io/v1", "kind": "Gateway",
        "metadata": {"namespace": "submariner-operator", "name": "node-1"},
        "status": {
            "haStatus": "active", "localEndpoint": {"cluster_id": "home"},
            "connections": [{"status": "error", "statusMessage": "", "endpoint": {"cluster_id": "west"}}],
        },
    });
    home.put(gateway);
    let registry = "registry: { home: home, allowServers: [127.0.0.1], secrets: { namespaces: [fleet] }, \
                    clusterProfiles: { namespace: fleet, tokens: { tokens: any.token } } }\n";
    let config = format!("{registry}clusters:\n{}", entry(folder.path(), "home", &home, ""));
    let operator = Operator::start(folder.path(), &config);
    operator.sees("bad Secret");
    operator.sees("duplicate cluster id");
    operator.sees("a ClusterProfile speaks against it");
    operator.sees("gateways do not reach it");
    home.put(secret("again", ISTIO, &[("again", &token(&west))]));
    operator.sees("one cluster under two ids");
    home.always("secrets", On::List, Reply::status(403));
    home.always("secrets", On::Watch, Reply::status(403));
    home.end_watches();
    operator.sees("registry unreadable");
}

#[test]
fn a_restart_while_everything_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut west = server("10.1.0.1");
    let config = format!(
        "lameduck: 0s\nsnapshot: {{ path: state, every: 1s }}\nfreshness: {{ demoteAfter: 6s, suspectAfter: 6s, grace: 3s }}\nclusters:\n{}",
        entry(folder.path(), "west", &west, "")
    );
    let mut first = Operator::start(folder.path(), &config);
    first.wait("west in sync", || first.explain().contains("cluster   west: fresh"));
    first.wait("its socket", || TcpStream::connect(first.dns).is_ok());
    first.child.signal("TERM");
    assert!(first.child.wait_end().success(), "{}", first.log());
    west.stop();
    let operator = Operator::start(folder.path(), &config);
    operator.sees("restored from a snapshot");
    operator.sees("all-dead guard");
}

#[test]
fn caps_a_bad_reload_and_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let west = server("10.1.0.1");
    let config = format!(
        "lameduck: 10m\nlimits: {{ tcp: {{ connections: 1 }} }}\nclusters:\n{}",
        entry(folder.path(), "west", &west, "")
    );
    let operator = Operator::start(folder.path(), &config);
    operator.wait("its socket", || TcpStream::connect(operator.dns).is_ok());
    // The oldest gives way.
    let mut held = Vec::new();
    operator.wait("a refusal", || {
        held.push(TcpStream::connect(operator.dns).unwrap());
        operator.is_above_zero("tcp_refused_total{reason=\"gave-way\"}")
    });
    operator.sees("connection caps");
    drop(held);
    let path = folder.path().join("config.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "nonsense: 1\n").unwrap();
    operator.sees("reload refused");
    operator.child.signal("TERM");
    operator.sees("stopping");
}
