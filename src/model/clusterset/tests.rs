//! Tests of the set: generations, the index, and that the order of observations does not matter.

use super::ClusterSet;
use crate::model::View;
use crate::model::address::Prefix;
use crate::model::cluster::{Cluster, GatewayAddress, Mode, Reach, State};
use crate::model::fact::*;
use crate::model::facts::Touched;
use crate::model::fixture::*;
use crate::model::hashed::Set;
use crate::model::id::{ClusterId, ServiceKey};
use crate::model::merge::merge;
use crate::model::observation::{Change, Observation};
use crate::model::select::{Selection, namespace_presence, select};
use crate::model::service::Service;
use crate::model::trace::NoTrace;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const WEB: &str = "shop/web";

fn observation(generation: u64, fact: impl Into<Fact>) -> Observation {
    let change = Change::Apply { fact: fact.into(), findings: Vec::new() };
    Observation { cluster: ClusterId::new("east"), generation, received_ns: 0, change }
}

#[test]
fn an_older_generation_is_ignored() {
    let mut world = World::new(&["east"]);
    assert!(!world.set.observe(observation(2, export(WEB, 1))).is_empty());
    assert!(world.set.observe(observation(1, export("shop/old", 1))).is_empty());
    assert!(!world.set.observe(observation(2, export("shop/api", 1))).is_empty());
    assert_eq!(world.set.services().count(), 2);
}

#[test]
fn services_without_a_name_are_not_touched() {
    let mut world = World::new(&["east"]);
    let mut touched = |fact: Fact| world.observe("east", Change::Apply { fact, findings: Vec::new() }).services.len();
    assert_eq!(touched(service(WEB, &["10.0.0.1"]).into()), 0, "not exported");
    assert_eq!(touched(export(WEB, 1).into()), 1);
    assert_eq!(touched(slice(WEB, 1, &["10.1.0.1"]).into()), 1);
}

#[test]
fn the_index_knows_who_holds_a_service() {
    let mut world = World::new(&["east", "west", "north"]);
    world.has("west", [import(WEB, &[]).into()]).has("east", [export(WEB, 1).into(), export("shopping/web", 1).into()]);
    let holders = |world: &World| -> Vec<String> {
        world.set.holders(&at(WEB)).map(|(_, member)| member.cluster().id.to_string()).collect()
    };
    assert_eq!(holders(&world), ["east", "west"]);
    assert_eq!(world.set.services_after(Some(&at("shop/"))).collect::<Vec<_>>(), [&at(WEB), &at("shopping/web")]);
    let touched = world.set.remove_cluster(&ClusterId::new("east"));
    assert!(touched.everything);
    assert_eq!(holders(&world), ["west"], "from that moment on");
    world.add("north2");
    assert_eq!(world.set.slot(&ClusterId::new("north2")), Some(3), "its number still stands in the index");
    let gone: Vec<ServiceKey> = std::iter::from_fn(|| world.set.let_go(1)).flatten().collect();
    assert_eq!(gone, [at("shopping/web")], "west has the other one");
    assert!(!world.set.is_leaving() && !world.set.names(&at("shopping/web")));
    world.add("south");
    assert_eq!(world.set.slot(&ClusterId::new("south")), Some(0), "numbers are used again");
    assert_eq!(holders(&world), ["west"], "and carry nothing over");
}

