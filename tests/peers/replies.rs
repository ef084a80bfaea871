//! Replies in a form that can be compared: sections as sets of lines, owner names lower-cased.

use std::collections::{BTreeMap, BTreeSet};

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record};

/// A section as a set of lines `owner ttl type data`.
pub type Section = BTreeSet<String>;

/// One reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Response code in words: `NoError`, `NXDomain` ...
    pub code: String,
    /// The flags AA, TC, RA and AD that are set.
    pub flags: BTreeSet<&'static str>,
    /// Answer section.
    pub answer: Section,
    /// Authority section, the SOA without its serial.
    pub authority: Section,
    /// Additional section, without OPT.
    pub additional: Section,
    /// What no server should do: a record twice, a set with two times to live, another question than the one asked.
    pub faults: Vec<String>,
}

impl Reply {
    /// Reads a reply to `query` off the wire.
    pub fn read(query: &[u8], bytes: &[u8]) -> Result<Reply, String> {
        let message = Message::from_vec(bytes).map_err(|error| format!("unreadable: {error}"))?;
        let mut faults = Vec::new();
        let end = question_end(query);
        if bytes.get(12..end) != query.get(12..end) {
            faults.push("the question is not repeated byte for byte".to_owned());
        }
        let head = message.metadata;
        let flags = [
            ("AA", head.authoritative),
            ("TC", head.truncation),
            ("RA", head.recursion_available),
            ("AD", head.authentic_data),
        ];
        Ok(Reply {
            code: format!("{:?}", head.response_code),
            flags: flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect(),
            answer: section(&message.answers, &mut faults),
            authority: section(&message.authorities, &mut faults),
            additional: section(&message.additionals, &mut faults),
            faults,
        })
    }

    /// A positive response code, and no answer.
    pub fn is_nodata(&self) -> bool {
        self.code == "NoError" && self.answer.is_empty()
    }

    /// The name does not exist.
    pub fn is_nxdomain(&self) -> bool {
        self.code == "NXDomain"
    }

    /// The data of the answers, without owner, time to live and type.
    pub fn data(&self) -> Vec<&str> {
        self.answer.iter().filter_map(|line| line.splitn(4, ' ').nth(3)).collect()
    }

    /// The same reply without what a server may add to a positive one unasked: the zone's NS records and their addresses.
    pub fn without_additions(&self) -> Reply {
        let mut reply = self.clone();
        if !self.answer.is_empty() {
            let targets: BTreeSet<&str> = self.answer.iter().filter_map(|line| line.rsplit(' ').next()).collect();
            reply.authority.clear();
            reply.additional.retain(|line| line.split(' ').next().is_some_and(|owner| targets.contains(owner)));
        }
        reply
    }

    /// The same reply with every SRV weight as `*`.
    pub fn without_weights(&self) -> Reply {
        let answer = self.answer.iter().map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                [owner, ttl, "SRV", priority, _, port, target] => {
                    format!("{owner} {ttl} SRV {priority} * {port} {target}")
                }
                _ => line.clone(),
            }
        });
        Reply { answer: answer.collect(), ..self.clone() }
    }
}

fn question_end(query: &[u8]) -> usize {
    let mut place = 12;
    while query[place] != 0 {
        place += 1 + usize::from(query[place]);
    }
    place + 5
}

fn section(records: &[Record], faults: &mut Vec<String>) -> Section {
    let mut lines = Section::new();
    let mut ttls = BTreeMap::new();
    for record in records {
        let name = record.name.to_string().to_ascii_lowercase();
        let rtype = record.record_type();
        if *ttls.entry((name.clone(), rtype)).or_insert(record.ttl) != record.ttl {
            faults.push(format!("{name} {rtype} has two times to live"));
        }
        let line = format!("{name} {} {rtype} {}", record.ttl, data(&record.data));
        if !lines.insert(line.clone()) {
            faults.push(format!("stands twice: {line}"));
        }
    }
    lines
}

fn data(data: &RData) -> String {
    match data {
        // Serials are each server's own; the names follow the case of the question.
        RData::SOA(soa) => {
            format!("{} {} * {} {} {} {}", soa.mname, soa.rname, soa.refresh, soa.retry, soa.expire, soa.minimum)
                .to_ascii_lowercase()
        }
        RData::NS(name) => name.to_string().to_ascii_lowercase(),
        other => other.to_string(),
    }
}
