//! Row "clock skew +-1 h, clock steps back": ages are not affected, the serial never goes back.

use crate::daemon::Daemon;
use crate::snapshot::{WEB, World};
use crate::support::faults::Faults;
use serde_json::json;

const HOUR: i64 = 3600;

fn serial(daemon: &Daemon) -> f64 {
    daemon.metric("table_serial{zone=\"clusterset.local.\"}").expect("the zone is served")
}

#[test]
fn clock_skew_and_clock_steps_back() {
    let (mut world, faults) = (World::new(""), Faults::new());
    let program = faults.program();
    let program: Vec<&str> = program.iter().map(String::as_str).collect();
    faults.set_clock(HOUR);
    let mut daemon = world.start_under(&program);
    let ahead = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as f64 + 3000.0;
    assert!(serial(&daemon) > ahead, "the fault works");
    let order = daemon.ask(WEB, "A").addresses;

    let mut before = serial(&daemon);
    for (number, clock) in [0, -HOUR, 2 * HOUR, -2 * HOUR].into_iter().enumerate() {
        faults.set_clock(clock);
        let more = format!("more-{number}");
        world.server.put(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": more},
            "spec": {"clusterIPs": ["10.1.0.11"], "ports": [{"name": "http", "port": 80}]},
        }));
        world.server.put(crate::snapshot::export(&more));
        daemon.wait("the serial moves", || serial(&daemon) != before);
        let now = serial(&daemon);
        assert!(now > before, "{clock}: from {before} to {now}");
        before = now;
        let age = daemon.metric("cluster_contact_age_seconds{source_cluster=\"west\",kind=\"EndpointSlice\"}");
        assert!(age.is_some_and(|age| (0.0..60.0).contains(&age)), "{clock}: {age:?}");
        assert_eq!(daemon.metric("cluster_state{source_cluster=\"west\",state=\"fresh\"}"), Some(1.0), "{clock}");
        let reply = daemon.ask(WEB, "A");
        assert_eq!((reply.addresses, reply.ede), (order.clone(), None), "{clock}");
    }

    // What was written by a clock that was ahead is no older than nothing.
    faults.set_clock(2 * HOUR);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.server.stop();
    faults.set_clock(-HOUR);
    let after = world.start_under(&program);
    assert!(serial(&after) > before, "from {before} to {}", serial(&after));
    let reply = after.ask(WEB, "A");
    assert_eq!((reply.addresses, reply.ede), (order, Some(3)));
    assert!(after.log().contains("last contact 0 s ago"), "{}", after.log());
}