#[test]
fn a_changed_state_touches_what_the_cluster_has_rows_in() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", [export(WEB, 1).into(), service("shop/inner", &["10.0.0.1"]).into()]);
    world.has("west", [headless_import("shop/db").into(), copy("shop/db", "east", &["10.1.0.1"]).into()]);
    world.has("west", [export("pay/web", 1).into()]);
    let id = ClusterId::new("east");
    assert!(world.set.set_state(&id, State::Suspect).is_empty(), "served as before");
    let touched = world.set.set_state(&id, State::Stale);
    let rows = Touched { rows_of: [id.clone()].into(), ..Touched::default() };
    assert_eq!(touched, rows);
    let among = |of: &str| world.set.rows_of(&id, &ClusterId::new(of), None, 9).services;
    assert_eq!([among("east"), among("west")], [vec![at(WEB)], vec![at("shop/db")]]);
    assert!(world.set.set_state(&id, State::Stale).is_empty());
    assert_eq!(world.set.set_state(&id, State::Expired), rows);
    assert_eq!(world.set.set_state(&id, State::Fresh), rows);
    assert!(world.set.set_grace_over(&id, true).everything);
    assert!(world.set.put_cluster(Cluster::new(id), 1).is_empty(), "the same entry");
    world.add_unknown("north");
    world.has("north", [export(WEB, 1).into(), namespace("pay"), namespace("north")]);
    let touched = world.set.set_state(&ClusterId::new("north"), State::Fresh);
    assert_eq!((touched.rows_of, touched.everything), ([ClusterId::new("north")].into(), false));
    assert_eq!(touched.namespaces, ["north".into()].into_iter().collect(), "west has the other one");
    world.set.settings.views = vec![View { cluster: Some(ClusterId::new("south")), ..View::default() }];
    world.add_unknown("south");
    assert!(world.set.set_state(&ClusterId::new("south"), State::Fresh).everything, "a view stands there");
}

#[test]
fn a_moved_node_touches_what_stands_on_it_and_many_touch_all() {
    let mut world = World::new(&["east"]);
    let east = ClusterId::new("east");
    for name in ["shop/web", "shop/api", "shop/db"] {
        world.has("east", [export(name, 1).into()]);
    }
    world.has("east", [slice("shop/web", 1, &["10.1.0.1 node=n1"]).into()]);
    world.has("east", [slice("shop/db", 1, &["10.1.0.2 node=n2", "10.1.0.3 node=n1"]).into()]);
    let mut moved = |node: Fact| world.observe("east", Change::Apply { fact: node, findings: Vec::new() });
    assert!(moved(node("n3", "eu", "a")).is_empty(), "nothing runs there");
    let touched = moved(node("n1", "eu", "a"));
    assert_eq!((touched.services.len(), touched.rows_of.len()), (0, 0));
    let on = |nodes: &Set<Arc<str>>, count| world.set.on_nodes(&east, nodes, None, count);
    let nodes = &touched.on_nodes[&east];
    assert_eq!(on(nodes, 9).services, [at("shop/db"), at("shop/web")]);
    assert_eq!((on(nodes, 2).services, on(nodes, 2).last), (vec![at("shop/db")], Some(at("shop/db"))));
    let names: Vec<String> = (0..9).map(|number| format!("m{number}")).collect();
    let endpoints: Vec<String> = names.iter().map(|name| format!("10.1.1.1 node={name}")).collect();
    let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
    world.has("east", [slice("shop/api", 1, &endpoints).into()]);
    let list = names.iter().map(|name| node(name, "eu", "b")).collect();
    let all = world.observe("east", Change::Replace { kind: Kind::Node, facts: list, findings: Vec::new() });
    assert_eq!((all.rows_of, all.on_nodes.len()), ([east].into(), 0));
}

#[test]
fn overlapping_ranges_of_one_network_are_found_once_per_pair() {
    let mut world = World::new(&["east", "north", "west"]);
    let ranges = |texts: &[&str]| texts.iter().filter_map(|text| Prefix::parse(text)).collect::<Vec<_>>();
    world.cluster("east", |c| c.cidrs = ranges(&["10.96.0.0/12", "10.1.0.0/16"]));
    world.cluster("west", |c| c.cidrs = ranges(&["10.97.0.0/12", "10.1.2.0/24", "10.2.0.0/16"]));
    world.cluster("north", |c| c.cidrs = ranges(&["10.3.0.0/16", "fd00::/48"]));
    let found = world.set.range_findings();
    assert_eq!(codes(&found), ["cidr-overlap"]);
    assert!(found[0].message.contains("10.1.0.0/16 overlaps 10.1.2.0/24 of cluster west"), "{}", found[0]);
    world.cluster("east", |c| c.locality.network = text("n1")).cluster("west", |c| c.locality.network = text("n2"));
    assert!(world.set.range_findings().is_empty(), "different networks");
}

