//! The messages of a zone transfer (RFC 5936): every RRset that the `local` view answers, one SOA at each end.
//!
//! In: a [`Moment`] and the query. Out: an iterator of whole messages, each made when it is asked for.
//!
//! What is answered without being stored is written out: formed global names are plain records here. Names without
//! records, rotation and draws have no form in a zone (DNS.md section 5, "AXFR / IXFR").

use super::answer::formed_sets;
use super::outcome::{Outcome, type_slot};
use super::records::RECORD_HEAD;
use crate::dns::header::{HEADER, flag};
use crate::dns::types::{rcode, rtype};
use crate::dns::{Header, Name, Query, Writer};
use crate::table::{Block, Moment, PackedSet};
use std::collections::HashSet;
use std::ops::Range;

/// Messages are filled up to here: every owner in them can be pointed to (RFC 1035 section 4.1.4: 14 bits).
const MESSAGE: usize = 16_384;
/// A record that is longer has a message of its own, up to here.
const LONGEST_MESSAGE: usize = 65_535;
/// Pointer to the question, which is the zone's name.
const ZONE_POINTER: [u8; 2] = [0xc0, HEADER as u8];
/// The view that is transferred.
const LOCAL: u8 = 0;
/// Octets of a record between owner and RDATA.
const BODY_HEAD: usize = 10;

/// One owner name and its records, each without the owner: type, class, TTL, length, RDATA.
#[derive(Default)]
struct Owner {
    /// The labels left of the zone.
    labels: Vec<u8>,
    bodies: Vec<u8>,
    /// Where in `bodies` the next one begins.
    at: usize,
}

/// What comes after the owner that is written now.
enum Next {
    FirstSoa,
    Blocks(usize),
    /// The forms of service `.0`: 0 without a cluster, then one for each cluster that this view knows.
    Formed(usize, usize),
    LastSoa,
    Nothing,
}

/// A transfer under way.
pub struct ZoneCopy {
    moment: Moment,
    zone: Name,
    /// Header and question that each message begins with.
    head: Vec<u8>,
    /// Octets of the OPT record that the first message still has to carry.
    opt: Vec<u8>,
    outcome: Outcome,
    soa: Vec<u8>,
    /// Names in a global zone that a host owns, with records or without: none is formed there.
    stored: HashSet<Box<[u8]>>,
    owner: Owner,
    next: Next,
}

