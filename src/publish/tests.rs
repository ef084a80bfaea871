//! Any sequence of observations gives the same table as building from scratch from the final facts.

use super::{Figures, FrameTemplate, Publisher, Setup};
use crate::compile::{self, Columns, Zones};
use crate::dns::Name;
use crate::model::fact::{
    EndpointFact, ExportFact, Fact, Kind, NamespaceFact, ObjectKey, Origin, PodHash, Port, Protocol, ServiceFact,
    ServiceKind, SliceFact, SliceRole, Traffic,
};
use crate::model::policy::OwnPolicy;
use crate::model::{Change, Cluster, ClusterId, Observation, ServiceKey, State, View};
use crate::table::{Frame, Table};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

mod bulk;
mod contained;
mod hostile;
mod hosts;
mod orders;
mod readiness;
mod warnings;

const CLUSTERS: [&str; 2] = ["east", "west"];

fn publisher() -> (Publisher, Arc<Table>) {
    publisher_with(|_| {})
}

fn publisher_with(edit: impl FnOnce(&mut Setup)) -> (Publisher, Arc<Table>) {
    reporting_to(Arc::new(Figures::default()), edit)
}

fn reporting_to(figures: Arc<Figures>, edit: impl FnOnce(&mut Setup)) -> (Publisher, Arc<Table>) {
    let table = Arc::new(Table::new(Frame::default()));
    let clusters: Vec<Cluster> = CLUSTERS.iter().map(|name| Cluster::new(ClusterId::new(name))).collect();
    let zone = |text| Name::parse(text).unwrap();
    let zones = Zones::new(&[zone("clusterset.local")], &[zone("global")], 5, Vec::new()).unwrap();
    let zones = zones.with_reverse(&[zone("10.in-addr.arpa")]).unwrap();
    let view = |name: &str, cluster: &str| View {
        name: name.into(),
        cluster: Some(ClusterId::new(cluster)),
        ..View::default()
    };
    let mut setup = Setup {
        compile: compile::Settings {
            zones,
            columns: Columns::new(clusters.iter().map(|c| &c.id)),
            zonal_names: true,
            ..Default::default()
        },
        clusters,
        views: vec![view("", "east"), view("west", "west")],
        model: crate::model::clusterset::Settings::default(),
        frame: FrameTemplate::default(),
    };
    edit(&mut setup);
    setup.model.views = setup.views.clone();
    let stopwatch = || Duration::ZERO;
    (Publisher::new(setup, Arc::clone(&table), figures, stopwatch).unwrap(), table)
}

fn observe(publisher: &mut Publisher, cluster: &str, change: Change) {
    let cluster = ClusterId::new(cluster);
    publisher.observe(Observation { cluster, generation: 1, received_ns: 0, change });
}

fn contents(table: &Table) -> BTreeMap<Vec<u8>, crate::table::Block> {
    let mut blocks = BTreeMap::new();
    table.for_each(|block| drop(blocks.insert(block.name().to_vec(), block.clone())));
    blocks
}

fn service(name: &str, headless: bool, port: u16) -> Fact {
    Fact::Service(Box::new(ServiceFact {
        key: ServiceKey::new("shop", name),
        kind: if headless { ServiceKind::Headless } else { ServiceKind::ClusterIp },
        cluster_ips: if headless { Vec::new() } else { vec!["10.1.0.1".parse().unwrap()] }.into(),
        ingress: Vec::new().into(),
        ports: vec![Port { name: "http".into(), protocol: Protocol::Tcp, number: port, app_protocol: None }].into(),
        traffic: Traffic::default().into(),
        mirror: false,
        own: OwnPolicy::default().into(),
        origin: Origin::Unknown,
    }))
}

fn export(name: &str, created: i64) -> Fact {
    Fact::Export(Box::new(ExportFact {
        key: ServiceKey::new("shop", name),
        created: Some(created),
        deleting: false,
        exported: Default::default(),
        own: OwnPolicy::default().into(),
        origin: Origin::Unknown,
    }))
}

