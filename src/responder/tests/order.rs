//! DNS.md section 3: tiers, rotation, weights.

use super::reading::ask;
use super::world::{asked_by, client, lasts, put, record, set, tiers, world};
use crate::dns::rdata;
use crate::dns::types::rtype;
use crate::responder::Transport;
use crate::table::{RrSet, Table};
use std::collections::BTreeMap;

const DB: &str = "db.shop.svc.clusterset.local";

/// A generator as a worker has one (SplitMix64): fixed seed, so that every run is the same.
fn randoms() -> impl Iterator<Item = u64> {
    let mut state = 42u64;
    std::iter::from_fn(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ mixed >> 31)
    })
}

fn order(table: &Table, owner: &str, random: u64) -> Vec<u8> {
    let from = crate::responder::Client { random, ..client(Transport::Udp) };
    lasts(&asked_by(table, &from, &ask(owner, rtype::A).edns(1232)))
}

#[test]
fn each_tier_rotates_and_keeps_its_place() {
    let table = world();
    let mut first = BTreeMap::new();
    let mut second = BTreeMap::new();
    for random in randoms().take(6000) {
        let seen = order(&table, DB, random);
        let (near, far) = seen.split_at(2);
        assert!([[1, 2], [2, 1]].iter().any(|ring| ring == near), "{seen:?}");
        assert!([[11, 12, 13], [12, 13, 11], [13, 11, 12]].iter().any(|ring| ring == far), "{seen:?}");
        *first.entry(near[0]).or_insert(0) += 1;
        *second.entry((near[0], far[0])).or_insert(0) += 1;
    }
    assert!(first.values().all(|count| (2800..3200).contains(count)), "{first:?}");
    // The tiers turn independently of each other.
    assert!(second.len() == 6 && second.values().all(|count| (850..1150).contains(count)), "{second:?}");
}

#[test]
fn single_addresses_and_sets_without_tiers_stay() {
    let table = world();
    let fixed = RrSet { tiers: Vec::new(), ..tiers(&[(&[5, 6, 7], 0)]) };
    put(&table, "fixed.shop.svc.clusterset.local", vec![fixed]);
    put(&table, "lone.shop.svc.clusterset.local", vec![tiers(&[(&[5], 0), (&[6], 0), (&[7], 1)])]);
    for random in randoms().take(50) {
        assert_eq!(order(&table, "fixed.shop.svc.clusterset.local", random), [5, 6, 7]);
        assert_eq!(order(&table, "lone.shop.svc.clusterset.local", random), [5, 6, 7]);
    }
}

#[test]
fn srv_keeps_its_order_whatever_its_tiers() {
    let table = world();
    let target = super::world::name("t.shop.svc.clusterset.local");
    let records = [1, 2, 3].map(|port| record(rdata::srv(0, 1, port, &target))).to_vec();
    put(&table, "ports.shop.svc.clusterset.local", vec![RrSet { tiers: vec![3], ..set(rtype::SRV, records) }]);
    for random in randoms().take(20) {
        let from = crate::responder::Client { random, ..client(Transport::Udp) };
        let reply = asked_by(&table, &from, &ask("ports.shop.svc.clusterset.local", rtype::SRV));
        let ports: Vec<&str> = reply.answers.iter().map(|line| line.split(' ').nth(5).unwrap()).collect();
        assert_eq!(ports, ["1", "2", "3"]);
    }
}

/// 48 of 64 slots for the first record, 16 for the second, none for the third.
fn weighted() -> RrSet {
    let draw = Box::new(std::array::from_fn(|slot| u16::from(slot % 4 == 3)));
    RrSet { draw: Some(draw), ..tiers(&[(&[1, 2, 3], 0)]) }
}

#[test]
fn the_first_address_is_drawn_by_weight_and_every_address_follows() {
    let table = world();
    put(&table, "w.shop.svc.clusterset.local", vec![weighted()]);
    let mut first = BTreeMap::new();
    for random in randoms().take(8000) {
        let seen = order(&table, "w.shop.svc.clusterset.local", random);
        assert!([[1, 2, 3], [2, 3, 1]].iter().any(|ring| *ring == *seen), "{seen:?}");
        *first.entry(seen[0]).or_insert(0) += 1;
    }
    assert!((5800..6200).contains(&first[&1]) && (1800..2200).contains(&first[&2]), "{first:?}");
}

#[test]
fn a_draw_stays_within_the_first_tier() {
    let table = world();
    let mut set = weighted();
    set.tiers = vec![2, 1];
    put(&table, "w.shop.svc.clusterset.local", vec![set]);
    for random in randoms().take(50) {
        assert_eq!(order(&table, "w.shop.svc.clusterset.local", random)[2], 3);
    }
}

#[test]
fn a_column_is_drawn_and_rotated_too() {
    let table = world();
    let mut seen = BTreeMap::new();
    for random in randoms().take(300) {
        let found = order(&table, "db.shop.svc.west.global", random);
        *seen.entry(found).or_insert(0) += 1;
    }
    assert_eq!(seen.keys().cloned().collect::<Vec<_>>(), [[11, 12, 13], [12, 13, 11], [13, 11, 12]]);
}
