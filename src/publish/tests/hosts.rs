//! The same for global zones, where names are shared between hosts.

use super::*;
use crate::dns::types::rtype;
use crate::model::fact::Ingress;
use crate::model::fixture::workload_at;
use crate::model::host::fact::{
    Allocates, DnsEndpointFact, DnsRecord, EntryPort, RecordValues, Resolution, Routing, ServiceEntryFact, Workload,
    WorkloadEntryFact,
};

/// Hosts that are each other's ancestors, SRV names, wildcards, names of the zone itself, and a foreign one.
const HOSTS: [&str; 10] = [
    "a.global",
    "b.a.global",
    "*.a.global",
    "d.c.b.a.global",
    "_http._tcp.a.global",
    "_tcp.a.global",
    "x.ns.dns.global",
    "ns.dns.global",
    "*.global",
    "a.example",
];

/// An address, or for 7 and 8 a Service of the object's cluster.
fn workload(last: u8) -> Workload {
    let address = match last {
        7 => Ingress::Host("db.shop.svc.cluster.local".into()),
        8 => Ingress::Host("web.shop.svc.cluster.local".into()),
        _ => Ingress::Ip([10, 8, 0, last].into()),
    };
    workload_at(address)
}

fn entry(namespace: &str, name: &str, hosts: &[usize], addresses: &[u8], selects: bool) -> Fact {
    let plain = |host: &&usize| !HOSTS[**host].contains('_');
    let mut hosts: Vec<Arc<str>> = hosts.iter().filter(plain).map(|host| HOSTS[*host].into()).collect();
    hosts.sort();
    hosts.dedup();
    Fact::ServiceEntry(Box::new(ServiceEntryFact {
        key: ObjectKey::new(namespace, name),
        hosts,
        addresses: Vec::new(),
        allocated: Vec::new(),
        ports: vec![EntryPort { name: "http".into(), protocol: Protocol::Tcp, number: 80, target_port: None }],
        allocates: Allocates::Nothing,
        resolution: Resolution::Endpoints,
        endpoints: addresses.iter().map(|last| workload(*last)).collect(),
        selector: selects.then(|| vec![("app".into(), "web".into())]),
        exported: true,
        own: OwnPolicy::default(),
        origin: Origin::Unknown,
    }))
}

fn workload_entry(name: &str, last: u8) -> Fact {
    Fact::WorkloadEntry(Box::new(WorkloadEntryFact {
        key: ObjectKey::new("shop", name),
        labels: vec![("app".into(), if last.is_multiple_of(2) { "web" } else { "db" }.into())],
        workload: workload(last),
        origin: Origin::Unknown,
    }))
}

fn dns_endpoint(name: &str, hosts: &[usize], last: u8) -> Fact {
    let record = |host: &usize| DnsRecord {
        name: HOSTS[*host].into(),
        values: RecordValues::Addresses(vec![[10, 7, 0, last].into()]),
        ttl: None,
        routing: Routing::default(),
    };
    Fact::DnsEndpoint(Box::new(DnsEndpointFact {
        key: ObjectKey::new("shop", name),
        records: hosts.iter().map(record).collect(),
        own: OwnPolicy::default(),
        origin: Origin::Unknown,
    }))
}

fn host_facts() -> impl Strategy<Value = Fact> {
    let name = || prop_oneof![Just("o1"), Just("o2")];
    let namespace = prop_oneof![Just("shop"), Just("hidden")];
    let hosts = || proptest::collection::vec(0..HOSTS.len(), 0..3);
    let entry_parts = (namespace, name(), hosts(), proptest::collection::vec(1u8..9, 0..3), any::<bool>());
    prop_oneof![
        3 => entry_parts.prop_map(|(namespace, name, hosts, addresses, selects)| {
            entry(namespace, name, &hosts, &addresses, selects)
        }),
        1 => (name(), 1u8..9).prop_map(|(name, last)| workload_entry(name, last)),
        2 => (name(), hosts(), 1u8..9).prop_map(|(name, hosts, last)| dns_endpoint(name, &hosts, last)),
        2 => facts(),
    ]
}

