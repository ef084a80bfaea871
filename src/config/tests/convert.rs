//! The configuration in the types of the model.

use super::*;
use crate::config::{SourceSpec, watch_timeout};
use crate::model::policy::Preference;
use crate::model::{AnswerMode, Reach};
use std::path::Path;
use std::time::Duration;

const FILE: &str = "
local: { cluster: east, zone: b }
answer: nearest
ttl: 9
clusters:
- { name: east, source: { inCluster: {} }, region: eu, zone: a, network: n1, freshness: { dropAfter: 1h } }
- { name: west, source: { kubeconfig: { path: keys/west } }, region: us, reach: gateway, gateways: [10.0.0.9], drain: true }
- { name: lab, source: { manifests: { path: /srv/lab } }, aliases: [lab_1], allow: { namespaces: [shop-*] } }
views:
- { name: w, clients: [10.2.0.0/16, 'fd00::/8'], listen: ['[::]:5301'], cluster: west, network: n2, namespaces: { deny: [kube-*] } }
policies:
- { match: { namespaces: [shop] }, answer: weighted, ttl: 0, prefer: [west, 'region:eu', 'zone:a'], weights: { east: 0, west: 20 } }
- { match: { hosts: ['*.global'] } }
";

fn config() -> Config {
    Draft::parse(FILE, "/etc/dns/config.yaml").check().0
}

#[test]
fn clusters_keep_their_order_and_sources() {
    let clusters = config().clusters();
    let sources: Vec<_> = clusters.iter().map(|entry| entry.source.clone()).collect();
    assert_eq!(
        sources,
        [
            SourceSpec::InCluster,
            SourceSpec::Kubeconfig { path: "/etc/dns/keys/west".into(), context: None },
            SourceSpec::Manifests { path: "/srv/lab".into() },
        ]
    );
    let west = &clusters[1].cluster;
    assert!(west.reach == Reach::Gateway && west.drain && west.gateways.len() == 1);
    assert_eq!(west.locality.region.as_deref(), Some("us"));
    assert_eq!(west.locality.zone, None);
    let lab = &clusters[2].cluster;
    assert_eq!((lab.aliases[0].as_str(), &*lab.allow.namespaces[0]), ("lab_1", "shop-*"));
}

#[test]
fn views_take_what_they_do_not_say_from_their_cluster() {
    let config = config();
    let views = config.views();
    let texts = |index: usize| {
        let locality = &views[index].locality;
        [&locality.region, &locality.zone, &locality.network].map(|field| field.as_deref().unwrap_or("-").to_owned())
    };
    assert_eq!(texts(0), ["eu", "b", "n1"]);
    assert_eq!(texts(1), ["us", "-", "n2"]);
    assert!(views[0].name.is_empty() && &*views[1].name == "w");
    assert!(views[1].namespaces.admits("shop") && !views[1].namespaces.admits("kube-system"));
    assert_eq!(
        config.client_prefixes().iter().map(|(prefix, view)| (prefix.to_string(), *view)).collect::<Vec<_>>(),
        [("10.2.0.0/16".to_owned(), 1), ("fd00::/8".to_owned(), 1),]
    );
    let listeners: Vec<_> = config.dns_listeners().iter().map(|(address, view)| (address.to_string(), *view)).collect();
    assert_eq!(listeners, [("[::]:53".to_owned(), None), ("[::]:5301".to_owned(), Some(1))]);
}

#[test]
fn policies_keep_their_order() {
    let policies = config().policies();
    assert_eq!((policies.answer, policies.ttl), (AnswerMode::Nearest, 9));
    let [shop, hosts] = &policies.rules[..] else { panic!("two rules") };
    assert_eq!((shop.answer, shop.ttl), (Some(AnswerMode::Weighted), Some(0)));
    assert_eq!(shop.weights, [("east".into(), 0), ("west".into(), 20)]);
    let prefer = [Preference::Cluster("west".into()), Preference::Region("eu".into()), Preference::Zone("a".into())];
    assert_eq!(shop.prefer.as_deref(), Some(&prefer[..]));
    assert_eq!((hosts.prefer.as_ref(), hosts.ttl, &*hosts.hosts[0]), (None, None, "*.global"));
}

#[test]
fn the_local_cluster_is_never_demoted_unless_its_entry_says_so() {
    let config = config();
    let east = config.freshness_of("east");
    assert_eq!((east.demote_after.limit(), east.drop_after.limit()), (None, Some(Duration::from_secs(3600))));
    assert_eq!(config.freshness_of("west").demote_after.limit(), Some(Duration::from_secs(60)));
}

#[test]
fn a_watch_lasts_half_of_the_shorter_time() {
    let seconds = |text: &str| watch_timeout(&read(&format!("freshness: {{ {text} }}")).0.freshness).as_secs();
    assert_eq!(seconds(""), 20);
    assert_eq!(seconds("suspectAfter: 0"), 30);
    assert_eq!(seconds("suspectAfter: 0, demoteAfter: 0"), 30);
    assert_eq!(seconds("suspectAfter: 1s"), 1);
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = Draft::parse("tls: { grpc: { cert: a.pem, key: /k.pem } }", "conf/config.yaml").check().0;
    assert_eq!(config.tls.grpc.cert.get(), Some(Path::new("conf/a.pem")));
    assert_eq!(config.tls.grpc.key.get(), Some(Path::new("/k.pem")));
    assert_eq!(config.tls.grpc.client_ca.get(), None);
}

#[test]
fn only_what_needs_a_restart_is_named() {
    let running = config();
    let mut changed = running.clone();
    changed.ttl = clean(&with_cluster("ttl: 7")).ttl;
    assert!(changed.restart_keys(&running).is_empty());
    changed.metrics = clean(&with_cluster("metrics: { prefix: coredns }")).metrics;
    changed.views.clear();
    assert_eq!(changed.restart_keys(&running), ["views[].listen", "metrics.prefix"]);
}
