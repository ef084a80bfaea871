//! The query path neither allocates nor frees: a counting global allocator watches `pin`, `prepare`, `find`, `answer`
//! and `respond` over every kind of question. Its own binary, because the allocator counts for the whole process.

use clusterset_dns::responder::{Client, Prepared, Transport, Verdict, answer, find, prepare, respond};
use clusterset_dns::table::Table;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::IpAddr;
use std::path::Path;

#[path = "../fuzz/src/world.rs"]
mod world;

struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more; it is none that is measured.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call is handed on to the system's allocator unchanged.
#[expect(unsafe_code, reason = "a global allocator can be written in no other way")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of GlobalAlloc.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller keeps the contract of GlobalAlloc, and `alloc` above is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted(work: impl FnOnce()) -> u64 {
    let before = CALLS.get();
    work();
    CALLS.get() - before
}

/// The fuzz corpus holds a question of every kind.
fn queries() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/respond");
    let entries = std::fs::read_dir(folder).expect("the corpus is checked in");
    let paths = entries.map(|entry| entry.expect("the corpus can be listed").path());
    let queries: Vec<Vec<u8>> = paths.map(|path| std::fs::read(path).expect("the corpus can be read")).collect();
    assert!(queries.len() > 20);
    queries
}

fn clients() -> Vec<Client> {
    let client = |transport, address| Client { address, transport, listener_view: None, random: 0x1234_5678_9abc_def0 };
    let addresses = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 2, 0, 1])];
    [Transport::Udp, Transport::Tcp, Transport::Grpc]
        .into_iter()
        .flat_map(|transport| addresses.map(|address| client(transport, address)))
        .collect()
}

fn ask_all(table: &Table, queries: &[Vec<u8>], clients: &[Client], batch: &mut [Prepared], reply: &mut [u8]) -> u64 {
    let mut octets = 0;
    for client in clients {
        for query in queries {
            if let Verdict::Reply(length, _) = respond(&table.pin(), client, query, reply) {
                octets += length as u64;
            }
        }
        let pinned = table.pin();
        for (query, prepared) in queries.iter().zip(&mut *batch) {
            prepare(&pinned, client, query, prepared);
        }
        for (query, prepared) in queries.iter().zip(&*batch) {
            let found = find(&pinned, prepared);
            answer(&pinned, client, query, prepared, found, reply);
        }
    }
    octets
}

#[test]
fn answering_allocates_nothing() {
    let table = world::table();
    let (queries, clients) = (queries(), clients());
    let mut batch = vec![Prepared::default(); queries.len()];
    let mut reply = vec![0; 65_535];
    // The first guard of a thread registers the thread with the map and with the Frame's holder: once.
    let octets = ask_all(&table, &queries, &clients, &mut batch, &mut reply);
    assert!(octets > 10_000, "the questions have answers");
    let calls = counted(|| {
        ask_all(&table, &queries, &clients, &mut batch, &mut reply);
    });
    assert_eq!(calls, 0, "allocator calls on the query path");
    assert!(counted(|| drop(vec![1u8])) == 2, "the counter counts");
}
