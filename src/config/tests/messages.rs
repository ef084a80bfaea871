//! Every kind of wrong value, with its whole message.

use super::*;

#[test]
fn wrong_values_say_where_what_and_what_to_do() {
    let cases = [
        ("ttl: 4000", "6: ttl: 4000 is over 3600, a whole number from 0 to 3600 is expected; write a smaller one"),
        ("ttl: -1", "6: ttl: -1 is under 0, a whole number from 0 to 3600 is expected; write a larger one"),
        (
            "ttl: 5s",
            "6: ttl: \"5s\" is a text, a whole number from 0 to 3600 is expected; write a plain number without a unit",
        ),
        ("ttl: \"5\"", "6: ttl: \"5\" is a text, a whole number from 0 to 3600 is expected; remove the quotes"),
        (
            "udpMaxSize: 511",
            "13: udpMaxSize: 511 is under 512, a whole number from 512 to 4096 is expected; write a larger one",
        ),
        ("answer: nearst", "9: answer: \"nearst\" is not one of ordered, nearest, weighted; did you mean `nearest`?"),
        ("answer: 1", "9: answer: 1 is not one of ordered, nearest, weighted; write one of them"),
        ("clusterNames: yes", "15: clusterNames: \"yes\" is not true or false; write `true` or `false` without quotes"),
        ("lameduck: 30", "11: lameduck: 30 has no unit; write 30s for seconds, or ms, m, h; only 0 stands alone"),
        (
            "lameduck: 5d",
            "11: lameduck: \"5d\" is not a length of time; write a number with ms, s, m or h, such as 250ms, 5s, 15m, 24h",
        ),
        (
            "memoryLimit: much",
            "14: memoryLimit: \"much\" is neither a percentage nor a size; write it like 80% or 512Mi",
        ),
        ("brake: { share: 0.5 }", "17: brake.share: 0.5 is not a percentage; write it like 50%"),
        (
            "limits: { tcp: { buffer: 256K } }",
            "26: limits.tcp.buffer: \"256K\" is not a size; write it like 256Ki, 2Mi or 1Gi",
        ),
        (
            "allowQuery: [10.0.0.0/33]",
            "14: allowQuery[0]: \"10.0.0.0/33\" is not an address range; write it like 10.1.0.0/16 or fd00:1::/48",
        ),
        (
            "allowQuery: 10.0.0.0/8",
            "13: allowQuery: \"10.0.0.0/8\" is a text, a list is expected; put it in brackets: [a, b]",
        ),
        (
            "nameserver: [10.0.0.1:53]",
            "14: nameserver[0]: \"10.0.0.1:53\" is not an IP address; write the address under which clients reach this server, without a port",
        ),
        (
            "nameserver: [224.0.0.1]",
            "14: nameserver[0]: \"224.0.0.1\" is a multicast address; write the address under which clients reach this server",
        ),
        (
            "zones: [a_b.local]",
            "9: zones[0]: \"a_b.local\" is not a domain name: the label \"a_b\" is not 1 to 63 of a-z, 0-9 and -; write a domain name such as clusterset.local",
        ),
        (
            "reverseZones: [10.example]",
            "16: reverseZones[0]: \"10.example\" is not below in-addr.arpa or ip6.arpa; write it like 10.in-addr.arpa",
        ),
        ("listen: { dns: [':53'] }", "17: listen.dns[0]: \":53\" has no address; write [::]:53 for all addresses"),
        (
            "listen: { health: ['[::]:1', '[::]:2'] }",
            "19: listen.health: has 2 addresses, one is allowed; keep one, or write [] to switch it off",
        ),
        (
            "listen: { admin: 9154 }",
            "18: listen.admin: 9154 is a number, an address with a port is expected; write it like \"127.0.0.1:5300\", or [] to switch it off",
        ),
        (
            "listen: 53",
            "9: listen: 53 is a number, a map of keys is expected; its keys are dns, grpc, health, ready, metrics, admin",
        ),
        (
            "refuseExports: [kube-system]",
            "17: refuseExports[0]: \"kube-system\" has no namespace; write it as NAMESPACE/NAME, such as kube-system/*",
        ),
        ("local: { region: 1 }", "18: local.region: 1 is a number, a text is expected; put it in quotes"),
        (
            "log: { level: loud }",
            "15: log.level: \"loud\" is not a log level; write off, error, warn, info, debug or trace, or MODULE=LEVEL separated by commas",
        ),
        (
            "metrics: { prefix: a-b }",
            "20: metrics.prefix: \"a-b\" cannot begin a metric name; use letters, digits and _, and no digit first",
        ),
        (
            "policies: [{ prefer: ['rack:1'] }]",
            "23: policies[0].prefer[0]: \"rack:1\" is no cluster, region:NAME or zone:NAME; write one of the three",
        ),
        (
            "policies: [{ weights: { west: 1001 } }]",
            "31: policies[0].weights.west: 1001 is over 1000, a whole number from 0 to 1000 is expected; write a smaller one",
        ),
        (
            "policies: [{ match: { names: ['a?'] } }]",
            "31: policies[0].match.names[0]: \"a?\" is not a pattern of names; use lower-case letters, digits, - and ., and * for any run of characters",
        ),
        (
            "policies: [{ health: { probe: tcp } }]",
            "22: policies[0].health: `port` is missing; it has no default, add it",
        ),
    ];
    for (text, expected) in cases {
        let errors: Vec<_> = said(&with_cluster(text)).into_iter().filter(|line| line.starts_with("error")).collect();
        assert_eq!(errors, [format!("error[config]: config.yaml:2:{expected}")], "{text}");
    }
}