fn host_steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![Just(Kind::ServiceEntry), Just(Kind::WorkloadEntry), Just(Kind::DnsEndpoint)];
    let step = prop_oneof![
        4 => (0..CLUSTERS.len(), host_facts()).prop_map(|(cluster, fact)| Step::Put(cluster, fact)),
        2 => (0..CLUSTERS.len(), host_facts()).prop_map(|(cluster, fact)| Step::Delete(cluster, fact)),
        1 => (0..CLUSTERS.len(), kind).prop_map(|(cluster, kind)| Step::Relist(cluster, kind)),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Two views of which one hides a namespace, and a limit that some histories reach.
fn host_publisher() -> (Publisher, Arc<Table>) {
    publisher_with(|setup| {
        setup.views[1].namespaces.deny = vec!["hidden".into()];
        setup.model.limits.hosts = 5;
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_history_gives_the_hosts_of_the_final_facts(steps in host_steps(), late in 0..12usize, pauses in any::<u64>()) {
        let ((_, lived_table), (_, fresh_table)) = lived_and_fresh(host_publisher, &steps, late, pauses);
        prop_assert_eq!(names(&lived_table), names(&fresh_table));
        prop_assert!(contents(&lived_table) == contents(&fresh_table));
        tree_is_whole(&lived_table)?;
    }
}

/// Every name of the global zone has its ancestors, in each view that it exists in.
fn tree_is_whole(table: &Table) -> Result<(), TestCaseError> {
    let zone = Name::parse("global").unwrap();
    let blocks = contents(table);
    for (wire, block) in &blocks {
        let name = Name::from_wire(wire).unwrap();
        let Some(parent) = name.parent().filter(|parent| name.is_within(&zone) && parent.is_within(&zone)) else {
            continue;
        };
        let above = blocks.get(parent.wire()).map_or(0, |block| block.presence());
        prop_assert_eq!(block.presence() & !above & 0b11, 0, "{} without {}", name, parent);
    }
    Ok(())
}

fn global_names(table: &Table) -> Vec<String> {
    names(table).into_iter().filter(|name| name.ends_with(".global.") && !name.contains("dns")).collect()
}

#[test]
fn names_go_with_their_last_claim_and_the_zone_keeps_its_own() {
    let (mut publisher, table) = host_publisher();
    for cluster in CLUSTERS {
        Kind::ALL.into_iter().for_each(|kind| observe(&mut publisher, cluster, list(&Held::new(), kind)));
    }
    publisher.work(|| true);
    let before = contents(&table);
    let apply = |fact| Change::Apply { fact, findings: Vec::new() };
    observe(&mut publisher, "east", apply(entry("shop", "o1", &[3], &[1], false)));
    observe(&mut publisher, "west", apply(dns_endpoint("o2", &[1, 6, 7], 2)));
    publisher.work(|| true);
    let mut found = global_names(&table);
    found.sort();
    assert_eq!(
        found,
        [
            "_http._tcp.d.c.b.a.global.",
            "_tcp.d.c.b.a.global.",
            "a.global.",
            "b.a.global.",
            "c.b.a.global.",
            "d.c.b.a.global.",
        ]
    );
    assert_eq!(contents(&table).get(&b"\x02ns\x03dns\x06global\0"[..]), before.get(&b"\x02ns\x03dns\x06global\0"[..]));
    let srv = contents(&table)[&b"\x05_http\x04_tcp\x01d\x01c\x01b\x01a\x06global\0"[..]].describe();
    let set = &srv.orders[0].sets[0];
    assert_eq!((set.rtype, &set.records[0].rdata[6..]), (rtype::SRV, &b"\x01d\x01c\x01b\x01a\x06global\0"[..]));
    assert_eq!(&set.records[0].glue.wire[..2], [0xc0, 12 + 11], "glue points at the host in the question");

    observe(&mut publisher, "east", Change::Delete { kind: Kind::ServiceEntry, key: ObjectKey::new("shop", "o1") });
    observe(&mut publisher, "west", Change::Delete { kind: Kind::DnsEndpoint, key: ObjectKey::new("shop", "o2") });
    publisher.work(|| true);
    assert!(contents(&table) == before);
}