impl ZoneCopy {
    /// The transfer of `moment` in answer to `query`, an AXFR or IXFR question for its zone; `None` when it is not.
    pub fn new(moment: Moment, query: &[u8]) -> Option<Self> {
        let header = Header::read(query)?;
        let mut read = Query::default();
        read.read(query, &header).ok()?;
        let zone = moment.zone()?.name.clone();
        if read.name.wire() != zone.wire() {
            return None;
        }
        let mut head = query.get(..read.question_end)?.to_vec();
        head[2] = flag::QR | flag::AA | header.flags & flag::RD;
        head[3..HEADER].copy_from_slice(&[0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let opt = read.edns.map_or_else(Vec::new, |edns| opt(moment.frame().udp_max_size, edns.dnssec_ok));
        let outcome = Outcome::new(moment.number(), LOCAL, type_slot(read.qtype), rcode::NOERROR)
            .with_dnssec_ok(read.edns.is_some_and(|edns| edns.dnssec_ok));
        let apex = moment.blocks().iter().find(|block| block.name() == zone.wire())?;
        let soa = soa_body(apex, &zone, moment.serial())?;
        let owned = |block: &&Block| block.exists_in(LOCAL) && block.is_owned(LOCAL);
        let wanted = moment.blocks().iter().filter(|_| !moment.services().is_empty());
        let stored = wanted.filter(owned).map(|block| block.name().into()).collect();
        Some(ZoneCopy { zone, head, opt, outcome, soa, stored, owner: Owner::default(), next: Next::FirstSoa, moment })
    }

    /// What the transfer counts as.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Brings the next owner that has records; false at the end.
    fn advance(&mut self) -> bool {
        while self.owner.at >= self.owner.bodies.len() {
            self.owner.bodies.clear();
            self.owner.at = 0;
            match self.next {
                Next::FirstSoa => self.apex_soa(Next::Blocks(0)),
                Next::Blocks(index) => self.block(index),
                Next::Formed(index, form) => self.formed(index, form),
                Next::LastSoa => self.apex_soa(Next::Nothing),
                Next::Nothing => return false,
            }
        }
        true
    }

    fn apex_soa(&mut self, next: Next) {
        self.owner.labels.clear();
        self.owner.bodies.extend_from_slice(&self.soa);
        self.next = next;
    }

    /// All sets of Block `index`, the SOA of the apex excepted.
    fn block(&mut self, index: usize) {
        let Some(block) = self.moment.blocks().get(index) else {
            self.next = Next::Formed(0, 0);
            return;
        };
        self.next = Next::Blocks(index + 1);
        let Some(labels) = block.name().strip_suffix(self.zone.wire()) else { return };
        if !block.exists_in(LOCAL) {
            return;
        }
        self.owner.labels.clear();
        self.owner.labels.extend_from_slice(labels);
        for set in block.sets(LOCAL).filter(|set| set.rtype != rtype::SOA) {
            for record in records(&set) {
                push_body(&mut self.owner.bodies, record, block.name());
            }
        }
    }

    /// Form `form` of service `index` (DNS.md section 2, "Formed names").
    fn formed(&mut self, index: usize, form: usize) {
        let Some(service) = self.moment.services().get(index) else {
            self.next = Next::LastSoa;
            return;
        };
        let clusters = self.moment.frame().clusters();
        let column = match form.checked_sub(1).map(|cluster| clusters.get(cluster)) {
            None => None,
            Some(Some(cluster)) => Some(cluster),
            Some(None) => {
                self.next = Next::Formed(index + 1, 0);
                return;
            }
        };
        self.next = Next::Formed(index, form + 1);
        let hidden = column.is_some_and(|cluster| cluster.views & 1 == 0 || cluster.id.wire().len() == 1);
        let wanted = |set: &PackedSet<'_>, index| column.is_none_or(|cluster| set.cluster(index) == cluster.column);
        let addresses = |set: &PackedSet<'_>| matches!(set.rtype, rtype::A | rtype::AAAA);
        let sets = || formed_sets(service, column.map(|cluster| cluster.column), LOCAL).filter(addresses);
        // First what most forms lack: a service is in few of the clusters.
        if hidden || !service.exists_in(LOCAL) || !sets().any(|set| (0..set.count).any(|row| wanted(&set, row))) {
            return;
        }
        self.owner.labels.clear();
        self.owner.labels.extend_from_slice(&service.name()[..first_labels(service.name(), 2)]);
        if let Some(cluster) = column {
            self.owner.labels.extend_from_slice(b"\x03svc");
            self.owner.labels.extend_from_slice(cluster.id.wire().strip_suffix(&[0]).unwrap_or(&[]));
        }
        if !self.may_be_formed() {
            return;
        }
        for set in sets() {
            for (_, record) in (0u16..).zip(records(&set)).filter(|(row, _)| wanted(&set, *row)) {
                push_body(&mut self.owner.bodies, record, &[]);
            }
        }
    }

    /// False for a name that is too long, owned by a host, or in a zone of its own.
    fn may_be_formed(&self) -> bool {
        let Some(name) = Name::from_wire(&[&self.owner.labels, self.zone.wire()].concat()) else { return false };
        let zone = self.moment.frame().zones_by_length().find(|(_, zone)| name.is_within(&zone.name));
        zone.is_some_and(|(number, _)| number == self.moment.number()) && !self.stored.contains(name.wire())
    }

    /// The next record as it stands in a message in which its owner was last written at `known`; what it costs.
    fn record(&self, known: Option<usize>) -> (Range<usize>, usize) {
        let length = self.owner.bodies.get(self.owner.at + BODY_HEAD - 2..).and_then(<[u8]>::first_chunk);
        let rdata = length.map_or(0, |octets| usize::from(u16::from_be_bytes(*octets)));
        let body = self.owner.at..self.owner.at + BODY_HEAD + rdata;
        let owner = if known.is_some() { 2 } else { self.owner.labels.len() + 2 };
        let cost = owner + body.len();
        (body, cost)
    }
}

impl Iterator for ZoneCopy {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if !self.advance() {
            return None;
        }
        let opt = std::mem::take(&mut self.opt);
        let mut message = Vec::with_capacity(MESSAGE);
        message.extend_from_slice(&self.head);
        let mut answers = 0u16;
        let mut known = None;
        while self.advance() {
            if self.owner.at == 0 {
                known = None;
            }
            let (body, cost) = self.record(known);
            let limit = if answers == 0 { LONGEST_MESSAGE } else { MESSAGE };
            if message.len() + cost + opt.len() > limit {
                if answers > 0 {
                    break;
                }
                // No reply can carry it either, beside the same question.
                self.owner.at = body.end;
                continue;
            }
            match known {
                Some(at) => message.extend_from_slice(&(0xc000 | at as u16).to_be_bytes()),
                None => {
                    known = Some(message.len()).filter(|_| !self.owner.labels.is_empty());
                    message.extend_from_slice(&self.owner.labels);
                    message.extend_from_slice(&ZONE_POINTER);
                }
            }
            message.extend_from_slice(&self.owner.bodies[body.clone()]);
            answers += 1;
            self.owner.at = body.end;
        }
        message[6..8].copy_from_slice(&answers.to_be_bytes());
        message[11] = u8::from(!opt.is_empty());
        message.extend_from_slice(&opt);
        Some(message)
    }
}

/// The complete records of a set.
fn records<'a>(set: &PackedSet<'a>) -> impl Iterator<Item = &'a [u8]> {
    let (set, mut rest) = (*set, set.records());
    (0..set.count).map_while(move |index| {
        let (record, tail) = rest.split_at_checked(set.length(index))?;
        rest = tail;
        Some(record)
    })
}

