//! Asking the responder and reading its replies with hickory-proto, the independent decoder.

use clusterset_dns::responder::{Client, Transport, Verdict, respond};
use clusterset_dns::table::Table;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record};
use std::net::{IpAddr, Ipv4Addr};

/// The number of a record type by its name.
pub fn type_number(name: &str) -> u16 {
    match name {
        "A" => 1,
        "NS" => 2,
        "CNAME" => 5,
        "SOA" => 6,
        "PTR" => 12,
        "MX" => 15,
        "TXT" => 16,
        "AAAA" => 28,
        "SRV" => 33,
        "DS" => 43,
        "HTTPS" => 65,
        "ANY" => 255,
        other => other.trim_start_matches("TYPE").parse().unwrap_or_else(|_| panic!("type {other}")),
    }
}

/// A query with RD clear and without EDNS.
pub fn query(name: &str, rtype: &str) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    query.push(0);
    query.extend_from_slice(&type_number(rtype).to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    query
}

/// Asks for the addresses of `name` over an open connection; the response code.
#[cfg(feature = "kubernetes")]
pub fn rcode_over(stream: &mut std::net::TcpStream, name: &str) -> std::io::Result<u8> {
    use std::io::{Read, Write};
    let query = query(name, "A");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    stream.write_all(&[&(query.len() as u16).to_be_bytes()[..], &query].concat())?;
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(head))];
    stream.read_exact(&mut reply)?;
    Ok(reply[3] & 15)
}

/// The reply to raw octets.
pub fn reply_to(table: &Table, client: &Client, query: &[u8]) -> Option<Vec<u8>> {
    let mut reply = vec![0; 65_535];
    match respond(&table.pin(), client, query, &mut reply) {
        Verdict::Reply(length, _) => {
            reply.truncate(length);
            Some(reply)
        }
        Verdict::Transfer(_) | Verdict::Drop(_) => None,
    }
}

/// A client on loopback.
pub fn client(transport: Transport) -> Client {
    Client { address: IpAddr::V4(Ipv4Addr::LOCALHOST), transport, listener_view: None, random: 0 }
}

/// Asks over TCP, where nothing is cut.
pub fn ask_tcp(table: &Table, name: &str, rtype: &str) -> Vec<u8> {
    reply_to(table, &client(Transport::Tcp), &query(name, rtype)).expect("a well-formed query is answered")
}

/// The rcode in dig's words.
pub fn status(message: &Message) -> &'static str {
    match message.metadata.response_code {
        ResponseCode::NoError => "NOERROR",
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::ServFail => "SERVFAIL",
        ResponseCode::NXDomain => "NXDOMAIN",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::Refused => "REFUSED",
        // RFC 6891 section 9: 16 is BADVERS without TSIG.
        ResponseCode::BADVERS | ResponseCode::BADSIG => "BADVERS",
        other => panic!("rcode {other}"),
    }
}

/// `TTL TYPE DATA`.
pub fn without_owner(record: &Record) -> String {
    let text = match &record.data {
        RData::TXT(txt) => {
            txt.txt_data.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect::<String>()
        }
        other => other.to_string(),
    };
    format!("{} {} {text}", record.ttl, record.record_type())
}

/// `OWNER TTL TYPE DATA`.
pub fn with_owner(record: &Record) -> String {
    format!("{} {}", record.name, without_owner(record))
}

/// The target of an SRV record.
pub fn srv_target(record: &Record) -> Option<String> {
    match &record.data {
        RData::SRV(srv) => Some(srv.target.to_string()),
        _ => None,
    }
}

/// `OWNER TTL IN TYPE DATA`, as in a zone file.
pub fn presentation(record: &Record) -> String {
    let line = without_owner(record);
    let (ttl, rest) = line.split_once(' ').expect("a TTL and the rest");
    format!("{} {ttl} {} {rest}", record.name, record.dns_class)
}
