//! Explain and the responder cannot disagree: random clustersets, names, types and views; both are asked.

mod questions;
mod world;

use super::*;
use crate::dns::types::rtype;
use crate::publish::Publisher;
use crate::responder::{Client, Transport, Verdict as Reply, respond};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record};
use hickory_proto::serialize::binary::BinDecodable;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Numbers of a worker's generator: the order inside a tier follows them, nothing else may.
const RANDOM: [u64; 4] = [0, 1, 0x9e37_79b9_7f4a_7c15, u64::MAX];

fn explained(publisher: &Publisher, table: &Arc<Table>, name: &Name, rtype: u16, view: u8) -> Explanation {
    let context = Context {
        clusterset: publisher.clusterset(),
        views: publisher.views(),
        settings: publisher.compile_settings(),
        table,
        age: &|_| None,
        brake: publisher.brake(),
        refused: &|cluster| publisher.growth().refused(cluster),
        connections: &|_| Vec::new(),
        why: &|_| None,
        guarding: false,
        waiting: publisher.waiting(),
    };
    explain(&Question { name: name.clone(), rtype: Some(rtype), view }, &context)
}

fn asked(table: &Table, name: &Name, rtype: u16, view: u8, random: u64) -> Message {
    let client =
        Client { address: [192, 0, 2, 1].into(), transport: Transport::Grpc, listener_view: Some(view), random };
    let query = [&[0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], name.wire(), &rtype.to_be_bytes(), &[0, 1]].concat();
    let mut reply = vec![0; 65_535];
    let Reply::Reply(length, _) = respond(&table.pin(), &client, &query, &mut reply) else { panic!("no reply") };
    Message::from_bytes(&reply[..length]).expect("the reply decodes")
}

fn status_of(message: &Message) -> Status {
    match message.metadata.response_code {
        ResponseCode::NoError if message.answers.is_empty() => Status::NoData,
        ResponseCode::NoError => Status::Data,
        ResponseCode::NXDomain => Status::Absent,
        ResponseCode::ServFail => Status::Unknown,
        _ => Status::Refused,
    }
}

fn address_of(record: &Record) -> Option<IpAddr> {
    match &record.data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

/// The decisions that are about the very name: those of the host that owns it, or of its service. `None`: the name is
/// not one of addresses by itself (ports, endpoints, names of the zone).
fn decisive(explanation: &Explanation) -> Option<Vec<&Decision>> {
    let by_port = |story: &HostStory| {
        explanation.name != format!("{}.", story.host)
            && explanation.tree.as_ref().is_some_and(|tree| tree.kind != TreeKind::Wildcard)
    };
    match (&explanation.node, explanation.hosts.iter().find(|story| story.owns), &explanation.service) {
        (Node::Host { .. }, Some(owner), _) => (!by_port(owner)).then(|| owner.decisions.iter().collect()),
        (Node::Service { .. } | Node::Formed { .. }, _, Some(story)) => Some(story.decisions.iter().collect()),
        (Node::Endpoint { cluster: Some(cluster), below, .. }, _, Some(story)) if cluster == below => {
            Some(story.decisions.iter().collect())
        }
        _ => None,
    }
}

/// Address and tier of everything that the explanation says is answered.
fn kept(decisions: &[&Decision], family: u16) -> BTreeMap<IpAddr, u8> {
    let mut kept = BTreeMap::new();
    for decision in decisions.iter().filter(|decision| decision.verdict == KEPT) {
        let addresses = decision.addresses.iter().map(|text| text.parse::<IpAddr>().unwrap());
        let family = addresses.filter(|address| address.is_ipv4() == (family == rtype::A));
        kept.extend(family.map(|address| (address, decision.tier.unwrap())));
    }
    kept
}

fn agrees(publisher: &Publisher, table: &Arc<Table>, name: &Name, rtype: u16, view: u8) -> Result<(), TestCaseError> {
    let explanation = explained(publisher, table, name, rtype, view);
    let told = &explanation.answers[0];
    let context = || format!("{name} {rtype} view {view}\n{}", explanation.to_text());
    let nothing = explanation.tree.as_ref().is_none_or(|tree| tree.kind == TreeKind::Nothing);
    for random in RANDOM {
        let message = asked(table, name, rtype, view, random);
        prop_assert_eq!(told.status, status_of(&message), "{}", context());
        let sent: BTreeSet<String> = message.answers.iter().map(ToString::to_string).collect();
        prop_assert_eq!(&told.records.iter().cloned().collect::<BTreeSet<_>>(), &sent, "{}", context());
        let is_alias = message.answers.iter().any(|record| matches!(record.data, RData::CNAME(_)));
        if is_alias || !matches!(rtype, rtype::A | rtype::AAAA) {
            continue;
        }
        let absent = matches!(told.status, Status::Absent | Status::Unknown | Status::Refused);
        prop_assert_eq!(nothing, absent, "{}", context());
        let Some(decisions) = decisive(&explanation) else { continue };
        let kept = kept(&decisions, rtype);
        let order: Vec<IpAddr> = message.answers.iter().filter_map(address_of).collect();
        let addresses: BTreeSet<IpAddr> = order.iter().copied().collect();
        prop_assert_eq!(kept.keys().copied().collect::<BTreeSet<_>>(), addresses, "{}", context());
        let tiers: Vec<u8> = order.iter().map(|address| kept[address]).collect();
        prop_assert!(tiers.is_sorted(), "{:?} {:?} {}", order, tiers, context());
    }
    let json: serde_json::Value = serde_json::from_str(&explanation.to_json()).expect("JSON");
    prop_assert_eq!(json["answers"][0]["records"].as_array().map(Vec::len), Some(told.records.len()));
    let text = explanation.to_text();
    prop_assert!(told.records.iter().all(|record| text.contains(record.as_str())), "{}", context());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn explain_and_the_responder_never_disagree(
        world in world::world(),
        asked in proptest::collection::vec(questions::question(), 80),
    ) {
        let (publisher, table) = world.publisher();
        for (name, rtype, view) in asked {
            agrees(&publisher, &table, &Name::parse(&name).unwrap(), rtype, view)?;
        }
    }
}