/// Appends a stored record without its owner. Names in NS data point into the question, which is `owner` where the
/// record is stored: they are written out.
fn push_body(bodies: &mut Vec<u8>, record: &[u8], owner: &[u8]) {
    let (Some(head), Some(rdata)) = (record.get(2..RECORD_HEAD), record.get(RECORD_HEAD..)) else { return };
    if head.starts_with(&rtype::NS.to_be_bytes()) {
        let (name, _) = written_out(rdata, owner);
        push_plain(bodies, head, &name);
    } else {
        push_plain(bodies, head, rdata);
    }
}

fn push_plain(bodies: &mut Vec<u8>, head: &[u8], rdata: &[u8]) {
    bodies.extend_from_slice(&head[..head.len().min(BODY_HEAD - 2)]);
    bodies.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
    bodies.extend_from_slice(rdata);
}

/// The SOA record of the zone with this serial.
fn soa_body(apex: &Block, zone: &Name, serial: u32) -> Option<Vec<u8>> {
    let set = apex.set(LOCAL, rtype::SOA)?;
    let record = records(&set).next()?;
    let (head, rdata) = (record.get(2..RECORD_HEAD)?, record.get(RECORD_HEAD..)?);
    let (mut names, end) = written_out(rdata, zone.wire());
    let (rname, end_of_names) = written_out(rdata.get(end..)?, zone.wire());
    names.extend_from_slice(&rname);
    names.extend_from_slice(&serial.to_be_bytes());
    names.extend_from_slice(rdata.get(end + end_of_names + 4..)?);
    let mut body = Vec::new();
    push_plain(&mut body, head, &names);
    Some(body)
}

/// The name at the start of `rdata` with its pointer into the question `owner` followed, and where it ends in `rdata`.
fn written_out(rdata: &[u8], owner: &[u8]) -> (Vec<u8>, usize) {
    let mut at = 0;
    while let Some(length @ 1..=63) = rdata.get(at) {
        at += 1 + usize::from(*length);
    }
    let labels = rdata.get(..at).unwrap_or(&[]);
    match rdata.get(at..).and_then(<[u8]>::first_chunk::<2>) {
        Some([high @ 0xc0..=0xff, low]) => {
            let target = usize::from(u16::from_be_bytes([high & 0x3f, *low])).saturating_sub(HEADER);
            ([labels, owner.get(target..).unwrap_or(&[0])].concat(), at + 2)
        }
        _ => ([labels, &[0]].concat(), at + 1),
    }
}

/// Octets of the first `count` labels of a wire name.
fn first_labels(name: &[u8], count: usize) -> usize {
    (0..count).fold(0, |at, _| at + name.get(at).map_or(0, |length| 1 + usize::from(*length))).min(name.len())
}

/// An OPT record.
fn opt(payload: u16, dnssec_ok: bool) -> Vec<u8> {
    let mut octets = [0; crate::dns::edns::OPT];
    let mut out = Writer::new(&mut octets);
    out.opt(payload, 0, dnssec_ok, 0);
    octets.to_vec()
}
