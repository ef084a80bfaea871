//! Our zones as an NSD answers them that has copied them by AXFR, on a generated clusterset.

use hickory_proto::rr::RecordType;

use crate::asking::{ask_both, until_it_says};
use crate::differential::nsd_rules::RULES;
use crate::differential::{assert_in_order, compare};
use crate::generated::Generated;
use crate::generated::questions::{global_questions, questions};
use crate::generated::tree::Tree;
use crate::process::{peers_or_skip, say};
use crate::replies::Reply;
use crate::secondaries::{Secondary, ZONES};

#[test]
fn a_copy_of_the_zones_in_nsd_answers_alike_but_for_the_listed_rules() {
    let peers = peers_or_skip!();
    let world = Generated::shared(&peers);
    let server = world.server.dns;
    let (kind, port) = world.secondary;
    let _nsd = Secondary::start(kind, port, server);
    for zone in ZONES {
        let soa = (format!("{zone}."), RecordType::SOA);
        until_it_says(port, &soa, |reply: &Reply| !reply.answer.is_empty());
    }
    let tree = Tree::new(&world.set);
    let below_global = global_questions(&world.set);
    let mut questions = questions(&world.set);
    let of_clusterset = questions.len();
    questions.extend(below_global);
    let [theirs, ours] = ask_both([port, server], &questions);
    assert_in_order("global.", &questions[of_clusterset..], None, &ours[of_clusterset..]);
    let trimmed = [theirs, ours].map(|replies| replies.iter().map(Reply::without_additions).collect::<Vec<_>>());
    say(&compare("NSD", &questions, &tree, (&trimmed[0], &trimmed[1]), RULES));
}
