//! Random clustersets: services and imports, ServiceEntries, WorkloadEntries and DNSEndpoints in three clusters, states, views,
//! policies and limits.

use crate::compile::{self, Columns, Zones};
use crate::dns::Name;
use crate::model::fact::{Fact, Ingress, Kind, Protocol};
use crate::model::fixture;
use crate::model::host::fact::{
    Allocates, DnsEndpointFact, DnsRecord, EntryPort, RecordValues, Resolution, Routing, ServiceEntryFact, SrvValue,
    Workload, WorkloadEntryFact,
};
use crate::model::policy::{AnswerMode, OwnPolicy};
use crate::model::{Change, Cluster, ClusterId, Observation, State, View, cluster::GatewayAddress};
use crate::publish::{Figures, FrameTemplate, Publisher, Setup};
use crate::table::{Frame, Table};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub(super) const CLUSTERS: [&str; 3] = ["east", "west", "a.b"];
pub(super) const VIEWS: u8 = 4;
/// Namespace and name; one namespace is called as a cluster is.
pub(super) const SERVICES: [(&str, &str); 4] = [("shop", "web"), ("shop", "db"), ("west", "web"), ("hidden", "web")];
/// The three grammars, each other's ancestors, wildcards, SRV names, the zone's own.
pub(super) const HOSTS: [&str; 14] = [
    "web.shop.global",
    "db.shop.svc.west.global",
    "stage.greeting.global",
    "v1.stage.greeting.global",
    "a.global",
    "b.a.global",
    "*.a.global",
    "d.c.b.a.global",
    "*.global",
    "*.shop.global",
    "_http._tcp.a.global",
    "_tcp.a.global",
    "x.ns.dns.global",
    "ns.dns.global",
];

#[derive(Debug, Clone)]
pub(super) struct World {
    facts: Vec<(usize, Fact)>,
    states: Vec<State>,
    mode: AnswerMode,
    gateways: bool,
    resolve_hostnames: bool,
    mesh: bool,
    max_answer_records: usize,
    tight: bool,
}

pub(super) fn world() -> impl Strategy<Value = World> {
    let facts = proptest::collection::vec((0..CLUSTERS.len(), fact()), 0..30);
    let state = prop_oneof![4 => Just(State::Fresh), 1 => Just(State::Stale), 1 => Just(State::Expired)];
    let mode = prop_oneof![Just(AnswerMode::Ordered), Just(AnswerMode::Nearest), Just(AnswerMode::Weighted)];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 0usize..3);
    (facts, proptest::collection::vec(state, 3), mode, flags).prop_map(
        |(facts, states, mode, (gateways, resolve_hostnames, mesh, tight, max_answer_records))| World {
            facts,
            states,
            mode,
            gateways,
            resolve_hostnames,
            mesh,
            max_answer_records,
            tight,
        },
    )
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![3 => service_fact(), 3 => entry(), 1 => workload_entry(), 3 => dns_endpoint()]
}

fn addresses() -> impl Strategy<Value = Vec<IpAddr>> {
    let v4 = (1u8..4, 1u8..6).prop_map(|(net, last)| IpAddr::from([10, net, 0, last]));
    let vip = (1u8..4).prop_map(|last| IpAddr::from([240, 0, 0, last]));
    let v6 = (1u16..5).prop_map(|last| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last]));
    proptest::collection::vec(prop_oneof![3 => v4, 1 => vip, 1 => v6], 0..4)
}

fn service_fact() -> impl Strategy<Value = Fact> {
    let key = select(SERVICES.to_vec()).prop_map(|(namespace, name)| format!("{namespace}/{name}"));
    let ips = addresses().prop_map(|ips| ips.iter().map(ToString::to_string).collect::<Vec<_>>());
    (key, ips, 0u8..6, 0i64..3, any::<bool>()).prop_map(|(key, ips, kind, created, flag)| {
        let ips: Vec<&str> = ips.iter().map(String::as_str).collect();
        match kind {
            0 => fixture::service(&key, &ips).into(),
            1 if flag => fixture::headless(&key).into(),
            2 if flag => fixture::import(&key, &ips[..ips.len().min(1)]).into(),
            3 | 4 => fixture::slice(&key, created as u32, &ips).into(),
            _ => fixture::export(&key, created).into(),
        }
    })
}

