//! Row "a source task or a publish panics": contained, counted, started again; the table goes on serving.

use super::{Build, Fleet, slice};
use clusterset_dns::model::{Kind, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const DB: &str = "db.shop.svc.clusterset.local A";
const SIX: &str = "six.shop.svc.clusterset.local A";
const IN_ORDER: &str = "10.1.0.1 10.2.0.1 10.3.0.1";

#[test]
fn a_source_task_panics() {
    let armed = Arc::new(AtomicBool::new(false));
    let fuse = Arc::clone(&armed);
    let fail = move |kind| {
        assert!(kind != Kind::EndpointSlice || !fuse.swap(false, Ordering::Relaxed), "a panic on purpose");
    };
    let fleet = Fleet::built(&Build { fail_point: Some(Arc::new(fail)), ..Build::default() });
    let prober = fleet.probe(&[DB, SIX]);
    armed.store(true, Ordering::Relaxed);
    fleet.servers.values().for_each(|server| server.end_watches());
    let panics = || fleet.counters.values().map(|counters| counters.panics()).sum::<u64>();
    fleet.wait("the panic is counted", || panics() == 1);
    for name in ["east", "west", "north"] {
        fleet.wait_state(name, State::Fresh);
    }
    // Whichever it was, its slices are read again.
    fleet.servers["east"].put(slice("db", "v4", "10.1.0.9", &["http"]));
    fleet.servers["west"].put(slice("db", "v4", "10.2.0.9", &["http"]));
    fleet.servers["north"].put(slice("db", "v4", "10.3.0.9", &["http"]));
    fleet.wait_answer(DB, "10.1.0.9 10.2.0.9 10.3.0.9");
    let record = prober.stop();
    record.has_no_gap();
    assert_eq!(record.of(SIX), [IN_ORDER]);
    assert_eq!(panics(), 1);
}

static ARMED: AtomicBool = AtomicBool::new(false);

fn stopwatch() -> Duration {
    assert!(!ARMED.swap(false, Ordering::Relaxed), "a panic on purpose");
    Duration::ZERO
}

#[test]
fn a_publish_panics() {
    let fleet = Fleet::built(&Build { stopwatch, ..Build::default() });
    let prober = fleet.probe(&[DB, SIX]);
    ARMED.store(true, Ordering::Relaxed);
    fleet.servers["west"].put(slice("db", "v4", "10.2.0.7", &["http"]));
    fleet.wait("the panic is counted", || fleet.figures.panics.load(Ordering::Relaxed) == 1);
    // Others are published, and so is the service itself when it changes again.
    fleet.servers["north"].put(slice("six", "v4", "10.3.0.9", &["http"]));
    fleet.wait_answer(SIX, "10.1.0.1 10.2.0.1 10.3.0.9");
    fleet.servers["west"].put(slice("db", "v4", "10.2.0.8", &["http"]));
    fleet.wait_answer(DB, "10.1.0.1 10.2.0.8 10.3.0.1");
    let record = prober.stop();
    record.has_no_gap();
    // What was lost with the panic was never answered.
    let known = [IN_ORDER, "10.1.0.1 10.2.0.8 10.3.0.1"];
    assert!(record.of(DB).iter().all(|seen| known.contains(&seen.as_str())), "{:?}", record.of(DB));
    assert!(fleet.is_ready());
}
