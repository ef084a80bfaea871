//! Import mode beside CoreDNS's `kubernetes { multicluster }`, on a generated clusterset.

use hickory_proto::rr::RecordType;

use crate::asking::{ask_both, until_it_says};
use crate::coredns::{CoreDns, multicluster};
use crate::differential::coredns_rules::RULES;
use crate::differential::{assert_in_order, compare};
use crate::generated::Generated;
use crate::generated::questions::questions;
use crate::generated::tree::Tree;
use crate::process::{free_port, peers_or_skip, say};
use crate::replies::Reply;

/// How many questions the comparison must ask at least.
const ENOUGH: usize = 20_000;

#[test]
fn a_generated_clusterset_answers_as_in_coredns_but_for_the_listed_rules() {
    let peers = peers_or_skip!();
    let world = Generated::shared(&peers);
    let port = free_port();
    let _coredns = CoreDns::start(&peers, &multicluster(port, &world.east.restricted_kubeconfig(), "east"), port);
    // Until all its sources are read CoreDNS says SERVFAIL to names that it does not know.
    let absent = ("nobody.shop.svc.clusterset.local.".to_owned(), RecordType::A);
    until_it_says(port, &absent, Reply::is_nxdomain);
    let questions = questions(&world.set);
    let [theirs, ours] = ask_both([port, world.server.dns], &questions);
    let tree = Tree::new(&world.set);
    assert_in_order("clusterset.local.", &questions, Some(&tree), &ours);
    // SRV weights are each server's own choice.
    let [theirs, ours] = [theirs, ours].map(|replies| replies.iter().map(Reply::without_weights).collect::<Vec<_>>());
    say(&compare("CoreDNS", &questions, &tree, (&theirs, &ours), RULES));
    assert!(questions.len() >= ENOUGH, "only {} questions", questions.len());
}