fn workload() -> impl Strategy<Value = Workload> {
    let address = prop_oneof![
        3 => (1u8..4, 1u8..6).prop_map(|(net, last)| Ingress::Ip([10, net, 0, last].into())),
        1 => select(vec!["lb.example", "none.example", "web.shop.svc.cluster.local"]).prop_map(|name| Ingress::Host(name.into())),
    ];
    let cluster = option::of(select(vec!["east", "west", "a.b", "far"]).prop_map(ClusterId::new));
    let network = option::of(select(vec!["n1", "n2", "n3"]).prop_map(Arc::from));
    let region = option::of(select(vec!["r1", "r2"]).prop_map(Arc::from));
    let flags = (proptest::bool::weighted(0.8), proptest::bool::weighted(0.2));
    (address, cluster, network, region, option::of(1u32..4), flags).prop_map(
        |(address, cluster, network, region, weight, (ready, draining))| Workload {
            address,
            ports: Vec::new(),
            cluster,
            network,
            region,
            zone: None,
            weight,
            draining,
            ready,
        },
    )
}

fn namespace() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("shop"), 1 => Just("hidden")]
}

fn hosts(most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(HOSTS.to_vec(), 1..most)
}

fn own() -> impl Strategy<Value = OwnPolicy> {
    let mode = option::weighted(0.2, select(vec![AnswerMode::Ordered, AnswerMode::Nearest, AnswerMode::Weighted]));
    (mode, option::weighted(0.2, 0u32..3), proptest::bool::weighted(0.1))
        .prop_map(|(answer, weight, drain)| OwnPolicy { answer, weight, drain, ..OwnPolicy::default() })
}

fn entry() -> impl Strategy<Value = Fact> {
    let address = option::weighted(0.4, addresses()).prop_map(Option::unwrap_or_default);
    let allocated = option::weighted(0.2, addresses()).prop_map(Option::unwrap_or_default);
    let endpoints = proptest::collection::vec(workload(), 0..4);
    let parts = (address, allocated, endpoints, any::<bool>(), proptest::bool::weighted(0.9));
    (namespace(), 0u8..3, hosts(4), parts, own()).prop_map(
        |(namespace, number, hosts, (addresses, allocated, endpoints, selects, looks), own)| {
            let plain = hosts.into_iter().filter(|host| !host.contains('_'));
            ServiceEntryFact {
                key: fixture::at(&format!("{namespace}/e{number}")),
                hosts: plain.map(Arc::from).collect(),
                addresses,
                allocated: allocated.into_iter().map(|address| (None, address)).collect(),
                ports: vec![EntryPort { name: "http".into(), protocol: Protocol::Tcp, number: 80, target_port: None }],
                allocates: Allocates::Nothing,
                resolution: if looks { Resolution::Endpoints } else { Resolution::None },
                endpoints,
                selector: selects.then(|| vec![("app".into(), "web".into())]),
                exported: true,
                own,
                origin: Default::default(),
            }
            .into()
        },
    )
}

fn workload_entry() -> impl Strategy<Value = Fact> {
    (namespace(), 0u8..3, workload()).prop_map(|(namespace, number, workload)| {
        WorkloadEntryFact {
            key: fixture::at(&format!("{namespace}/w{number}")),
            labels: vec![("app".into(), "web".into())],
            workload,
            origin: Default::default(),
        }
        .into()
    })
}

fn values() -> impl Strategy<Value = RecordValues> {
    let target = || select(HOSTS.to_vec()).prop_map(|host| Arc::from(host.replace('*', "x")));
    let service = (0u16..3, 1u16..90, target()).prop_map(|(priority, port, target)| {
        RecordValues::Services(vec![SrvValue { priority, weight: 1, port, target }])
    });
    prop_oneof![
        5 => addresses().prop_filter("an empty set is no record", |held| !held.is_empty())
            .prop_map(RecordValues::Addresses),
        1 => target().prop_map(RecordValues::Alias),
        1 => select(vec!["one", "two"]).prop_map(|text| RecordValues::Texts(vec![vec![text.into()]])),
        1 => service,
        1 => target().prop_map(|target| RecordValues::Pointers(vec![target])),
    ]
}

