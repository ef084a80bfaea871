//! hickory-server as fast as its API allows: a handler that finds ready Records in one hash map.
//!
//! In: a zone file as `dig AXFR` prints it (one record per line, absolute names), an address. Out: answers over UDP.
//! Its own zone stores are slower; the map is the kindest comparison.

use anyhow::Context;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Edns, Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{A, AAAA, SOA, SRV};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use std::collections::HashMap;
use std::str::FromStr;

/// The zone: the records of a name by type. Names without records of their own, but with names below, are here too.
struct Zone {
    names: HashMap<LowerName, Vec<(RecordType, Vec<Record>)>>,
    soa: Vec<Record>,
}

impl Zone {
    fn read(path: &str) -> anyhow::Result<Self> {
        let mut zone = Zone { names: HashMap::new(), soa: Vec::new() };
        for line in std::fs::read_to_string(path).with_context(|| path.to_owned())?.lines() {
            if let Some(record) = record(line).with_context(|| line.to_owned())? {
                zone.put(record);
            }
        }
        anyhow::ensure!(!zone.soa.is_empty(), "{path}: no SOA");
        Ok(zone)
    }

    fn put(&mut self, record: Record) {
        if record.record_type() == RecordType::SOA {
            self.soa = vec![record.clone()];
        }
        let mut above = record.name.base_name();
        while !above.is_root() {
            self.names.entry(LowerName::from(above.clone())).or_default();
            above = above.base_name();
        }
        let (owner, rtype) = (LowerName::from(record.name.clone()), record.record_type());
        let sets = self.names.entry(owner).or_default();
        match sets.iter_mut().find(|(of, _)| *of == rtype) {
            Some((_, records)) => records.push(record),
            None => sets.push((rtype, vec![record])),
        }
    }
}

/// A line of `NAME TTL IN TYPE DATA...`; types that the questions do not ask for are left out.
fn record(line: &str) -> anyhow::Result<Option<Record>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, ttl, _class, rtype, data @ ..] = words.as_slice() else { return Ok(None) };
    let data = match (*rtype, data) {
        ("A", [address]) => RData::A(A(address.parse()?)),
        ("AAAA", [address]) => RData::AAAA(AAAA(address.parse()?)),
        ("SRV", [priority, weight, port, target]) => {
            let target = Name::from_str(target)?;
            RData::SRV(SRV::new(priority.parse()?, weight.parse()?, port.parse()?, target))
        }
        ("SOA", [mname, rname, serial, refresh, retry, expire, minimum]) => {
            let (mname, rname) = (Name::from_str(mname)?, Name::from_str(rname)?);
            let times = (refresh.parse()?, retry.parse()?, expire.parse()?, minimum.parse()?);
            RData::SOA(SOA::new(mname, rname, serial.parse()?, times.0, times.1, times.2, times.3))
        }
        _ => return Ok(None),
    };
    Ok(Some(Record::from_rdata(Name::from_str(name)?, ttl.parse()?, data)))
}

#[async_trait::async_trait]
impl RequestHandler for Zone {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut handle: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = true;
        let none = (&[] as &[Record], self.soa.as_slice());
        let (answers, soa) = match request.request_info() {
            Ok(info) => match self.names.get(info.query.name()) {
                Some(sets) => {
                    let found = sets.iter().find(|(rtype, _)| *rtype == info.query.query_type());
                    found.map_or(none, |(_, records)| (records.as_slice(), &[] as &[Record]))
                }
                None => {
                    metadata.response_code = ResponseCode::NXDomain;
                    none
                }
            },
            Err(_) => {
                metadata.response_code = ResponseCode::FormErr;
                (&[] as &[Record], &[] as &[Record])
            }
        };
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if request.edns.is_some() {
            builder.edns(&edns);
        }
        let response = builder.build(metadata, answers, std::iter::empty(), soa, std::iter::empty());
        let failed = Header { metadata, counts: HeaderCounts::default() };
        handle.send_response(response).await.unwrap_or_else(|_| ResponseInfo::from(failed))
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, address] = arguments.as_slice() else { anyhow::bail!("usage: ZONE-FILE ADDRESS:PORT") };
    let zone = Zone::read(path)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut server = Server::new(zone);
        server.register_socket(tokio::net::UdpSocket::bind(address).await?);
        Ok(server.block_until_done().await?)
    })
}
