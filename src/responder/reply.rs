//! A reply under construction: header, question, sections, OPT.
//!
//! In: the query it answers. Out: octets in the caller's buffer. Room for the OPT record is kept from the start, so
//! that records are cut and the OPT record is not.

use super::prepare::{Prepared, is_stream};
use super::{Client, Transport};
use crate::dns::edns::{OPT, OPTION, option};
use crate::dns::header::{HEADER, flag};
use crate::dns::types::ede;
use crate::dns::{ClientSubnet, Edns, Writer};
use crate::table::Frame;

/// Smallest payload that counts (RFC 6891 section 6.2.3).
const SMALLEST_PAYLOAD: usize = 512;
/// Longest message over a stream.
const LONGEST_MESSAGE: usize = 65_535;
/// Octets of an extended error option.
const EXTENDED_ERROR: usize = OPTION + 2;

/// Which options the reply's OPT record has, the extended error aside.
#[derive(Clone, Copy, Default)]
struct Options {
    nsid: bool,
    subnet: bool,
    keepalive: bool,
}

/// The reply to one query.
pub(super) struct Reply<'b, 'f> {
    pub out: Writer<'b>,
    frame: &'f Frame,
    prepared: &'f Prepared,
    options: Options,
    options_length: usize,
    /// Octets that the whole message may have.
    size: usize,
    pub ede: u16,
    pub truncated: bool,
    pub stale: bool,
    pub answers: u16,
    pub authorities: u16,
    pub additionals: u16,
}

impl<'b, 'f> Reply<'b, 'f> {
    /// Starts a reply with the header and question of `message`.
    #[inline]
    pub fn start(
        frame: &'f Frame,
        client: &Client,
        message: &[u8],
        prepared: &'f Prepared,
        buffer: &'b mut [u8],
    ) -> Self {
        let edns = prepared.query.edns;
        let size = match (is_stream(client.transport), edns) {
            (true, _) => LONGEST_MESSAGE,
            (false, None) => SMALLEST_PAYLOAD,
            (false, Some(edns)) => usize::from(edns.payload.min(frame.udp_max_size)).max(SMALLEST_PAYLOAD),
        };
        let mut size = size.min(buffer.len());
        let mut out = Writer::new(buffer);
        let question = message.get(..prepared.query.question_end).unwrap_or(&[]);
        let truncated = !out.put(question);
        if truncated {
            // A buffer that cannot hold the question: the header alone, as records would point into the question.
            out.put(question.get(..HEADER).unwrap_or(&[]));
            size = out.at();
        }
        let (mut options, mut options_length) = (Options::default(), 0);
        if let Some(edns) = edns {
            if edns.nsid | edns.keepalive | prepared.scope.is_some() {
                let room = size.saturating_sub(out.at() + OPT);
                (options, options_length) = choose_options(frame, client, prepared, edns, room);
            }
            out.set_limit(size.saturating_sub(OPT + options_length));
        } else {
            out.set_limit(size);
        }
        Reply {
            out,
            frame,
            prepared,
            options,
            options_length,
            size,
            ede: 0,
            truncated,
            stale: false,
            answers: 0,
            authorities: 0,
            additionals: 0,
        }
    }

    /// Adds an extended error (RFC 8914) if the client speaks EDNS and there is room; the first one stays.
    pub fn set_ede(&mut self, code: u16) {
        if code == 0 || self.ede != 0 {
            return;
        }
        if self.prepared.query.edns.is_some() && self.out.room() >= EXTENDED_ERROR {
            self.options_length += EXTENDED_ERROR;
            let limit = self.out.limit() - EXTENDED_ERROR;
            self.out.set_limit(limit);
            self.ede = code;
        }
    }

    /// Takes back everything after the question, extended error included.
    pub fn clear(&mut self, question_end: usize) {
        self.out.rewind(question_end);
        (self.answers, self.authorities, self.additionals) = (0, 0, 0);
        (self.truncated, self.stale) = (false, false);
        if self.ede != 0 {
            self.ede = 0;
            self.options_length -= EXTENDED_ERROR;
            let limit = self.out.limit() + EXTENDED_ERROR;
            self.out.set_limit(limit);
        }
    }

    /// Marks rows of a stale cluster (EDE 3).
    #[inline]
    pub fn set_stale(&mut self) {
        self.stale = true;
        self.set_ede(ede::STALE_ANSWER);
    }

    /// Appends an authority record, or sets TC.
    #[inline]
    pub fn authority(&mut self, record: &[u8]) {
        if self.out.put(record) {
            self.authorities += 1;
        } else {
            self.truncated = true;
        }
    }

    /// Writes OPT and header. Returns the length of the message; 0 when not even a header fits.
    #[inline]
    pub fn finish(&mut self, rcode: u8, authoritative: bool) -> usize {
        if let Some(edns) = &self.prepared.query.edns {
            self.out.set_limit(self.size);
            if self.out.room() >= OPT + self.options_length {
                self.out.opt(self.frame.udp_max_size, rcode >> 4, edns.dnssec_ok, self.options_length);
                self.additionals += 1;
                if self.options_length > 0 {
                    self.write_options();
                }
            }
        }
        let length = self.out.at();
        let Some([_, _, flags, counts @ ..]) = self.out.header().filter(|_| length >= HEADER) else { return 0 };
        *flags = *flags & flag::RD
            | flag::QR
            | if authoritative { flag::AA } else { 0 }
            | if self.truncated { flag::TC } else { 0 };
        let [a0, a1] = self.answers.to_be_bytes();
        let [n0, n1] = self.authorities.to_be_bytes();
        let [x0, x1] = self.additionals.to_be_bytes();
        *counts = [rcode & 15, 0, u8::from(length > HEADER), a0, a1, n0, n1, x0, x1];
        length
    }

    #[cold]
    fn write_options(&mut self) {
        if self.options.nsid {
            self.out.option(option::NSID, self.frame.nsid.len());
            self.out.put(&self.frame.nsid);
        }
        let subnet = self.prepared.query.subnet.as_ref().zip(self.prepared.scope);
        if let Some((subnet, scope)) = subnet.filter(|_| self.options.subnet) {
            subnet.write(scope, &mut self.out);
        }
        if self.options.keepalive {
            self.out.option(option::TCP_KEEPALIVE, 2);
            self.out.put(&self.frame.tcp_idle.to_be_bytes());
        }
        if self.ede != 0 {
            self.out.option(option::EXTENDED_ERROR, 2);
            self.out.put(&self.ede.to_be_bytes());
        }
    }
}

/// The options that are due, and their octets; none if they do not fit in `room` together.
#[cold]
fn choose_options(frame: &Frame, client: &Client, prepared: &Prepared, edns: Edns, room: usize) -> (Options, usize) {
    let subnet = prepared.query.subnet.as_ref().filter(|_| prepared.scope.is_some());
    let options = Options {
        nsid: edns.nsid && !frame.nsid.is_empty(),
        subnet: subnet.is_some(),
        keepalive: edns.keepalive && client.transport == Transport::Tcp,
    };
    let nsid = if options.nsid { OPTION + frame.nsid.len() } else { 0 };
    let keepalive = if options.keepalive { OPTION + 2 } else { 0 };
    let length = nsid + keepalive + subnet.map_or(0, ClientSubnet::reply_length);
    if length <= room { (options, length) } else { (Options::default(), 0) }
}