fn record() -> impl Strategy<Value = DnsRecord> {
    let routing = (option::of(select(vec!["s1", "s2"])), 0u8..8, 0u32..4).prop_map(|(set, kind, weight)| Routing {
        set: set.map(Arc::from),
        weight: (kind == 0).then_some(weight),
        failover: (kind == 1).then_some((weight % 2) as u8),
        multi_value: kind == 2,
        region: (kind == 3).then(|| "r2".into()),
    });
    (select(HOSTS.to_vec()), values(), option::of(1u32..60), routing)
        .prop_map(|(name, values, ttl, routing)| DnsRecord { name: name.into(), values, ttl, routing })
}

fn dns_endpoint() -> impl Strategy<Value = Fact> {
    (namespace(), 0u8..3, proptest::collection::vec(record(), 1..5), own()).prop_map(
        |(namespace, number, records, own)| {
            let key = fixture::at(&format!("{namespace}/d{number}"));
            DnsEndpointFact { key, records, own, origin: Default::default() }.into()
        },
    )
}

impl World {
    /// A server's writer with everything published.
    pub(super) fn publisher(&self) -> (Publisher, Arc<Table>) {
        let table = Arc::new(Table::new(Frame::default()));
        let setup = self.setup();
        let stopwatch = || Duration::ZERO;
        let mut publisher = Publisher::new(setup, Arc::clone(&table), Arc::new(Figures::default()), stopwatch).unwrap();
        for (number, id) in CLUSTERS.iter().enumerate() {
            let cluster = ClusterId::new(id);
            let observe = |publisher: &mut Publisher, change| {
                publisher.observe(Observation { cluster: cluster.clone(), generation: 1, received_ns: 0, change });
            };
            for kind in Kind::ALL {
                observe(&mut publisher, Change::Replace { kind, facts: Vec::new(), findings: Vec::new() });
            }
            for (_, fact) in self.facts.iter().filter(|(of, _)| *of == number) {
                observe(&mut publisher, Change::Apply { fact: fact.clone(), findings: Vec::new() });
            }
            publisher.set_state(&cluster, self.states[number]);
        }
        let balancer: Vec<IpAddr> = vec![[203, 0, 113, 7].into(), [10, 2, 0, 9].into()];
        publisher.set_resolved([("lb.example".into(), balancer)].into());
        publisher.work(|| true);
        (publisher, table)
    }

    fn setup(&self) -> Setup {
        let zone = |text| Name::parse(text).unwrap();
        let zones = Zones::new(&[zone("clusterset.local")], &[zone("global")], 5, Vec::new()).unwrap();
        let clusters: Vec<Cluster> = CLUSTERS.iter().map(|id| self.cluster(id)).collect();
        let view = |name: &str, cluster: Option<&str>| View {
            name: name.into(),
            cluster: cluster.map(ClusterId::new),
            ..View::default()
        };
        let mut views =
            vec![view("", Some("east")), view("west", Some("west")), view("afar", None), view("hidden", Some("a.b"))];
        views[3].namespaces.deny = vec!["hidden".into()];
        let mut model = crate::model::clusterset::Settings::default();
        model.policies.answer = self.mode;
        model.hosts.resolve_hostnames = self.resolve_hostnames;
        if self.mesh {
            model.hosts.mesh_clusters = vec![ClusterId::new("west")];
        }
        if self.tight {
            model.limits.addresses_per_host = 3;
            model.limits.hosts = 6;
        }
        Setup {
            compile: compile::Settings {
                cluster_names: true,
                zones,
                columns: Columns::new(clusters.iter().map(|cluster| &cluster.id)),
                max_answer_records: self.max_answer_records,
                ..Default::default()
            },
            clusters,
            views,
            model,
            frame: FrameTemplate::default(),
        }
    }

    fn cluster(&self, id: &str) -> Cluster {
        let mut cluster = Cluster::new(ClusterId::new(id));
        let (region, network, range) = match id {
            "east" => ("r1", "n1", "10.1.0.0/16"),
            "west" => ("r1", "n1", "10.2.0.0/16"),
            _ => ("r2", "n2", "10.3.0.0/16"),
        };
        cluster.locality.region = Some(region.into());
        cluster.locality.network = Some(network.into());
        cluster.cidrs = vec![crate::model::Prefix::parse(range).unwrap()];
        if self.gateways && network == "n2" {
            cluster.gateways = vec![GatewayAddress::Ip([203, 0, 113, 9].into())];
        }
        cluster
    }
}