const CLUSTERS: [&str; 3] = ["east", "north", "west"];
const KEYS: [&str; 3] = ["shop/web", "shop/db", "pay/web"];
type Objects = BTreeMap<(usize, Kind, ObjectKey), Fact>;

/// A fact of few possible contents, so that sequences overwrite, conflict and restore.
fn any_fact() -> impl Strategy<Value = Fact> {
    (0..KEYS.len(), 0..3u8, 0..8u8).prop_map(|(key, variant, kind)| fact(KEYS[key], variant, kind))
}

fn fact(key: &str, variant: u8, kind: u8) -> Fact {
    let cluster_ip = format!("10.96.0.{variant}");
    let pod = ["10.1.0.1 db-0 node=n1", "10.1.0.2 down", "fd00::1 db-0 node=n1"][usize::from(variant)];
    match kind {
        0 => with(service(key, &[&cluster_ip]), |s| s.ports[0].number += u16::from(variant)).into(),
        1 => headless(key).into(),
        2 => export(key, i64::from(variant)).into(),
        3 => slice(key, u32::from(variant) % 2, &[pod]).into(),
        4 => copy(key, CLUSTERS[usize::from(variant)], &[pod]).into(),
        5 if variant == 0 => headless_import(key).into(),
        5 => import(key, &[cluster_ip.as_str()][usize::from(variant) - 1..]).into(),
        6 => with(node("n1", "eu", ["a", "b", "c"][usize::from(variant)]), |node| {
            let Fact::Node(node) = node else { return };
            node.pod_cidrs =
                Prefix::parse(["10.1.0.1", "10.2.0.0/16", "fd00::/64"][usize::from(variant)]).into_iter().collect();
        }),
        _ => namespace(["shop", "pay", "empty"][usize::from(variant)]),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Apply(usize, Fact),
    Delete(usize, Fact),
    /// Lists what is held of the kind, less what is named here, plus it.
    Relist(usize, Fact, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let at = 0..CLUSTERS.len();
    prop_oneof![
        4 => (at.clone(), any_fact()).prop_map(|(cluster, fact)| Step::Apply(cluster, fact)),
        1 => (at.clone(), any_fact()).prop_map(|(cluster, fact)| Step::Delete(cluster, fact)),
        1 => (at, any_fact(), any::<bool>()).prop_map(|(cluster, fact, keep)| Step::Relist(cluster, fact, keep)),
    ]
}

/// What every view answers for every service, and which namespaces it knows.
type Picture = (Vec<(ServiceKey, Service, Vec<Selection>)>, Vec<bool>);

fn picture(set: &ClusterSet) -> Picture {
    let views = ["", "east", "west"].map(view);
    let seen = |key: &ServiceKey| {
        let service = merge(key, set);
        let selections = views.iter().map(|view| select(&service, view, set, &mut NoTrace)).collect();
        (key.clone(), service, selections)
    };
    let namespaces = ["shop", "pay", "empty"];
    let known = views.iter().flat_map(|view| namespaces.map(|name| namespace_presence(set, name, view))).collect();
    (set.services().map(seen).collect(), known)
}

fn take(world: &mut World, objects: &mut Objects, step: Step) -> crate::model::Touched {
    let key = |cluster, fact: &Fact| (cluster, fact.kind(), fact.key());
    match step {
        Step::Apply(cluster, fact) => {
            objects.insert(key(cluster, &fact), fact.clone());
            world.observe(CLUSTERS[cluster], Change::Apply { fact, findings: Vec::new() })
        }
        Step::Delete(cluster, fact) => {
            objects.remove(&key(cluster, &fact));
            world.observe(CLUSTERS[cluster], Change::Delete { kind: fact.kind(), key: fact.key() })
        }
        Step::Relist(cluster, fact, keep) => {
            let kind = fact.kind();
            objects.retain(|(at, held, _), _| keep || *at != cluster || *held != kind);
            objects.insert(key(cluster, &fact), fact);
            let of_kind = |((at, held, _), fact): (&(usize, Kind, ObjectKey), &Fact)| {
                (*at == cluster && *held == kind).then(|| fact.clone())
            };
            let facts = objects.iter().filter_map(of_kind).collect();
            world.observe(CLUSTERS[cluster], Change::Replace { kind, facts, findings: Vec::new() })
        }
    }
}

/// Mode, reach and network of each cluster.
type Registry = [(Mode, Reach, Option<&'static str>); 3];

fn any_registry() -> impl Strategy<Value = Registry> {
    let mode = prop_oneof![3 => Just(Mode::Both), 1 => Just(Mode::Import), 1 => Just(Mode::Direct)];
    let reaches = [Reach::Auto, Reach::ClusterIp, Reach::LoadBalancer, Reach::Endpoints, Reach::Gateway];
    let network = prop::sample::select(vec![None, Some("n1"), Some("n2")]);
    prop::array::uniform3((mode, prop::sample::select(reaches.to_vec()), network))
}

fn world(registry: &Registry) -> World {
    let mut world = World::new(&CLUSTERS);
    for (id, (mode, reach, network)) in CLUSTERS.into_iter().zip(registry) {
        world.cluster(id, |cluster| {
            (cluster.mode, cluster.reach) = (*mode, *reach);
            cluster.locality.network = network.map(Into::into);
            cluster.gateways = vec![GatewayAddress::Ip(ip("203.0.113.1"))];
        });
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Any sequence of observations ends where building from scratch from the final facts ends, and what a step
    /// does not touch answers as before.
    #[test]
    fn any_sequence_equals_building_from_scratch(
        registry in any_registry(),
        steps in prop::collection::vec(any_step(), 0..30),
    ) {
        let mut world = world(&registry);
        let mut objects = Objects::new();
        for step in steps {
            let before = picture(&world.set);
            let touched = take(&mut world, &mut objects, step);
            let after = picture(&world.set);
            for seen in &after.0 {
                let mut moved = touched.on_nodes.iter();
                let on_node = moved.any(|(of, nodes)| world.set.on_nodes(of, nodes, None, 99).services.contains(&seen.0));
                if on_node || touched.services.contains(&seen.0) || touched.namespaces.contains(seen.0.namespace()) {
                    continue;
                }
                prop_assert!(touched.everything || before.0.contains(seen), "{} was not touched", seen.0);
            }
        }
        let mut scratch = self::world(&registry);
        for ((cluster, ..), fact) in objects.into_iter().rev() {
            scratch.has(CLUSTERS[cluster], [fact]);
        }
        prop_assert_eq!(picture(&world.set), picture(&scratch.set));
    }

    /// The merge does not depend on the order of clusters or objects.
    #[test]
    fn the_merge_is_order_independent(
        facts in prop::collection::vec((0..CLUSTERS.len(), any_fact()), 0..20),
        order in Just([0, 1, 2]).prop_shuffle(),
    ) {
        let objects: Objects = facts.into_iter().map(|(at, fact)| ((at, fact.kind(), fact.key()), fact)).collect();
        let mut plain = World::new(&CLUSTERS);
        let mut shuffled = World::new(&order.map(|at| CLUSTERS[at]));
        for ((cluster, ..), fact) in &objects {
            plain.has(CLUSTERS[*cluster], [fact.clone()]);
        }
        for ((cluster, ..), fact) in objects.iter().rev() {
            shuffled.has(CLUSTERS[*cluster], [fact.clone()]);
        }
        for key in KEYS {
            let (mut a, mut b) = (plain.merge(key), shuffled.merge(key));
            // Numbers of clusters are those of arrival.
            a.exports.iter_mut().chain(&mut b.exports).for_each(|export| export.slot = 0);
            prop_assert_eq!(a, b);
        }
    }
}
