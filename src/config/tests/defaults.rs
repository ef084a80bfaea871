//! Defaults are those of the contract, which stands beside this file as `contract.yaml` and `entry.yaml`.

use super::super::reader::Setting;
use super::super::tree::Node;
use super::*;

fn tree(text: &str) -> serde_json::Value {
    let node: Node = serde_saphyr::from_str(text).unwrap();
    serde_json::to_value(node).unwrap()
}

#[test]
fn every_default_is_that_of_the_contract() {
    let contract = include_str!("contract.yaml");
    assert_eq!(tree(&Config::default().to_yaml()), tree(contract));
    let (config, _) = read(contract);
    assert_eq!(config, Config::default());
}

#[test]
fn keys_are_printed_in_the_order_of_the_contract() {
    let top = |text: &str| -> Vec<String> {
        let keys = text.lines().filter(|line| !line.starts_with([' ', '-']));
        keys.filter_map(|line| line.split_once(':')).map(|(key, _)| key.to_owned()).collect()
    };
    assert_eq!(top(&Config::default().to_yaml()), top(include_str!("contract.yaml")));
}

#[test]
fn a_cluster_entry_has_the_defaults_of_the_contract() {
    let minimal = "clusters: [{ name: west, source: { kubeconfig: { path: west.kubeconfig, context: west } } }]";
    let entry = clean(minimal).clusters.remove(0).print();
    assert_eq!(serde_json::to_value(entry).unwrap(), tree(include_str!("entry.yaml")));
}

#[test]
fn what_is_printed_reads_back_the_same() {
    let text = "
ttl: 30
listen: { dns: [], health: '', admin: '127.0.0.1:0' }
chaos: { id: a }
lameduck: 1500ms
udp: { receiveBuffer: 4Mi, workers: 2 }
clusters:
  - { name: a, source: { inCluster: {} }, freshness: { grace: 5s }, gateways: [10.0.0.9] }
  - { name: b.x, source: { manifests: { path: /srv/b } }, reach: gateway, routable: [10.8.0.0/16] }
views: [{ name: w, clients: [10.2.0.0/16], listen: '[::]:5301', cluster: b.x, namespaces: { deny: [kube-*] } }]
policies: [{ match: { hosts: ['*.shop.global'] }, prefer: [a, 'region:eu', 'zone:eu-1'], weights: { b.x: 0 } }]
";
    let config = clean(text);
    assert_eq!(clean(&config.to_yaml()), config);
}

#[test]
fn an_empty_file_and_empty_keys_are_the_defaults() {
    for text in ["", "# nothing\n", "listen:\nttl: ~\nlimits: { tcp: }\n"] {
        assert_eq!(read(text).0, Config::default(), "{text:?}");
    }
}
