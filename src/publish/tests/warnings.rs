//! Findings that no one object brings: told, counted while they stand, withdrawn when what caused them goes away.

use super::*;
use crate::model::fact::NodeFact;
use crate::model::host::fact::{
    Allocates, DnsEndpointFact, DnsRecord, RecordValues, Resolution, Routing, ServiceEntryFact,
};

fn entry(name: &str, host: &str) -> Fact {
    Fact::ServiceEntry(Box::new(ServiceEntryFact {
        key: ObjectKey::new("mesh", name),
        hosts: vec![host.into()],
        addresses: vec![[240, 0, 0, 1].into()],
        allocated: Vec::new(),
        ports: Vec::new(),
        allocates: Allocates::Nothing,
        resolution: Resolution::None,
        endpoints: Vec::new(),
        selector: None,
        exported: true,
        own: OwnPolicy::default(),
        origin: Origin::Unknown,
    }))
}

fn records(host: &str) -> Fact {
    Fact::DnsEndpoint(Box::new(DnsEndpointFact {
        key: ObjectKey::new("mesh", "records"),
        records: vec![DnsRecord {
            name: host.into(),
            values: RecordValues::Addresses(vec![[10, 0, 0, 1].into()]),
            ttl: None,
            routing: Routing::default(),
        }],
        own: OwnPolicy::default(),
        origin: Origin::Unknown,
    }))
}

fn node(range: &str) -> Fact {
    let pod_cidrs = vec![crate::model::Prefix::parse(range).unwrap()];
    Fact::Node(NodeFact { name: "n1".into(), region: None, zone: None, pod_cidrs })
}

/// Codes of the findings that stand, of both clusters.
fn standing(publisher: &mut Publisher) -> Vec<&'static str> {
    publisher.work(|| true);
    publisher.survey();
    let of = |cluster: &str| publisher.warnings.counts_of(cluster).collect::<Vec<_>>();
    let counts = [of("east"), of("west")].concat();
    let mut codes: Vec<_> = counts.into_iter().flat_map(|(code, count)| vec![code; count as usize]).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn every_cause_brings_its_finding_and_takes_it_away() {
    let (mut publisher, _) = publisher_with(|setup| setup.views.truncate(1));
    for cluster in CLUSTERS {
        Kind::ALL.into_iter().for_each(|kind| observe(&mut publisher, cluster, list(&Held::new(), kind)));
    }
    assert_eq!(standing(&mut publisher), Vec::<&str>::new());
    let cases: [(&str, Vec<Fact>, usize); 6] = [
        ("cidr-overlap", vec![node("10.4.0.0/16")], 1),
        ("foreign-zone-name", vec![records("api.example")], 1),
        ("name-taken", vec![entry("e", "api.global"), records("api.global")], 2),
        ("vip-collision", vec![entry("e", "a.global"), entry("f", "b.global")], 2),
        ("wildcard-shadowed", vec![entry("e", "*.global"), entry("f", "a.b.global")], 2),
        ("reach-unproven", vec![service("web", false, 80), export("web", 1)], 2),
    ];
    let namespace = Fact::Namespace(NamespaceFact { name: "shop".into(), origin: Origin::Unknown });
    for fact in [node("10.4.1.0/24"), namespace] {
        observe(&mut publisher, "east", Change::Apply { fact, findings: Vec::new() });
    }
    for (code, facts, count) in cases {
        for fact in &facts[..count] {
            observe(&mut publisher, "west", Change::Apply { fact: fact.clone(), findings: Vec::new() });
        }
        assert!(standing(&mut publisher).contains(&code), "{code} of {facts:?}");
        let lines = publisher.warnings.take_lines();
        assert!(lines.iter().any(|line| line.starts_with(&format!("[{code}]: cluster "))), "{code}: {lines:?}");
        for fact in facts {
            observe(&mut publisher, "west", Change::Delete { kind: fact.kind(), key: fact.key() });
        }
        assert_eq!(standing(&mut publisher), Vec::<&str>::new(), "{code} is withdrawn");
    }
}

#[test]
fn a_view_without_its_cluster_is_one_finding_whatever_is_served() {
    let (mut publisher, _) = publisher_with(|setup| setup.views[1].cluster = Some(ClusterId::new("north")));
    for cluster in CLUSTERS {
        Kind::ALL.into_iter().for_each(|kind| observe(&mut publisher, cluster, list(&Held::new(), kind)));
    }
    for name in ["web", "db"] {
        for fact in [service(name, false, 80), export(name, 1)] {
            observe(&mut publisher, "east", Change::Apply { fact, findings: Vec::new() });
        }
    }
    standing(&mut publisher);
    assert_eq!(publisher.warnings.counts_of("north").collect::<Vec<_>>(), [("view-cluster-unknown", 1)]);
}
