//! Views cost memory where they differ and nowhere else: an allocator that weighs what lives. Its own binary, because the
//! allocator counts for the whole process.

use clusterset_dns::compile::{self, Columns, Zones};
use clusterset_dns::dns::Name;
use clusterset_dns::model::fact::{Fact, Kind};
use clusterset_dns::model::{Change, Cluster, ClusterId, Observation, View};
use clusterset_dns::publish::{Figures, FrameTemplate, Publisher, Setup};
use clusterset_dns::source::manifests::parse_octets;
use clusterset_dns::source::object::Context;
use clusterset_dns::table::{Frame, Table};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

struct Weighing;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

fn add(octets: isize) {
    // A thread that is ending has no scale any more; it is none that is weighed.
    let _ = LIVE.try_with(|live| live.set(live.get() + octets));
}

// SAFETY: every call is handed on to the system's allocator unchanged.
#[expect(unsafe_code, reason = "a global allocator can be written in no other way")]
unsafe impl GlobalAlloc for Weighing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        // SAFETY: the caller keeps the contract of GlobalAlloc.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of GlobalAlloc, and `alloc` above is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Weighing = Weighing;

const CLUSTERS: usize = 10;
const SERVICES: usize = 100;

/// The facts of one cluster: services with an address of their own, and headless ones with four endpoints.
fn facts(cluster: usize) -> Vec<Fact> {
    let service = |number: usize| {
        let (name, kind) = (format!("service-{number}"), ["10.1.0.1", "None"][number % 2]);
        let endpoints: String = (0..4).map(|pod| format!("- addresses: [10.{cluster}.{number}.{pod}]\n")).collect();
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  clusterIP: {kind}\n  \
             ports:\n  - name: http\n    port: 80\n---\napiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ServiceExport\n\
             metadata: {{name: {name}, namespace: shop}}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata:\n  name: {name}-1\n  namespace: shop\n  labels:\n    kubernetes.io/service-name: {name}\n\
             addressType: IPv4\nports:\n- name: http\n  port: 80\nendpoints:\n{endpoints}---\n"
        )
    };
    let text: String = (0..SERVICES).map(service).collect();
    let context = Context::api(id(cluster));
    let contents = parse_octets(&"shop.yaml".into(), text.as_bytes(), &context);
    assert!(contents.findings.is_empty(), "{:?}", contents.findings);
    contents.entries.into_iter().flatten().map(|entry| entry.fact).collect()
}

fn id(cluster: usize) -> ClusterId {
    ClusterId::new(&format!("c{cluster}"))
}

/// What a table with these views weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weight {
    names: usize,
    /// Of all Blocks.
    block_octets: usize,
    /// Of the table with all it holds.
    table_heap: isize,
    /// Of the publisher, facts and all.
    publisher_heap: isize,
}

fn weigh(views: &[View], held: &[Vec<Fact>]) -> Weight {
    let name = |text| Name::parse(text).expect("the names of this file are valid");
    let clusters: Vec<Cluster> = (0..CLUSTERS).map(|cluster| Cluster::new(id(cluster))).collect();
    let setup = Setup {
        compile: compile::Settings {
            zones: Zones::new(&[name("clusterset.local")], &[name("global")], 5, Vec::new())
                .expect("the zones are valid"),
            columns: Columns::new(clusters.iter().map(|cluster| &cluster.id)),
            ..Default::default()
        },
        clusters,
        views: views.to_vec(),
        model: clusterset_dns::model::Settings { views: views.to_vec(), ..Default::default() },
        frame: FrameTemplate::default(),
    };
    let before = LIVE.get();
    let table = Arc::new(Table::new(Frame::default()));
    let mut publisher = Publisher::new(setup, Arc::clone(&table), Arc::new(Figures::default()), || Duration::ZERO)
        .expect("the zones leave room");
    for (cluster, facts) in held.iter().enumerate() {
        for kind in Kind::ALL {
            let facts = facts.iter().filter(|fact| fact.kind() == kind).cloned().collect();
            let change = Change::Replace { kind, facts, findings: Vec::new() };
            publisher.observe(Observation { cluster: id(cluster), generation: 1, received_ns: 0, change });
        }
    }
    publisher.work(|| true);
    let whole = LIVE.get() - before;
    drop(publisher);
    let table_heap = LIVE.get() - before;
    let (mut names, mut block_octets) = (0, 0);
    table.for_each(|block| {
        names += 1;
        block_octets += block.size();
    });
    Weight { names, block_octets, table_heap, publisher_heap: whole - table_heap }
}

fn view(name: &str, cluster: Option<usize>) -> View {
    View { name: name.into(), cluster: cluster.map(id), ..View::default() }
}

#[test]
fn ten_views_that_do_not_differ_weigh_as_much_as_one() {
    let held: Vec<Vec<Fact>> = (0..CLUSTERS).map(facts).collect();
    let alike = |count: usize| (0..count).map(|number| view(&format!("view-{number}"), Some(0))).collect::<Vec<_>>();
    // What is made once in a process does not count.
    weigh(&alike(1), &held);
    let (one, ten) = (weigh(&alike(1), &held), weigh(&alike(10), &held));
    assert!(one.names > 2 * SERVICES && one.table_heap > one.block_octets as isize, "the scale weighs: {one:?}");
    assert_eq!((ten.names, ten.block_octets), (one.names, one.block_octets));
    // Names and localities of nine more views, however many services there are.
    assert!(ten.table_heap - one.table_heap < 4_096, "{one:?} {ten:?}");
    assert!(ten.publisher_heap - one.publisher_heap < 16_384, "{one:?} {ten:?}");
}

#[test]
fn views_of_ten_clusters_share_what_they_agree_on() {
    // Only the first cluster says anything: the other nine see it alike.
    let held: Vec<Vec<Fact>> = (0..CLUSTERS).map(|cluster| if cluster == 0 { facts(0) } else { Vec::new() }).collect();
    let apart =
        |count: usize| (0..count).map(|number| view(&format!("view-{number}"), Some(number))).collect::<Vec<_>>();
    let (two, ten) = (weigh(&apart(2), &held), weigh(&apart(10), &held));
    // One octet per view and name says which order a view has.
    assert!(ten.block_octets - two.block_octets <= 8 * two.names, "{two:?} {ten:?}");
    // Ten clusters that all say something are ten orders: the scale does weigh them.
    let all: Vec<Vec<Fact>> = (0..CLUSTERS).map(facts).collect();
    let (one, ten) = (weigh(&apart(1), &all), weigh(&apart(10), &all));
    assert!(ten.block_octets > 2 * one.block_octets, "{one:?} {ten:?}");
}
