use super::*;
use crate::telemetry::counters::Counters;
use std::time::Duration;

fn table(total: usize, per_client: usize) -> Arc<Admission> {
    Admission::new(Caps { total, per_client }, Arc::new(Counters::default()), |counters| &counters.tcp)
}

fn from(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

/// Permits in the order in which they were last active.
fn admit_in_order(table: &Arc<Admission>, addresses: &[u8]) -> Vec<Permit> {
    let at = |step: usize| table.start + Duration::from_millis(step as u64);
    let permits: Vec<_> = addresses.iter().map(|last| table.admit(from(*last)).unwrap()).collect();
    for (step, permit) in permits.iter().enumerate() {
        permit.touch(at(step));
    }
    permits
}

#[test]
fn at_the_total_cap_the_oldest_idle_connection_of_anyone_gives_way() {
    let table = table(3, 3);
    let permits = admit_in_order(&table, &[1, 2, 3]);
    permits[0].slot().begin();
    let fourth = table.admit(from(4)).unwrap();
    let closing: Vec<_> = permits.iter().map(|permit| permit.slot().is_closing()).collect();
    assert_eq!(closing, [false, true, false], "the first is busy, the second is the oldest idle one");
    assert!(!fourth.slot().is_closing());
    assert_eq!(table.streams().refusals(), [0, 0, 0, 1]);
}

#[test]
fn at_a_clients_cap_only_its_own_connections_give_way() {
    let table = table(10, 2);
    let permits = admit_in_order(&table, &[1, 2, 2]);
    let _third = table.admit(from(2)).unwrap();
    let closing: Vec<_> = permits.iter().map(|permit| permit.slot().is_closing()).collect();
    assert_eq!(closing, [false, true, false]);
}

#[test]
fn without_an_idle_connection_the_new_one_is_refused() {
    let table = table(2, 1);
    let permits = admit_in_order(&table, &[1, 2]);
    permits.iter().for_each(|permit| permit.slot().begin());
    assert_eq!(table.admit(from(1)).err(), Some(Refusal::Client));
    assert_eq!(table.admit(from(3)).err(), Some(Refusal::Total));
    permits[0].slot().end();
    assert!(table.admit(from(3)).is_ok());
}

#[test]
fn room_is_given_back_once() {
    let table = table(2, 2);
    let mut permits = admit_in_order(&table, &[1, 1]);
    permits.push(table.admit("::ffff:127.0.0.1".parse().unwrap()).unwrap());
    assert_eq!(table.open.load(Ordering::Relaxed), 2, "an IPv4-mapped client is the IPv4 client");
    drop(permits);
    assert_eq!(table.open.load(Ordering::Relaxed), 0);
    assert!(table.clients.is_empty());
    assert_eq!(table.streams().open(), 0);
}

#[tokio::test]
async fn a_connection_hears_of_it_before_or_after_it_waits() {
    let table = table(1, 1);
    let first = table.admit(from(1)).unwrap();
    let slot = Arc::clone(first.slot());
    let waiting = tokio::spawn(async move { slot.told_to_close().await });
    tokio::task::yield_now().await;
    let _second = table.admit(from(1)).unwrap();
    waiting.await.unwrap();
    first.slot().told_to_close().await;
}
