//! One question asked of the responder, and how its reply differs from what is due.

use super::query::asked;
use super::questions::Question;
use crate::splitmix::scattered;
use crate::wire;
use clusterset_dns::table::Table;
use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Record, RecordType};
use hickory_proto::serialize::binary::BinDecodable;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The number of a view by its name.
pub type Views<'v> = &'v dyn Fn(&str) -> Option<usize>;

/// Questions asked to measure shares.
const DRAWS: u64 = 10_000;

/// Asks a few times, for records of a tier rotate; the first difference in words.
pub fn difference(table: &Table, question: &Question, view: Views<'_>) -> Option<String> {
    let random = |count: u64| (0..count).map(scattered);
    random(7)
        .find_map(|random| once(table, question, view, random))
        .or_else(|| shares(table, question, view, random(DRAWS)))
}

fn once(table: &Table, question: &Question, view: Views<'_>, random: u64) -> Option<String> {
    let (client, query) = asked(question, view, random);
    let Some(reply) = wire::reply_to(table, &client, &query) else {
        return (question.status != "DROPPED").then(|| format!("{}: no reply", question.place));
    };
    let message = match Message::from_bytes(&reply) {
        Ok(message) => message,
        Err(error) => return Some(format!("{}: the reply does not decode: {error}", question.place)),
    };
    let mut wrong = compare(question, &message);
    wrong.extend(bounds(question, &query, &reply));
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

/// What holds for every reply: the question is repeated octet by octet, and there is an OPT record where the query has
/// one (verdicts from the header alone have neither).
fn bounds(question: &Question, query: &[u8], reply: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let end = 12 + query[12..].iter().position(|octet| *octet == 0).unwrap_or(0) + 5;
    if reply.len() > 12 && reply.get(12..end) != query.get(12..end) {
        wrong.push("  the question is not repeated octet by octet".to_owned());
    }
    let opt = |message: &[u8]| Message::from_bytes(message).is_ok_and(|message| message.edns.is_some());
    if reply.len() > 12 && opt(reply) != (query[11] == 1) {
        wrong.push(format!("  OPT record: {}, in the query: {}", opt(reply), query[11] == 1));
    }
    if question.size.is_some_and(|size| reply.len() > size) {
        wrong.push(format!("  {} octets", reply.len()));
    }
    wrong
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
    let flags = [
        ("aa", metadata.authoritative),
        ("tc", metadata.truncation),
        ("rd", metadata.recursion_desired),
        ("ra", metadata.recursion_available),
        ("ad", metadata.authentic_data),
    ];
    let set: BTreeSet<String> = flags.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect();
    expect("flags", format!("{:?}", question.flags), format!("{set:?}"));
    expect("options", format!("{:?}", question.edns), format!("{:?}", options(message)));
    match question.count {
        Some(count) => {
            let allowed: BTreeSet<&String> = question.answer.iter().flatten().collect();
            let got: BTreeSet<String> = message.answers.iter().map(wire::presentation).collect();
            expect("distinct answers", count.to_string(), got.len().to_string());
            expect(
                "other answers",
                "none".into(),
                got.iter().find(|line| !allowed.contains(line)).cloned().unwrap_or("none".into()),
            );
        }
        None => {
            expect("answer", format!("{:#?}", question.answer), format!("{:#?}", grouped(question, &message.answers)))
        }
    }
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
    let mut lines =
        answers.iter().map(|record| as_expected(record, &question.answer.iter().flatten().cloned().collect()));
    let mut groups: Vec<BTreeSet<String>> =
        question.answer.iter().map(|tier| lines.by_ref().take(tier.len()).collect()).collect();
    groups.extend(lines.map(|line| BTreeSet::from([line])));
    groups
}

/// `OWNER TTL IN SOA` without data matches any serial.
fn as_expected(record: &Record, expected: &BTreeSet<String>) -> String {
    let line = wire::presentation(record);
    if record.record_type() != RecordType::SOA {
        return line;
    }
    let bare = format!("{} {} IN SOA", record.name, record.ttl);
    let words: Vec<&str> = line.split_whitespace().collect();
    let any_serial =
        words.iter().enumerate().map(|(at, word)| if at == 6 { "*" } else { word }).collect::<Vec<_>>().join(" ");
    [bare, any_serial].into_iter().find(|line| expected.contains(line)).unwrap_or(line)
}

/// The options of the reply's OPT record, as the questions write them.
fn options(message: &Message) -> BTreeSet<String> {
    let Some(edns) = &message.edns else { return BTreeSet::new() };
    let option = |(code, option): &(EdnsCode, EdnsOption)| match (u16::from(*code), option) {
        (15, EdnsOption::Unknown(_, octets)) => format!("ede={}", u16::from_be_bytes([octets[0], octets[1]])),
        (8, EdnsOption::Subnet(subnet)) => format!("scope={}", subnet.scope_prefix()),
        (3, EdnsOption::NSID(nsid)) => format!("nsid={}", String::from_utf8_lossy(nsid.as_ref())),
        (3, EdnsOption::Unknown(_, octets)) => format!("nsid={}", String::from_utf8_lossy(octets)),
        (11, EdnsOption::Unknown(_, octets)) => format!("keepalive={}", u16::from_be_bytes([octets[0], octets[1]])),
        (code, _) => format!("option={code}"),
    };
    edns.options().as_ref().iter().map(option).collect()
}

/// How often each address comes first, against the shares that are due, within 2 points.
fn shares(table: &Table, question: &Question, view: Views<'_>, random: impl Iterator<Item = u64>) -> Option<String> {
    if question.shares.is_empty() {
        return None;
    }
    let first = |random| {
        let (client, query) = asked(question, view, random);
        let message = Message::from_bytes(&wire::reply_to(table, &client, &query)?).ok()?;
        message.answers.first().map(|record| record.data.to_string())
    };
    let firsts: Vec<Option<String>> = random.map(first).collect();
    question.shares.iter().find_map(|(address, due)| {
        let hits = firsts.iter().filter(|first| first.as_ref() == Some(address)).count();
        let percent = hits as f64 * 100.0 / DRAWS as f64;
        let off = (percent - f64::from(*due)).abs() > 2.0;
        off.then(|| format!("{}: {address} comes first in {percent:.1} of 100 replies, {due} are due", question.place))
    })
}