fn slice(name: &str, of: &str, addresses: &[u8]) -> Fact {
    let endpoint = |last: &u8| EndpointFact {
        address: std::net::Ipv4Addr::new(10, 9, 0, *last).into(),
        ready: !last.is_multiple_of(3),
        hostname: None,
        place: crate::model::fact::Standing {
            node: None,
            zone: (!last.is_multiple_of(2)).then(|| format!("rack{}.z", last % 4).into()),
        }
        .into(),
        pod: PodHash::default(),
    };
    Fact::Slice(Box::new(SliceFact {
        key: ObjectKey::new("shop", name),
        service: ServiceKey::new("shop", of),
        role: SliceRole::Native,
        endpoints: addresses.iter().map(endpoint).collect(),
        ports: vec![Port { name: "http".into(), protocol: Protocol::Tcp, number: 80, app_protocol: None }].into(),
        virtual_address: false,
        triggered: None,
        origin: Origin::Unknown,
    }))
}

fn facts() -> impl Strategy<Value = Fact> {
    let name = prop_oneof![Just("web"), Just("db")];
    prop_oneof![
        (name.clone(), any::<bool>(), 80u16..82).prop_map(|(name, headless, port)| service(name, headless, port)),
        (name.clone(), 0i64..3).prop_map(|(name, created)| export(name, created)),
        (prop_oneof![Just("s1"), Just("s2")], name, proptest::collection::vec(1u8..9, 0..4))
            .prop_map(|(slice_name, of, addresses)| slice(slice_name, of, &addresses)),
        Just(Fact::Namespace(NamespaceFact { name: "shop".into(), origin: Origin::Unknown })),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Put(usize, Fact),
    Delete(usize, Fact),
    Relist(usize, Kind),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..CLUSTERS.len(), facts()).prop_map(|(cluster, fact)| Step::Put(cluster, fact)),
        2 => (0..CLUSTERS.len(), facts()).prop_map(|(cluster, fact)| Step::Delete(cluster, fact)),
        1 => (0..CLUSTERS.len(), prop_oneof![Just(Kind::Service), Just(Kind::EndpointSlice), Just(Kind::ServiceExport)])
            .prop_map(|(cluster, kind)| Step::Relist(cluster, kind)),
    ];
    proptest::collection::vec(step, 1..40)
}

type Held = BTreeMap<(Kind, ObjectKey), Fact>;

fn list(held: &Held, kind: Kind) -> Change {
    let facts = held.iter().filter(|((of, _), _)| *of == kind).map(|(_, fact)| fact.clone()).collect();
    Change::Replace { kind, facts, findings: Vec::new() }
}

fn change(step: &Step, held: &mut [Held; 2]) -> (usize, Change) {
    match step.clone() {
        Step::Put(cluster, fact) => {
            held[cluster].insert((fact.kind(), fact.key()), fact.clone());
            (cluster, Change::Apply { fact, findings: Vec::new() })
        }
        Step::Delete(cluster, fact) => {
            held[cluster].remove(&(fact.kind(), fact.key()));
            (cluster, Change::Delete { kind: fact.kind(), key: fact.key() })
        }
        Step::Relist(cluster, kind) => (cluster, list(&held[cluster], kind)),
    }
}

