//! One question asked of the responder, and how its reply differs from what is due.

use super::questions::Question;
use crate::wire;
use clusterset_dns::responder::{Client, Transport};
use clusterset_dns::table::Table;
use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Record, RecordType};
use hickory_proto::serialize::binary::BinDecodable;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

/// Asks a few times, for records of a tier rotate; the first difference in words.
pub fn difference(table: &Table, question: &Question, view: &dyn Fn(&str) -> Option<usize>) -> Option<String> {
    (0..7u64).find_map(|random| once(table, question, view, random.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

fn once(table: &Table, question: &Question, view: &dyn Fn(&str) -> Option<usize>, random: u64) -> Option<String> {
    let (client, query) = asked(question, view, random);
    let Some(reply) = wire::reply_to(table, &client, &query) else {
        return Some(format!("{}: no reply", question.place));
    };
    let message = match Message::from_bytes(&reply) {
        Ok(message) => message,
        Err(error) => return Some(format!("{}: the reply does not decode: {error}", question.place)),
    };
    let wrong = compare(question, &message);
    if wrong.is_empty() {
        return None;
    }
    let mut text = format!("{}: dig {} {}\n{}", question.place, question.name, question.rtype, wrong.join("\n"));
    let _ = write!(text, "\n  got {} with", wire::status(&message));
    for record in &message.answers {
        let _ = write!(text, "\n    {}", wire::presentation(record));
    }
    Some(text)
}

fn asked(question: &Question, view: &dyn Fn(&str) -> Option<usize>, random: u64) -> (Client, Vec<u8>) {
    let mut client = Client { random, ..wire::client(Transport::Udp) };
    let mut query = wire::query(&question.name, &question.rtype);
    let mut edns: Option<(u16, Vec<u8>)> = None;
    let mut words = question.options.iter();
    while let Some(word) = words.next() {
        let open = |edns: Option<(u16, Vec<u8>)>| edns.unwrap_or((1232, Vec::new()));
        match word.split_once('=').unwrap_or((word.as_str(), "")) {
            ("+tcp", _) => client.transport = Transport::Tcp,
            ("+grpc", _) => client.transport = Transport::Grpc,
            ("+edns", _) => edns = Some(open(edns)),
            ("+bufsize", size) => edns = Some((size.parse().expect("a size"), open(edns).1)),
            ("+nsid", _) => edns = Some((open(edns.clone()).0, [open(edns).1, vec![0, 3, 0, 0]].concat())),
            ("+subnet", prefix) => edns = Some((open(edns.clone()).0, [open(edns).1, subnet(prefix)].concat())),
            ("-c", _) => {
                let at = query.len() - 2;
                let class: u16 = if words.next().is_some_and(|class| class == "CH") { 3 } else { 255 };
                query[at..].copy_from_slice(&class.to_be_bytes());
            }
            ("-b", _) => client.address = words.next().and_then(|a| a.parse().ok()).expect("an address behind -b"),
            (name, _) if name.starts_with('@') => {
                let number = view(&name[1..]).unwrap_or_else(|| panic!("{}: no view {name}", question.place));
                client.listener_view = Some(number as u8);
            }
            (other, _) => panic!("{}: unknown option {other}", question.place),
        }
    }
    if let Some((size, options)) = edns {
        query[11] = 1;
        query.extend_from_slice(&[0, 0, 41]);
        query.extend_from_slice(&size.to_be_bytes());
        query.extend_from_slice(&[0, 0, 0, 0]);
        query.extend_from_slice(&(options.len() as u16).to_be_bytes());
        query.extend_from_slice(&options);
    }
    (client, query)
}

/// An EDNS client subnet option (RFC 7871 section 6).
fn subnet(prefix: &str) -> Vec<u8> {
    let (address, length) = prefix.split_once('/').expect("ADDRESS/LENGTH");
    let length: u8 = length.parse().expect("a prefix length");
    let (family, octets) = match address.parse().expect("an address") {
        IpAddr::V4(v4) => (1u8, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2u8, v6.octets().to_vec()),
    };
    let octets = &octets[..usize::from(length).div_ceil(8)];
    [&[0, 8, 0, 4 + octets.len() as u8, 0, family, length, 0], octets].concat()
}

fn compare(question: &Question, message: &Message) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |what: &str, expected: String, got: String| {
        if expected != got {
            wrong.push(format!("  {what}: expected {expected}, got {got}"));
        }
    };
    expect("status", question.status.clone(), wire::status(message).to_owned());
    let metadata = &message.metadata;
    let flags = [("aa", metadata.authoritative), ("tc", metadata.truncation), ("ra", metadata.recursion_available)];
    let set: BTreeSet<String> = flags.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect();
    expect("flags", format!("{:?}", question.flags), format!("{set:?}"));
    expect("ede", format!("{:?}", question.ede), format!("{:?}", ede(message)));
    expect("answer", format!("{:#?}", question.answer), format!("{:#?}", grouped(question, &message.answers)));
    let mut section = |what: &str, expected: &BTreeSet<String>, records: &[Record]| {
        let got: BTreeSet<String> = records.iter().map(|record| as_expected(record, expected)).collect();
        expect(what, format!("{expected:#?}"), format!("{got:#?}"));
    };
    section("authority", &question.authority, &message.authorities);
    // Additional records are optional (DNS.md section 5): compared only where the question names some.
    if !question.additional.is_empty() {
        section("additional", &question.additional, &message.additionals);
    }
    wrong
}

/// The answers cut into groups of the sizes of the expected tiers; what is too many stands in a group of its own.
fn grouped(question: &Question, answers: &[Record]) -> Vec<BTreeSet<String>> {
    let mut lines = answers.iter().map(wire::presentation);
    let mut groups: Vec<BTreeSet<String>> =
        question.answer.iter().map(|tier| lines.by_ref().take(tier.len()).collect()).collect();
    groups.extend(lines.map(|line| BTreeSet::from([line])));
    groups
}

/// `OWNER TTL IN SOA` without data matches any serial.
fn as_expected(record: &Record, expected: &BTreeSet<String>) -> String {
    let line = wire::presentation(record);
    let bare = format!("{} {} IN SOA", record.name, record.ttl);
    if record.record_type() == RecordType::SOA && expected.contains(&bare) { bare } else { line }
}

fn ede(message: &Message) -> Option<u16> {
    match message.edns.as_ref()?.options().get(EdnsCode::Unknown(15))? {
        EdnsOption::Unknown(_, octets) => Some(u16::from_be_bytes([*octets.first()?, *octets.get(1)?])),
        _ => None,
    }
}
