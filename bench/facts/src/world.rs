//! A publisher that holds a bench clusterset, decoded from the JSON that an API server would send.

use anyhow::Context as _;
use clusterset_dns::compile::{self, Columns, Zones};
use clusterset_dns::dns::Name;
use clusterset_dns::model::fact::{Fact, Kind};
use clusterset_dns::model::{Change, Cluster, ClusterId, Observation, Settings, View};
use clusterset_dns::publish::{Figures, FrameTemplate, Publisher, Setup};
use clusterset_dns::source::object::{Context, Outcome, decode_json};
use clusterset_dns::table::{Frame, Table};
use clusterset_dns_bench::clusterset::{Clusterset, ZONE, cluster_name};
use clusterset_dns_bench::manifests::objects;
use clusterset_dns_bench::rows::convergence::changed_slice;
use serde_json::Value;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The kinds of the set, in the order in which they are listed.
const KINDS: [Kind; 4] = [Kind::Namespace, Kind::Service, Kind::ServiceExport, Kind::EndpointSlice];

pub struct World<'s> {
    set: &'s Clusterset,
    publisher: Publisher,
    table: Arc<Table>,
    figures: Arc<Figures>,
}

fn id(cluster: u32) -> ClusterId {
    ClusterId::new(&cluster_name(cluster))
}

impl<'s> World<'s> {
    pub fn new(set: &'s Clusterset) -> anyhow::Result<Self> {
        let clusters: Vec<Cluster> = (1..=set.clusters).map(|cluster| Cluster::new(id(cluster))).collect();
        let name = |text: &str| Name::parse(text).map_err(|error| anyhow::anyhow!("{text}: {error}"));
        let views = vec![View { cluster: Some(id(1)), ..View::default() }];
        let zones = Zones::new(&[name(ZONE)?], &[], 5, Vec::new()).map_err(|error| anyhow::anyhow!("{error}"))?;
        let columns = Columns::new(clusters.iter().map(|cluster| &cluster.id));
        let setup = Setup {
            compile: compile::Settings { zones, columns, ..Default::default() },
            clusters,
            views: views.clone(),
            model: Settings { views, ..Default::default() },
            frame: FrameTemplate::default(),
        };
        let (table, figures) = (Arc::new(Table::new(Frame::default())), Arc::new(Figures::default()));
        let publisher = Publisher::new(setup, Arc::clone(&table), Arc::clone(&figures), || Duration::ZERO)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(World { set, publisher, table, figures })
    }

    /// Lists every kind of every cluster and publishes all; `step` hears of each list (its kind and length) and of the
    /// publishing (services).
    pub fn load(&mut self, mut step: impl FnMut(&'static str, u64)) {
        for cluster in 1..=self.set.clusters {
            let context = Context::api(id(cluster));
            for kind in Kind::ALL {
                let facts: Vec<Fact> = match KINDS.contains(&kind) {
                    true => self.facts(cluster, kind, &context),
                    false => Vec::new(),
                };
                let count = facts.len() as u64;
                self.observe(cluster, Change::Replace { kind, facts, findings: Vec::new() });
                context.interner.clear();
                step(kind.as_str(), count);
            }
        }
        self.publisher.work(|| true);
        step("published, Blocks included", u64::from(self.set.services));
    }

    fn facts(&self, cluster: u32, kind: Kind, context: &Context<'_>) -> Vec<Fact> {
        let objects = (0..self.set.namespaces()).flat_map(|namespace| objects(self.set, cluster, namespace));
        let of_kind = objects.filter(|object| object["kind"] == kind.as_str());
        of_kind.filter_map(|object| decode(kind, &object, context)).collect()
    }

    fn observe(&mut self, cluster: u32, change: Change) {
        self.publisher.observe(Observation { cluster: id(cluster), generation: 1, received_ns: 0, change });
    }

    /// One change from the decoded event to the table: what is counted.
    #[inline(never)]
    pub fn change(&mut self, observation: Observation) {
        self.publisher.observe(observation);
        let done = self.publisher.work(|| true);
        // Something is left to do here: callgrind would take a call in the last place for a return.
        black_box(done);
    }

    /// Names written so far.
    pub fn generation(&self) -> u64 {
        self.figures.generation.load(Ordering::Relaxed)
    }

    /// Drops everything but the table.
    pub fn into_table(self) -> Arc<Table> {
        self.table
    }
}

fn decode(kind: Kind, object: &Value, context: &Context<'_>) -> Option<Fact> {
    match decode_json(Some(kind), object.to_string().as_bytes(), context).outcome {
        Outcome::Object { fact, .. } => Some(fact),
        _ => None,
    }
}

/// `count` changes of one endpoint each, as `bench/run readers` writes them: services that are exported once and answer
/// with pods, spread over the set, each with an address that nothing had before.
pub fn changes(set: &Clusterset, count: u32) -> anyhow::Result<Vec<Observation>> {
    let remote = |number: &u32| {
        let service = set.service(*number);
        !service.headless && service.exports.len() == 1 && service.exports[0].cluster != 1
    };
    let services: Vec<u32> = (0..set.services).filter(remote).collect();
    anyhow::ensure!(!services.is_empty(), "no service is exported by another cluster alone");
    let context = Context::api(id(1));
    let change = |number: u32| {
        // A stride that is prime to most sizes: neighbours in the set are far apart in time.
        let service = services[number as usize * 7919 % services.len()];
        let slice = changed_slice(set, service, Ipv4Addr::from(0x0b00_0001 + number))?;
        let fact = decode(Kind::EndpointSlice, &slice, &context).context("a slice that is not read")?;
        let cluster = id(set.service(service).exports[0].cluster);
        let change = Change::Apply { fact, findings: Vec::new() };
        Ok(Observation { cluster, generation: 1, received_ns: 0, change })
    };
    (0..count).map(change).collect()
}
