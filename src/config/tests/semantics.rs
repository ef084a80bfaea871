//! What a single value cannot know: duplicates, counts, references, times, keys without effect.

use super::*;

fn assert_said(text: &str, expected: &[&str]) {
    assert_eq!(said(text), expected, "{text}");
}

#[test]
fn clusters_have_names_of_their_own() {
    let entry = |name: &str| format!("- name: {name}\n  source: {{ manifests: {{ path: a }} }}\n");
    let file = |names: &[&str]| format!("clusters:\n{}", names.iter().map(|name| entry(name)).collect::<String>());
    let error = "error[config]: config.yaml";
    let labels = "the name is not made of DNS labels, which are 1 to 63 of a-z, 0-9 and - with no - at either end; \
                  choose another, and put this one into `aliases` if objects use it";
    let cases = [
        (
            vec!["west", "east", "west"],
            format!(
                "{error}:6:9: cluster west: two entries have this name, the first is clusters[0] (line 2); rename or remove one"
            ),
        ),
        (
            vec!["east.eu.prod"],
            format!(
                "{error}:2:9: cluster east.eu.prod: the name has 3 labels, at most 2 are allowed; shorten it, or use `aliases`"
            ),
        ),
        (
            vec!["West"],
            format!(
                "{error}:2:9: cluster West: the name has capital letters; write west, and put West into `aliases` if objects use it"
            ),
        ),
        (vec!["a_b"], format!("{error}:2:9: cluster a_b: {labels}")),
        (vec!["-a"], format!("{error}:2:9: cluster -a: {labels}")),
        (vec!["''"], format!("{error}:2:9: clusters[0].name: the name is empty; give the cluster a name such as west")),
    ];
    for (names, expected) in cases {
        assert_eq!(said(&file(&names)), [expected], "{names:?}");
    }
}

#[test]
fn an_alias_leads_to_one_cluster() {
    let text = "
clusters:
- { name: a, source: { manifests: { path: a } }, aliases: [x, y] }
- { name: b, source: { manifests: { path: b } }, aliases: [a, y, z] }
";
    assert_said(
        text,
        &[
            "error[config]: config.yaml:4:60: cluster b: aliases[0]: \"a\" is the name of clusters[0]; remove the alias",
            "error[config]: config.yaml:4:63: cluster b: aliases[1]: \"y\" is an alias of cluster a too; remove one of the two",
        ],
    );
}

#[test]
fn zones_are_unique_and_hide_nothing() {
    assert_said(
        &with_cluster("zones: [a.local, svc.a.local, b.a.local]\nglobalZones: [global, B.a.local., eu.global]"),
        &[
            "error[config]: config.yaml:2:18: zones[1]: the zone svc.a.local would hide names of the clusterset zone a.local below svc.a.local; choose another zone",
            "error[config]: config.yaml:3:23: globalZones[1]: the zone b.a.local is already in zones[2] (line 2); remove one of the two",
            "warning[config]: config.yaml:3:35: globalZones[2]: the zone eu.global lies in the global zone global: names there of a namespace or cluster `eu` are not answered; choose another zone if there is one",
        ],
    );
    assert_said(
        &with_cluster("zones: []\nglobalZones: []"),
        &[
            "warning[config]: config.yaml:2:8: zones: no zone is configured; every query is refused; name one in zones or globalZones",
        ],
    );
}

#[test]
fn views_have_names_clients_and_a_limit() {
    let text = "
views:
- { name: w, clients: [10.2.0.0/16], cluster: west }
- { name: w, listen: '[::]:5301', cluster: wst }
- { name: local, clients: [10.2.7.7/16] }
- { name: idle }
";
    let line = |at: &str, rest: &str| format!("config.yaml:{at}: views{rest}");
    let expected = [
        format!(
            "error[config]: {}",
            line("5:11", "[1].name: two views are named w, the first is views[0] (line 4); rename or remove one")
        ),
        format!(
            "warning[config]: {}",
            line("5:44", "[1].cluster: \"wst\" names no entry of clusters and has no effect; did you mean `west`?")
        ),
        format!(
            "error[config]: {}",
            line("6:11", "[2].name: `local` is the name of the default view; choose another, or set the key local")
        ),
        format!(
            "error[config]: {}",
            line("6:28", "[2].clients[0]: 10.2.0.0/16 is among the clients of view w too; keep it in one view")
        ),
        format!("warning[config]: {}", line("7:3", "[3]: no client gets the view idle; give it clients or listen")),
    ];
    assert_eq!(said(&with_cluster(text)), expected);

    let views: String = (0..64).map(|n| format!("- {{ name: v{n}, clients: [10.{n}.0.0/16] }}\n")).collect();
    assert_said(
        &with_cluster(&format!("views:\n{views}")),
        &[
            "error[config]: config.yaml:66:3: views[63]: there are 65 views with the local one, at most 64 are allowed; remove 1 of them",
        ],
    );
}

