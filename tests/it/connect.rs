//! `check --connect`: what each cluster of the configuration and of the registry says (OPERATIONS.md section 9).

use crate::registry::{identified, secret, server, token};
use crate::support::apiserver::{ApiServer, On, Reply};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn check(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clusterset-dns"));
    command.args(["check", "--connect", "--config"]).arg(folder.join("config.yaml")).args(more);
    command.env_remove("RUST_LOG").output().expect("the program runs")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn configure(folder: &Path, home: &ApiServer) {
    home.kubeconfig(folder, "home");
    let text = "clusters:\n- { name: home, source: { kubeconfig: { path: home.kubeconfig } } }\n\
                registry: { home: home, secrets: { namespaces: [fleet] }, allowServers: [127.0.0.1] }\n";
    fs::write(folder.join("config.yaml"), text).unwrap();
}

#[test]
fn every_cluster_is_looked_at_and_what_is_well_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west) = (identified("10.1.0.1", "uid-home"), identified("10.1.0.2", "uid-west"));
    west.serve_mcs(&["v1alpha1"]);
    home.put(secret("remotes", "istio/multiCluster", &[("west", &token(&west))]));
    configure(folder.path(), &home);
    let output = check(folder.path(), &[]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    let lines = [
        "home.kubeconfig: reached, v1.34.4, kube-system uid-home",
        "west  Secret fleet/remotes, key west: reached, v1.34.4, kube-system uid-west",
        "ServiceExport v1alpha1, ServiceImport v1alpha1, ServiceEntry not served",
    ];
    for line in lines {
        assert!(said.contains(line), "{line}: {said}");
    }
    let output = check(folder.path(), &["--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["serves"]["connect"][1]["name"], "west");
    assert_eq!(json["serves"]["connect"][1]["uid"], "uid-west");
}

#[test]
fn what_is_not_reached_forbidden_or_there_twice_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (home, west, mut lost) = (identified("10.1.0.1", "uid"), identified("10.1.0.2", "uid"), server("10.1.0.3"));
    let texts = [token(&west), token(&lost), token(&west).replace("token: ", "tokenFile: /")];
    let [west_text, lost_text, bad_text] = texts.each_ref().map(String::as_str);
    home.put(secret("remotes", "istio/multiCluster", &[("west", west_text), ("lost", lost_text), ("bad", bad_text)]));
    lost.stop();
    west.always("services", On::Check, Reply::status(403));
    configure(folder.path(), &home);
    let output = check(folder.path(), &[]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines = [
        "error[connect]: cluster lost: Secret fleet/remotes, key lost: not reached: no connection: ",
        "error[connect]: cluster west: Service: 403 Forbidden: scripted 403; grant `list` and `watch` on it",
        "error[same-cluster-twice]: cluster west: it is the same cluster as home",
        "warning[bad-kubeconfig]: cluster home: Secret fleet/remotes, key bad: tokenFile: refused",
    ];
    for line in lines {
        assert!(said.contains(line), "{line}: {said}");
    }
}
