//! What `explain` gets to hear.

use super::{DB, WEB};
use crate::model::fixture::*;
use crate::model::trace::{Recording, Verdict};
use crate::model::{NoTrace, select};

fn record(world: &World, key: &str, cluster: &str) -> Recording {
    let mut trace = Recording::default();
    let service = world.merge(key);
    let traced = select(&service, &view(cluster), &world.set, &mut trace);
    assert_eq!(traced, select(&service, &view(cluster), &world.set, &mut NoTrace), "listening changes nothing");
    trace
}

/// `cluster addresses: reason` of every note with that verdict.
fn said(trace: &Recording, wanted: fn(Verdict) -> bool) -> Vec<String> {
    let notes = trace.notes.iter().filter(|note| wanted(note.verdict));
    notes
        .map(|note| {
            let cluster = note.cluster.as_ref().map_or("-".to_owned(), ToString::to_string);
            let addresses: Vec<String> = note.addresses.iter().map(ToString::to_string).collect();
            format!("{cluster} {}: {}", addresses.join("+"), note.reason)
        })
        .collect()
}

#[test]
fn every_endpoint_is_kept_or_left_out_with_a_reason_and_a_source() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported_headless(DB, &["10.1.0.1", "10.1.0.2 down"]));
    world.has("west", [export(DB, 2).into()]);
    let trace = record(&world, DB, "east");
    assert_eq!(said(&trace, |verdict| matches!(verdict, Verdict::Kept { .. })), ["east 10.1.0.1: answered"]);
    let out = said(&trace, |verdict| verdict == Verdict::LeftOut);
    assert_eq!(out, ["east 10.1.0.2: not ready", "west : NoService: no Service of that name in this cluster"]);
    let source = trace.notes[0].source.as_ref().unwrap();
    assert_eq!(source.1, at("shop/db-1"));
}

#[test]
fn the_rule_of_each_cluster_is_named() {
    let mut world = World::new(&["east", "west"]);
    world.has("east", exported(WEB, "10.96.0.1", "10.1.0.1")).has("west", [namespace("shop")]);
    let rules = said(&record(&world, WEB, "west"), |verdict| verdict == Verdict::Rule);
    assert_eq!(rules, ["east : reach auto (3): its ready pods, same network and ports"]);
    world.settings(|settings| settings.remote_endpoints = 0);
    let out = said(&record(&world, WEB, "west"), |verdict| verdict == Verdict::LeftOut);
    assert_eq!(out[0], "east 10.1.0.1: beyond `remoteEndpoints`; other views get it");
}
