//! The answer as sent: the responder is asked, and its octets are read by hickory-proto.

use crate::dns::Name;
use crate::dns::types::rtype;
use crate::responder::{Client, Transport, Verdict, respond};
use crate::table::{PrefixMap, Table};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinDecodable;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};

/// Every type that some name of this server has.
const SERVED: [u16; 8] =
    [rtype::A, rtype::AAAA, rtype::SRV, rtype::CNAME, rtype::TXT, rtype::PTR, rtype::SOA, rtype::NS];

/// Outcome of one type; ordered so that the smallest of several is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Data,
    /// The name exists without this type.
    NoData,
    /// NXDOMAIN.
    Absent,
    /// SERVFAIL: a cluster that could own the name is unknown.
    Unknown,
    Refused,
}

/// One type's answer.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    pub rtype: String,
    pub status: Status,
    /// The answer section in presentation form.
    pub records: Vec<String>,
}

impl Sent {
    /// The status as `dig` words it.
    pub fn words(&self) -> &'static str {
        match self.status {
            Status::Data => "NOERROR",
            Status::NoData => "NOERROR, no data of this type",
            Status::Absent => "NXDOMAIN",
            Status::Unknown => "SERVFAIL, a cluster that could own the name is not known yet",
            Status::Refused => "REFUSED",
        }
    }
}

/// Asks the responder over TCP, from the listener of the view, as a client that `allowQuery` admits.
pub(super) fn sent(table: &Table, name: &Name, rtype: u16, view: u8) -> Sent {
    let client = Client {
        address: admitted(&table.pin().frame().allow_query),
        transport: Transport::Tcp,
        listener_view: Some(view),
        random: 0,
    };
    let mut reply = vec![0; usize::from(u16::MAX)];
    let rtype_name = type_name(rtype);
    let refused = Sent { rtype: rtype_name.clone(), status: Status::Refused, records: Vec::new() };
    let Verdict::Reply(length, _) = respond(&table.pin(), &client, &query(name, rtype), &mut reply) else {
        return refused;
    };
    let Ok(message) = Message::from_bytes(&reply[..length]) else { return refused };
    let records: Vec<String> = message.answers.iter().map(ToString::to_string).collect();
    let status = match message.metadata.response_code {
        ResponseCode::NoError if records.is_empty() => Status::NoData,
        ResponseCode::NoError => Status::Data,
        ResponseCode::NXDomain => Status::Absent,
        ResponseCode::ServFail => Status::Unknown,
        _ => Status::Refused,
    };
    Sent { rtype: rtype_name, status, records }
}

/// An address that may ask: this host's own where everyone may, else the first that is admitted.
fn admitted(allow_query: &PrefixMap) -> IpAddr {
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    if allow_query.is_empty() || allow_query.contains(local) { local } else { allow_query.first().unwrap_or(local) }
}

/// The client as which is asked, where not everyone may ask.
pub(super) fn client(table: &Table) -> Option<String> {
    let pinned = table.pin();
    let allow_query = &pinned.frame().allow_query;
    (!allow_query.is_empty()).then(|| admitted(allow_query).to_string())
}

/// The types of which the name has records in the view, by asking for each type that this server knows. A CNAME, and what
/// it leads to, is the one type CNAME.
pub(super) fn held(table: &Table, name: &Name, view: u8) -> Vec<u16> {
    let has = |wanted: &u16| {
        let sent = sent(table, name, *wanted, view);
        // The first record of an answer stands at the name itself.
        sent.records.first().and_then(|record| record.split_whitespace().nth(3)) == Some(sent.rtype.as_str())
    };
    SERVED.into_iter().filter(has).collect()
}

/// A type's name.
pub(super) fn type_name(rtype: u16) -> String {
    RecordType::from(rtype).to_string()
}

fn query(name: &Name, rtype: u16) -> Vec<u8> {
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(name.wire());
    query.extend_from_slice(&rtype.to_be_bytes());
    query.extend_from_slice(&crate::dns::types::class::IN.to_be_bytes());
    query
}

/// The number of a type by its name, `TYPE65` forms too (RFC 3597 section 5).
pub fn type_number(name: &str) -> Option<u16> {
    let name = name.to_ascii_uppercase();
    if let Some(number) = name.strip_prefix("TYPE") {
        return number.parse().ok();
    }
    if name == "ANY" {
        return Some(rtype::ANY);
    }
    name.parse::<RecordType>().ok().map(u16::from)
}
