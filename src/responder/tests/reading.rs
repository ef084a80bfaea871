//! Queries as octets, and replies read back by hickory-proto.

use crate::dns::Name;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

/// A query under construction.
#[derive(Clone)]
pub struct Question {
    pub name: Vec<u8>,
    pub qtype: u16,
    pub qclass: u16,
    pub flags: u16,
    opt: Option<(u16, [u8; 4])>,
    options: Vec<u8>,
    authority: Vec<u8>,
}

/// A question with RD set and without EDNS.
pub fn ask(name: &str, qtype: u16) -> Question {
    Question {
        name: Name::parse(name).unwrap().wire().to_vec(),
        qtype,
        qclass: 1,
        flags: 0x0100,
        opt: None,
        options: Vec::new(),
        authority: Vec::new(),
    }
}

impl Question {
    /// With an OPT record of this payload size.
    pub fn edns(mut self, payload: u16) -> Self {
        self.opt = Some((payload, [0; 4]));
        self
    }

    /// With an OPT record whose TTL field (extended RCODE, version, flags) is `ttl`.
    pub fn edns_ttl(mut self, ttl: [u8; 4]) -> Self {
        self.opt = Some((1232, ttl));
        self
    }

    /// With an EDNS option.
    pub fn option(mut self, code: u16, value: &[u8]) -> Self {
        self.opt = self.opt.or(Some((1232, [0; 4])));
        self.options.extend_from_slice(&code.to_be_bytes());
        self.options.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.options.extend_from_slice(value);
        self
    }

    /// With a SOA record of this serial in the authority section.
    pub fn serial(mut self, serial: u32) -> Self {
        self.authority =
            [&[0xc0, 0x0c, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0][..], &serial.to_be_bytes(), &[0; 16]].concat();
        self
    }

    pub fn class(mut self, qclass: u16) -> Self {
        self.qclass = qclass;
        self
    }

    /// The message, ID 0x1234.
    pub fn wire(&self) -> Vec<u8> {
        let mut wire = vec![0x12, 0x34];
        let counts = [1, 0, u16::from(!self.authority.is_empty()), u16::from(self.opt.is_some())];
        for number in [self.flags].into_iter().chain(counts) {
            wire.extend_from_slice(&number.to_be_bytes());
        }
        wire.extend_from_slice(&self.name);
        wire.extend_from_slice(&self.qtype.to_be_bytes());
        wire.extend_from_slice(&self.qclass.to_be_bytes());
        wire.extend_from_slice(&self.authority);
        if let Some((payload, ttl)) = self.opt {
            wire.extend_from_slice(&[0, 0, 41]);
            wire.extend_from_slice(&payload.to_be_bytes());
            wire.extend_from_slice(&ttl);
            wire.extend_from_slice(&(self.options.len() as u16).to_be_bytes());
            wire.extend_from_slice(&self.options);
        }
        wire
    }
}

/// A reply as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub rcode: String,
    /// `aa`, `tc`, `rd`, in this order; `ra`, `ad`, `cd` if they were set by mistake.
    pub flags: String,
    pub question: String,
    pub answers: Vec<String>,
    pub authorities: Vec<String>,
    pub additionals: Vec<String>,
    /// `size`, then `do`, `nsid=`, `scope=`, `idle=`, `ede=`; empty without OPT.
    pub opt: String,
    pub length: usize,
}

fn line(record: &Record) -> String {
    format!("{} {} {} {}", record.name, record.ttl, record.record_type(), record.data)
}

/// Reads a reply; panics when an independent decoder cannot.
pub fn read(reply: &[u8]) -> Read {
    let message = Message::from_vec(reply).unwrap_or_else(|error| panic!("{error}: {reply:02x?}"));
    let meta = message.metadata;
    assert_eq!((meta.id, meta.message_type), (0x1234, MessageType::Response));
    let flags = [
        (meta.authoritative, "aa"),
        (meta.truncation, "tc"),
        (meta.recursion_desired, "rd"),
        (meta.recursion_available, "ra"),
        (meta.authentic_data, "ad"),
        (meta.checking_disabled, "cd"),
    ];
    let set: Vec<&str> = flags.iter().filter(|(on, _)| *on).map(|(_, text)| *text).collect();
    let lines = |records: &[Record]| records.iter().map(line).collect();
    Read {
        // 16 is BADSIG in TSIG and BADVERS in OPT; the decoder knows one name for it.
        rcode: format!("{:?}", meta.response_code).to_uppercase().replace("BADSIG", "BADVERS"),
        flags: set.join(" "),
        question: message.queries.iter().map(ToString::to_string).collect(),
        answers: lines(&message.answers),
        authorities: lines(&message.authorities),
        additionals: lines(&message.additionals),
        opt: opt(&message),
        length: reply.len(),
    }
}

fn opt(message: &Message) -> String {
    let Some(edns) = &message.edns else { return String::new() };
    let mut parts = vec![edns.max_payload().to_string()];
    if edns.flags().dnssec_ok {
        parts.push("do".to_owned());
    }
    let unknown = |code: u16| match edns.option(EdnsCode::from(code)) {
        Some(EdnsOption::Unknown(_, value)) => Some(value.clone()),
        _ => None,
    };
    if let Some(EdnsOption::NSID(nsid)) = edns.option(EdnsCode::NSID) {
        parts.push(format!("nsid={}", String::from_utf8_lossy(nsid.as_ref())));
    }
    if let Some(EdnsOption::Subnet(subnet)) = edns.option(EdnsCode::Subnet) {
        parts.push(format!("scope={}", subnet.scope_prefix()));
    }
    for (code, text) in [(11, "idle"), (15, "ede")] {
        if let Some(value) = unknown(code) {
            parts.push(format!("{text}={}", u16::from_be_bytes([value[0], value[1]])));
        }
    }
    parts.join(" ")
}
