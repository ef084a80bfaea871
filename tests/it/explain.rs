//! What `explain --manifests` says of names in a global zone, on the scenario folders: lines that must be there.

use clusterset_dns::cli::{SettingsArgs, settings};
use clusterset_dns::run::{offline, question};
use std::path::Path;

/// Scenario, name (`@view` behind it), type, and lines (or their beginnings) of the text.
const CASES: &[(&str, &str, &str, &[&str])] = &[
    (
        "global-grammars",
        "web.shop.global",
        "A",
        &[
            "node      host web.shop.global",
            "tree      the name itself",
            "host      web.shop.global: ServiceEntry, owns the name",
            "entry     east: ServiceEntry istio-system/web-shop, ",
            "entry     west: ServiceEntry istio-system/web-shop, ",
            "rule      (3) no address of the ServiceEntry itself: its endpoints answer",
            "rule      policy: answer ordered (default), tiers cluster, zone, region, rest (default), TTL 5",
            "left out  west: 203.0.113.2 the same address is answered before it ",
            "kept      west: 203.0.113.2 (tier ",
            "answer    A NOERROR",
        ],
    ),
    (
        "global-grammars",
        "_pg._tcp.db.shop.svc.west.global",
        "SRV",
        &[
            "node      _pg._tcp of host db.shop.svc.west.global",
            "host      db.shop.svc.west.global: ServiceEntry, owns the name: it is one of its ports",
            "rule      (1) `spec.addresses` answer",
            "left out  east: ingress.west.example: an address of the ServiceEntry itself answers",
            "kept      east: 243.17.4.9 (tier 0, weight 1) answered",
        ],
    ),
    (
        "global-grammars",
        "prod.greeting.global",
        "A",
        &[
            "tree      no such name; the closest encloser is greeting.global.",
            "hint      the nearest name that exists is greeting.global.",
            "hint      similar hosts: stage.greeting.global",
        ],
    ),
    (
        "global-grammars",
        "greeting.global",
        "A",
        &["tree      an empty non-terminal: it exists because of stage.greeting.global below it"],
    ),
    (
        "global-wildcards",
        "x.y.foo.global",
        "A",
        &[
            "node      x.y of host *.foo.global",
            "tree      wildcard *.foo.global.; the closest encloser is foo.global.",
            "host      *.foo.global: ServiceEntry, answers for the name",
            "kept      east: 240.0.0.1 (tier 0, weight 1) answered",
        ],
    ),
    (
        "global-wildcards",
        "c.b.foo.global",
        "A",
        &["hint      *.foo.global does not reach here: b.foo.global. exists by itself"],
    ),
    (
        "global-wildcards",
        "x.alias.global",
        "AAAA",
        &["kept      east: CNAME plain.foo.global: answered", "hint      the CNAME leads to plain.foo.global."],
    ),
    (
        "global-precedence",
        "both.global",
        "A",
        &["left out  east: a ServiceEntry owns the name: a DNSEndpoint ranks after it [DNSEndpoint mesh/taken, "],
    ),
    (
        "global-precedence",
        "owned.shop.global",
        "A",
        &[
            "hint      owned.shop.global belongs to a DNSEndpoint: the name formed from service shop/owned ranks after it",
        ],
    ),
    (
        "global-precedence",
        "web.shop.svc.global",
        "A",
        &["hint      the cluster is missing: ask for web.shop.svc.<cluster>.global"],
    ),
    (
        "global-precedence",
        "web.shop.svc.north.global",
        "A",
        &["hint      north is no cluster of the registry, which has east, west"],
    ),
    (
        "global-precedence",
        "web.shop.east.global",
        "A",
        &["hint      the label `svc` is missing before cluster east: ask for web.shop.svc.east.global"],
    ),
    (
        "global-precedence",
        "east.web.shop.global",
        "A",
        &["hint      east is a cluster, which stands last here: ask for web.shop.svc.east.global"],
    ),
    (
        "global-precedence",
        "shop.web.global",
        "A",
        &["hint      the service stands before its namespace: ask for web.shop.global"],
    ),
    (
        "global-precedence",
        "web.shop.clusterset.local",
        "A",
        &["hint      the label `svc` is missing: ask for web.shop.svc.clusterset.local"],
    ),
    (
        "global-precedence",
        "_http._tcp.web.shop.global",
        "SRV",
        &["hint      web.shop.global. is formed from a service and has addresses only"],
    ),
    (
        "global-records",
        "fail.global",
        "A",
        &[
            "rule      policy: answer nearest (aws/failover), tiers PRIMARY, SECONDARY (aws/failover), TTL 5",
            "kept      east: 203.0.113.1 (tier 0, weight 1) answered; setIdentifier first, aws/failover PRIMARY",
            "left out  east: 203.0.113.2 a nearer tier answers (`nearest`); setIdentifier second",
        ],
    ),
    (
        "cluster-names-hold-what-is-cut",
        "web.shop.svc.west.global",
        "A",
        &[
            "left out  east: 10.1.0.10 the name asks for cluster west alone",
            "kept      west: 10.2.0.10 fd02::10 (tier 1, weight 1) answered; at the service name: a nearer tier answers (`nearest`)",
            "answer    A NOERROR",
        ],
    ),
    (
        "cluster-names-hold-what-is-cut",
        "west.db.shop.svc.clusterset.local",
        "A",
        &["kept      west: 10.99.0.1 (tier 1, weight 1) answered; at the service name: "],
    ),
    (
        "cluster-aliases",
        "db.shop.svc.cluster-west-1.global",
        "A",
        &[
            "hint      cluster-west-1 is an alias of cluster west, and names have the id: ask for db.shop.svc.west.global",
        ],
    ),
    (
        "cluster-aliases",
        "db.shop.cluster-west-1.global",
        "A",
        &["hint      the label `svc` is missing before cluster west: ask for db.shop.svc.west.global"],
    ),
    (
        "cluster-aliases",
        "db-1.cluster-west-1.db.shop.svc.clusterset.local",
        "A",
        &[
            "node      endpoint db-1.cluster-west-1 of service shop/db; it ends in the id of no cluster of the registry",
            "hint      cluster-west-1 is an alias of cluster west, and names have the id: ask for db-1.west.db.shop.svc",
        ],
    ),
    (
        "submariner-gateways",
        "web.shop.svc.clusterset.local",
        "A",
        &["cluster   west: fresh", "          gateway of east: error", "          gateway of east: connected"],
    ),
    ("allow-query", "clusterset.local", "SOA", &["client    ", "answer    SOA NOERROR"]),
    // Without a type: every type that the name has; with one, the others are named.
    (
        "global-records",
        "api.global",
        "",
        &["answer    A NOERROR", "answer    AAAA NOERROR", "answer    TXT NOERROR", "types     A, AAAA, TXT"],
    ),
    ("global-records", "api.global", "PTR", &["answer    PTR NOERROR, no data", "types     A, AAAA, TXT"]),
    ("global-records", "www.global", "", &["answer    CNAME NOERROR", "types     CNAME"]),
    ("global-records", "_sip._udp.global", "", &["answer    SRV NOERROR", "types     SRV"]),
    ("global-records", "global", "", &["answer    SOA NOERROR", "types     SOA, NS"]),
    ("cluster-set-ip", "web.shop.svc.clusterset.local", "", &["answer    SRV NOERROR", "types     A, AAAA, SRV"]),
    ("global-records", "_sip._udp.global", "SRV", &["kept      east: SRV 10 5 5060 api.global: answered"]),
];

