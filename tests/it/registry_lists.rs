//! Lists of the registry that are not as they should be: an object of another shape, pages that are too large.

use crate::registry::{BOTH, Fleet, OWN, secret, server, sorted, stays_with_both, token};
use crate::support::apiserver::{On, Reply};
use serde_json::json;
use std::time::Duration;

const WEB: &str = "web.shop.svc.clusterset.local";

#[test]
fn an_object_of_another_shape_counted_as_gone() {
    let fleet = Fleet::joined();
    let home = &fleet.home;
    let mut daemon = fleet.start_with_both("");
    let shapeless = json!({"metadata": {"namespace": "fleet", "name": "west"}, "data": 5});
    home.always("secrets", On::List, Reply::list(500, &[shapeless], ""));
    home.always("secrets", On::Watch, Reply::status(410));
    home.end_watches();
    daemon.wait_log(
        "[bad-object]: cluster home: Secret fleet/west: it has not the shape of its kind; its clusters go on",
    );
    let lists = home.count("secrets", On::List);
    // Well beyond `brake.confirmAfter`, and many lists later.
    stays_with_both(&daemon, Duration::from_secs(3));
    assert!(home.count("secrets", On::List) > lists);
    let log = daemon.log();
    assert_eq!(log.matches("its clusters go on being read").count(), 1, "one warning: {log}");
    assert!(!log.contains("are not in the list any more"), "{log}");
    let series = "cluster_findings{source_cluster=\"home\",code=\"bad-object\"}";
    daemon.wait("its figure", || daemon.metric(series).is_some_and(|count| count >= 1.0));

    // Mended: read as it is now.
    home.put(secret("west", OWN, &[("west", &token(&server("10.1.0.3")))]));
    home.unscript("secrets", On::List);
    home.unscript("secrets", On::Watch);
    daemon.wait("the end of the finding", || daemon.metric(series).is_none());
    assert!(daemon.stop().success());
}

#[test]
fn a_page_that_is_too_large_is_asked_for_in_halves() {
    let fleet = Fleet::joined();
    let home = &fleet.home;
    let filler = "x".repeat(3000);
    (0..8).for_each(|n| home.put(secret(&format!("other-{n}"), OWN, &[(&format!("other-{n}"), &filler)])));
    let mut daemon = fleet.start("limits: { cluster: { page: 16Ki } }\n");
    daemon.ask_until(WEB, "A", |reply| sorted(reply) == BOTH);
    let journal = home.journal();
    let lists =
        journal.iter().filter(|request| request.is("secrets", On::List) && request.uri.contains("clusterset-dns"));
    let limits: Vec<&str> = lists.map(|request| request.query["limit"].as_str()).collect();
    assert_eq!(limits[..3], ["100", "50", "25"]);
    assert!(daemon.stop().success());
}

#[test]
fn without_a_grace_the_registry_was_not_waited_for_at_all() {
    let fleet = Fleet::joined();
    // Each of the two collections fails at first.
    fleet.home.script("secrets", On::List, [Reply::status(503), Reply::status(503), Reply::status(503)]);
    let mut daemon = fleet.start_with_both("freshness: { grace: 0 }\n");
    assert!(!daemon.log().contains("not listed within its grace"), "{}", daemon.log());
    assert!(daemon.stop().success());
}

#[test]
fn a_rotation_that_did_not_get_in_sync_was_never_tried_again() {
    let (fleet, next) = (Fleet::joined(), server("10.1.0.3"));
    let mut daemon = fleet.start_with_both("limits: { cluster: { list: 1s } }\n");
    next.always("endpointslices", On::List, Reply::status(403));
    fleet.home.put(secret("west", OWN, &[("west", &token(&next))]));
    daemon.wait_log("cluster west: as it is configured now was not in sync within 2s; it goes on being read as before");
    let lists = next.count("services", On::List);
    daemon.wait("another try", || next.count("services", On::List) > lists);
    assert_eq!(sorted(&daemon.ask(WEB, "A")), BOTH);
    next.unscript("endpointslices", On::List);
    daemon.ask_until(WEB, "A", |reply| {
        assert!(reply.rcode == 0 && reply.addresses.len() == 2, "{reply:?}");
        sorted(reply) == ["10.1.0.1", "10.1.0.3"]
    });
    assert!(daemon.stop().success());
}