/// A publisher that went through the steps, working after those that `pauses` names, and one that was told their
/// outcome at once. The first lists of the second cluster come before step `late`.
fn lived_and_fresh(
    publisher: impl Fn() -> (Publisher, Arc<Table>),
    steps: &[Step],
    late: usize,
    pauses: u64,
) -> ((Publisher, Arc<Table>), (Publisher, Arc<Table>)) {
    let (mut lived, lived_table) = publisher();
    // Lists of more are taken in part by part, and what comes meanwhile waits behind them.
    lived.part = 1 + pauses as usize % 3;
    let mut held = [Held::new(), Held::new()];
    let sync = |lived: &mut Publisher, number: usize, held: &Held| {
        Kind::ALL.into_iter().for_each(|kind| observe(lived, CLUSTERS[number], list(held, kind)));
    };
    sync(&mut lived, 0, &held[0]);
    for (number, step) in steps.iter().enumerate() {
        if number == late {
            sync(&mut lived, 1, &held[1]);
        }
        let (cluster, change) = change(step, &mut held);
        observe(&mut lived, CLUSTERS[cluster], change);
        if pauses >> (number % 64) & 1 == 1 {
            lived.work(|| true);
        }
    }
    if late >= steps.len() {
        sync(&mut lived, 1, &held[1]);
    }
    lived.work(|| true);

    let (mut fresh, fresh_table) = publisher();
    for (cluster, held) in CLUSTERS.iter().zip(&held) {
        Kind::ALL.into_iter().for_each(|kind| observe(&mut fresh, cluster, list(held, kind)));
    }
    fresh.work(|| true);
    ((lived, lived_table), (fresh, fresh_table))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_history_gives_the_table_of_the_final_facts(steps in steps(), pauses in any::<u64>()) {
        let ((lived, lived_table), (fresh, fresh_table)) = lived_and_fresh(publisher, &steps, 0, pauses);
        prop_assert_eq!(names(&lived_table), names(&fresh_table));
        prop_assert!(contents(&lived_table) == contents(&fresh_table));
        prop_assert_eq!(lived.endpoint_count(), fresh.endpoint_count());
        prop_assert_eq!(lived.conflict_counts(), fresh.conflict_counts());
    }

    #[test]
    fn a_late_cluster_in_which_no_view_stands_gives_the_same_table(
        steps in steps(), late in 0..12usize, pauses in any::<u64>()
    ) {
        let all_in_east = || publisher_with(|setup| setup.views[1].cluster = Some(ClusterId::new("east")));
        let nowhere = || publisher_with(|setup| setup.views.iter_mut().for_each(|view| view.cluster = None));
        for publisher in [&all_in_east as &dyn Fn() -> _, &nowhere] {
            let ((_, lived_table), (_, fresh_table)) = lived_and_fresh(publisher, &steps, late, pauses);
            prop_assert_eq!(names(&lived_table), names(&fresh_table));
            prop_assert!(contents(&lived_table) == contents(&fresh_table));
        }
    }
}

fn names(table: &Table) -> Vec<String> {
    contents(table).keys().filter_map(|wire| Some(Name::from_wire(wire)?.to_string())).collect()
}

#[test]
fn an_update_touches_only_its_own_names() {
    let (mut publisher, table) = publisher();
    for cluster in CLUSTERS {
        let mut held = Held::new();
        for fact in [service("web", false, 80), export("web", 1), service("db", false, 80), export("db", 1)] {
            held.insert((fact.kind(), fact.key()), fact);
        }
        Kind::ALL.into_iter().for_each(|kind| observe(&mut publisher, cluster, list(&held, kind)));
    }
    publisher.work(|| true);
    let generation = || publisher_generation(&publisher);
    assert!(names(&table).contains(&"web.shop.svc.clusterset.local.".to_string()));
    let before = (generation(), contents(&table));
    observe(&mut publisher, "east", Change::Apply { fact: service("web", false, 81), findings: Vec::new() });
    publisher.work(|| true);
    let after = contents(&table);
    let changed: Vec<_> = after.iter().filter(|(name, block)| before.1.get(*name) != Some(block)).collect();
    assert!(!changed.is_empty());
    assert!(changed.iter().all(|(name, _)| name.windows(4).any(|w| w == b"\x03web")), "{changed:?}");
    let counted = publisher_generation(&publisher) - before.0;
    assert_eq!(counted, changed.len() as u64, "nothing but the changed names was written");
}

fn publisher_generation(publisher: &Publisher) -> u64 {
    publisher.figures().generation.load(std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn a_cluster_counts_from_its_first_complete_list_of_every_kind() {
    let (mut publisher, table) = publisher();
    let facts = [service("web", false, 80), export("web", 1)];
    let held: Held = facts.into_iter().map(|fact| ((fact.kind(), fact.key()), fact)).collect();
    for kind in Kind::ALL {
        assert!(!names(&table).contains(&"web.shop.svc.clusterset.local.".to_string()), "before {kind:?}");
        observe(&mut publisher, "east", list(&held, kind));
        publisher.work(|| true);
    }
    assert!(names(&table).contains(&"web.shop.svc.clusterset.local.".to_string()));
    assert_eq!(publisher.clusterset().get(&ClusterId::new("east")).unwrap().state(), State::Fresh);
    let unknown = || table.frame().zones().iter().map(|zone| zone.unknown).collect::<Vec<u64>>();
    assert!(unknown().iter().all(|views| views & 0b11 == 0b11), "west is still awaited, in the reverse zone too");
    publisher.end_grace(&ClusterId::new("west"));
    publisher.work(|| true);
    assert_eq!(unknown(), [0, 0, 0]);
}