#[test]
fn errors_in_an_entry_name_its_cluster() {
    let text = "clusters:\n- name: west\n  source: { manifests: { path: w } }\n  reach: pods\n";
    let expected = "error[config]: config.yaml:4:10: cluster west: reach: \"pods\" is not one of \
                    auto, clusterIP, loadBalancer, endpoints, gateway; write one of them";
    assert_eq!(said(text), [expected]);
    assert_eq!(read(text).1[0].field, "clusters[0].reach");
    assert_eq!(read(text).1[0].source_line, "  reach: pods");
}

#[test]
fn unknown_keys_get_the_nearest_known_one() {
    let cases = [
        ("lisen: {}", "1: unknown key `lisen`; did you mean `listen`?"),
        ("listen: { DNS: [] }", "11: listen: unknown key `DNS`; did you mean `dns`?"),
        (
            "freshness: { suspect_after: 1s }",
            "14: freshness: unknown key `suspect_after`; did you mean `suspectAfter`?",
        ),
        ("log: { file: a }", "8: log: unknown key `file`; known keys here: format, level, queries"),
    ];
    for (text, expected) in cases {
        assert_eq!(said(&with_cluster(text)), [format!("error[config]: config.yaml:2:{expected}")], "{text}");
    }
}

#[test]
fn what_is_no_yaml_is_one_error() {
    let cases = [
        (
            "a: [1\nb: 2",
            "2:2: the file is not valid YAML: illegal placement of ':' indicator; correct it from this place on",
        ),
        ("ttl: 1\n---\nttl: 2", "3:1: a second document begins here, one is expected; remove `---` or split the file"),
        ("ttl: 1\nttl: 2", "2:1: the key `ttl` stands twice; remove one of the two"),
        ("ttl: *x", "1:6: the file is not valid YAML: alias references unknown anchor; correct it from this place on"),
    ];
    for (text, expected) in cases {
        assert_eq!(said(text), [format!("error[config]: config.yaml:{expected}")], "{text}");
    }
    assert!(
        said("- ttl: 1")[0]
            .starts_with("error[config]: config.yaml:1:1: is a list, a map of keys is expected; its keys are zones")
    );
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_the_file() {
    let text = "
ttl: 9999
lsten: {}
clusters:
  - source: { manifests: { path: a } }
  - name: a.b.c
    source: {}
  - 7
  - { name: x, source: { inCluster: {}, manifests: { path: b } } }
zones: [clusterset.local, a_b, clusterset.local]
globalZones: [global, a_b, x.local, x.local]
tls: { grpc: { cert: a } }
";
    let lines = said(text);
    // The doubled zones wait until those before them can be read: their numbers would be wrong.
    let starts = [
        "error[config]: config.yaml:2:6: ttl: 9999 is over",
        "error[config]: config.yaml:3:1: unknown key `lsten`",
        "error[config]: config.yaml:5:5: clusters[0]: `name` is missing",
        "error[config]: config.yaml:6:11: cluster a.b.c: the name has 3 labels, at most 2 are allowed; shorten it, or use `aliases`",
        "error[config]: config.yaml:7:13: cluster a.b.c: source: the source is empty",
        "error[config]: config.yaml:8:5: clusters[2]: 7 is a number",
        "error[config]: config.yaml:9:24: cluster x: source: the source names inCluster and manifests, one is allowed; keep one",
        "error[config]: config.yaml:10:27: zones[1]: \"a_b\" is not a domain name",
        "error[config]: config.yaml:11:23: globalZones[1]: \"a_b\" is not a domain name",
        "error[config]: config.yaml:12:14: tls.grpc: cert is set but key is not; TLS needs both, set key or remove cert",
    ];
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}\nexpected {start}");
    }
    assert_eq!(lines.len(), starts.len(), "{lines:#?}");
}

#[test]
fn odd_files_are_diagnosed_and_never_panic() {
    let contract = include_str!("contract.yaml");
    for (at, _) in contract.char_indices().step_by(23) {
        read(&contract[..at]);
        read(&format!("{}\u{0}{}", &contract[..at], &contract[at..]));
        read(&format!("{}[{{é: {}", &contract[..at], &contract[at..]));
    }
    for text in ["\u{feff}ttl: 7", "ttl: 7\r\n", "<<: { ttl: 7 }", "ttl: !!int 7", "a: &a { b: 1 }\nttl: 7"] {
        assert!(read(text).0.ttl.get() == 7, "{text:?}: {:?}", said(text));
    }
    assert!(said(&"[".repeat(10_000))[0].starts_with("error[config]"));
    assert!(said(&format!("clusters: {}", "{ source: ".repeat(500)))[0].starts_with("error[config]"));
}
