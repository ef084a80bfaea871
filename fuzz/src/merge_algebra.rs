//! `merge_algebra`: any history of observations ends in the table of its final facts; their order and their repetition do
//! not matter, and what a cluster says can be taken back.

use super::objects::fact;
use clusterset_dns::compile::{self, Columns, Zones};
use clusterset_dns::dns::Name;
use clusterset_dns::model::fact::{Fact, Kind, ObjectKey};
use clusterset_dns::model::{Change, Cluster, ClusterId, Observation, View};
use clusterset_dns::publish::{Figures, FrameTemplate, Publisher, Setup};
use clusterset_dns::table::{Block, Frame, Table};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const CLUSTERS: [&str; 3] = ["east", "north", "west"];
/// Steps of a history that are played.
const STEPS: usize = 48;

/// The facts of each cluster.
type Held = [BTreeMap<(Kind, ObjectKey), Fact>; CLUSTERS.len()];

/// Plays `octets` as a history, two a step: who does what, and the object.
pub fn check(octets: &[u8]) {
    let (mut lived, mut held) = (World::new(), Held::default());
    lived.list_all(&held, CLUSTERS.iter().enumerate());
    for step in octets.chunks_exact(2).take(STEPS) {
        lived.play(step[0], fact(step[1]), &mut held);
    }
    let lived = lived.finished();
    let scratch = World::of(&held);
    assert!(lived == scratch.contents(), "{:?} are not {:?}", names(&lived), names(&scratch.contents()));
    one_by_one_in_reverse(&held, &lived);
    again(scratch, &held);
    taken_back(octets.len() / 2 % CLUSTERS.len(), &held, &lived);
}

fn one_by_one_in_reverse(held: &Held, expected: &Contents) {
    let mut world = World::new();
    for (cluster, facts) in held.iter().enumerate().rev() {
        facts.values().rev().for_each(|fact| world.apply(cluster, fact));
        world.list_kinds(held, cluster, Kind::ALL.into_iter().rev());
    }
    assert!(world.finished() == *expected, "the order matters");
}

fn again(mut world: World, held: &Held) {
    let generation = world.generation();
    for (cluster, facts) in held.iter().enumerate() {
        facts.values().for_each(|fact| world.apply(cluster, fact));
    }
    world.list_all(held, CLUSTERS.iter().enumerate());
    world.publisher.work(|| true);
    assert_eq!(world.generation(), generation, "a repetition changed the table");
}

fn taken_back(cluster: usize, held: &Held, expected: &Contents) {
    let mut without = held.clone();
    without[cluster].clear();
    let mut world = World::of(held);
    for fact in held[cluster].values() {
        world.observe(cluster, Change::Delete { kind: fact.kind(), key: fact.key() });
    }
    world.publisher.work(|| true);
    assert!(world.contents() == World::of(&without).contents(), "something of {} stays", CLUSTERS[cluster]);
    held[cluster].values().for_each(|fact| world.apply(cluster, fact));
    assert!(world.finished() == *expected, "{} did not come back whole", CLUSTERS[cluster]);
}

/// Every Block by its name, and what is counted beside them.
type Contents = (BTreeMap<Vec<u8>, Block>, u64, Vec<(&'static str, u64)>);

fn names(contents: &Contents) -> Vec<String> {
    contents.0.keys().filter_map(|wire| Some(Name::from_wire(wire)?.to_string())).collect()
}

struct World {
    publisher: Publisher,
    table: Arc<Table>,
}

impl World {
    fn new() -> Self {
        let name = |text| Name::parse(text).expect("the names of this file are valid");
        let zones = Zones::new(&[name("clusterset.local")], &[name("global")], 5, Vec::new())
            .and_then(|zones| zones.with_reverse(&[name("10.in-addr.arpa")]))
            .expect("the zones of this file are valid");
        let clusters: Vec<Cluster> = CLUSTERS.iter().map(|name| Cluster::new(ClusterId::new(name))).collect();
        let columns = Columns::new(clusters.iter().map(|cluster| &cluster.id));
        let view =
            |cluster: &str| View { name: cluster.into(), cluster: Some(ClusterId::new(cluster)), ..View::default() };
        let setup = Setup {
            compile: compile::Settings { zones, columns, zonal_names: true, cluster_names: true, ..Default::default() },
            clusters,
            views: vec![View::default(), view("east"), view("west")],
            model: clusterset_dns::model::Settings::default(),
            frame: FrameTemplate::default(),
        };
        let table = Arc::new(Table::new(Frame::default()));
        let publisher = Publisher::new(setup, Arc::clone(&table), Arc::new(Figures::default()), || Duration::ZERO)
            .expect("the zones leave room for names");
        World { publisher, table }
    }

    /// Built from lists.
    fn of(held: &Held) -> Self {
        let mut world = World::new();
        world.list_all(held, CLUSTERS.iter().enumerate());
        world.publisher.work(|| true);
        world
    }

    fn play(&mut self, action: u8, fact: &Fact, held: &mut Held) {
        let cluster = usize::from(action) % CLUSTERS.len();
        let (kind, key) = (fact.kind(), fact.key());
        match action / 3 % 8 {
            0..4 => {
                held[cluster].insert((kind, key), fact.clone());
                self.apply(cluster, fact);
            }
            4 => {
                held[cluster].remove(&(kind, key.clone()));
                self.observe(cluster, Change::Delete { kind, key });
            }
            5 => {
                held[cluster].retain(|(of, _), _| *of != kind);
                self.list_kinds(held, cluster, [kind]);
            }
            6 => self.list_kinds(held, cluster, [kind]),
            _ => drop(self.publisher.work(|| true)),
        }
    }

    fn observe(&mut self, cluster: usize, change: Change) {
        let cluster = ClusterId::new(CLUSTERS[cluster]);
        self.publisher.observe(Observation { cluster, generation: 1, received_ns: 0, change });
    }

    fn apply(&mut self, cluster: usize, fact: &Fact) {
        self.observe(cluster, Change::Apply { fact: fact.clone(), findings: Vec::new() });
    }

    fn list_kinds(&mut self, held: &Held, cluster: usize, kinds: impl IntoIterator<Item = Kind>) {
        for kind in kinds {
            let facts = held[cluster].values().filter(|fact| fact.kind() == kind).cloned().collect();
            self.observe(cluster, Change::Replace { kind, facts, findings: Vec::new() });
        }
    }

    fn list_all<'n>(&mut self, held: &Held, clusters: impl Iterator<Item = (usize, &'n &'n str)>) {
        clusters.for_each(|(cluster, _)| self.list_kinds(held, cluster, Kind::ALL));
    }

    fn generation(&self) -> u64 {
        self.publisher.figures().generation.load(Ordering::Relaxed)
    }

    fn contents(&self) -> Contents {
        let mut blocks = BTreeMap::new();
        self.table.for_each(|block| drop(blocks.insert(block.name().to_vec(), block.clone())));
        (blocks, self.publisher.endpoint_count(), self.publisher.conflict_counts())
    }

    fn finished(mut self) -> Contents {
        self.publisher.work(|| true);
        self.contents()
    }
}