#[test]
fn addresses_are_used_once_and_certificates_are_whole() {
    let text = "
listen: { dns: ['127.0.0.1:53', '127.0.0.1:0'], grpc: '127.0.0.1:0', metrics: '127.0.0.1:53' }
views: [{ name: w, listen: ['127.0.0.1:53'] }]
tls: { grpc: { clientCA: ca.pem } }
";
    assert_said(
        &with_cluster(text),
        &[
            "error[config]: config.yaml:3:79: listen.metrics: 127.0.0.1:53 is used by listen.dns[0] already; choose another port",
            "error[config]: config.yaml:4:29: views[0].listen[0]: 127.0.0.1:53 is used by listen.dns[0] already; choose another port",
            "error[config]: config.yaml:5:14: tls.grpc: clientCA is set but cert and key are not; set both, or remove clientCA",
        ],
    );
}

#[test]
fn listeners_are_switched_off_by_an_empty_list_or_text() {
    let config = clean(&with_cluster("listen: { dns: [], grpc: '', health: '', ready: [], metrics: '', admin: '' }"));
    assert!(!config.serves_dns() && config.listen.ready.first().is_none() && config.listen.admin.is_off());
}

#[test]
fn times_that_leave_a_watch_no_room_are_a_warning() {
    let said = said(&with_cluster("freshness: { suspectAfter: 4s, demoteAfter: 0 }"));
    let expected = "warning[config]: config.yaml:2:28: freshness.suspectAfter: 4s is shorter than the 5s after which a silent watch \
                    is noticed: a quiet cluster would be taken for a lost one; write 6s or more, or 0 for never";
    assert!(said.iter().any(|line| line == expected), "{said:#?}");
    let room = ["suspectAfter: 6s", "suspectAfter: 0, demoteAfter: 0", "demoteAfter: 1h"];
    for times in room {
        let (_, diagnostics) = read(&with_cluster(&format!("freshness: {{ {times} }}")));
        assert!(diagnostics.iter().all(|found| found.code == "not-built"), "{times}: {diagnostics:#?}");
    }
}

#[test]
fn names_of_no_cluster_are_warnings() {
    let text = "
local: { cluster: wset }
clusterPriority: [east]
policies: [{ weights: { west: 1, north: 2 }, prefer: [south, 'zone:a'] }]
";
    let rest = "names no entry of clusters and has no effect";
    let expected = [
        format!("config.yaml:3:19: local.cluster: \"wset\" {rest}; did you mean `west`?"),
        format!("config.yaml:4:19: clusterPriority[0]: \"east\" {rest}; did you mean `west`?"),
        format!("config.yaml:5:41: policies[0].weights.north: \"north\" {rest}; the clusters are west"),
        format!("config.yaml:5:55: policies[0].prefer[0]: \"south\" {rest}; the clusters are west"),
    ];
    assert_eq!(said(&with_cluster(text)), expected.map(|line| format!("warning[config]: {line}")));
    assert_said(
        "local: { cluster: a }",
        &[
            "warning[config]: config.yaml:1:19: local.cluster: \"a\" names no entry of clusters and has no effect; add it to clusters",
            "warning[config]: clusters: no cluster is configured; the zones are served without a service; add one, or use --manifests",
        ],
    );
}

#[test]
fn a_key_without_effect_is_one_warning_when_it_is_set() {
    let text = "
clusters:
- { name: a, source: { manifests: { path: a } }, adapters: [skupper], gateways: [10.0.0.9, gw.example.com] }
- { name: b, source: { manifests: { path: b } }, adapters: [skupper] }
transfer: { allow: [10.0.0.0/8], notify: [] }
tierBy: rtt
zonalNames: false
freshness: { grace: 5s }
";
    let said = said(text);
    assert_eq!(
        said,
        [
            "warning[not-built]: config.yaml:3:50: cluster a: adapters: not built yet, so the setting has no effect; remove it until a release has it",
            "warning[not-built]: config.yaml:6:1: tierBy: not built yet, so the setting has no effect; remove it until a release has it",
        ]
    );
}

#[test]
fn each_key_without_effect_is_a_key() {
    let keys = keys();
    for key in super::super::not_built::keys() {
        assert!(keys.iter().any(|(path, _)| path == key), "{key}");
    }
}

#[test]
fn a_filter_of_cluster_profiles_is_the_value_of_a_label() {
    let file = |filters: &str| {
        format!(
            "clusters:\n- {{ name: home, source: {{ kubeconfig: {{ path: k }} }} }}\nregistry:\n  home: home\n  \
             clusterProfiles: {{ namespace: fleet, tokens: {{ a: b }}, {filters} }}\n"
        )
    };
    for fine in ["clusterManager: '', clusterSet: ''", "clusterManager: open.cluster_manager-1, clusterSet: Prod"] {
        assert_said(&file(fine), &[]);
    }
    let advice =
        "it is not the value of a label: 1 to 63 letters, digits, -, _ and ., with a letter or digit at either end";
    let long = "a".repeat(64);
    for (key, value) in
        [("clusterManager", "a/b"), ("clusterManager", "a,c=d"), ("clusterSet", "-a"), ("clusterSet", &long)]
    {
        let found = said(&file(&format!("{key}: '{value}'")));
        let place = format!("error[config]: config.yaml:5:{}: registry.clusterProfiles.{key}: ", 60 + key.len());
        assert!(found.len() == 1 && found[0].starts_with(&place) && found[0].ends_with(advice), "{place} {found:?}");
    }
}