/// A wildcard that the view does not see is no reason for anything there.
#[test]
fn a_hidden_wildcard_is_not_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/view-hides-namespaces");
    let args = SettingsArgs {
        config: Some(folder.join("config.yaml")),
        manifests: Some(folder.join("clusters")),
        local_cluster: None,
    };
    let settings = settings(&args).expect("settings");
    let loaded = offline::load(&settings.config).expect("it loads");
    let question = question("x.wild.global", "A", "guest", &settings.config.views()).expect("a question");
    let text = loaded.explain(&question).to_text();
    assert!(text.contains("hint      the name exists in view local, not in this one"), "{text}");
    assert!(!text.contains("does not reach here"), "{text}");
}

#[test]
fn explain_tells_the_whole_story_of_global_names() {
    for (scenario, name, rtype, lines) in CASES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(scenario);
        let config = Some(folder.join("config.yaml")).filter(|path| path.is_file());
        let manifests = config.is_none().then(|| folder.join("clusters"));
        let settings = settings(&SettingsArgs { config, manifests, local_cluster: None }).expect("settings");
        let loaded = offline::load(&settings.config).expect("it loads");
        let (name, view) = name.split_once('@').unwrap_or((name, ""));
        let question = question(name, rtype, view, &settings.config.views()).expect("a question");
        let explanation = loaded.explain(&question);
        let text = explanation.to_text();
        for line in *lines {
            assert!(text.lines().any(|told| told.starts_with(line)), "{scenario} {name}: no line {line:?} in\n{text}");
        }
        let json: serde_json::Value = serde_json::from_str(&explanation.to_json()).expect("JSON");
        let hosts = json["hosts"].as_array().expect("hosts");
        assert_eq!(hosts.len(), text.lines().filter(|line| line.starts_with("host      ")).count());
    }
}
